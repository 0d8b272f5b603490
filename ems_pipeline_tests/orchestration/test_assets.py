"""Every partitioned asset fills a range and a single key; filling again adds nothing but new knowledge."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from ems_pipeline import time_grid
from ems_pipeline.orchestration.installation import history
from ems_pipeline.orchestration.machinery.in_process import RunFailed, Step
from ems_pipeline.orchestration.partitions import site_day
from ems_pipeline.orchestration.requests import RANGE_END, RANGE_START
from ems_pipeline.steps import deciding
from ems_pipeline.steps.windows import decided_at
from ems_pipeline.warehouse import audits, forecasts, plans
from ems_pipeline_tests.orchestration.conftest import FIRST, LONG_DAY, PRAGUE, TODAY, Bench

pytestmark = pytest.mark.slow
MARKET = ("market_interval_price", "fx_rate", "tempo_colour")
PAST = [*history.INPUTS, "telemetry_15m", "daily_plan", *history.SETTLEMENT]
START, END = time_grid.day_bounds(FIRST, PRAGUE)[0], time_grid.day_bounds(LONG_DAY, PRAGUE)[1]


def materialised(bench: Bench, asset: str) -> set[str]:
    return set(bench.runs.instance.get_materialized_partitions(dg.AssetKey(asset)))


def rows(bench: Bench, table: str) -> int:
    with bench.warehouse.begin() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM ems.{table}")).scalar_one())


def key(bench: Bench, asset: str, day: date) -> str:
    return day.isoformat() if asset in MARKET else site_day(bench.site.key, day)


@pytest.mark.parametrize("asset", PAST)
def test_a_range_run_materialises_every_day_and_says_how_many_rows(filled: Bench, asset: str) -> None:
    known = {FIRST} if asset == "weather_observation" else {FIRST, LONG_DAY}  # the archive lags
    assert {key(filled, asset, day) for day in known} <= materialised(filled, asset)
    event = filled.runs.instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event is not None
    assert event.asset_materialization is not None
    assert "dagster/row_count" in event.asset_materialization.metadata


@pytest.mark.parametrize("asset", [asset for asset in PAST if asset != "weather_observation"])
def test_a_single_day_filled_again_leaves_as_many_rows(filled: Bench, asset: str) -> None:
    table = "planning_run" if asset == "daily_plan" else asset
    before = rows(filled, table)
    job = filled.runs.defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=filled.runs.instance,
        asset_selection=[dg.AssetKey(asset)],
        partition_key=key(filled, asset, LONG_DAY),
    )
    assert result.success
    again = {e.partition for e in result.get_asset_materialization_events()}
    assert again == {key(filled, asset, LONG_DAY)}
    assert rows(filled, table) == before


def test_the_long_day_has_a_hundred_quarter_hours_everywhere(filled: Bench) -> None:
    with filled.warehouse.begin() as connection:
        days = audits.summary(connection, filled.site.key, FIRST, LONG_DAY)
    assert days["slots"].to_list() == [96, 100]
    assert days["settled_slots"].to_list() == [96, 100]
    assert days["planned_cost"].null_count() == 2, "nobody was there to plan: what is planned now is hindsight"


def test_a_plan_of_the_past_knew_nothing_later_than_its_decision(filled: Bench) -> None:
    with filled.warehouse.begin() as connection:
        late = connection.execute(
            sa.text("""SELECT count(*) FROM ems.planning_run r, jsonb_each_text(r.inputs -> 'known_at') k
                       WHERE k.value::timestamptz > r.decided_at""")
        ).scalar_one()
    assert late == 0


def test_the_site_left_to_its_inverter_saves_next_to_nothing_against_self_use(filled: Bench) -> None:
    """The zero-savings control on physics: nobody steered the plant before it was handed over.

    What is left: the inverter keeps 20 W of import.
    """
    with filled.warehouse.begin() as connection:
        days = audits.summary(connection, filled.site.key, FIRST, LONG_DAY)
    assert days["self_use_saving"].to_list() == pytest.approx([0, 0], abs=0.01 * days["no_battery_cost"].min())
    assert days["no_battery_saving"].sum() > 0.1 * days["no_battery_cost"].sum()


def test_the_rolling_plan_of_today_and_tomorrow_is_made_from_the_state_now(filled: Bench) -> None:
    filled.runs.asset(Step("rolling_plan", TODAY, TODAY, filled.site.key))
    with filled.warehouse.begin() as connection:
        at = connection.execute(
            sa.text("SELECT decided_at FROM ems.planning_run WHERE kind = 'rolling' AND is_verified")
        ).scalar_one()
    assert at == filled.clock.now()


def test_a_day_without_weather_fails_with_the_remedy_and_writes_nothing(filled: Bench) -> None:
    before = rows(filled, "pv_forecast")
    with pytest.raises(RunFailed, match="materialise weather_forecast"):
        filled.runs.asset(Step("pv_forecast", date(2025, 8, 1), date(2025, 8, 1), filled.site.key))
    assert rows(filled, "pv_forecast") == before


def test_weather_the_archive_does_not_have_yet_is_refused(filled: Bench) -> None:
    before = rows(filled, "weather_observation")
    filled.runs.asset(Step("weather_observation", FIRST - timedelta(days=1), FIRST - timedelta(days=1), "home01"))
    with pytest.raises(RunFailed, match="no value of temperature_2m"):
        filled.runs.asset(Step("weather_observation", LONG_DAY, LONG_DAY, "home01"))
    filled.runs.asset(Step("weather_observation", FIRST - timedelta(days=1), FIRST, "home01"))
    event = filled.runs.instance.get_latest_materialization_event(dg.AssetKey("weather_observation"))
    assert event is not None
    assert event.asset_materialization is not None
    assert int(event.asset_materialization.metadata["missing_slots"].value) > 0  # type: ignore[arg-type]
    assert rows(filled, "weather_observation") == before


def test_settling_a_day_that_has_not_begun_writes_nothing(filled: Bench) -> None:
    tomorrow = TODAY + timedelta(days=1)
    before = rows(filled, "audit_interval")
    filled.runs.asset(Step("audit_interval", tomorrow, tomorrow, filled.site.key))
    filled.runs.asset(Step("audit_day", tomorrow, tomorrow, filled.site.key))
    assert rows(filled, "audit_interval") == before


def test_checks_say_what_is_wrong_in_words(filled: Bench) -> None:
    """No device was ever asked here: telemetry is late, and that is a warning with the site's name."""
    job = filled.runs.defs.resolve_implicit_global_asset_job_def()
    tags = {RANGE_START: site_day(filled.site.key, LONG_DAY), RANGE_END: site_day(filled.site.key, LONG_DAY)}
    selected = [dg.AssetKey("telemetry_15m"), dg.AssetKey("audit_interval")]
    result = job.execute_in_process(instance=filled.runs.instance, asset_selection=selected, tags=tags)
    found = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert set(found) == {"telemetry_fresh", "bus_balances", "devices_answer", "setpoints_confirmed"}
    assert not found["telemetry_fresh"].passed
    assert "home01: never heard" in str(found["telemetry_fresh"].metadata["found"].value)
    assert found["bus_balances"].passed, found["bus_balances"].metadata
    assert found["setpoints_confirmed"].passed


def test_measured_days_have_no_gap(filled: Bench) -> None:
    with filled.warehouse.begin() as connection:
        slots = audits.slots(connection, filled.site.key, START, END)
    assert slots["starts_at"].diff().drop_nulls().unique().to_list() == [time_grid.SLOT]
    assert slots.filter(pl.col("cost").is_null()).is_empty()


def test_cars_are_expected_by_the_sessions_the_wallbox_saw(filled: Bench) -> None:
    with filled.warehouse.begin() as connection:
        models = connection.execute(sa.text("SELECT DISTINCT model FROM ems.ev_session_forecast")).scalars().all()
    assert models
    assert all(model.startswith("measured habit") for model in models), models


def test_materialising_a_past_plan_leaves_what_was_planned(filled: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that was there before its quarter-hours, then the same day planned again by somebody who knows better."""
    start = time_grid.day_bounds(LONG_DAY, PRAGUE)[0]
    told = pl.DataFrame({"starts_at": time_grid.day_slots(LONG_DAY, PRAGUE)}).with_columns(
        *(pl.lit(500.0).alias(f"{name}_w") for name in ("grid", "load")),
        *(pl.lit(0.0).alias(f"{n}_w") for n in ("pv", "pv_available", "battery", "genset", "ev", "heat_pump")),
        buy_per_kwh=pl.lit(3.0), sell_per_kwh=pl.lit(1.0), cost=pl.lit(0.375), mode=pl.lit("hold"),
        reason=pl.lit("then"),
    )  # fmt: skip
    head = plans.PlanningRun(
        filled.site.key, "rolling", LONG_DAY, start - time_grid.MINUTE, start, END, "optimal", True, {}, "c", "v",
        recorded_at=start - time_grid.MINUTE,
    )  # fmt: skip
    with filled.warehouse.begin() as connection:
        run_id = plans.store(connection, head, told, pl.DataFrame())

    def settled() -> pl.DataFrame:
        for asset in ("audit_interval", "audit_day"):
            filled.runs.asset(Step(asset, LONG_DAY, LONG_DAY, filled.site.key))
        with filled.warehouse.begin() as connection:
            return audits.slots(connection, filled.site.key, start, END)

    before = settled()
    assert {str(one) for one in before["planning_run_id"]} == {str(run_id)}
    instants = deciding.rolling_instants
    monkeypatch.setitem(deciding.INSTANTS, "rolling", lambda *day: iter(list(instants(*day))[:3]))
    for asset in ("rolling_plan", "daily_plan"):
        filled.runs.asset(Step(asset, LONG_DAY, LONG_DAY, filled.site.key))
    assert rows(filled, "planning_run WHERE is_hindsight AND kind = 'rolling'") == 3
    assert settled().rows() == before.rows()


def test_forecasting_a_past_day_again_leaves_what_was_forecast_planned_on_and_scored(filled: Bench) -> None:
    """A load of 123 W was forecast then; what the same day's forecast would be today is marked, and counts nowhere."""
    start, end = time_grid.day_bounds(LONG_DAY, PRAGUE)
    decided = decided_at(LONG_DAY, filled.site, filled.clock.now())
    then = decided - timedelta(hours=1)
    told = pl.DataFrame({"starts_at": time_grid.slots(start, end)}).with_columns(
        power_w=pl.lit(123.0), p10_w=pl.lit(100.0), p90_w=pl.lit(150.0), model=pl.lit("then")
    )
    with filled.warehouse.begin() as connection:
        forecasts.issue(connection, "load_forecast", filled.site.key, told, then)

    def score() -> list[tuple[object, ...]]:
        filled.runs.asset(Step("forecast_score", LONG_DAY, LONG_DAY, filled.site.key))
        with filled.warehouse.begin() as connection:
            found = connection.execute(
                sa.text("""SELECT horizon, model, samples, mae_w FROM ems.forecast_score
                           WHERE day = :day AND target = 'load' AND NOT is_hindsight ORDER BY 1, 2"""),
                {"day": LONG_DAY},
            )
            return [tuple(row) for row in found]

    before = score()
    assert any(model == "then" for _, model, *_ in before)
    for asset in ("weather_forecast", "load_forecast"):
        filled.runs.asset(Step(asset, LONG_DAY, LONG_DAY, filled.site.key))
    with filled.warehouse.begin() as connection:
        known = forecasts.newest(connection, "load_forecast", [filled.site.key], start, end, decided)
    assert known["power_w"].unique().to_list() == [123.0]
    assert score() == before
    filled.runs.asset(Step("daily_plan", LONG_DAY, LONG_DAY, filled.site.key))
    with filled.warehouse.begin() as connection:
        planned_on = connection.execute(
            sa.text("""SELECT (inputs #>> '{known_at,load_forecast}')::timestamptz FROM ems.planning_run
                       WHERE kind = 'daily' AND day = :day ORDER BY recorded_at DESC LIMIT 1"""),
            {"day": LONG_DAY},
        ).scalar_one()
    assert planned_on == then
    then_made = rows(filled, f"pv_forecast WHERE NOT is_hindsight AND starts_at < '{end.isoformat()}'")
    assert then_made == 0, "nobody was there to forecast"
