"""Where the solver starts: the switches of the plan before this one, as far as they can be told from its powers.

A start shortens the search for a first good plan; what counts as good enough stays the same. Switches it does not name
(new slots, the meter, machines that run once) and all powers are decided by the solver; a start that is no longer
possible is dropped by it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ems_pipeline.plan.build import Built
from ems_pipeline.plan.model import Index
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.record import Array


def start(problem: Problem, built: Built) -> tuple[Index, Array] | None:
    """Switch columns and their values; None where the previous plan says nothing of any switch."""
    before = {previous.key: previous.power_w > 0 for previous in problem.previous}
    found: list[tuple[Index, Array]] = []
    for unit, heating in zip(problem.heat_pumps, built.heat_pumps, strict=True):
        # Whether house or tank was heated is not told by the power.
        if unit.key in before and unit.tank is None and heating.house.on is not None:
            found.append(_known(heating.house.on, heating.house.slots, before[unit.key]))
    for car, charging in zip(problem.sessions, built.sessions, strict=True):
        if car.charger in before and charging.power.on is not None:
            found.append(_known(charging.power.on, charging.power.slots, before[car.charger]))
    for genset, generating in zip(problem.gensets, built.gensets, strict=True):
        if genset.key in before:
            loaded = before[genset.key]
            ahead = [np.append(loaded[k:], np.zeros(k, dtype=bool)) for k in range(genset.warm_up_slots + 1)]
            found.append(_known(generating.on, generating.power.slots, np.any(ahead, axis=0)))
    columns = [part for part, _ in found if len(part)]
    if not columns:
        return None
    return np.concatenate(columns), np.concatenate([values for part, values in found if len(part)])


def _known(columns: Index, slots: Index, was_on: NDArray[np.bool_]) -> tuple[Index, Array]:
    """Of a machine's switches those in slots the previous plan covers."""
    covered = slots < len(was_on)
    return columns[covered], was_on[slots[covered]].astype(float)
