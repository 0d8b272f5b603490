"""What energy still stored at the end of the horizon is worth: one rule for daily and rolling plans.

The price after the horizon is taken as given, or else as the median over the horizon's last day of what a kWh is worth
at the site: the buying price in slots that lack energy, the selling price (at least 0) in slots that have too much.
A kWh in the cells then replaces ``discharge efficiency`` of a bought one, less wear.
"""

from __future__ import annotations

import numpy as np

from ems_pipeline.plan.record import Array

LAST_SLOTS = 96


def price_after_horizon(buy_per_kwh: Array, sell_per_kwh: Array, surplus_w: Array) -> float:
    """Money per kWh at the bus after the horizon; ``surplus_w`` is PV less load per slot."""
    worth = np.where(surplus_w > 0, np.maximum(sell_per_kwh, 0.0), buy_per_kwh)
    return float(np.median(worth[-LAST_SLOTS:]))


def cells(price_per_kwh: float, discharge_efficiency: float, wear_per_kwh: float) -> float:
    """Money per kWh in a battery's cells, never below 0."""
    return max(0.0, (price_per_kwh - wear_per_kwh) * discharge_efficiency)


def kelvin(price_per_kwh: float, capacity_wh_per_k: float, cop: Array) -> float:
    """Money per kelvin of a heat store: the electricity that heating it later would take."""
    return max(0.0, price_per_kwh * capacity_wh_per_k / 1000.0 / float(np.mean(cop[-LAST_SLOTS:])))
