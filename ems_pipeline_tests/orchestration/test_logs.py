"""With EMS_LOG=json every line of a run is one JSON object, and outcomes have fields."""

from __future__ import annotations

import json

import dagster as dg
import pytest

from ems_pipeline.control.outcome import Outcome
from ems_pipeline.orchestration import ops
from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.orchestration.machinery import logs
from ems_pipeline.orchestration.machinery.in_process import InProcess, RunFailed, Step
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.intents import State
from ems_pipeline_tests.orchestration.test_clock_work import MINUTE, NOON


def run(
    warehouse: Warehouse, home01: Site, capsys: pytest.CaptureFixture[str], job: str, minute: int = 0
) -> tuple[dg.ExecuteInProcessResult, list[str], str]:
    """The result of a job, its lines on stderr, and what its event log says."""
    platform = Platform(warehouse, SimulatedClock(NOON + minute * MINUTE), lambda: [home01])
    with dg.instance_for_test() as instance:
        resolved = build_defs({"ems": platform}).resolve_job_def(job)
        capsys.readouterr()
        result = resolved.execute_in_process(instance=instance, raise_on_error=False)
        events = "\n".join(entry.user_message for entry in instance.all_logs(result.run_id))
    return result, capsys.readouterr().err.splitlines(), events


@pytest.fixture
def obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control that has one outcome with everything a line of JSON must survive."""
    outcome = Outcome("home01", "heat-pump", State.FAILED, 'no "echo"\nof flow_setpoint: 38 °C')
    monkeypatch.setattr(ops.control, "run_control", lambda *_: [outcome])


def test_an_outcome_is_one_line_with_fields(
    warehouse: Warehouse,
    home01: Site,
    capsys: pytest.CaptureFixture[str],
    obeyed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMS_LOG", "json")
    result, lines, events = run(warehouse, home01, capsys, "apply_control")
    assert result.success
    (line,) = [json.loads(line) for line in lines]
    assert (line["job"], line["run"], line["step"], line["level"]) == (
        "apply_control", result.run_id, "write_setpoints", "info",
    )  # fmt: skip
    assert (line["site"], line["device"], line["state"]) == ("home01", "heat-pump", "failed")
    assert line["why"] == 'no "echo"\nof flow_setpoint: 38 °C'
    assert line["message"] == f"home01/heat-pump: failed: {line['why']}"
    assert line["message"] in events, "the event log has the words, as before"


def test_a_failure_of_dagster_is_a_line_and_a_success_is_not(
    warehouse: Warehouse, home01: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_LOG", "json")
    result, lines, _ = run(warehouse, home01, capsys, "apply_control", minute=6)
    assert not result.success
    errors = [line for line in map(json.loads, lines) if line["level"] == "error"]
    assert any("too late to act on it" in line["message"] for line in errors)
    assert not [line for line in map(json.loads, lines) if "STEP_START" in line["message"]]


def test_without_the_switch_lines_are_for_people(
    warehouse: Warehouse,
    home01: Site,
    capsys: pytest.CaptureFixture[str],
    obeyed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("EMS_LOG", raising=False)
    _, lines, events = run(warehouse, home01, capsys, "apply_control")
    assert "home01/heat-pump: failed" in events
    with pytest.raises(json.JSONDecodeError):
        [json.loads(line) for line in lines]


def test_fields_of_figures_are_what_was_counted() -> None:
    assert logs.fields({"rows": 3}) == {"fields": {"rows": 3}}


def test_in_a_terminal_a_failed_run_is_one_message_and_no_stack(
    warehouse: Warehouse, home01: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    platform = Platform(warehouse, SimulatedClock(NOON), lambda: [home01])
    with warehouse.begin() as connection:
        registry.register(connection, [home01], NOON)
    with dg.instance_for_test() as instance:
        runs = InProcess(platform, instance)
        runs.register(["home01"])
        capfd.readouterr()
        with pytest.raises(RunFailed, match="materialise market_interval_price"):
            runs.asset(Step("effective_price", NOON.date(), NOON.date(), "home01"))
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert "Stack" not in said
    assert len(said.splitlines()) <= 3
