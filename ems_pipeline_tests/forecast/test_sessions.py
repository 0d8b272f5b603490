"""Cars: stated habits until measured, measured ones afterwards, wall clock over clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.forecast import sessions
from ems_pipeline.sites import Charger

PRAGUE = ZoneInfo("Europe/Prague")
CAR = Charger(
    key="car",
    usual_arrival=time(17, 15),
    usual_departure=time(7, 0),
    usual_energy_wh=14000,
    usual_weekdays=(0, 1, 2, 3, 4),
)
TRONDHEIM = Path(__file__).parents[3] / "shared" / "data" / "ev" / "no_trondheim_sessions.parquet"


def evenings(first: date, days: int, arrival: time, hours: float, energy_wh: float) -> pl.DataFrame:
    at = [time_grid.local_instant(first + timedelta(days=i), arrival, PRAGUE) for i in range(days)]
    schema = {"arrival_at": pl.Datetime("us", "UTC"), "departure_at": pl.Datetime("us", "UTC"), "energy_wh": pl.Float64}
    return pl.DataFrame(
        {"arrival_at": at, "departure_at": [a + timedelta(hours=hours) for a in at], "energy_wh": [energy_wh] * days},
        schema=schema,
    )


def test_stated_habits_give_the_stated_sessions_on_stated_weekdays() -> None:
    now = datetime(2026, 3, 13, 12, tzinfo=UTC)  # Friday
    got = sessions.expected_sessions(CAR, sessions.stated_habits(CAR), PRAGUE, now, now + timedelta(days=4))
    assert [s.arrival_at for s in got] == [
        datetime(2026, 3, 13, 16, 15, tzinfo=UTC),
        datetime(2026, 3, 16, 16, 15, tzinfo=UTC),
    ]
    assert got[0].departure_at == datetime(2026, 3, 14, 6, tzinfo=UTC)
    assert got[0].energy_wh == 14000


@pytest.mark.parametrize("day", [date(2025, 10, 25), date(2026, 3, 28)])
def test_a_car_leaves_by_the_wall_clock_after_a_night_of_another_length(day: date) -> None:
    every_day = CAR.model_copy(update={"usual_weekdays": tuple(range(7))})
    noon = time_grid.local_instant(day, time(12), PRAGUE)
    got = sessions.expected_sessions(
        every_day, sessions.stated_habits(every_day), PRAGUE, noon, noon + timedelta(hours=20)
    )
    assert got[0].departure_at.astimezone(PRAGUE).time() == time(7, 0)


def test_a_session_of_last_night_is_still_expected_in_the_morning() -> None:
    now = datetime(2026, 3, 14, 4, tzinfo=UTC)
    got = sessions.expected_sessions(CAR, sessions.stated_habits(CAR), PRAGUE, now, now + timedelta(hours=1))
    assert [s.arrival_at for s in got] == [datetime(2026, 3, 13, 16, 15, tzinfo=UTC)]


def test_twelve_measured_weeks_outweigh_the_stated_habit() -> None:
    """84 evenings at 20:00, 10 h, 8 kWh: 12 per weekday against 3 stated; 0.8 * 20:00 + 0.2 * 17:15 = 19:27."""
    first = date(2025, 12, 22)
    rows = evenings(first, 84, time(20), 10, 8000)
    now = datetime(2026, 3, 16, 12, tzinfo=UTC)
    habits = sessions.measured_habits(CAR, rows, PRAGUE, now)
    monday = habits[0]
    assert monday.measured_days == 12
    assert monday.arrival == time(19, 27)
    assert monday.energy_wh == pytest.approx(0.8 * 8000 + 0.2 * 14000)
    assert habits[6].probability == pytest.approx((12 + 3 * 0.1) / 15)
    assert all(0 < h.probability <= 1 for h in habits)


def test_days_without_the_car_lower_its_probability() -> None:
    rows = evenings(date(2025, 12, 22), 84, time(20), 10, 8000)
    half = rows.filter(pl.int_range(pl.len()) % 14 < 7)  # every second week away
    now = datetime(2026, 3, 16, 12, tzinfo=UTC)
    full, less = (sessions.measured_habits(CAR, r, PRAGUE, now)[1].probability for r in (rows, half))
    assert less < 0.65 < full


def test_forgotten_plugs_retries_and_the_future_are_no_habit() -> None:
    now = datetime(2026, 3, 16, 12, tzinfo=UTC)
    odd = pl.concat(
        [
            evenings(date(2026, 3, 1), 1, time(9), 9 * 24, 8000),
            evenings(date(2026, 3, 12), 3, time(9), 0.1, 500),
            evenings(date(2026, 3, 17), 3, time(9), 5, 5000),
        ]
    )
    unfinished = odd.head(1).with_columns(departure_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")))
    assert sessions.measured_habits(CAR, pl.concat([odd, unfinished]), PRAGUE, now) == sessions.stated_habits(CAR)


def test_presence_is_the_probability_while_plugged_in() -> None:
    now = datetime(2026, 3, 13, 12, tzinfo=UTC)
    expected = sessions.expected_sessions(CAR, sessions.stated_habits(CAR), PRAGUE, now, now + timedelta(days=1))
    frame = sessions.presence(expected, time_grid.slots(now, now + timedelta(days=1)))
    present = frame.filter(pl.col("probability") > 0)
    assert present["probability"].unique().to_list() == [0.9]
    assert present.height == 4 * 13 + 3  # 17:15 to 07:00


def brier(habits: list[sessions.Habit], days: list[date], came: set[date]) -> float:
    """Mean squared error of the probabilities."""
    return sum((habits[d.weekday()].probability - (d in came)) ** 2 for d in days) / len(days)


def test_habits_of_measured_homes_foretell_the_following_weeks_better_than_the_stated_ones() -> None:
    if not TRONDHEIM.exists():
        pytest.skip(f"measured sessions are not at {TRONDHEIM}")
    rows = pl.read_parquet(TRONDHEIM).select(
        "user",
        arrival_at=pl.col("plugin_utc").cast(pl.Datetime("us", "UTC")),
        departure_at=pl.col("plugout_utc").cast(pl.Datetime("us", "UTC")),
        energy_wh=pl.col("energy_kwh").cast(pl.Float64) * 1000,
    )
    oslo, now = ZoneInfo("Europe/Oslo"), datetime(2019, 10, 1, tzinfo=UTC)
    users = rows.group_by("user").len().sort("len", "user", descending=True)["user"].head(10)
    stated = measured = 0.0
    for user in users:
        mine = rows.filter(pl.col("user") == user)
        came = {time_grid.local_day(at, oslo) for at in mine["arrival_at"]}
        days = time_grid.days(date(2019, 10, 1), date(2019, 10, 28))
        stated += brier(sessions.stated_habits(CAR), days, came)
        measured += brier(sessions.measured_habits(CAR, mine.drop("user"), oslo, now), days, came)
    assert measured < 0.8 * stated, f"Brier score of measured habits {measured:.2f}, of stated ones {stated:.2f}"


def quarters(*said: tuple[bool | None, float | None]) -> pl.DataFrame:
    start = datetime(2026, 3, 2, 16, tzinfo=UTC)
    return pl.DataFrame(
        [(start + i * time_grid.SLOT, *row) for i, row in enumerate(said)],
        schema={"starts_at": pl.Datetime("us", "UTC"), "is_plugged_in": pl.Boolean, "power_w": pl.Float64},
        orient="row",
    )


AWAY, CHARGING, FULL, SILENT = (False, 0.0), (True, 4000.0), (True, 0.0), (None, 4000.0)


def test_a_session_is_the_time_plugged_in_and_the_energy_that_flowed() -> None:
    found = sessions.measured_sessions(quarters(AWAY, CHARGING, CHARGING, FULL, AWAY))
    start = datetime(2026, 3, 2, 16, 15, tzinfo=UTC)
    assert found.rows() == [(start, start + timedelta(minutes=45), 2000.0)]


def test_a_stay_whose_begin_or_end_nobody_saw_is_no_session() -> None:
    assert sessions.measured_sessions(quarters(CHARGING, CHARGING, AWAY)).is_empty()
    assert sessions.measured_sessions(quarters(AWAY, CHARGING, CHARGING)).is_empty()
    unseen = [SILENT] * (sessions.SILENT_SLOTS + 1)
    assert sessions.measured_sessions(quarters(AWAY, CHARGING, *unseen, FULL, AWAY)).is_empty()


def test_an_hour_of_silence_does_not_make_two_sessions_of_one() -> None:
    silence = [SILENT] * sessions.SILENT_SLOTS
    found = sessions.measured_sessions(quarters(AWAY, CHARGING, *silence, CHARGING, AWAY))
    assert found["energy_wh"].to_list() == [6000.0]


def test_energy_that_was_not_measured_is_not_counted_as_little() -> None:
    assert sessions.measured_sessions(quarters(AWAY, CHARGING, (True, None), CHARGING, AWAY)).is_empty()


def test_a_missing_row_is_silence() -> None:
    rows = quarters(AWAY, CHARGING, CHARGING, CHARGING, AWAY)
    assert sessions.measured_sessions(rows.gather([0, 1, 3, 4])).is_empty(), "its energy is unknown"
    assert sessions.measured_sessions(rows.clear()).is_empty()
