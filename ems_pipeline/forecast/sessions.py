"""When a car will stand at a charger and how much it will want: stated habits first, measured sessions as they come.

By weekday of arrival: the probability that it comes at all, when, for how long, and the energy. Measured days outweigh
the stated habit gradually, so that one holiday does not erase it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from ems_pipeline import local_time, time_grid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.sites import Charger
from ems_pipeline.units import slot_energy_wh

HABIT_DAYS = 3.0
"""A stated habit weighs as much as so many measured weekdays."""
HABIT_CERTAINTY = 0.9
"""Probability behind a stated weekday before anything is measured; a weekday not stated has one minus this."""
WEEKS = 12
MIN_STAY = timedelta(minutes=15)
MAX_STAY = timedelta(days=7)
"""Shorter is a plug tried twice, longer a plug forgotten (both are in every recorded data set): no habit."""
SILENT_SLOTS = 4
SESSIONS: dict[str, pl.DataType] = {
    "arrival_at": INSTANT,
    "departure_at": INSTANT,
    "energy_wh": pl.Float64(),
}


@dataclass(frozen=True)
class Habit:
    """One weekday of arrival. ``stay`` is the time plugged in; ``measured_days`` count with and without the car."""

    weekday: int
    probability: float
    arrival: time
    stay: timedelta
    energy_wh: float
    measured_days: int


@dataclass(frozen=True)
class ExpectedSession:
    """A car that will probably come: ``[arrival_at, departure_at)``, energy wanted by departure, how likely."""

    charger: str
    arrival_at: datetime
    departure_at: datetime
    energy_wh: float
    probability: float


def stated_habits(charger: Charger) -> list[Habit]:
    """What the site file says, one habit per weekday 0..6 (Monday first)."""
    stay_minutes = (_minute(charger.usual_departure) - _minute(charger.usual_arrival)) % (24 * 60) or 24 * 60
    return [
        Habit(
            weekday,
            HABIT_CERTAINTY if weekday in charger.usual_weekdays else 1 - HABIT_CERTAINTY,
            charger.usual_arrival,
            timedelta(minutes=stay_minutes),
            charger.usual_energy_wh,
            0,
        )
        for weekday in range(7)
    ]


def measured_sessions(quarters: pl.DataFrame) -> pl.DataFrame:
    """Finished sessions from what a charger said each quarter-hour.

    Args:
        quarters: ``[starts_at, is_plugged_in, power_w]`` in order of time; null is a quarter-hour without answer, of
            which up to `SILENT_SLOTS` in a row count as the one before.

    Returns:
        ``[arrival_at, departure_at, energy_wh]`` (UTC, Wh). A stay whose arrival or departure nobody saw is left out,
        and so is one whose energy is not known in every quarter-hour.
    """
    if quarters.is_empty():
        return pl.DataFrame(schema=SESSIONS)
    plugged = pl.col("is_plugged_in").forward_fill(SILENT_SLOTS)
    stays = (
        quarters.set_sorted("starts_at")
        .upsample("starts_at", every="15m")
        .with_columns(is_plugged_in=plugged, stay=plugged.rle_id())
        .group_by("stay", maintain_order=True)
        .agg(
            is_plugged_in=pl.col("is_plugged_in").first(),
            arrival_at=pl.col("starts_at").first(),
            departure_at=pl.col("starts_at").last() + time_grid.SLOT,
            energy_wh=pl.when(pl.col("power_w").is_not_null().all()).then(slot_energy_wh(pl.col("power_w")).sum()),
        )
    )
    seen = ~pl.col("is_plugged_in").shift(1) & ~pl.col("is_plugged_in").shift(-1)
    return stays.filter(pl.col("is_plugged_in"), seen, pl.col("energy_wh").is_not_null()).select(*SESSIONS)


def measured_habits(charger: Charger, sessions: pl.DataFrame, site_zone: ZoneInfo, now: datetime) -> list[Habit]:
    """Habits by weekday from finished sessions, leaning on the stated ones in proportion to what is missing.

    Args:
        sessions: ``[arrival_at, departure_at, energy_wh]`` of this charger (UTC, Wh), as known at ``now``. Unfinished,
            shorter than `MIN_STAY` or longer than `MAX_STAY` rows are left out.
    """
    stated = stated_habits(charger)
    days = _one_per_day(sessions, site_zone, now)
    if days.is_empty():
        return stated
    today = time_grid.local_day(now, site_zone)
    oldest = max(days["day"].to_list()[0], today - timedelta(weeks=WEEKS))
    watched = time_grid.days(oldest, today - timedelta(days=1))
    return [_blend(habit, days.filter(pl.col("day") >= oldest), watched) for habit in stated]


def _one_per_day(sessions: pl.DataFrame, site_zone: ZoneInfo, now: datetime) -> pl.DataFrame:
    """One row per civil day of arrival: the stay of the session with most energy, the energy of all of them."""
    stay = pl.col("departure_at") - pl.col("arrival_at")
    local = pl.col("local")
    finished = sessions.filter(
        pl.col("departure_at") <= now, stay >= MIN_STAY, stay <= MAX_STAY, pl.col("energy_wh") > 0
    )
    return (
        finished.with_columns(local=local_time.wall(pl.col("arrival_at"), site_zone))
        .sort("energy_wh", descending=True)
        .group_by(local.dt.date().alias("day"), maintain_order=True)
        .agg(
            minute=(local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute().cast(pl.Int32)).first(),
            stay=stay.first(),
            energy_wh=pl.col("energy_wh").sum(),
        )
        .sort("day")
    )


def _blend(habit: Habit, days: pl.DataFrame, watched: Sequence[date]) -> Habit:
    seen = days.filter(pl.col("day").dt.weekday() - 1 == habit.weekday)
    count = sum(day.weekday() == habit.weekday for day in watched)
    probability = (seen.height + HABIT_DAYS * habit.probability) / (count + HABIT_DAYS)
    if seen.is_empty():
        return Habit(habit.weekday, probability, habit.arrival, habit.stay, habit.energy_wh, count)
    measured = seen.height / (seen.height + HABIT_DAYS)
    minute = measured * _median(seen["minute"]) + (1 - measured) * _minute(habit.arrival)
    stay_s = measured * _median(seen["stay"].dt.total_seconds()) + (1 - measured) * habit.stay.total_seconds()
    energy_wh = measured * _median(seen["energy_wh"]) + (1 - measured) * habit.energy_wh
    arrival = time(*divmod(round(minute) % (24 * 60), 60))
    return Habit(habit.weekday, probability, arrival, timedelta(seconds=round(stay_s)), energy_wh, count)


def _median(values: pl.Series) -> float:
    return float(values.cast(pl.Float64).to_numpy().mean()) if len(values) < 3 else float(values.median())  # type: ignore[arg-type]


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def expected_sessions(
    charger: Charger, habits: Sequence[Habit], site_zone: ZoneInfo, now: datetime, until: datetime, least: float = 0.5
) -> list[ExpectedSession]:
    """Sessions that overlap ``[now, until)``, at least ``least`` probable, in order of arrival, on the slot grid.

    A session already running at ``now`` by habit is included with its past arrival: whether the car is really there is
    telemetry, and the caller knows it.
    """
    by_weekday = {habit.weekday: habit for habit in habits}
    first = time_grid.local_day(now, site_zone) - timedelta(days=max(h.stay for h in habits).days + 1)
    sessions = []
    for day in time_grid.days(first, time_grid.local_day(until, site_zone)):
        habit = by_weekday[day.weekday()]
        arrival = time_grid.floor_slot(time_grid.local_instant(day, habit.arrival, site_zone))
        departure = _departure(day, habit, arrival, site_zone)
        if habit.probability >= least and departure > time_grid.utc(now) and arrival < time_grid.utc(until):
            sessions.append(ExpectedSession(charger.key, arrival, departure, habit.energy_wh, habit.probability))
    return sessions


def _departure(day: date, habit: Habit, arrival: datetime, site_zone: ZoneInfo) -> datetime:
    """Departure by the wall clock: a car that leaves at seven does so after a night of 23 or 25 hours, too."""
    minutes = _minute(habit.arrival) + round(habit.stay.total_seconds() / 60)
    leaving_day = day + timedelta(days=minutes // (24 * 60))
    leaving = time(*divmod(minutes % (24 * 60), 60))
    departure = time_grid.floor_slot(time_grid.local_instant(leaving_day, leaving, site_zone))
    return max(departure, arrival + time_grid.SLOT)


def presence(sessions: Sequence[ExpectedSession], slots: Sequence[datetime]) -> pl.DataFrame:
    """Probability that the car is plugged in, per slot: ``[starts_at, probability]``."""
    likely = [
        max((s.probability for s in sessions if s.arrival_at <= at < s.departure_at), default=0.0) for at in slots
    ]
    return pl.DataFrame(
        {"starts_at": list(slots), "probability": likely},
        schema={"starts_at": INSTANT, "probability": pl.Float64},
    )
