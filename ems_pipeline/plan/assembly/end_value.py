"""What energy still stored at the end of the horizon is worth: one rule for daily and rolling plans.

The price after the horizon is taken as given, or else from what a kWh is worth at the site over the horizon's last day:
the buying price in slots that lack energy, the selling price (at least 0) in slots that have too much. Cells wait for
the dear slots, so theirs is the price only a tenth of the lacking slots exceeds; heat and cars cannot choose as well
and take the median of all. A kWh in the cells then replaces ``discharge efficiency`` of a bought one, less wear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline.arrays import Array

LAST_SLOTS = 96
DEAR = 0.9
"""Quantile of the price at which stored energy is used."""


@dataclass(frozen=True)
class AfterHorizon:
    """Money per kWh at the bus after the horizon: for what can wait in cells, and for what must be used soon."""

    cells_per_kwh: float
    other_per_kwh: float

    @classmethod
    def of(cls, buy_per_kwh: Array, sell_per_kwh: Array, surplus_w: Array) -> AfterHorizon:
        """By the rule, from the last day of a horizon; ``surplus_w`` is PV less load per slot."""
        last = slice(-LAST_SLOTS, None)
        buy, sell, surplus = buy_per_kwh[last], sell_per_kwh[last], surplus_w[last]
        lacking = buy[surplus <= 0]
        # Where no slot is forecast to lack energy, one will all the same: the forecast errs.
        dear = float(np.quantile(lacking if len(lacking) else buy, DEAR, method="inverted_cdf"))
        return cls(dear, typical_price(buy, sell, surplus))


def typical_price(buy_per_kwh: Array, sell_per_kwh: Array, surplus_w: Array) -> float:
    """Median over all slots of what a kWh is worth at the bus; ``surplus_w`` is PV less load per slot."""
    return float(np.median(np.where(surplus_w > 0, np.maximum(sell_per_kwh, 0.0), buy_per_kwh)))


def cells(price_per_kwh: float, discharge_efficiency: float, wear_per_kwh: float) -> float:
    """Money per kWh in a battery's cells, never below 0."""
    return max(0.0, (price_per_kwh - wear_per_kwh) * discharge_efficiency)


def kelvin(price_per_kwh: float, capacity_wh_per_k: float, cop: Array) -> float:
    """Money per kelvin of a heat store: the electricity that heating it later would take."""
    return max(0.0, price_per_kwh * capacity_wh_per_k / 1000.0 / float(np.mean(cop[-LAST_SLOTS:])))
