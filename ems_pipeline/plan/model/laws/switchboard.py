"""Sets on one busbar: equal percent of their rating, and a spare for the step when the mains fails."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.switching import Switched
from ems_pipeline.plan.problem import GensetUnit, Switchboard

Loaded = tuple[GensetUnit, Switched]
"""A set, and its columns."""


def equal_share(model: Model, board: Switchboard, sets: Sequence[Loaded]) -> None:
    """``|p_i / max_i - p_j / max_j| <= 2 - carrying_i - carrying_j``: the controllers even what both carry."""
    for (one, first), (other, second) in combinations(sets, 2):
        for sign in (1.0, -1.0):
            name = f"{board.key} equal share of {one.key} and {other.key}"
            rows = model.rows(name, first.slots, -np.inf, 2.0)
            for unit, power, side in ((one, first, sign), (other, second, -sign)):
                model.add(rows, power.above, side / units.kilo(unit.max_w))
                power.carry(model, rows, 1.0 + side * unit.min_w / unit.max_w)


def spare(model: Model, board: Switchboard, sets: Sequence[Loaded]) -> None:
    """``sum_j (max_j carrying_j - p_j) >= spare * carrying_i``: whoever runs, together they could give so much more."""
    if board.spare_w <= 0:
        return
    for unit, loaded in sets:
        rows = model.rows(f"{board.key} spare beside {unit.key}", loaded.slots, 0.0, np.inf)
        for other, power in sets:
            model.add(rows, power.above, -1.0)
            kept_kw = units.kilo(board.spare_w) if other is unit else 0.0
            power.carry(model, rows, units.kilo(other.max_w - other.min_w) - kept_kw)
