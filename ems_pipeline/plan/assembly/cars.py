"""What a site file wants of the cars at a charger besides their energy at departure, as fields of a session."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from datetime import datetime

from ems_pipeline import time_grid, units
from ems_pipeline.plan.problem import ChargingSession, EnergyBy
from ems_pipeline.sites import Charger


def with_steps(
    session: ChargingSession, charger: Charger, had_wh: float, starts: list[datetime], zone: str
) -> ChargingSession:
    """A session with what it should have at once, and by times of the day within its stay; ``had_wh`` it has had."""
    wanted = [*_at_once(session, charger, had_wh), *_by_the_clock(session, charger, had_wh, starts, zone)]
    steps = [dataclasses.replace(one, energy_wh=min(one.energy_wh, session.energy_wh)) for one in wanted]
    return dataclasses.replace(session, on_the_way=tuple(one for one in steps if one.energy_wh > 0))


def charging_on(session: ChargingSession, charger: Charger, slots: int) -> ChargingSession:
    """A session that takes more than it wants, at a price; not where it is not to wait, nor beyond the horizon.

    What can wait until after the horizon is worth the price after it: there the plan that sees the departure decides.
    """
    price = charger.charge_on_below_per_kwh
    if price is None or session.steady or session.later_wh > 0 or session.end >= slots:
        return session
    more_wh = charger.charge_on_wh
    return dataclasses.replace(
        session, energy_wh=session.energy_wh + more_wh, later_wh=more_wh, later_value_per_kwh=price
    )


def _at_once(session: ChargingSession, charger: Charger, had_wh: float) -> Iterator[EnergyBy]:
    """As soon as its charger can give it."""
    needed_wh = charger.at_once_wh - had_wh
    slots = math.ceil(needed_wh / float(units.slot_energy_wh(session.max_w)) - 1e-9)
    if needed_wh > 0 and session.first + slots <= session.end:
        yield EnergyBy(session.first + slots, needed_wh)


def _by_the_clock(
    session: ChargingSession, charger: Charger, had_wh: float, starts: list[datetime], zone: str
) -> Iterator[EnergyBy]:
    where = time_grid.zone(zone)
    for step in charger.on_the_way:
        for t in range(session.first + 1, session.end):
            local = starts[t].astimezone(where).time()
            if (local.hour, local.minute) == (step.by.hour, step.by.minute - step.by.minute % 15):
                yield EnergyBy(t, step.energy_wh - had_wh)
