"""The code location loads, and its parts keep the promises the design makes for all of them."""

from __future__ import annotations

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.events import RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run

from ems_pipeline.orchestration import jobs, lineage, schedules, sensors
from ems_pipeline.orchestration.build import build_defs
from ems_pipeline_tests.conftest import ROOT

TABLES_OF_THE_DESIGN = {
    "market_interval_price", "fx_rate", "tempo_colour", "weather_forecast", "weather_observation", "effective_price",
    "telemetry_15m", "baseline_consumption", "load_forecast", "pv_forecast", "heat_demand_forecast",
    "ev_session_forecast", "cop_history", "building_response", "daily_plan", "rolling_plan", "audit_interval",
    "audit_day", "forecast_score", "plan_replay", "study_day", "shadow_plan", "planner_day",
    "baseline_day", "regret_day",
}  # fmt: skip
HARDWARE = {"read_telemetry", "apply_control", "verify_setpoints"}


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs()


def test_every_asset_of_the_design_is_there_with_group_and_description(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    nodes = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
    assert set(nodes) == TABLES_OF_THE_DESIGN | set(lineage.MADE_OUTSIDE)
    assert {name for name, node in nodes.items() if node.is_external} == set(lineage.MADE_OUTSIDE)
    assert {node.group_name for node in nodes.values()} == {
        "market", "weather", "telemetry", "forecast", "heat", "plan", "audit", "site", "control", "study",
    }  # fmt: skip
    assert not [name for name, node in nodes.items() if not node.description]


@pytest.mark.parametrize("job", sorted(job.name for job in jobs.ALL))
def test_after_a_crash_what_makes_assets_is_begun_again_and_what_writes_to_hardware_is_not(
    defs: dg.Definitions, job: str
) -> None:
    settings = {"run_retries": yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))["run_retries"]}
    resolved = defs.resolve_job_def(job)
    with dg.instance_for_test(overrides=settings) as instance:
        run = instance.create_run_for_job(resolved, tags=resolved.tags)
        instance.report_run_failed(run)
        failed = instance.get_run_by_id(run.run_id)
        assert failed is not None
        is_asset_job = isinstance(next(j for j in jobs.ALL if j.name == job), UnresolvedAssetJobDefinition)
        again = auto_reexecution_should_retry_run
        assert again(instance, failed, RunFailureReason.UNKNOWN) == is_asset_job
        assert not again(instance, failed, RunFailureReason.STEP_FAILURE)


def test_every_partitioned_asset_fills_a_range_in_one_run(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.get_all_asset_keys() if graph.get(key).is_partitioned]
    policies = {node.key.to_user_string(): node.backfill_policy for node in nodes}
    # A month of a study is minutes of one core; days of everything else are cheap, and a run costs a second.
    assert policies.pop("study_day") == dg.BackfillPolicy.multi_run(max_partitions_per_run=1)
    assert not {name for name, policy in policies.items() if policy != dg.BackfillPolicy.single_run()}


def test_every_job_resolves_and_nothing_that_touches_hardware_is_ever_retried(defs: dg.Definitions) -> None:
    for job in jobs.ALL:
        resolved = defs.resolve_job_def(job.name)
        if job.name in HARDWARE:
            assert resolved.tags["dagster/max_retries"] == "0"
        assert int(resolved.tags["dagster/max_runtime"]) > 0, f"{job.name} could hang for ever"


def test_control_goes_before_telemetry_before_plans_before_settlement(defs: dg.Definitions) -> None:
    order = ["apply_control", "verify_setpoints", "read_telemetry", "plan_rolling", "plan_daily", "audit_slots"]
    priorities = [int(defs.resolve_job_def(name).tags["dagster/priority"]) for name in order]
    assert priorities == sorted(priorities, reverse=True)
    assert len(set(priorities)) == len(priorities)


def test_sensors_and_schedules_run_from_the_start_and_ask_for_jobs_that_exist() -> None:
    names = {job.name for job in jobs.ALL}
    for sensor in sensors.ALL:
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING, sensor.name
        assert sensor.description, f"the UI says nothing about {sensor.name}"
        assert {target.job_name for target in sensor.targets} <= names, sensor.name
    for schedule in schedules.ALL:
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING, schedule.name
        assert schedule.description, f"the UI says nothing about {schedule.name}"
        assert schedule.job_name in names


def test_checks_never_block_the_other_sites_of_a_run(defs: dg.Definitions) -> None:
    """A day whose plan was refused is not materialised: that stops whatever would be made of it."""
    graph = defs.resolve_asset_graph()
    assert not [key for key in graph.asset_check_keys if graph.get_check_spec(key).blocking]
