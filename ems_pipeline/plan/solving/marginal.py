"""What a kWh more would be worth where, and which limits bind.

Marginal values are duals of the linear problem with fixed switches: money per kWh more demand at the meter, per kWh
more in a battery, per kelvin more in a heat store.
"""

from __future__ import annotations

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.model import Block
from ems_pipeline.plan.model.build import Built
from ems_pipeline.plan.result.plan import Marginals
from ems_pipeline.plan.solving.second import Settled

H = units.SLOT_HOURS
DUAL_TOLERANCE = 1e-6
PHYSICS = ("balance", "steps", "start", "house or tank", "enough to be off")
"""Names (or their ends) of rows that define quantities rather than limit them."""
STATES = (" energy", " temperature")


def marginals(built: Built, settled: Settled, slots: int) -> Marginals:
    """Read the duals."""
    dual = settled.money.row_dual
    rows = {block.name: block for block in built.model.row_blocks}
    stored = [-_of(dual, block) for name, block in rows.items() if name.endswith(" energy balance")]
    heat = [-_of(dual, block) for name, block in rows.items() if name.endswith(" heat balance")]
    return Marginals(
        dual[built.balance] / H,
        np.array(stored) if stored else np.zeros((0, slots)),
        np.array(heat) if heat else np.zeros((0, slots)),
        tuple(_binding(built, settled, slots)),
    )


def _of(values: Array, block: Block) -> Array:
    return np.asarray(values[block.first : block.first + block.count])


def _binding(built: Built, settled: Settled, slots: int) -> list[str]:
    """Names of limits that hold back the objective, per slot."""
    names: list[list[str]] = [[] for _ in range(slots)]
    for block in built.model.row_blocks:
        if block.first >= len(settled.money.row_dual) or block.name.endswith(PHYSICS):
            continue
        for at in np.flatnonzero(np.abs(_of(settled.money.row_dual, block)) > DUAL_TOLERANCE):
            names[block.slots[at]].append(block.name)
    for block in built.model.column_blocks:
        if block.first < len(settled.money.column_dual):
            _bounds(block, settled, names)
    return ["; ".join(found) for found in names]


def _bounds(block: Block, settled: Settled, names: list[list[str]]) -> None:
    """Columns at a bound with a price on it; a power at zero or a fixed switch is not worth a word."""
    dual = _of(settled.money.column_dual, block)
    open_ = _of(settled.arrays.upper, block) > _of(settled.arrays.lower, block)
    for at in np.flatnonzero((dual < -DUAL_TOLERANCE) & open_):
        names[block.slots[at]].append(f"{block.name} at most")
    if block.name.endswith(STATES):
        for at in np.flatnonzero((dual > DUAL_TOLERANCE) & open_):
            names[block.slots[at]].append(f"{block.name} at least")
