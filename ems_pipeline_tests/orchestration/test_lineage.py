"""The graph says what each asset reads: every table is upstream of it, and so are the days it cannot do without."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.orchestration.machinery import dagster_private
from ems_pipeline.orchestration.partitions import site_day, site_day_partitions

READ = {
    "market_interval_price": {"site"},
    "fx_rate": {"site"},
    "tempo_colour": {"site"},
    "effective_price": {"market_interval_price", "fx_rate", "tempo_colour", "site"},
    "weather_forecast": {"site"},
    "weather_observation": {"site"},
    "telemetry_15m": {"telemetry", "site"},
    "baseline_consumption": {"telemetry_15m"},
    "load_forecast": {"telemetry_15m", "forecast_model", "weather_forecast"},
    "pv_forecast": {"weather_forecast", "forecast_model", "telemetry_15m"},
    "heat_demand_forecast": {"weather_forecast", "cop_history", "building_response"},
    "ev_session_forecast": {"telemetry_15m"},
    "cop_history": {"telemetry_15m"},
    "building_response": {"telemetry_15m", "cop_history"},
    "audit_interval": {"telemetry_15m", "effective_price", "planning_run", "setpoint"},
    "audit_day": {"audit_interval"},
    "baseline_day": {"audit_interval", "planning_run", "telemetry_15m"},
    "regret_day": {"audit_interval", "planning_run", "telemetry_15m"},
    "forecast_score": {"load_forecast", "pv_forecast", "telemetry_15m"},
    "plan_replay": {"planning_run", "telemetry_15m", "effective_price", "load_forecast", "pv_forecast", "site"},
    "shadow_plan": {"planning_run", "site"},
    "planner_day": {"shadow_plan", "planning_run", "audit_interval", "audit_day"},
    "setpoint": {"planning_run"},
    "planning_run": {"daily_plan", "rolling_plan"},
} | {
    plan: {
        "effective_price", "load_forecast", "pv_forecast", "heat_demand_forecast", "ev_session_forecast",
        "telemetry_15m", "telemetry", "building_response", "grid_event", "site",
    }
    for plan in ("daily_plan", "rolling_plan")
}  # fmt: skip
"""By asset, the tables its body reads; what it wrote itself earlier cannot be upstream of it."""
INPUTS = ["effective_price", "load_forecast", "pv_forecast", "heat_demand_forecast", "ev_session_forecast"]
CANNOT_DO_WITHOUT = {
    "daily_plan": {name: {-1, 0} for name in INPUTS} | {"telemetry_15m": {-1}, "building_response": {0}},
    "rolling_plan": {name: {0} for name in INPUTS} | {"telemetry_15m": {-1, 0}, "building_response": {0}},
    "pv_forecast": {"weather_forecast": {0}},
    "heat_demand_forecast": {"weather_forecast": {0}, "cop_history": {0}, "building_response": {0}},
    "load_forecast": {"telemetry_15m": {0}, "baseline_consumption": {0}},
    "audit_interval": {"telemetry_15m": {0}, "effective_price": {0}},
}
"""By asset and input over site x day: the days it is made from, counted from its own."""
A_DAY = date(2026, 1, 10)


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs()


@pytest.mark.parametrize("asset", sorted(READ))
def test_every_table_an_asset_reads_is_upstream_of_it(defs: dg.Definitions, asset: str) -> None:
    graph = defs.resolve_asset_graph()
    upstream = {key.to_user_string() for key in graph.get_ancestor_asset_keys(dg.AssetKey(asset))}
    assert upstream >= READ[asset]


def test_nothing_measured_learnt_or_decided_is_a_dead_end(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    ends = {key.to_user_string() for key in graph.get_all_asset_keys() if not graph.get(key).child_keys}
    assert ends == {
        "forecast_score",
        "plan_replay",
        "planner_day",
        "regret_day",
        "study_day",
        "weather_observation",
    }, "these are for people"


def test_no_run_makes_the_load_forecast_wait_for_the_weather(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def("forecast")
    waits_for = {
        upstream.node
        for node, inputs in job.graph.dependencies.items()
        if node.name == "load_forecast"
        for upstream in inputs.values()
    }
    assert waits_for == {"baseline_consumption"}


@pytest.mark.parametrize("asset", ["daily_plan", "rolling_plan"])
def test_a_table_that_no_run_makes_is_not_fed_by_one(defs: dg.Definitions, asset: str) -> None:
    """Else a plan that somebody asked for by hand could be missing from a run that succeeds."""
    job = defs.resolve_job_def("plan_" + asset.removesuffix("_plan"))
    run: Any = SimpleNamespace(run=SimpleNamespace(asset_selection=None), job_def=job, asset_key=dg.AssetKey(asset))
    assert not dagster_private.feeds_another(run)


def days_upstream(defs: dg.Definitions, instance: dg.DagsterInstance, child: str, parent: str, key: str) -> set[str]:
    with dg.partition_loading_context(dynamic_partitions_store=instance):
        mapping = defs.resolve_asset_graph().get_partition_mapping(dg.AssetKey(child), dg.AssetKey(parent))
        own = site_day_partitions.empty_subset().with_partition_keys([key])
        found = mapping.get_upstream_mapped_partitions_result_for_partitions(
            own, site_day_partitions, site_day_partitions
        )
        return set(found.partitions_subset.get_partition_keys())


@pytest.mark.parametrize("asset", sorted(CANNOT_DO_WITHOUT))
def test_the_days_an_asset_cannot_do_without_are_its_parents(defs: dg.Definitions, asset: str) -> None:
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("site", ["north", "south"])
        for parent, offsets in CANNOT_DO_WITHOUT[asset].items():
            days = {site_day("south", A_DAY + timedelta(days=offset)) for offset in offsets}
            assert days_upstream(defs, instance, asset, parent, site_day("south", A_DAY)) == days, parent
