"""The cadence counts slots, not runs: each served once, and how long after it was due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from ems_pipeline import time_grid
from ems_pipeline.devices.driver.command import BatteryCommand
from ems_pipeline.orchestration import beats
from ems_pipeline.orchestration.beats import Beat
from ems_pipeline.orchestration.installation import cadence
from ems_pipeline.orchestration.machinery.coordinator import SLOT_TAG
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.warehouse import Warehouse, setpoints
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.intents import Intent, Setpoint

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@dg.job
def read_telemetry() -> None:
    """Named like the real one."""


@pytest.fixture
def now() -> datetime:
    """The minute that runs as the test begins: Dagster stamps its runs with the machine's clock."""
    return time_grid.floor_minute(datetime.now(UTC))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def serve(instance: dg.DagsterInstance, slot: datetime, lag_s: float, ending: str = "PIPELINE_SUCCESS") -> None:
    run = instance.create_run_for_job(read_telemetry, tags={SLOT_TAG: beats.stamp(slot)})
    due = beats.TELEMETRY.due(slot).timestamp()
    for kind, at in (("PIPELINE_START", due + lag_s), (ending, due + lag_s + 1)):
        event = dg.DagsterEvent(kind, "read_telemetry")
        entry = dg.EventLogEntry(None, "info", "", run.run_id, at, job_name="read_telemetry", dagster_event=event)
        instance.handle_new_event(entry)


@pytest.mark.parametrize("beat", [*beats.ALL, Beat("late", timedelta(minutes=5), lead=-20 * SECOND)], ids=str)
def test_slots_due_in_an_hour_are_as_many_as_fit_and_each_is_found_when_due(beat: Beat) -> None:
    start = datetime(2026, 3, 1, 11, 59, 7, tzinfo=UTC)
    slots = beat.slots(start, start + timedelta(hours=1))
    assert len(slots) == timedelta(hours=1) // beat.every
    for slot in slots:
        assert start <= beat.due(slot) < start + timedelta(hours=1)
        assert beat.slot(beat.due(slot)) == slot
        assert beat.slot(beat.due(slot) - SECOND) == slot - beat.every
        assert beats.slot_of(beats.stamp(slot)) == slot


def test_a_slot_is_served_once_twice_or_not_at_all(
    instance: dg.DagsterInstance, warehouse: Warehouse, now: datetime
) -> None:
    serve(instance, now, 0.3)
    serve(instance, now + MINUTE, 0.4)
    serve(instance, now + MINUTE, 7.0)
    serve(instance, now + 2 * MINUTE, 0.2, "PIPELINE_FAILURE")
    (found, *_) = cadence.of(instance, warehouse, beats.TELEMETRY.due(now), beats.TELEMETRY.due(now + 4 * MINUTE))
    assert found.beat is beats.TELEMETRY
    assert list(found.served.values()) == [1, 2, 0, 0]
    assert found.failed == 1
    assert sorted(found.lags_s) == pytest.approx([0.2, 0.3, 0.4, 7.0], abs=0.01)
    assert not found.is_sound
    text = "\n".join(cadence.lines(found))
    assert "4 slots, 1 served once, 1 more than once, 2 not at all; 1 failed runs" in text
    assert "median 0.35 s, p95 7.00 s, longest 7.00 s" in text
    assert "< 10 s" in text


def test_nothing_is_lost_before_clock_work_began(instance: dg.DagsterInstance, now: datetime) -> None:
    assert cadence.begun_at(instance, now) == now
    before = datetime.now(UTC)
    serve(instance, now, 0.3)
    first = cadence.begun_at(instance, now + timedelta(hours=1))
    serve(instance, now + MINUTE, 0.3)
    assert before <= first <= datetime.now(UTC)
    assert cadence.begun_at(instance, now + timedelta(hours=1)) == first


def test_a_served_minute_that_left_no_telemetry_is_told(
    instance: dg.DagsterInstance, warehouse: Warehouse, now: datetime
) -> None:
    serve(instance, now, 0.3)
    (found, *_) = cadence.of(instance, warehouse, beats.TELEMETRY.due(now), beats.TELEMETRY.due(now + MINUTE))
    assert f"nothing of {now:%H:%M} UTC" in "\n".join(cadence.lines(found))


@pytest.mark.parametrize(
    ("hour", "ending", "second", "told"),
    [
        (12, "superseded", "charge", ["say the same"]),
        (13, "superseded", "hold", ["contradict each other"]),
        (14, "failed", "charge", []),
    ],
)
def test_a_device_told_twice_for_a_slot_is_found_unless_the_first_had_failed(
    warehouse: Warehouse,
    instance: dg.DagsterInstance,
    home01: Site,
    hour: int,
    ending: str,
    second: str,
    told: list[str],
) -> None:
    slot = datetime(2026, 3, 1, hour, 0, tzinfo=UTC)
    with warehouse.begin() as connection:
        registry.register(connection, [home01], slot)
        for mode, state in (("charge", ending), (second, "echoed")):
            until = slot + timedelta(minutes=20)
            intent = Intent("inverter", BatteryCommand("inverter", BatteryMode(mode)), Source.PLAN, "-", until)
            draft = Setpoint(home01.key, slot, intent, is_shadow=False)
            (row,) = setpoints.intend(connection, [draft], slot)
            change = sa.text("UPDATE ems.setpoint SET state = :state WHERE setpoint_id = :number")
            connection.execute(change, {"state": state, "number": row.setpoint_id})
    *_, control = cadence.of(instance, warehouse, slot, slot + time_grid.SLOT)
    assert control.beat is beats.CONTROL
    assert [text.rpartition(" and ")[2].partition(" ")[2] for text in control.doubled] == told
