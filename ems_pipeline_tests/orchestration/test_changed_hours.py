"""In the hours that clocks skip or repeat no schedule leaves out what it does at every other hour."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from ems_pipeline import time_grid
from ems_pipeline.orchestration import schedules

SPRING, AUTUMN, ORDINARY = (datetime(2026, *day, tzinfo=UTC) for day in ((3, 29), (10, 25), (6, 10)))
FREQUENT = timedelta(hours=3)
ALL = [s for s in schedules.ALL if isinstance(s, dg.ScheduleDefinition)]


def ticks(schedule: dg.ScheduleDefinition, day: datetime) -> list[datetime]:
    """When it ticks from the evening before to the morning after, around the hour of the change."""
    start, end = day - timedelta(hours=4), day + timedelta(hours=8)
    found = schedule_execution_time_iterator(
        start.timestamp(), schedule.cron_schedule, schedule.execution_timezone or "UTC", ascending=True
    )
    return [at.astimezone(UTC) for at in itertools.takewhile(lambda at: at <= end, found)]


def widest(found: list[datetime]) -> timedelta:
    return max((b - a for a, b in itertools.pairwise(found)), default=timedelta())


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: s.name)
@pytest.mark.parametrize("day", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_what_is_due_every_hour_or_two_is_due_then_as_well(schedule: dg.ScheduleDefinition, day: datetime) -> None:
    ordinary = ticks(schedule, ORDINARY)
    usual = widest(ordinary)
    if len(ordinary) < 4 or usual > FREQUENT:
        return  # once a day, and not in the hour of the change: that is asked below
    assert widest(ticks(schedule, day)) <= max(usual, timedelta(hours=1) if day == SPRING else usual * 2)
    if schedule.execution_timezone == "UTC":
        assert widest(ticks(schedule, day)) == usual
        assert len(ticks(schedule, day)) == len(ordinary)


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: s.name)
def test_forecasts_and_audits_do_not_hang_on_a_clock_on_a_wall(schedule: dg.ScheduleDefinition) -> None:
    is_frequent = len(ticks(schedule, ORDINARY)) >= 4
    asks_what_is_missing = schedule.name in ("day_ahead_prices", "site_prices")
    assert asks_what_is_missing or not is_frequent or schedule.execution_timezone == "UTC"


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: s.name)
@pytest.mark.parametrize("day", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_what_is_due_once_a_day_is_not_due_in_the_hour_of_the_change(
    schedule: dg.ScheduleDefinition, day: datetime
) -> None:
    brussels = time_grid.zone("Europe/Brussels")
    if len(ticks(schedule, ORDINARY)) < 4:
        assert [at for at in ticks(schedule, day) if at.astimezone(brussels).hour == 2] == []
        assert len(ticks(schedule, day)) == len(ticks(schedule, ORDINARY))
