"""Baselines as rows: a day by hand, nothing saved where no price differs, corrections as versions beside the old."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from sqlalchemy.engine import Connection

from ems_pipeline.sites import FixedTariff, Site
from ems_pipeline.steps.comparing import compare_day
from ems_pipeline.steps.settling import settle_day, settle_slots
from ems_pipeline.steps.windows import window
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import baselines, plans, telemetry
from ems_pipeline_tests.warehouse.test_audits import DAY, END, LATER, START, connection, first_slots, price

__all__ = ["connection"]
SLOTS = 96
NIGHT, EVENING = range(16), range(72, 88)
"""Cheap at night, dear in the evening."""


@pytest.fixture
def home(home01: Site) -> Site:
    """1 kW of house, 10 kWh without losses, up to 2 kW, 0.10 a kWh of wear; a contract of 3.00 could be had."""
    battery = home01.batteries[0].model_copy(update={
        "capacity_wh": 10_000.0, "charge_limit_w": 2_000.0, "discharge_limit_w": 2_000.0, "charge_efficiency": 1.0,
        "discharge_efficiency": 1.0, "min_soc_pct": 0.0, "reserve_soc_pct": 0.0, "max_soc_pct": 100.0,
        "wear_per_kwh": 0.1,
    })  # fmt: skip
    contract = FixedTariff(buy_per_kwh=3.0, sell_per_kwh=0.5)
    return home01.model_copy(update={"batteries": (battery,), "fixed_tariff": contract})


def measure(connection: Connection, grid_w: float = 1_000.0, soc_pct: float = 0.0, count: int = SLOTS) -> None:
    """A battery that did nothing all day."""
    bus = {"grid_power_w": grid_w, "pv_power_w": 0.0, "battery_power_w": 0.0, "battery_soc_pct": soc_pct}
    rows = [("inverter", name, "W", at, w) for at in [START - SLOT, *first_slots(count)] for name, w in bus.items()]
    names = ["device_key", "quantity", "unit", "starts_at", "value"]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("starts_at").cast(pl.Datetime("us", "UTC"))
    )
    telemetry.import_15m(connection, "home01", frame)


def priced(connection: Connection, **bands: float) -> None:
    """2.00 by day, 1.00 at night, 4.00 in the evening; sold for nothing."""
    starts = first_slots(SLOTS)
    for band, slots in (("night", NIGHT), ("day", [*range(16, 72), *range(88, 96)]), ("evening", EVENING)):
        price(connection, [starts[i] for i in slots], buy=bands[band], sell=0.0)


def compared(connection: Connection, site: Site, known: Any = LATER) -> dict[str, dict[str, Any]]:
    settle_slots(connection, site, START - SLOT, END, known)  # the slot before says what self-use begins with
    settle_day(connection, site, START, END, known)
    compare_day(connection, window(site, DAY, DAY), known)
    return {row["baseline"]: row for row in baselines.days(connection, site.key, DAY, DAY).to_dicts()}


def planned(connection: Connection, kind: str, hours_before: int, battery_w: float, count: int = SLOTS) -> None:
    """A plan for the day that charges with one power throughout."""
    decided, starts = START - timedelta(hours=hours_before), first_slots(count)
    run = plans.PlanningRun(
        site_key="home01", day=DAY, decided_at=decided, horizon_start=START, horizon_end=starts[-1] + SLOT, inputs={},
        config_hash="c", code_version="v", kind=kind, status="optimal", is_verified=True, recorded_at=decided,
    )  # fmt: skip
    flows = dict.fromkeys(
        ["grid_w", "load_w", "pv_w", "pv_available_w", "genset_w", "ev_w", "heat_pump_w", "cost"], 0.0
    )
    flows |= {"battery_w": battery_w, "buy_per_kwh": 2.0, "sell_per_kwh": 1.0}
    frame = pl.DataFrame({"starts_at": starts}, schema={"starts_at": pl.Datetime("us", "UTC")}).with_columns(
        *(pl.lit(v).alias(k) for k, v in flows.items()), mode=pl.lit("hold"), reason=pl.lit("")
    )
    plans.store(connection, run, frame, pl.DataFrame())


def test_a_day_by_hand(connection: Connection, home: Site) -> None:
    # 4 h at 1.00, 16 h at 2.00, 4 h at 4.00: 52 for 24 kWh. The timer stores 8 kWh at night for 8 more and gives them
    # from the fifth hour on, at 2.00: 16 less. Who knows the evening keeps 4 kWh for it: 4 * 4 + 4 * 2 = 24 less.
    measure(connection)
    priced(connection, night=1.0, day=2.0, evening=4.0)
    planned(connection, "daily", 11, battery_w=-250.0)
    planned(connection, "rolling", 1, battery_w=-2_000.0, count=4)
    rows = compared(connection, home)
    costs = {name: row["cost"] for name, row in rows.items() if row["missing"] is None}
    assert costs == pytest.approx({
        "measured": 52.0, "none": 52.0, "self_use": 52.0, "timer": 44.0, "foresight": 36.0, "fixed_tariff": 72.0,
        "yesterdays_plan": 52.0 + 0.25 * 52.0,
    })  # fmt: skip
    assert rows["last_plan"]["missing"] == "the plan reaches 4 of 96 quarter-hours of the day"
    kept = rows["yesterdays_plan"]
    assert (kept["stored_change_wh"], kept["stored_value"]) == pytest.approx((6_000.0, 12.0)), "at 2.00, the median"
    assert (kept["wear_cost"], rows["timer"]["wear_cost"]) == pytest.approx((0.6, 1.6))
    assert rows["timer"]["saving"] == pytest.approx(-8.0)
    assert rows["measured"]["saving"] is None
    assert {name for name, row in rows.items() if not row["is_modelled"]} == {"measured", "none"}
    assert {(row["settled_slots"], row["slots"]) for row in rows.values()} == {(96, 96)}


def test_rows_say_what_the_columns_of_the_day_say(connection: Connection, home: Site) -> None:
    measure(connection, grid_w=800.0, soc_pct=60.0)
    priced(connection, night=1.0, day=2.0, evening=4.0)
    rows = compared(connection, home)
    (day,) = connection.exec_driver_sql("SELECT * FROM ems.audit_day").mappings()
    assert rows["measured"]["cost"] == pytest.approx(day["cost"])
    for name, column in (("none", "no_battery"), ("self_use", "self_use")):
        said = rows[name]["cost"], rows[name]["saving"]
        assert said == pytest.approx((day[f"{column}_cost"], day[f"{column}_saving"]))


@pytest.mark.parametrize("soc_pct", [0.0, 60.0])
def test_where_no_price_differs_trading_saves_nothing(connection: Connection, home: Site, soc_pct: float) -> None:
    measure(connection, soc_pct=soc_pct)
    priced(connection, night=2.0, day=2.0, evening=2.0)
    rows = compared(connection, home)
    net = {name: rows[name]["net_cost"] for name in ("none", "self_use", "timer", "foresight")}
    assert net == pytest.approx(dict.fromkeys(net, net["none"]), abs=1e-6)


def test_a_corrected_price_is_a_version_and_what_was_said_stays_readable(connection: Connection, home: Site) -> None:
    measure(connection)
    priced(connection, night=1.0, day=2.0, evening=4.0)
    compared(connection, home)
    again = compared(connection, home, LATER + timedelta(hours=1))
    assert {row["version"] for row in again.values()} == {1}, "said again it is the same"
    price(connection, [first_slots(SLOTS)[80]], buy=8.0, sell=0.0, known_at=LATER + timedelta(hours=2))
    now = compared(connection, home, LATER + timedelta(hours=3))
    assert {name: row["version"] for name, row in now.items() if name in ("measured", "timer")} == {
        "measured": 2, "timer": 2,
    }  # fmt: skip
    assert (now["fixed_tariff"]["version"], now["last_plan"]["version"]) == (1, 1), "no price of the time is in them"
    assert now["measured"]["cost"] == pytest.approx(53.0)
    then = baselines.days(connection, home.key, DAY, DAY, LATER + timedelta(hours=2))
    assert dict(then.select("baseline", "cost").iter_rows())["measured"] == pytest.approx(52.0)


def test_what_was_not_measured_is_no_figure_but_a_reason(connection: Connection, home: Site) -> None:
    measure(connection, count=50)
    priced(connection, night=1.0, day=2.0, evening=4.0)
    rows = compared(connection, home)
    assert (rows["measured"]["settled_slots"], rows["measured"]["slots"]) == (50, 96)
    assert rows["foresight"]["missing"] == "50 of 96 quarter-hours are settled, and it needs all"
    assert rows["last_plan"]["missing"] == "no executable plan was known when the day began"
    bare = home.model_copy(update={"fixed_tariff": None})
    assert compared(connection, bare)["fixed_tariff"]["missing"] == "the site file states no fixed_tariff"


def test_a_day_without_a_price_has_no_cost_in_any_row(connection: Connection, home: Site) -> None:
    measure(connection)
    rows = compared(connection, home)
    assert {row["cost"] for row in rows.values()} == {None}
    assert {row["missing"] for row in rows.values()} == {"no quarter-hour of the day is settled"}


def test_a_timer_enters_the_next_day_with_what_it_has(connection: Connection, home: Site) -> None:
    measure(connection, soc_pct=50.0)
    priced(connection, night=1.0, day=2.0, evening=4.0)
    compared(connection, home)
    assert baselines.own_charge(connection, home.key, "timer", DAY) == pytest.approx(0.0)
    assert baselines.own_charge(connection, home.key, "foresight", DAY) is None
