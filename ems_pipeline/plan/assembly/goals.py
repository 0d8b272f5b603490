"""What people want reached, as fields of the problem; energy and departure of cars are in the sessions already.

Of two goals of an asset that hold in a slot the later filed counts, and counts whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.plan.assembly.inputs import PlanInputs
from ems_pipeline.plan.assembly.spans import slots_of
from ems_pipeline.plan.problem import ChargingSession, ComfortBand, Window
from ems_pipeline.sites import HeatPump
from ems_pipeline.sites.goal import Goal, Source

SUN_WORTH = 2.0
"""A kWh of the sun in a car that waits for it is worth so many times the dearest price: more than sold or stored,
less than a cold house. What the sun does not give is missing, and nothing can be done about it."""


def sourced(session: ChargingSession, inputs: PlanInputs, dearest: float) -> ChargingSession:
    """A session with what it may draw from anywhere, and where it should not wait.

    Above the price its owner would pay that is nothing, unless a goal says what it is to be charged from.
    """
    usual_w, steady = np.full(len(inputs.starts), session.max_w), np.zeros(len(inputs.starts), dtype=bool)
    if session.most_price_per_kwh is not None:
        usual_w[np.asarray(inputs.buy_per_kwh) > session.most_price_per_kwh] = 0.0
    anywhere_w = usual_w.copy()
    told = {Source.ANY: session.max_w, Source.SOLAR: 0.0, Source.MIN_SOLAR: session.min_w}
    for goal, first, end in _holding(session.charger, inputs):
        anywhere_w[first:end] = usual_w[first:end] if goal.source is None else told[goal.source]
        steady[first:end] = goal.source is Source.MIN_SOLAR
    here = anywhere_w[session.first : session.end]
    if (here >= session.max_w).all():
        return session
    price = session.unmet_price_per_kwh
    return dataclasses.replace(
        session,
        anywhere_w=anywhere_w,
        steady=tuple(Window(int(t), int(t) + 1) for t in np.flatnonzero(steady)),
        unmet_price_per_kwh=price if here.any() else min(price, SUN_WORTH * dearest),
    )


def _holding(asset: str, inputs: PlanInputs) -> Iterator[tuple[Goal, int, int]]:
    """Goals of an asset with the slots they touch, in the order they were filed."""
    for goal in inputs.goals:
        first, end = slots_of(goal.from_at, goal.until_at, inputs.starts, whole=False)
        if goal.asset == asset and first < end:
            yield goal, first, end


def comfort_bands(pump: HeatPump, inputs: PlanInputs) -> Iterator[ComfortBand]:
    """Bands that goals give the house of a heat pump.

    A slot's temperature is that of its end: in the last slot of a goal it is the usual one, so that a house that may
    be cold until an instant is warm at that instant.
    """
    for goal in inputs.goals:
        last = time_grid.ceil_slot(goal.until_at) - time_grid.SLOT
        first, end = slots_of(goal.from_at, last, inputs.starts, whole=False)
        if goal.asset == pump.key and first < end:
            low_c = pump.house.comfort_min_c if goal.comfort_min_c is None else goal.comfort_min_c
            high_c = pump.house.comfort_max_c if goal.comfort_max_c is None else goal.comfort_max_c
            yield ComfortBand(first, end, low_c, high_c)


def kept_at_end_c(wanted_c: float, bands: Sequence[ComfortBand], slots: int) -> float:
    """The temperature wanted at the end of the horizon; no more than a band that holds there asks for."""
    return min([wanted_c, *(band.min_c for band in bands if band.end == slots)])
