"""What was forecast, and what is made of a past day afterwards: the second never stands where the first did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.heat.building import BuildingResponse
from ems_pipeline.local_time import INSTANT
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, audits, buildings, forecasts, models, sites
from ems_pipeline.warehouse.models import StoredModel

NOON = datetime(2026, 5, 4, 10, tzinfo=UTC)
MADE, DECIDED, AFTERWARDS = NOON - timedelta(hours=24), NOON - timedelta(hours=20), NOON + timedelta(days=9)
AGAIN = AFTERWARDS + timedelta(days=1)
SLOTS: dict[forecasts.Table, tuple[str, dict[str, Any]]] = {
    "weather_forecast": ("temperature_c", {"ghi_w_m2": 1.0, "source": "t"}),
    "load_forecast": ("power_w", {"model": "t"}),
    "pv_forecast": ("power_w", {"model": "t", "asset_key": "south"}),
    "heat_demand_forecast": ("heat_w", {"model": "t", "asset_key": "heating", "outdoor_c": 1.0, "cop": 3.0}),
    "baseline_consumption": ("power_w", {"samples": 3}),
}


@pytest.fixture
def connection(warehouse: Warehouse, home01: Site) -> Iterator[Connection]:
    with warehouse.begin() as connection:
        sites.register(connection, [home01], MADE)
        yield connection
        connection.rollback()


def issue(connection: Connection, table: forecasts.Table, value: float, known_at: datetime, at: datetime) -> None:
    column, rest = SLOTS[table]
    frame = pl.DataFrame({"starts_at": [NOON]}, schema={"starts_at": INSTANT}).with_columns(
        pl.lit(value).alias(column), **{name: pl.lit(one) for name, one in rest.items()}
    )
    forecasts.issue(connection, table, "home01", frame, known_at, recorded_at=at)


def known(connection: Connection, table: forecasts.Table, at: datetime | None) -> list[float]:
    return forecasts.newest(connection, table, ["home01"], NOON, NOON + SLOT, at)[SLOTS[table][0]].to_list()


def marks(connection: Connection, table: str) -> list[bool]:
    found = connection.exec_driver_sql(f"SELECT is_hindsight FROM ems.{table} ORDER BY recorded_at, known_at")
    return [bool(mark) for mark in found.scalars()]


@pytest.mark.parametrize("table", SLOTS)
def test_what_is_forecast_afterwards_is_never_what_was_known(connection: Connection, table: forecasts.Table) -> None:
    issue(connection, table, 1.0, MADE, MADE)
    for claimed in (MADE, DECIDED):
        issue(connection, table, 2.0, claimed, AFTERWARDS)
    assert known(connection, table, MADE - SLOT) == []
    for at in (MADE, DECIDED, NOON, AFTERWARDS - SLOT):
        assert known(connection, table, at) == [1.0], at
    assert known(connection, table, AFTERWARDS) == known(connection, table, None) == [2.0]
    assert marks(connection, table) == [False, True, True]


@pytest.mark.parametrize("table", SLOTS)
def test_where_nothing_was_forecast_what_is_made_afterwards_stands_in_and_is_marked(
    connection: Connection, table: forecasts.Table
) -> None:
    issue(connection, table, 2.0, DECIDED, AFTERWARDS)
    issue(connection, table, 2.0, DECIDED, AGAIN)
    assert marks(connection, table) == [True], "said again is no news"
    issue(connection, table, 3.0, DECIDED, AGAIN)
    assert marks(connection, table) == [True, True]
    assert known(connection, table, DECIDED - SLOT) == []
    assert known(connection, table, AFTERWARDS) == [2.0], "what a back-test of that day was told"
    assert known(connection, table, AGAIN) == [3.0]


def test_expected_sessions_made_afterwards_move_no_session(connection: Connection) -> None:
    def expect(hour: int, known_at: datetime, at: datetime) -> None:
        arrives = NOON + timedelta(hours=hour)
        row = {"asset_key": ["garage"], "arrives_at": [arrives], "departs_at": [arrives + timedelta(hours=9)]}
        frame = pl.DataFrame(row, schema_overrides={"arrives_at": INSTANT, "departs_at": INSTANT}).with_columns(
            energy_wh=pl.lit(9000.0), probability=pl.lit(1.0), model=pl.lit("t")
        )
        forecasts.issue(connection, "ev_session_forecast", "home01", frame, known_at, recorded_at=at)

    def hours(at: datetime) -> list[int]:
        found = forecasts.newest_sessions(connection, ["home01"], NOON, NOON + timedelta(days=1), at)
        return [(arrives - NOON) // timedelta(hours=1) for arrives in found["arrives_at"]]

    expect(7, MADE, MADE)
    expect(5, MADE, AFTERWARDS)
    expect(6, DECIDED, AFTERWARDS)
    assert [hours(at) for at in (MADE, DECIDED, NOON)] == [[7], [7], [7]]
    assert hours(AFTERWARDS) == [6]
    assert marks(connection, "ev_session_forecast") == [False, True, True]


@pytest.mark.parametrize(
    ("again", "expected"),
    [([(7, 1.0)], [7]), ([(7, 1.0), (20, 1.0)], [7, 20]), ([(7, 0.0)], []), ([(20, 1.0)], [20])],
    ids=["fewer", "the same", "nobody", "another"],
)
@pytest.mark.parametrize("known_at", [MADE, DECIDED], ids=["made again", "made anew"])
def test_an_issue_of_sessions_is_whole_also_when_it_expects_fewer(
    connection: Connection, known_at: datetime, again: list[tuple[int, float]], expected: list[int]
) -> None:
    for sessions, known, at in (([(7, 1.0), (20, 1.0)], MADE, MADE), (again, known_at, DECIDED)):
        arrives = [NOON + timedelta(hours=hour) for hour, _ in sessions]
        row = {"asset_key": "garage", "arrives_at": arrives, "probability": [p for _, p in sessions]}
        frame = pl.DataFrame(row, schema_overrides={"arrives_at": INSTANT}).with_columns(
            departs_at=pl.col("arrives_at") + timedelta(hours=9), energy_wh=pl.lit(9000.0), model=pl.lit("t")
        )
        forecasts.issue(connection, "ev_session_forecast", "home01", frame, known, recorded_at=at)
    found = forecasts.newest_sessions(connection, ["home01"], NOON, NOON + timedelta(days=2), DECIDED)
    assert [(a - NOON) // timedelta(hours=1) for a in found["arrives_at"]] == expected


def test_expected_sessions_of_long_ago_do_not_stand_for_a_day_that_was_filled_later(connection: Connection) -> None:
    arrives = NOON + timedelta(hours=5)
    for days, at in ((9, MADE - timedelta(days=9)), (0, AFTERWARDS)):
        row = {"asset_key": ["garage"], "arrives_at": [arrives - timedelta(days=days)]}
        frame = pl.DataFrame(row, schema_overrides={"arrives_at": INSTANT}).with_columns(
            departs_at=pl.col("arrives_at") + timedelta(hours=9),
            energy_wh=pl.lit(9000.0), probability=pl.lit(1.0), model=pl.lit("t"),
        )  # fmt: skip
        forecasts.issue(connection, "ev_session_forecast", "home01", frame, min(at, DECIDED), recorded_at=at)
    found = forecasts.newest_sessions(connection, ["home01"], NOON, NOON + timedelta(days=1), DECIDED)
    assert found["arrives_at"].to_list() == [arrives]


def test_a_fit_made_afterwards_is_not_what_was_known(connection: Connection) -> None:
    """A house, a COP curve and a trained model: the same law, without a quarter-hour they are about."""

    def fit(value: float, known_at: datetime, at: datetime) -> None:
        response = BuildingResponse(value, 1.0, residual_w=1.0)
        buildings.put(connection, "home01", "heating", response, known_at, at)
        curve = {"site_key": "home01", "asset_key": "heating", "efficiency": value, "drift_per_k": 0.0, "samples": 1}
        forecasts.put_cop_curve(connection, pl.DataFrame([curve | {"known_at": known_at, "recorded_at": at}]))
        trained = StoredModel("load", "m", str(value), MADE - timedelta(days=60), known_at, "live", known_at)
        models.put(connection, "home01", trained, at)

    def seen(at: datetime) -> tuple[float, float, float]:
        house = buildings.newest(connection, ["home01"], at).get(("home01", "heating"))
        # 35 K of lift: efficiency times the Carnot COP of 308.15 K
        cop = sa.text("SELECT ems.fn_cop_estimate('home01', 'heating', 0, 35, :at)")
        estimated = connection.execute(cop, {"at": at}).scalar_one()
        model = models.newest(connection, "home01", "load", "m", at)
        assert house is not None
        assert model is not None
        return house.heat_loss_w_per_k, round(estimated * 35 / 308.15, 6), float(model.document)

    fit(0.3, MADE, MADE)
    for claimed in (MADE, DECIDED):
        fit(0.4, claimed, AFTERWARDS)
    for at in (MADE, DECIDED, NOON, AFTERWARDS - SLOT):
        assert seen(at) == (0.3, 0.3, 0.3), at
    assert seen(AFTERWARDS) == (0.4, 0.4, 0.4)


def test_scores_are_of_what_was_forecast_before_the_slot_was_over(connection: Connection) -> None:
    issue(connection, "load_forecast", 1.0, MADE, MADE)
    issue(connection, "load_forecast", 2.0, DECIDED, AFTERWARDS)
    found = audits.forecast_issues(connection, "load_forecast", "home01", NOON, NOON + SLOT)
    assert found.select("power_w", "is_hindsight").rows() == [(1.0, False)]


def test_a_slot_nobody_forecast_is_scored_by_the_last_that_was_made_of_it_and_says_so(connection: Connection) -> None:
    issue(connection, "pv_forecast", 2.0, DECIDED, AFTERWARDS)
    issue(connection, "pv_forecast", 3.0, DECIDED, AGAIN)
    found = audits.forecast_issues(connection, "pv_forecast", "home01", NOON, NOON + SLOT)
    assert found.select("power_w", "is_hindsight").rows() == [(3.0, True)]


def test_a_model_learns_from_the_weather_as_it_was_forecast(connection: Connection) -> None:
    issue(connection, "weather_forecast", 1.0, MADE, MADE)
    issue(connection, "weather_forecast", 2.0, DECIDED, AFTERWARDS)
    for noon_in in (None, "Europe/Prague"):
        seen = models.weather_as_forecast(connection, "home01", NOON, NOON + SLOT, noon_in)
        assert seen["temperature_c"].to_list() == [1.0]
