"""Settlement on a real database: hand-computed slots, gaps that stay gaps, corrections that restate, idempotence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline import time_grid
from ems_pipeline.sites import Site
from ems_pipeline.steps.settling import settle_day, settle_slots
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, audits, market, plans, sites, telemetry

DAY = date(2026, 5, 4)
PRAGUE = time_grid.zone("Europe/Prague")
START, END = time_grid.day_bounds(DAY, PRAGUE)
KNOWN = START - timedelta(hours=10)
LATER = END + timedelta(hours=1)
BUS = {"grid_power_w": 1200.0, "pv_power_w": 500.0, "battery_power_w": -200.0, "battery_soc_pct": 50.0}


@pytest.fixture
def connection(warehouse: Warehouse, home01: Site) -> Iterator[Connection]:
    """A registered site; whatever a test writes is taken back."""
    with warehouse.begin() as connection:
        sites.register(connection, [home01], KNOWN)
        yield connection
        connection.rollback()


def measure(connection: Connection, starts: list[datetime], **values: float | None) -> None:
    """Quarter-hours of the inverter: 1200 W import, 500 W PV, 200 W charging -> 1500 W of house."""
    rows = [
        ("inverter", quantity, "W", at, values.get(quantity, value)) for at in starts for quantity, value in BUS.items()
    ]
    names = ["device_key", "quantity", "unit", "starts_at", "value"]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("starts_at").cast(pl.Datetime("us", "UTC"))
    )
    telemetry.import_15m(connection, "home01", frame.with_columns(pl.col("value").cast(pl.Float64)))


def price(
    connection: Connection,
    starts: list[datetime],
    buy: float,
    sell: float,
    known_at: datetime = KNOWN,
    is_provisional: bool = False,
) -> None:
    frame = pl.DataFrame({"starts_at": starts}, schema={"starts_at": pl.Datetime("us", "UTC")}).with_columns(
        site_key=pl.lit("home01"), buy_per_kwh=pl.lit(buy), sell_per_kwh=pl.lit(sell), spot_per_kwh=pl.lit(1.0),
        currency=pl.lit("CZK"), is_provisional=pl.lit(is_provisional), known_at=pl.lit(known_at),
    )  # fmt: skip
    market.add_effective_prices(connection, frame, known_at)


def planned(connection: Connection, decided_at: datetime, starts: list[datetime], **head: Any) -> str:
    """A plan that imports 800 W in every slot at prices of its own."""
    values = {"kind": "rolling", "status": "optimal", "is_verified": True, "recorded_at": decided_at} | head
    run = plans.PlanningRun(
        site_key="home01", day=DAY, decided_at=decided_at, horizon_start=starts[0], horizon_end=starts[-1] + SLOT,
        inputs={}, config_hash="c", code_version="v", **values,
    )  # fmt: skip
    columns = dict.fromkeys(["pv_w", "pv_available_w", "battery_w", "genset_w", "ev_w", "heat_pump_w"], 0.0)
    columns |= {"grid_w": 800.0, "load_w": 800.0, "cost": 0.0, "buy_per_kwh": 2.0, "sell_per_kwh": 1.0}
    frame = pl.DataFrame({"starts_at": starts}, schema={"starts_at": pl.Datetime("us", "UTC")}).with_columns(
        *(pl.lit(v).alias(k) for k, v in columns.items()), mode=pl.lit("hold"), reason=pl.lit("cheap night")
    )
    return str(plans.store(connection, run, frame, pl.DataFrame()))


def fill(connection: Connection, site: Site, start: datetime = START, end: datetime = START + 4 * SLOT) -> pl.DataFrame:
    settle_slots(connection, site, start, end, LATER)
    return audits.slots(connection, site.key, start, end)


def first_slots(n: int) -> list[datetime]:
    return [START + i * SLOT for i in range(n)]


def test_a_slot_by_hand(connection: Connection, home01: Site) -> None:
    measure(connection, [START - SLOT, *first_slots(4)])
    price(connection, first_slots(4), buy=4.0, sell=1.0)
    run_id = planned(connection, START - timedelta(minutes=1), first_slots(4))
    row = fill(connection, home01).to_dicts()[0]
    assert row["load_w"] == pytest.approx(1500)
    assert row["cost"] == pytest.approx(1.2 * 4 / 4)
    assert str(row["planning_run_id"]) == run_id
    assert (row["planned_mode"], row["planned_reason"]) == ("hold", "cheap night")
    assert row["planned_cost"] == pytest.approx(0.8 * 2 / 4), "the plan's own prices"
    assert row["deviation_w"] == pytest.approx(400)
    assert row["no_battery_cost"] == pytest.approx(1.0 * 4 / 4), "1500 W of house less 500 W of PV"
    assert row["self_use_battery_w"] == pytest.approx(1000), "the rule covers the deficit from the battery"
    assert row["self_use_cost"] == pytest.approx(0)
    # 250 Wh / 0.96 out of 15 kWh
    assert row["self_use_soc_pct"] == pytest.approx(50 - 100 * 250 / 0.96 / 15000)


def test_what_was_not_measured_is_null_with_coverage_zero_and_never_free(connection: Connection, home01: Site) -> None:
    measure(connection, [START, START + 2 * SLOT])
    measure(connection, [START + 3 * SLOT], pv_power_w=None)
    price(connection, first_slots(4), buy=4.0, sell=1.0)
    rows = fill(connection, home01)
    assert rows.height == 4, "every slot has a row"
    assert rows["coverage_pct"].to_list() == [100, 0, 100, 0]
    assert rows["cost"].is_null().to_list() == [False, True, False, False], "the meter alone settles the bill"
    assert rows["load_w"].is_null().to_list() == [False, True, False, True]
    assert rows["no_battery_cost"].is_null().to_list() == [False, True, False, True]
    day = settle_day(connection, home01, START, END, LATER).row(0, named=True)
    assert (day["slots"], day["settled_slots"]) == (4, 2)
    assert day["cost"] == pytest.approx(2 * 1.2)


def test_without_a_price_there_is_no_cost(connection: Connection, home01: Site) -> None:
    measure(connection, first_slots(4))
    rows = fill(connection, home01)
    assert rows["grid_w"].null_count() == 0
    assert rows["cost"].null_count() == rows["no_battery_cost"].null_count() == 4
    for _ in range(2):
        day = settle_day(connection, home01, START, END, LATER).row(0, named=True)
        assert (day["settled_slots"], day["cost"]) == (0, None)


def test_filling_again_changes_nothing(connection: Connection, home01: Site) -> None:
    measure(connection, first_slots(4))
    price(connection, first_slots(4), buy=4.0, sell=1.0)
    assert settle_slots(connection, home01, START, START + 4 * SLOT, LATER) == 4
    before = audits.slots(connection, "home01", START, END)
    assert settle_slots(connection, home01, START, START + 4 * SLOT, LATER) == 0
    assert audits.slots(connection, "home01", START, END).equals(before)


def test_slot_by_slot_gives_the_day_at_once(connection: Connection, home01: Site) -> None:
    """The 15-minute clock work and the nightly settlement may not disagree about the baseline's charge."""
    measure(connection, [START - SLOT, *first_slots(8)])
    price(connection, first_slots(8), buy=4.0, sell=1.0)
    at_once = fill(connection, home01, START, START + 8 * SLOT)["self_use_soc_pct"].to_list()
    connection.execute(sa.text("DELETE FROM ems.audit_interval"))
    for at in first_slots(8):
        settle_slots(connection, home01, at, at + SLOT, LATER)
    assert audits.slots(connection, "home01", START, END)["self_use_soc_pct"].to_list() == pytest.approx(at_once)


def test_a_corrected_price_restates_the_slot_and_the_day(connection: Connection, home01: Site) -> None:
    starts = time_grid.day_slots(DAY, PRAGUE)
    measure(connection, starts)
    price(connection, starts, buy=4.0, sell=1.0)
    settle_slots(connection, home01, START, END, LATER)
    settle_day(connection, home01, START, END, LATER)
    price(connection, starts[:1], buy=8.0, sell=1.0, known_at=LATER + SLOT)
    assert settle_slots(connection, home01, START, END, LATER) == 0, "as known before the correction nothing changed"
    assert settle_slots(connection, home01, START, END, LATER + 2 * SLOT) == 1
    settle_day(connection, home01, START, END, LATER + 2 * SLOT)
    rows = audits.slots(connection, "home01", START, END)
    assert rows["revision"].to_list() == [2] + [1] * 95
    day = audits.summary(connection, "home01", DAY, DAY).row(0, named=True)
    assert day["cost"] == pytest.approx(96 * 1.2 + 1.2)
    assert day["is_restated"] is True
    assert day["import_kwh"] == pytest.approx(96 * 0.3)


def test_a_day_that_only_grew_is_not_restated(connection: Connection, home01: Site) -> None:
    starts = time_grid.day_slots(DAY, PRAGUE)
    measure(connection, starts)
    price(connection, starts, buy=4.0, sell=1.0)
    for end in (START + 40 * SLOT, END):
        settle_slots(connection, home01, START, end, LATER)
        settle_day(connection, home01, START, end, LATER)
    day = audits.summary(connection, None, DAY, DAY).row(0, named=True)
    assert (day["slots"], day["settled_slots"], day["is_restated"]) == (96, 96, False)


def test_a_provisional_price_that_becomes_final_restates_nothing(connection: Connection, home01: Site) -> None:
    measure(connection, first_slots(4))
    price(connection, first_slots(4), buy=4.0, sell=1.0, is_provisional=True)
    settle_slots(connection, home01, START, START + 4 * SLOT, LATER)
    assert settle_day(connection, home01, START, END, LATER)["is_provisional"].to_list() == [True]
    price(connection, first_slots(4), buy=4.1, sell=1.0, known_at=LATER)
    assert settle_slots(connection, home01, START, START + 4 * SLOT, LATER) == 4
    settle_day(connection, home01, START, END, LATER)
    assert audits.slots(connection, "home01", START, END)["revision"].to_list() == [1] * 4
    day = audits.summary(connection, "home01", DAY, DAY).row(0, named=True)
    assert (day["is_provisional"], day["is_restated"]) == (False, False)
    assert day["cost"] == pytest.approx(4 * 0.3 * 4.1)


def test_a_day_with_a_gap_is_completed_without_and_corrected_with_a_restatement(
    connection: Connection, home01: Site
) -> None:
    measure(connection, first_slots(4))
    price(connection, first_slots(3), buy=4.0, sell=1.0)

    def settled() -> tuple[int, bool]:
        settle_slots(connection, home01, START, START + 4 * SLOT, LATER + SLOT)
        settle_day(connection, home01, START, END, LATER)
        day = audits.summary(connection, "home01", DAY, DAY).row(0, named=True)
        return day["settled_slots"], day["is_restated"]

    assert settled() == (3, False)
    price(connection, first_slots(4)[3:], buy=4.0, sell=1.0)
    assert settled() == (4, False)
    price(connection, first_slots(1), buy=5.0, sell=1.0, known_at=LATER)
    assert settled() == (4, True)


@pytest.mark.parametrize(
    "head",
    [
        {"is_verified": False},
        {"status": "failed"},
        {"recorded_at": START + timedelta(days=3)},
        {"recorded_at": START + timedelta(seconds=1)},
    ],
    ids=["unverified", "failed", "hindsight", "too late for this slot"],
)
def test_a_plan_nobody_may_execute_is_not_what_was_planned(connection: Connection, home01: Site, head: Any) -> None:
    good = planned(connection, START - timedelta(hours=9), first_slots(4), kind="daily")
    planned(connection, START - timedelta(minutes=1), first_slots(4), **head)
    planned(connection, START + timedelta(minutes=1), first_slots(4))
    rows = fill(connection, home01)
    assert str(rows["planning_run_id"][0]) == good, "nor is one decided after the slot began"
    assert str(rows["planning_run_id"][1]) != good


def test_a_plan_made_afterwards_changes_nothing_that_was_planned(connection: Connection, home01: Site) -> None:
    """Better informed, decided for an instant before the slots, recorded when they were over: hindsight."""
    measure(connection, first_slots(4))
    price(connection, first_slots(4), buy=4.0, sell=1.0)
    planned(connection, START - timedelta(hours=9), first_slots(4), kind="daily")
    before = fill(connection, home01)
    late = planned(connection, START - timedelta(minutes=1), first_slots(4), recorded_at=LATER)
    assert plans.planned(connection, home01, START, LATER) is None
    assert fill(connection, home01).rows() == before.rows()
    assert planned(connection, START - timedelta(minutes=1), first_slots(4), recorded_at=LATER + SLOT) != late
    heads = connection.execute(sa.text("SELECT is_hindsight FROM ems.planning_run ORDER BY decided_at")).scalars().all()
    assert heads == [False, True], "hindsight made again replaces itself, and nothing else"


def test_the_same_decision_made_again_leaves_the_one_that_was_followed(connection: Connection, home01: Site) -> None:
    first = planned(connection, START - timedelta(minutes=1), first_slots(4))
    planned(connection, START - timedelta(minutes=1), first_slots(4), recorded_at=START + timedelta(days=1))
    assert {str(run) for run in fill(connection, home01)["planning_run_id"]} == {first}


def test_another_plan_than_was_told_is_a_restatement(connection: Connection, home01: Site) -> None:
    """Nothing but a change of the database itself does that: it may not pass unseen."""
    starts = time_grid.day_slots(DAY, PRAGUE)
    measure(connection, starts)
    price(connection, starts, buy=4.0, sell=1.0)
    planned(connection, START - timedelta(minutes=1), starts)
    settle_slots(connection, home01, START, END, LATER)
    settle_day(connection, home01, START, END, LATER)
    connection.execute(sa.text("UPDATE ems.planning_interval SET grid_w = 900 WHERE starts_at = :at"), {"at": START})
    assert settle_slots(connection, home01, START, END, LATER) == 1
    settle_day(connection, home01, START, END, LATER)
    assert audits.slots(connection, "home01", START, END)["revision"].to_list() == [2] + [1] * 95
    assert audits.summary(connection, "home01", DAY, DAY)["is_restated"].to_list() == [True]


def test_the_command_in_force_is_the_newest_valid_one_and_says_whether_it_was_confirmed(
    connection: Connection, home01: Site
) -> None:
    insert = sa.text("""
        INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, reason, is_shadow, state, valid_until,
                                  intended_at, echoed_at)
        VALUES ('home01', 'inverter', :slot, 'plan', '{"mode": "charge"}', 'r', false, :state, :until, :slot,
                :echoed)""")
    for slot, state, echoed in ((START, "superseded", START), (START + SLOT, "failed", None)):
        values = {"slot": slot, "state": state, "until": slot + timedelta(minutes=20), "echoed": echoed}
        connection.execute(insert, values)
    commanded = [json.loads(text) for text in fill(connection, home01)["commanded"]]
    assert commanded[0]["inverter"]["confirmed"] is True
    assert commanded[1]["inverter"]["confirmed"] is False
    assert commanded[2]["inverter"]["state"] == "failed", "valid for 20 minutes"
    assert commanded[3] == {}


def test_a_site_without_batteries_has_one_baseline_twice(connection: Connection, home01: Site) -> None:
    bare = home01.model_copy(update={"batteries": ()})
    measure(connection, first_slots(2))
    price(connection, first_slots(2), buy=4.0, sell=1.0)
    settle_slots(connection, bare, START, START + 2 * SLOT, LATER)
    rows = audits.slots(connection, "home01", START, END)
    assert rows["self_use_cost"].to_list() == rows["no_battery_cost"].to_list() == pytest.approx([1.0, 1.0])


def test_a_cost_law_holds_in_the_database(connection: Connection) -> None:
    cost = connection.execute(
        sa.text("SELECT ems.fn_slot_cost(2000, 3, 1), ems.fn_slot_cost(-2000, 3, 1), ems.fn_slot_cost(-2000, 3, -1)")
    ).one()
    assert tuple(cost) == (1.5, -0.5, 0.5), "importing costs, exporting earns, exporting at a negative price costs"
