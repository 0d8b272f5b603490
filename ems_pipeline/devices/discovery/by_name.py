"""What says itself what it is: batteries that answered a broadcast, and Home Assistant. Nothing is written.

Home Assistant is asked for two pages, without a token: the manifest of its frontend says its name (`/manifest.json`),
and where that is not served, its REST interface refuses strangers in the words of its server (`/api/`: 401, "401:
Unauthorized"; developers.home-assistant.io/docs/api/rest).
"""

from __future__ import annotations

import json
import re

from ems_pipeline import http
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.map_file import readable_maps
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.sites import Gateway
from ems_pipeline.sites.protocol import PROTOCOLS

NAME = "Home Assistant"
REFUSAL = b"401: Unauthorized"


def battery_maps(model: str) -> list[tuple[str, str]]:
    """Maps of batteries that answer a broadcast, with their titles; those of this model first."""
    letter = re.match(r"venus\s*-?([a-z])", model.lower())
    ending = f"-{letter[1]}" if letter else ""
    found = [(one.map, one.title) for one in readable_maps() if PROTOCOLS[one.protocol].found_by == "broadcast"]
    return sorted(found, key=lambda one: not (ending and one[0].endswith(ending)))


def is_home_assistant(gateway: Gateway) -> bool:
    """Whether Home Assistant answers at an address.

    Raises:
        DeviceFault: nobody answers there.
    """
    base = f"{'https' if gateway.port == 443 else 'http'}://{gateway.host}:{gateway.port}"
    return _named(base, gateway.timeout_s) or _refuses(base, gateway.timeout_s)


def _named(base: str, timeout_s: float) -> bool:
    try:
        said = json.loads(http.get(f"{base}/manifest.json", None, None, timeout_s, 0))
    except http.HttpError as error:
        if error.status is None:
            raise DeviceFault(Quality.NO_ANSWER, str(error)) from None
        return False
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("name") == NAME


def _refuses(base: str, timeout_s: float) -> bool:
    try:
        http.get(f"{base}/api/", None, None, timeout_s, 0)
    except http.HttpError as error:
        return error.status == 401 and error.body.startswith(REFUSAL)
    return False
