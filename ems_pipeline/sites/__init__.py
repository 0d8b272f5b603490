"""What a site is: its place, grid connection, tariff, devices and the limits nobody may exceed.

`site` is the whole; its frozen records are `electric` (PV, batteries, chargers), `thermal` (house, tank, heat pump),
`machines` (gensets, switchboards, machines with a window), `planner` (how it is planned, and who plans beside), `fuel`
(what engines burn), `wiring` (grid, fuses, gateways, devices), `tariff` (dated contract terms) and `schedule` (what the
owner wants at fixed hours). `asset` and `modes` say what can be asked of a part, `wish` what is asked, `goal` what a
plan is to reach, `record` what all records share.
`loader` turns a YAML file plus environment variables into a `Site`, or into one message that lists every fault with its
remedy. Add a field here when a fact belongs to the installation; facts that change by the minute are telemetry.

    alarm_limit   values of a genset whose crossing is an alarm
    demand        inputs by which a grid operator asks for less
    document      YAML read strictly
    files         a folder of them, followed by a process that lives long
    faults        what is wrong with a file, in the words of its owner
    hours         windows of the wall clock on some days
    timed         a site as it is in one quarter-hour
    fleet         batteries that are planned and told as one
    protocol      what a protocol needs of files and maps, a record for each
    market_zones  bidding zones whose prices can be had
    place         where a site stands, against its time zone
    revised       a file changed in some of its values, comments and all
    channel       what a document that comes over a channel may not change
    nearby        addresses that somebody may name over a channel
"""

from ems_pipeline.sites.asset import Asset
from ems_pipeline.sites.demand import DemandInput
from ems_pipeline.sites.electric import (
    Battery,
    Charger,
    ChargeTaper,
    EfficiencyBand,
    EfficiencyStep,
    EmptyTaper,
    PvArray,
)
from ems_pipeline.sites.fleet import Fleet
from ems_pipeline.sites.loader import SiteFileError, load_site, load_sites
from ems_pipeline.sites.machines import DailyWindow, DeferrableLoad, Genset, Switchboard
from ems_pipeline.sites.planner import PlanningPolicy
from ems_pipeline.sites.schedule import Schedule
from ems_pipeline.sites.site import ControlPolicy, Site
from ems_pipeline.sites.tariff import FixedTariff, Tariff, TariffPeriod
from ems_pipeline.sites.thermal import HeatPump, HotWater, House
from ems_pipeline.sites.wiring import Device, FuseGroup, Gateway, GridConnection, GridTerms, HybridInverter, LoadGroup

__all__ = [
    "Asset",
    "Battery",
    "ChargeTaper",
    "Charger",
    "ControlPolicy",
    "DailyWindow",
    "DeferrableLoad",
    "DemandInput",
    "Device",
    "EfficiencyBand",
    "EfficiencyStep",
    "EmptyTaper",
    "FixedTariff",
    "Fleet",
    "FuseGroup",
    "Gateway",
    "Genset",
    "GridConnection",
    "GridTerms",
    "HeatPump",
    "HotWater",
    "House",
    "HybridInverter",
    "LoadGroup",
    "PlanningPolicy",
    "PvArray",
    "Schedule",
    "Site",
    "SiteFileError",
    "Switchboard",
    "Tariff",
    "TariffPeriod",
    "load_site",
    "load_sites",
]
