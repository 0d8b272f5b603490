"""What is to be planned, as plain arrays, and the door that refuses what no plan can be made of.

problem.py  prices, limits, needs, the horizon             devices.py  cars, heat pumps, machines
batteries.py  cells, what happens to them
gensets.py  generating sets, switchboards                  accept.py   the door: each fault by field, slot, remedy
misfits.py  what fields have to be to each other
"""

from ems_pipeline.plan.problem.batteries import (
    BatteryStore,
    ChargeBand,
    EmptyTaper,
    KeptWithin,
    PowerStep,
    Taper,
)
from ems_pipeline.plan.problem.devices import (
    NO_FLOOR_C,
    ChargingSession,
    ComfortBand,
    DeferrableRun,
    EnergyBy,
    Fuse,
    HeatPumpUnit,
    HeatStore,
    HybridInverter,
    PvSource,
    Window,
    covered,
)
from ems_pipeline.plan.problem.gensets import GensetUnit, Switchboard
from ems_pipeline.plan.problem.problem import TIES, Course, DemandEvent, GridLimits, PreviousPower, Problem, Unmet

__all__ = [
    "NO_FLOOR_C",
    "TIES",
    "BatteryStore",
    "ChargeBand",
    "ChargingSession",
    "ComfortBand",
    "Course",
    "DeferrableRun",
    "DemandEvent",
    "EmptyTaper",
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
