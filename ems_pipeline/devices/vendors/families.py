"""One table of device families: `driver:` of a point map -> how such a device obeys, and how it answers over HTTP."""

from __future__ import annotations

from ems_pipeline.devices.driver.document import Dialect
from ems_pipeline.devices.driver.translation import Family
from ems_pipeline.devices.vendors import loxone
from ems_pipeline.devices.vendors.by_recipe import RECIPE
from ems_pipeline.devices.vendors.deye import DEYE
from ems_pipeline.devices.vendors.local_chargers import GO_E, GO_E_DIALECT, WIFI_DIALECT
from ems_pipeline.devices.vendors.marstek import MARSTEK
from ems_pipeline.devices.vendors.ocpp import OCPP
from ems_pipeline.devices.vendors.samsung import SAMSUNG
from ems_pipeline.devices.vendors.teltonika import TELTONIKA

FAMILIES: dict[str, Family] = {
    "deye": DEYE,
    "teltonika": TELTONIKA,
    "samsung": SAMSUNG,
    "loxone": loxone.LOXONE,
    "recipe": RECIPE,
    "ocpp": OCPP,
    "go-e": GO_E,
    "evse-wifi": TELTONIKA,  # a current per phase, 0 to pause
    "marstek": MARSTEK,
    "smartgen": Family(),
    "meter": Family(),
}
"""How a family obeys; a `meter` only measures."""
DIALECTS: dict[str, Dialect] = {"loxone": loxone.DIALECT, "go-e": GO_E_DIALECT, "evse-wifi": WIFI_DIALECT}
"""How a family answers over HTTP; every other one says plain JSON."""
