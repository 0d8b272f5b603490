"""What a wish for a generating set would change against the plan: fuel, hours and starts for energy at the meter.

As the planner counts them: an hour of turning costs fuel and service, a kWh its fuel, a start its price with lead and
cool-down, and a set that has to warm up gives nothing until it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise, takewhile

from ems_pipeline import time_grid, units
from ems_pipeline.api.reading import Row
from ems_pipeline.sites import Genset
from ems_pipeline.sites.modes import GensetMode
from ems_pipeline.web.preview import Effect, Part, Wanted

HOUR_S = 3600


@dataclass(frozen=True)
class Around:
    """Whether the set is to turn just before a wish and just after it; None: the plan ends there."""

    before: bool
    after: bool | None


def of_genset(
    genset: Genset, slots: Sequence[Row], planned: Sequence[Part], wanted: Wanted, day: date
) -> Effect | None:
    """A set that runs or stands; None where its gas has no price on the local day.

    Told to run without a power it gives its least, as control has it; locked out it stands, whatever is wished.
    """
    try:
        fuel = genset.fuel_on(day)
    except LookupError:
        return None
    runs = wanted.mode == GensetMode.RUN and not genset.locked_out
    around = _around(slots, planned, wanted)
    most_w = min(max(wanted.limits.get("power_w", 0.0), genset.min_power_w), genset.max_power_w) if runs else 0.0
    turned_h = sum((runs - _turns(part.asset)) * part.share * units.SLOT_HOURS for part in planned)
    starts = _starts(around, [runs] * len(planned)) - _starts(around, [_turns(part.asset) for part in planned])
    turned_h += starts * (genset.lead_s + genset.cool_down_s) / HOUR_S
    engine = starts * genset.price_of_start + turned_h * (fuel.idle_per_h + genset.service_cost_per_h)
    meter = grid_kwh = 0.0
    for part, given_w in zip(planned, _given_w(genset, planned, around, most_w), strict=True):
        money, kwh = part.meter(part.planned_w - given_w)
        engine += part.kwh(given_w - part.planned_w) * fuel.per_kwh
        meter, grid_kwh = meter + money, grid_kwh + kwh
    return Effect(meter + engine, grid_kwh, engine_cost=engine)


def _turns(asset: Row) -> bool:
    return bool(asset["mode"] == GensetMode.RUN)


def _around(slots: Sequence[Row], planned: Sequence[Part], wanted: Wanted) -> Around:
    """By the plan: a wish that begins or ends within a quarter-hour has the rest of it around it."""
    by_start = {slot["starts_at"]: slot for slot in slots}

    def turns(at: object) -> bool | None:
        found = [_turns(one) for one in by_start.get(at, {"assets": ()})["assets"] if one["asset"] == wanted.asset]
        return found[0] if found else None

    first, last = planned[0], planned[-1]
    before = turns(first.slot["starts_at"] - time_grid.SLOT) if wanted.from_at == first.slot["starts_at"] else None
    ends_at = last.slot["starts_at"] + time_grid.SLOT
    after = turns(ends_at) if wanted.until_at >= ends_at else _turns(last.asset)
    return Around(_turns(first.asset) if before is None else before, after)


def _starts(around: Around, turning: Sequence[bool]) -> int:
    path = [around.before, *turning, *(() if around.after is None else (around.after,))]
    return sum(here and not earlier for earlier, here in pairwise(path))


def _given_w(genset: Genset, planned: Sequence[Part], around: Around, most_w: float) -> Iterator[float]:
    """Mean power per part; nothing while it warms up, which a set that turns does as long as the plan says."""
    warming_h = genset.warm_up_minutes / 60
    if around.before:
        still = takewhile(lambda part: _turns(part.asset) and part.planned_w <= 0, planned)
        warming_h = sum(part.share * units.SLOT_HOURS for part in still)
    for part in planned:
        held_h = part.share * units.SLOT_HOURS
        cold_h = min(held_h, warming_h)
        warming_h -= cold_h
        yield most_w * (1 - cold_h / held_h)
