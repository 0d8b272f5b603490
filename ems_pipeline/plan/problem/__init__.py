"""What is to be planned, as plain arrays, and the door that refuses what no plan can be made of.

problem.py  prices, limits, needs, the horizon             devices.py  batteries, cars, heat pumps, machines
gensets.py  generating sets, switchboards                  accept.py   the door: each fault by field, slot, remedy
misfits.py  what fields have to be to each other
"""

from ems_pipeline.plan.problem.devices import (
    NO_FLOOR_C,
    BatteryStore,
    ChargeBand,
    ChargingSession,
    ComfortBand,
    DeferrableRun,
    EnergyBy,
    Fuse,
    HeatPumpUnit,
    HeatStore,
    HybridInverter,
    KeptWithin,
    PowerStep,
    PvSource,
    Taper,
    Window,
    covered,
)
from ems_pipeline.plan.problem.gensets import GensetUnit, Switchboard
from ems_pipeline.plan.problem.problem import Course, DemandEvent, GridLimits, PreviousPower, Problem, Unmet

__all__ = [
    "NO_FLOOR_C",
    "BatteryStore",
    "ChargeBand",
    "ChargingSession",
    "ComfortBand",
    "Course",
    "DeferrableRun",
    "DemandEvent",
    "EnergyBy",
    "Fuse",
    "GensetUnit",
    "GridLimits",
    "HeatPumpUnit",
    "HeatStore",
    "HybridInverter",
    "KeptWithin",
    "PowerStep",
    "PreviousPower",
    "Problem",
    "PvSource",
    "Switchboard",
    "Taper",
    "Unmet",
    "Window",
    "covered",
]  # fmt: skip
