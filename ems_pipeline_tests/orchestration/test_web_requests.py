"""What was asked for over HTTP becomes one run each, and ends whatever happens to that run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.orchestration import troubles
from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.orchestration.requests import RANGE_END, RANGE_START, ROUTINE_TAG
from ems_pipeline.orchestration.troubles import REQUEST_TAG
from ems_pipeline.orchestration.web_requests import LONGEST_WAIT, WILL_RETRY, web_requests
from ems_pipeline.sites import Device, Gateway, Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.devices.bench import Slave, bus

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
METER = load_map("eastron-sdm630", {})
NOBODY = 9
"""A port of this machine at which nobody listens."""


def metered(home01: Site, port: int) -> Site:
    """A site with one meter behind one gateway."""
    gateway = Gateway(key="wire", transport="modbus-tcp", host="127.0.0.1", port=port, timeout_s=0.3)
    device = Device(key="meter", map="eastron-sdm630", gateway="wire", unit_id=7)
    unsteered = {
        name: tuple(part.model_copy(update={"device": None}) for part in getattr(home01, name))
        for name in ("pv", "batteries", "chargers", "heat_pumps", "gensets")
    }
    return home01.model_copy(update={"gateways": (gateway,), "devices": (device,), **unsteered})


@dataclass
class Desk:
    """An installation whose daemon works when a test says so."""

    platform: Platform
    instance: dg.DagsterInstance

    def ask(self, kind: str, site: str | None = "home01", ago: timedelta = timedelta(0), **parameters: Any) -> str:
        with self.platform.warehouse.begin() as connection:
            return str(
                connection.execute(
                    sa.text(
                        "INSERT INTO ems.request (kind, site_key, parameters, requested_by, requested_at) "
                        "VALUES (:kind, :site, CAST(:said AS jsonb), 'web:anna', :at) RETURNING request_id"
                    ),
                    {"kind": kind, "site": site, "said": json.dumps(parameters), "at": self.platform.clock.now() - ago},
                ).scalar_one()
            )

    def row(self, request_id: str) -> Any:
        with self.platform.warehouse.begin() as connection:
            found = connection.execute(
                sa.text("SELECT state, result, problem, run_id FROM ems.request WHERE request_id::text = :id"),
                {"id": request_id},
            )
            return found.one()

    def look(self) -> list[dg.RunRequest]:
        context = dg.build_sensor_context(instance=self.instance, resources={"ems": self.platform})
        found = web_requests(context)
        return [] if isinstance(found, dg.SkipReason) else list(found)

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        job = build_defs({"ems": self.platform}).resolve_job_def(str(request.job_name))
        return job.execute_in_process(instance=self.instance, tags=dict(request.tags), raise_on_error=False)

    def begun(self, request: dg.RunRequest, status: dg.DagsterRunStatus, **tags: str) -> dg.DagsterRun:
        """Its run as the daemon would know it, at work or ended without a word."""
        job = build_defs({"ems": self.platform}).resolve_job_def(str(request.job_name))
        return self.instance.create_run_for_job(job, tags={**request.tags, **tags}, status=status)


@pytest.fixture
def desk(warehouse: Warehouse, home01: Site) -> Iterator[Desk]:
    clock = SimulatedClock(NOON)
    site = metered(home01, NOBODY)
    with warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request, ems.alarm CASCADE")
        registry.register(connection, [site], NOON)
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("site", [site.key])
        yield Desk(Platform(warehouse, clock, lambda: [site]), instance)


@pytest.mark.parametrize(
    ("kind", "parameters", "job", "first", "last"),
    [
        ("prices-import", {"day": "2026-02-27"}, "import_prices", "2026-02-27", "2026-02-27"),
        ("prices-import", {}, "import_prices", "2026-03-01", "2026-03-01"),
        ("forecast-run", {}, "forecast", "2026-03-01|home01", "2026-03-02|home01"),
        ("plan-daily", {}, "plan_daily", "2026-03-02|home01", "2026-03-02|home01"),
        ("plan-rolling", {}, "plan_rolling", "2026-03-01|home01", "2026-03-01|home01"),
        ("prices-site", {}, "price_sites", "2026-03-01|home01", "2026-03-01|home01"),
    ],
)
def test_a_request_is_one_run_over_the_days_it_means(
    desk: Desk, kind: str, parameters: dict[str, Any], job: str, first: str, last: str
) -> None:
    number = desk.ask(kind, **parameters)
    (run,) = desk.look()
    assert (run.run_key, run.job_name, run.tags[REQUEST_TAG]) == (number, job, number)
    assert (str(run.tags[RANGE_START]), str(run.tags[RANGE_END])) == (first, last)
    assert ROUTINE_TAG not in run.tags, "what somebody asked for fails where it cannot be made"
    assert desk.look() == [run], "asked for until it begins; the key makes it one run"
    assert desk.row(number).state == "queued"


@pytest.mark.parametrize(
    ("kind", "job"),
    [
        ("telemetry-read", "answer_request"), ("device-scan", "answer_request"), ("devices-discover", "answer_request"),
        ("forecast-train", "answer_request"), ("release", "hand_back"), ("what-if", "answer_what_if"),
        ("device-find", "answer_request"),
        ("device-try", "answer_request"), ("site-begin", "answer_request"),
    ],
)  # fmt: skip
def test_what_this_machine_does_itself_is_a_job_of_one_op(desk: Desk, kind: str, job: str) -> None:
    desk.ask(kind)
    (run,) = desk.look()
    assert run.job_name == job


def test_what_rests_on_another_request_is_asked_for_once_that_has_ended(desk: Desk) -> None:
    prices = desk.ask("prices-site", ago=timedelta(seconds=2))
    forecast = desk.ask("forecast-run", ago=timedelta(seconds=1), after=prices)
    plan = desk.ask("plan-rolling", after=forecast)
    (run,) = desk.look()
    assert run.run_key == prices
    desk.begun(run, dg.DagsterRunStatus.CANCELED)
    assert [asked.run_key for asked in desk.look()] == [forecast], "it ended badly; what follows says so itself"
    assert desk.row(plan).state == "queued"


def test_two_requests_after_each_other_do_not_wait_for_ever(desk: Desk) -> None:
    later = "00000000-0000-0000-0000-000000000042"
    first = desk.ask("plan-rolling", ago=timedelta(seconds=1), after=later)
    with desk.platform.warehouse.begin() as connection:
        connection.execute(
            sa.text("""INSERT INTO ems.request (request_id, kind, site_key, parameters, requested_by, requested_at)
                       VALUES (:id, 'plan-daily', 'home01', jsonb_build_object('after', CAST(:first AS text)),
                               'web:anna', :at)"""),
            {"id": later, "first": first, "at": desk.platform.clock.now()},
        )
    assert [asked.run_key for asked in desk.look()] == [first]


def test_a_site_that_is_new_is_waited_for_until_its_partitions_are_there(desk: Desk) -> None:
    desk.instance.delete_dynamic_partition("site", "home01")
    number = desk.ask("plan-rolling")
    assert desk.look() == []
    assert desk.row(number).state == "queued"
    desk.instance.add_dynamic_partitions("site", ["home01"])
    assert [asked.run_key for asked in desk.look()] == [number]
    desk.instance.delete_dynamic_partition("site", "home01")
    late = desk.ask("plan-daily", ago=timedelta(minutes=4))
    assert desk.look() == []
    assert "no partitions yet" in desk.row(late).problem


@pytest.mark.parametrize(
    ("status", "state", "result"),
    [
        (dg.DagsterRunStatus.STARTING, "queued", False),
        (dg.DagsterRunStatus.STARTED, "running", False),
        (dg.DagsterRunStatus.SUCCESS, "done", True),
        (dg.DagsterRunStatus.CANCELED, "failed", False),
    ],
)
def test_a_request_follows_its_run(desk: Desk, status: dg.DagsterRunStatus, state: str, result: bool) -> None:
    number = desk.ask("plan-rolling")
    (asked,) = desk.look()
    run = desk.begun(asked, status)
    assert desk.look() == []
    row = desk.row(number)
    assert row.state == state
    assert row.result == ({"run_id": run.run_id, "plans": []} if result else None)


@pytest.mark.parametrize("begun", [True, False])
def test_a_run_that_was_killed_ends_its_request(desk: Desk, begun: bool) -> None:
    number = desk.ask("forecast-run")
    (asked,) = desk.look()
    run = desk.begun(asked, dg.DagsterRunStatus.STARTED if begun else dg.DagsterRunStatus.STARTING)
    desk.look()
    desk.instance.report_run_failed(run, "killed")
    assert desk.look() == []
    row = desk.row(number)
    assert row.state == "failed"
    assert "killed" in row.problem
    assert row.problem.endswith("ask again")


def test_a_run_that_is_made_again_after_a_crash_is_waited_for(desk: Desk) -> None:
    number = desk.ask("forecast-run")
    (asked,) = desk.look()
    crashed = desk.begun(asked, dg.DagsterRunStatus.STARTED)
    desk.look()
    desk.instance.add_run_tags(crashed.run_id, {WILL_RETRY: "true"})
    desk.instance.report_run_failed(crashed)
    desk.look()
    assert desk.row(number).state == "running"
    again = desk.begun(asked, dg.DagsterRunStatus.STARTED)
    desk.instance.report_run_failed(again)
    desk.look()
    assert desk.row(number).state == "failed"


def test_a_run_that_nobody_knows_any_more_ends_its_request(desk: Desk) -> None:
    number = desk.ask("forecast-run")
    (asked,) = desk.look()
    run = desk.begun(asked, dg.DagsterRunStatus.STARTED)
    desk.look()
    desk.instance.delete_run(run.run_id)
    assert desk.look() == []
    assert desk.row(number).state == "failed"
    assert desk.look() == []


def test_what_was_asked_too_long_ago_is_refused_and_no_run_is_made(desk: Desk) -> None:
    old, young = (
        desk.ask("plan-daily", ago=LONGEST_WAIT + timedelta(seconds=1)),
        desk.ask("plan-daily", ago=LONGEST_WAIT),
    )
    assert [run.run_key for run in desk.look()] == [young]
    row = desk.row(old)
    assert row.state == "refused"
    assert "waited 15 minutes" in row.problem


def test_what_cannot_be_is_refused_with_its_reason(desk: Desk) -> None:
    nobody_knows, bad_day = desk.ask("boil-tea"), desk.ask("prices-import", day="soon")
    assert desk.look() == []
    assert "boil-tea" in desk.row(nobody_knows).problem
    assert desk.row(bad_day).state == "refused"


def test_a_failed_run_that_somebody_asked_for_is_told_there_and_is_no_alarm(desk: Desk) -> None:
    desk.ask("plan-daily")
    (asked,) = desk.look()
    result = desk.run(asked)
    assert not result.success
    run = desk.instance.get_run_by_id(result.run_id)
    assert run is not None
    event = next(event for event in result.all_events if event.is_run_failure)
    context = dg.build_run_status_sensor_context(
        sensor_name="failures", dagster_instance=desk.instance, dagster_run=run, dagster_event=event
    )
    troubles.failures(context.for_run_failure())
    with desk.platform.warehouse.begin() as connection:
        kinds = alarms.open_alarms(connection)["kind"].to_list()
    assert not [kind for kind in kinds if kind.startswith("run-failed")]


def test_a_plan_that_could_not_be_made_says_why(desk: Desk) -> None:
    number = desk.ask("plan-daily")
    (asked,) = desk.look()
    desk.run(asked)
    desk.look()
    row = desk.row(number)
    assert row.state == "failed"
    assert "price" in row.problem


def served(desk: Desk, home01: Site, kind: str, **parameters: Any) -> Any:
    """A request about a site whose meter says 850 W as unit 7."""

    async def work() -> str:
        meter = Slave()
        meter.hold(METER, power=850.0)
        async with bus({7: meter}) as port:
            with desk.platform.warehouse.begin() as connection:
                registry.register(connection, [metered(home01, port)], desk.platform.clock.now())
            number = desk.ask(kind, **parameters)
            (asked,) = desk.look()
            result = await asyncio.to_thread(desk.run, asked)
            assert result.success
            assert meter.writes == []
        return number

    return desk.row(asyncio.run(work()))


def test_a_reading_is_the_result_of_its_request(desk: Desk, home01: Site) -> None:
    row = served(desk, home01, "telemetry-read", device="meter")
    assert row.state == "done"
    (power,) = [one for one in row.result["readings"] if one["quantity"] == "grid_power_w"]
    assert (power["device"], power["value"], power["unit"], power["quality"]) == ("meter", 850.0, "W", "good")


def test_a_scan_names_the_devices_of_the_site_file(desk: Desk, home01: Site) -> None:
    row = served(desk, home01, "device-scan", gateway="wire", first=7, last=7)
    (found,) = row.result["units"]
    assert (found["gateway"], found["unit_id"], found["device"]) == ("wire", 7, "meter")


@pytest.mark.parametrize(
    ("kind", "parameters", "told"),
    [
        ("telemetry-read", {}, "nothing answered"),
        ("telemetry-read", {"device": "pump"}, "it has ['meter']"),
        ("device-scan", {"gateway": "elsewhere"}, "it has ['wire']"),
        ("device-scan", {"gateway": "wire", "first": 9, "last": 3}, "from 1 to 247"),
        ("forecast-train", {"target": "tea"}, "['load', 'pv']"),
        ("forecast-train", {"target": "load"}, "too little of its load is measured"),
    ],
)
def test_what_comes_to_nothing_says_why_and_fails_no_run(
    desk: Desk, kind: str, parameters: dict[str, Any], told: str
) -> None:
    number = desk.ask(kind, **parameters)
    (asked,) = desk.look()
    assert desk.run(asked).success
    row = desk.row(number)
    assert row.state == "failed"
    assert told in row.problem
    assert desk.look() == []


def test_a_site_without_anything_of_ours_is_released_at_once(desk: Desk) -> None:
    number = desk.ask("release")
    (asked,) = desk.look()
    assert desk.run(asked).success
    row = desk.row(number)
    assert (row.state, row.result["devices"][0]["state"]) == ("done", "skipped")


def test_what_has_ended_is_not_done_again(desk: Desk) -> None:
    number = desk.ask("telemetry-read", ago=LONGEST_WAIT * 2)
    with desk.platform.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE ems.request SET state = 'refused', problem = 'too late'")
    run = dg.RunRequest(job_name="answer_request", tags={REQUEST_TAG: number})
    assert desk.run(run).success
    assert (desk.row(number).state, desk.row(number).problem) == ("refused", "too late")
