"""What a site is: its place, grid connection, tariff, devices and the limits nobody may exceed.

`model` holds the frozen records, `tariff` the dated contract terms, `schedule` what the owner wants at fixed hours,
`modes` what assets can be asked, `loader` turns a YAML file plus environment
variables into a `Site` or into one message that lists every fault with its remedy. Add a field here when a fact
belongs to the installation; facts that change by the minute are telemetry.
"""

from ems_pipeline.sites.loader import SiteFileError, load_site, load_sites
from ems_pipeline.sites.model import (
    Battery,
    Charger,
    ChargeTaper,
    ControlPolicy,
    DailyWindow,
    DeferrableLoad,
    Device,
    EfficiencyBand,
    EfficiencyStep,
    FuseGroup,
    Gateway,
    Genset,
    GridConnection,
    HeatPump,
    HotWater,
    House,
    HybridInverter,
    PlanningPolicy,
    PvArray,
    Site,
)
from ems_pipeline.sites.schedule import Schedule
from ems_pipeline.sites.tariff import Tariff, TariffPeriod

__all__ = [
    "Battery",
    "ChargeTaper",
    "Charger",
    "ControlPolicy",
    "DailyWindow",
    "DeferrableLoad",
    "Device",
    "EfficiencyBand",
    "EfficiencyStep",
    "FuseGroup",
    "Gateway",
    "Genset",
    "GridConnection",
    "HeatPump",
    "HotWater",
    "House",
    "HybridInverter",
    "PlanningPolicy",
    "PvArray",
    "Schedule",
    "Site",
    "SiteFileError",
    "Tariff",
    "TariffPeriod",
    "load_site",
    "load_sites",
]
