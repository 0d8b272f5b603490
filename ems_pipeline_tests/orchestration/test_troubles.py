"""A failed run is an alarm until its job works again, and every alarm is told once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from ems_pipeline.orchestration import troubles
from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.orchestration.requests import RANGE_END, RANGE_START
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline_tests.notify.test_notify import TOKEN, Chat, chat

__all__ = ["chat"]
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TOO_LATE = timedelta(minutes=6)


@dataclass
class Installation:
    """Runs of the real jobs, and the two sensors as the daemon calls them."""

    platform: Platform
    instance: dg.DagsterInstance
    cursor: str | None = None
    said: list[str] = field(default_factory=list)

    def run(self, job: str) -> dg.ExecuteInProcessResult:
        resolved = build_defs({"ems": self.platform}).resolve_job_def(job)
        return resolved.execute_in_process(instance=self.instance, raise_on_error=False)

    def fail(self) -> None:
        """A control run that comes too late, and the daemon noticing."""
        self.notice(self.run("apply_control"))

    def by_hand(self, asset: str, **tags: str) -> dg.ExecuteInProcessResult:
        """An asset materialised as the UI does it."""
        job = build_defs({"ems": self.platform}).resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance, asset_selection=[dg.AssetKey(asset)], tags=tags, raise_on_error=False
        )

    def notice(self, result: dg.ExecuteInProcessResult) -> None:
        """The daemon sees a run that failed."""
        assert not result.success
        run = self.instance.get_run_by_id(result.run_id)
        assert run is not None
        event = next(event for event in result.all_events if event.is_run_failure)
        context = dg.build_run_status_sensor_context(
            sensor_name="failures", dagster_instance=self.instance, dagster_run=run, dagster_event=event
        )
        troubles.failures(context.for_run_failure())

    def look(self) -> None:
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor, resources={"ems": self.platform})
        skipped = troubles.alarm_notices(context)
        assert isinstance(skipped, dg.SkipReason)
        self.said.append(str(skipped.skip_message))
        self.cursor = context.cursor

    def open(self) -> list[tuple[str, int]]:
        with self.platform.warehouse.begin() as connection:
            return alarms.open_alarms(connection).select("kind", "times").rows()


@pytest.fixture
def installation(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    with warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.alarm CASCADE")
    address = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("EMS_DATABASE_URL", address)
    monkeypatch.delenv("EMS_NOTIFY_WEBHOOK", raising=False)
    with dg.instance_for_test() as instance:
        yield Installation(Platform(warehouse, SimulatedClock(NOON + TOO_LATE), list), instance)


def test_a_failed_run_is_told_once_and_over_when_its_job_works_again(
    installation: Installation, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_NOTIFY_WEBHOOK", chat.address)
    installation.fail()
    installation.look()
    installation.fail()
    installation.look()
    assert installation.open() == [("run-failed:apply_control", 2)]
    ((_, told),) = chat.got
    assert "too late to act on it" in str(told["text"])
    assert installation.run("read_telemetry").success
    installation.look()
    assert installation.open() == [("run-failed:apply_control", 2)], "another job's success does not end it"
    installation.platform.clock.wait_until(NOON + timedelta(minutes=15))
    assert installation.run("apply_control").success
    installation.look()
    assert installation.open() == []
    installation.platform.clock.wait_until(NOON + timedelta(minutes=15) + TOO_LATE)
    installation.fail()
    installation.look()
    assert len(chat.got) == 2, "trouble that returns is told again"


def test_a_failed_run_by_hand_is_the_alarm_of_the_asset_that_failed(installation: Installation) -> None:
    """All runs by hand share one job: an asset that works does not end the alarm of one that does not."""
    day = {RANGE_START: "2026-02-01|home01", RANGE_END: "2026-02-01|home01"}
    installation.instance.add_dynamic_partitions("site", ["home01"])
    for asset in ("effective_price", "daily_plan"):
        installation.notice(installation.by_hand(asset, **day))
    both = [("asset-failed:daily_plan", 1), ("asset-failed:effective_price", 1)]
    assert sorted(installation.open()) == both
    assert installation.by_hand("fx_rate", **{RANGE_START: "2026-02-01", RANGE_END: "2026-02-01"}).success
    installation.look()
    assert sorted(installation.open()) == both


def test_every_alarm_is_told_once_also_when_the_way_was_blocked(
    installation: Installation, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_NOTIFY_WEBHOOK", chat.address)
    chat.status = 503
    for minute in range(3):
        with installation.platform.warehouse.begin() as connection:
            alarms.raise_alarm(connection, None, "import-limit", "critical", "too much", NOON + minute * TOO_LATE)
        installation.look()
    assert all("webhook at 127.0.0.1: HTTP 503" in said for said in installation.said)
    chat.status = 200
    chat.got.clear()
    installation.look()
    installation.look()
    ((_, told),) = chat.got
    assert told["text"] == "critical: installation: import-limit: too much"
    assert installation.said[-1] == "1 alarms are open, and told"
    assert TOKEN not in "".join(installation.said) + str(installation.cursor)


def test_without_alarms_nobody_is_disturbed(
    installation: Installation, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_NOTIFY_WEBHOOK", chat.address)
    installation.look()
    assert chat.got == []


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("dagster._core.definitions.events.Failure: weather is missing\n", "weather is missing"),
        ("ems_pipeline.http.TransientError: no connection", "no connection"),
        ("KeyError: 'roof'", "KeyError: 'roof'"),
    ],
)
def test_our_own_errors_are_told_without_their_class_and_others_with_it(message: str, told: str) -> None:
    class Error:
        cause = None

    Error.message = message  # type: ignore[attr-defined]
    assert troubles.reason(Error) == told
