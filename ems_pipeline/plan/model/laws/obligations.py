"""What machines that were switched lately still have to do when the horizon begins, and the power that comes of it."""

from __future__ import annotations

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import ChargingSession, GensetUnit, HeatPumpUnit, Problem, SwitchedLoad, covered

Keeping = GensetUnit | HeatPumpUnit | SwitchedLoad
"""Machines that, once switched, stay so for a while."""


def must_run(unit: Keeping, slots: int) -> int:
    """For how many of the first slots a machine that runs must go on; lock-outs, service, a window's end stop it.

    A heat pump without a least power has no on and off to keep.
    """
    if not unit.was_on or unit.state_slots is None or not is_switched(unit):
        return 0
    left = min(slots, max(0, unit.min_run_slots - unit.state_slots))
    if isinstance(unit, GensetUnit):
        blocked = np.flatnonzero(may_turn(unit, slots)[:left] == 0)
        left = int(blocked[0]) if len(blocked) else left
        if unit.run_hours_left is not None:
            left = min(left, int((unit.run_hours_left + unit.over_hours) / units.SLOT_HOURS + 1e-9))
    if isinstance(unit, SwitchedLoad):
        closed = np.flatnonzero(may_run(unit, slots)[:left] == 0)
        left = int(closed[0]) if len(closed) else left
    return left


def must_pause(unit: Keeping, slots: int) -> int:
    """For how many of the first slots a machine that was switched off must stay off."""
    if unit.was_on is not False or unit.state_slots is None or not is_switched(unit):
        return 0
    return min(slots, max(0, unit.min_pause_slots - unit.state_slots))


def is_switched(unit: Keeping) -> bool:
    """Whether the machine is either off or at a power above zero; a set turns or stands also without load."""
    return isinstance(unit, GensetUnit) or unit.min_w > 0


def still_warming(unit: GensetUnit) -> int:
    """In how many of the first slots a set that turns does not carry load yet."""
    if not unit.was_on or unit.state_slots is None:
        return 0
    return max(0, unit.warm_up_slots - unit.state_slots)


def allowed(unit: GensetUnit | ChargingSession | SwitchedLoad, slots: int) -> Array:
    """1 where the set may turn, the car may charge, the load may run; 0 in quiet hours, lock-outs, what is blocked."""
    may = np.ones(slots)
    for window in unit.blocked:
        may[window.first : window.end] = 0.0
    return may


def may_turn(unit: GensetUnit, slots: int) -> Array:
    """1 where the set may be on: not where it is blocked, nor just before, if it would still cool down there."""
    may = allowed(unit, slots)
    if unit.cool_down_h:
        may[:-1] *= may[1:]
    return may


def may_run(unit: SwitchedLoad, slots: int) -> Array:
    """1 where a window of the load is open and nothing blocks it."""
    return allowed(unit, slots) * covered(unit.wanted, slots)


def given_w(problem: Problem) -> Array:
    """Least power of sets that must go on running and are warm, W per slot."""
    total = np.zeros(problem.slots)
    for unit in problem.gensets:
        total[still_warming(unit) : must_run(unit, problem.slots)] += unit.min_w
    return total


def drawn_w(problem: Problem) -> Array:
    """Least power of heat pumps and switched loads that must go on running, W per slot."""
    total = np.zeros(problem.slots)
    units_on: tuple[Keeping, ...] = (*problem.heat_pumps, *problem.switched)
    for unit in units_on:
        total[: must_run(unit, problem.slots)] += unit.min_w
    return total


def first(slots: int, count: int) -> Array:
    """1 in the first ``count`` of ``slots``."""
    return (np.arange(slots) < count).astype(float)
