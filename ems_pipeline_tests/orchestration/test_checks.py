"""Each standing check finds the fault it is there for, names the site, and is content without it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.market.document import market_day_slots
from ems_pipeline.orchestration import checks
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SLOT, SimulatedClock
from ems_pipeline.warehouse import Warehouse, market, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.control.bench import store_plan
from ems_pipeline_tests.readings import answers

NOW = datetime(2025, 10, 26, 12, 0, tzinfo=UTC)
"""Noon of a market day of 100 quarter-hours."""
INSTANT = pl.Datetime("us", "UTC")


@pytest.fixture
def ems(warehouse: Warehouse, home01: Site) -> Iterator[Platform]:
    with warehouse.begin() as connection:
        registry.register(connection, [home01], NOW)
    yield Platform(warehouse, SimulatedClock(NOW), lambda: [home01])
    with warehouse.begin() as connection:
        for table in (
            "market_interval_price",
            "telemetry",
            "telemetry_15m",
            "setpoint",
            "device_health",
            "point",
            "planning_run",
        ):
            connection.execute(sa.text(f"DELETE FROM ems.{table}"))


def prices(ems: Platform, starts: list[datetime]) -> None:
    frame = pl.DataFrame({"starts_at": starts}, schema={"starts_at": INSTANT}).with_columns(
        zone=pl.lit("CZ"), price_per_mwh=pl.lit(80.0), currency=pl.lit("EUR"), resolution_min=pl.lit(15),
        source=pl.lit("test"), known_at=pl.lit(NOW), known_basis=pl.lit("received"),
    )  # fmt: skip
    with ems.warehouse.begin() as connection:
        market.add_prices(connection, frame, NOW)


def measure(ems: Platform, **values: float) -> None:
    starts = [NOW - (i + 1) * SLOT for i in range(8)]
    rows = [("inverter", name, "W", at, value) for at in starts for name, value in values.items()]
    names = {"device_key": pl.String, "quantity": pl.String, "unit": pl.String, "starts_at": INSTANT}
    with ems.warehouse.begin() as connection:
        frame = pl.DataFrame(rows, schema={**names, "value": pl.Float64}, orient="row")
        telemetry.import_15m(connection, "home01", frame)


def look(ems: Platform, name: str) -> tuple[bool, str]:
    """Whether the check is content, and what it found."""
    if name == "day_complete":
        results = [checks.prices_complete(ems)]
    elif name == "setpoints_confirmed":
        results = [checks.setpoints_confirmed(ems)]
    elif name == "verified_plan_in_force":
        results = [checks.verified_plan_in_force(ems)]
    else:
        results = list(checks.telemetry_findings(ems))
    (result,) = [r for r in results if r.check_name == name]
    assert result.severity is dg.AssetCheckSeverity.WARN, "a check never stops the next plan"
    return bool(result.passed), str(result.metadata["found"].value)


def test_a_market_day_of_a_hundred_prices_is_complete_and_one_of_96_is_not(ems: Platform) -> None:
    assert look(ems, "day_complete") == (False, "- CZ 2025-10-26: 0 of 100")
    prices(ems, market_day_slots(NOW.date())[:96])
    assert look(ems, "day_complete") == (False, "- CZ 2025-10-26: 96 of 100")
    prices(ems, market_day_slots(NOW.date()))
    assert look(ems, "day_complete") == (True, "nothing")


def test_a_day_of_last_week_with_a_hole_is_found_and_one_never_imported_is_not_missed(ems: Platform) -> None:
    prices(ems, market_day_slots(NOW.date()))
    prices(ems, market_day_slots(NOW.date() - timedelta(days=3))[1:])
    assert look(ems, "day_complete") == (False, "- CZ 2025-10-23: 95 of 96")


@pytest.mark.parametrize(("age_min", "fresh"), [(4, True), (6, False)])
def test_telemetry_older_than_the_site_allows_is_late(ems: Platform, age_min: int, fresh: bool) -> None:
    at = NOW - timedelta(minutes=age_min)
    with ems.warehouse.begin() as connection:
        reading = Reading("inverter", "grid_power_w", "W", 5.0, at, at, Quality.GOOD)
        telemetry.store(connection, answers([("home01", reading)]))
    assert look(ems, "telemetry_fresh")[0] is fresh


def test_a_meter_with_the_wrong_sign_makes_a_negative_house(ems: Platform) -> None:
    measure(ems, grid_power_w=-900.0, pv_power_w=300.0)
    passed, found = look(ems, "bus_balances")
    assert not passed
    assert "home01: the house load is negative in 8 slots" in found


def test_a_load_meter_that_disagrees_with_the_bus_is_told_in_watts(ems: Platform) -> None:
    measure(ems, grid_power_w=900.0, pv_power_w=300.0, load_power_w=1250.0)
    assert look(ems, "bus_balances") == (True, "nothing"), "50 W is within what meters differ"
    measure(ems, load_power_w=1500.0)
    assert look(ems, "bus_balances")[1] == "- home01: the bus leaves 1200 W of load, the device reports 1500 W"


def test_a_silent_device_is_named_with_its_error(ems: Platform) -> None:
    with ems.warehouse.begin() as connection:
        connection.execute(
            sa.text("""
                INSERT INTO ems.device_health (site_key, device_key, state, last_attempt_at, error_streak, last_error)
                VALUES ('home01', 'inverter', 'degraded', :now, 3, 'no answer'),
                       ('home01', 'loxone', 'ok', :now, 0, NULL)"""),
            {"now": NOW},
        )
    assert look(ems, "devices_answer") == (False, "- home01/inverter: 3 errors, no answer")


def test_a_setpoint_that_failed_is_counted_and_a_shadow_is_not(ems: Platform) -> None:
    insert = sa.text("""
        INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, reason, is_shadow, state, valid_until,
                                  intended_at, echoed_at)
        VALUES ('home01', 'inverter', :slot, 'plan', '{}', 'r', :shadow, :state, :until, :slot, :echoed)""")
    slot = NOW - SLOT
    with ems.warehouse.begin() as connection:
        for state, echoed, shadow in (("effective", slot, False), ("failed", None, True)):
            values = {"slot": slot, "shadow": shadow, "state": state, "until": NOW + SLOT, "echoed": echoed}
            connection.execute(insert, values)
    assert look(ems, "setpoints_confirmed") == (True, "nothing")
    with ems.warehouse.begin() as connection:
        failed = {"slot": slot, "shadow": False, "state": "failed", "until": NOW + SLOT, "echoed": None}
        connection.execute(insert, failed)
    assert look(ems, "setpoints_confirmed") == (False, "- home01: 1 failed")


def test_a_site_without_a_plan_that_may_be_followed_is_found(ems: Platform, home01: Site) -> None:
    """The demo site accepts plans of 40 minutes; one that the verifier refused is none."""
    decided = NOW - timedelta(minutes=41)
    store_plan(ems.warehouse, home01, NOW, [], is_verified=False)
    assert look(ems, "verified_plan_in_force") == (False, "- home01: no plan was ever verified")
    store_plan(ems.warehouse, home01, decided - timedelta(hours=5), [])
    assert "the newest verified plan ends 2025-10-26 08:15" in look(ems, "verified_plan_in_force")[1]
    store_plan(ems.warehouse, home01, decided, [])
    assert f"the newest verified plan is of {decided}" in look(ems, "verified_plan_in_force")[1]
    store_plan(ems.warehouse, home01, NOW - timedelta(minutes=40), [])
    assert look(ems, "verified_plan_in_force") == (True, "nothing")


def test_every_standing_check_can_be_executed_alone() -> None:
    """Several in one body: only what can be taken apart is not greyed out in the UI."""
    assert not [check for check in checks.ALL if len(list(check.check_keys)) > 1 and not check.can_subset]


def test_one_of_several_checks_is_executed_alone_as_the_ui_does(ems: Platform) -> None:
    chosen = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("telemetry_15m"), "bus_balances"))
    job = dg.define_asset_job("alone", chosen)
    defs = dg.Definitions(assets=[telemetry_15m], asset_checks=checks.ALL[1:2], jobs=[job], resources={"ems": ems})
    with dg.instance_for_test() as instance:
        result = defs.resolve_job_def("alone").execute_in_process(instance=instance)
    assert [found.check_name for found in result.get_asset_check_evaluations()] == ["bus_balances"]
