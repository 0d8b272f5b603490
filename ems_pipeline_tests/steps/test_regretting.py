"""What a stored day cost more than it had to, from what was measured and from what its plans said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.sites import Site
from ems_pipeline.steps import regretting
from ems_pipeline.steps.settling import settle_day, settle_slots
from ems_pipeline.steps.windows import window
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import plans, regrets
from ems_pipeline_tests.steps.test_comparing import EVENING, NIGHT, SLOTS, home, measure, priced
from ems_pipeline_tests.warehouse.test_audits import DAY, END, LATER, START, connection, first_slots

__all__ = ["connection", "home"]
BOUGHT = ("charge", '{"charge_limit_w": 2000}')
LOST = 16.0
"""Four hours fill 8 of 10 kWh at 1.00; who knows the day uses 4 of them at 4.00, and 4 are worth 2.00 at any time."""
INSTANT = pl.Datetime("us", "UTC")


def planned(connection: Connection, load_w: float = 1_000.0, is_bought: bool = True, count: int = SLOTS) -> None:
    """One plan for the day; ``is_bought``: it buys at night and then follows the meter, else it does nothing."""
    starts, slots = first_slots(count), range(count)
    run = plans.PlanningRun(
        site_key="home01", day=DAY, decided_at=START, horizon_start=START, horizon_end=starts[-1] + SLOT, inputs={},
        config_hash="c", code_version="v", kind="rolling", status="optimal", is_verified=True, recorded_at=START,
    )  # fmt: skip
    zero = ["grid_w", "pv_w", "pv_available_w", "genset_w", "ev_w", "heat_pump_w", "battery_w", "cost", "sell_per_kwh"]
    prices = [1.0 if k in NIGHT else 4.0 if k in EVENING else 2.0 for k in slots]
    frame = pl.DataFrame({"starts_at": starts, "buy_per_kwh": prices}, schema_overrides={"starts_at": INSTANT})
    frame = frame.with_columns(
        *(pl.lit(0.0).alias(name) for name in zero), load_w=pl.lit(load_w), mode=pl.lit(""), reason=pl.lit("")
    )
    told = [("hold", "{}") if not is_bought else BOUGHT if k in NIGHT else ("self-use", "{}") for k in slots]
    devices = pl.DataFrame({
        "starts_at": starts, "asset_key": "pack", "kind": "battery", "power_w": 0.0, "state": 0.0, "reason": "",
        "mode": [mode for mode, _ in told], "limits": [limits for _, limits in told],
    }, schema_overrides={"starts_at": INSTANT})  # fmt: skip
    plans.store(connection, run, frame, devices)


def regret(connection: Connection, site: Site, known: Any = LATER) -> dict[str, dict[str, Any]]:
    settle_slots(connection, site, START - SLOT, END, known)
    settle_day(connection, site, START, END, known)
    regretting.regret_day(connection, window(site, DAY, DAY), known)
    return {row["part"]: row for row in regrets.days(connection, site.key, DAY, DAY).to_dicts()}


def cost(parts: dict[str, dict[str, Any]]) -> dict[str, float]:
    return {name: row["amount"] for name, row in parts.items() if row["amount"]}


def test_what_was_told_and_not_done_is_execution_and_what_was_told_for_other_reasons_aims(
    connection: Connection, home: Site
) -> None:
    measure(connection)
    priced(connection, night=1.0, day=2.0, evening=4.0)
    planned(connection)
    parts = regret(connection, home)
    assert cost(parts) == {"execution": 8.0, "aims": 8.0, "total": LOST}, "told to follow, it empties before it is dear"
    assert cost(regret(connection, home)) == cost(parts)
    assert {row["version"] for row in parts.values()} == {1}, "said again it is the same"


def test_a_battery_that_loses_what_its_numbers_do_not_is_model(connection: Connection, home: Site) -> None:
    """Nothing moved, and the cells went from 50 % to nothing."""
    measure(connection, soc_pct=0.0)
    priced(connection, night=2.0, day=2.0, evening=2.0)
    planned(connection, is_bought=False)
    connection.exec_driver_sql("UPDATE ems.telemetry_15m SET mean_value = 50, last_value = 50 WHERE"
                               f" quantity = 'battery_soc_pct' AND starts_at < '{START}'")  # fmt: skip
    assert cost(regret(connection, home)) == {"model": 10.0, "total": 10.0}, "5 kWh at 2.00"


def test_a_house_that_was_expected_asleep_is_load(connection: Connection, home: Site) -> None:
    """Energy bought at 1.00 and kept is worth 2.00 of the day's money; the plan did not buy, and knew of no evening."""
    measure(connection)
    priced(connection, night=1.0, day=2.0, evening=4.0)
    planned(connection, load_w=0.0, is_bought=False)
    assert cost(regret(connection, home)) == {"aims": 8.0, "load": 8.0, "total": LOST}


def test_without_a_plan_only_the_battery_s_own_part_is_known_and_the_rest_is_told_together(
    connection: Connection, home: Site
) -> None:
    measure(connection)
    priced(connection, night=1.0, day=2.0, evening=4.0)
    parts = regret(connection, home)
    assert cost(parts) == {"together": LOST, "total": LOST}
    assert parts["model"]["amount"] == 0.0
    assert parts["load"]["missing"] == "no plan held when the day began"
    planned(connection)
    later = regret(connection, home, LATER + timedelta(hours=1))
    assert (later["load"]["missing"], later["load"]["version"]) == (None, 2)
    then = regrets.days(connection, home.key, DAY, DAY, LATER)
    assert dict(then.select("part", "missing").iter_rows())["load"] == "no plan held when the day began"


def test_a_plan_that_ends_before_the_day_splits_no_more_than_none(connection: Connection, home: Site) -> None:
    measure(connection)
    priced(connection, night=1.0, day=2.0, evening=4.0)
    planned(connection, count=8)
    assert regret(connection, home)["load"]["missing"] == "the plan that held at 22:00 UTC ends before the day does"


def test_a_day_that_is_not_settled_whole_is_not_split(connection: Connection, home: Site) -> None:
    measure(connection, count=50)
    priced(connection, night=1.0, day=2.0, evening=4.0)
    parts = regret(connection, home)
    assert {row["missing"] for row in parts.values()} == {"50 of 96 quarter-hours are settled, and it needs all"}
    assert cost(parts) == {}
