"""Days added up by hand: costs, savings, the worth of what stays in the battery, and what must stay unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.audit.baselines import no_battery, self_use
from ems_pipeline.audit.settlement import settle_days
from ems_pipeline.audit.storage import Storage

STORAGE = Storage(10_000, 4_000, 5_000, 0.8, 0.5, 10, 90)
START = datetime(2026, 6, 1, 22, tzinfo=UTC)  # midnight in Prague
PRAGUE = "Europe/Prague"


def cost(grid_w: float | None, buy: float | None, sell: float | None) -> float | None:
    if grid_w is None or buy is None or sell is None:
        return None
    return grid_w / 4000 * (buy if grid_w > 0 else sell)


def slots(*rows: dict[str, Any]) -> pl.DataFrame:
    """Consecutive slots from midnight on; each row may change what an ordinary one holds."""
    ordinary = {
        "grid_w": 1000.0, "pv_w": 0.0, "battery_w": 0.0, "load_w": 1000.0, "ev_w": 0.0, "heat_pump_w": 0.0,
        "soc_pct": 50.0, "self_use_soc_pct": 50.0, "self_use_battery_w": 0.0, "no_battery_grid_w": 1000.0,
        "self_use_grid_w": 1000.0, "planned_grid_w": 1000.0, "buy": 4.0, "sell": 1.0, "coverage_pct": 100.0,
        "is_price_provisional": False,
    }  # fmt: skip
    filled = []
    for i, row in enumerate(rows):
        values = {"starts_at": START + i * time_grid.SLOT} | ordinary | row
        buy, sell = values.pop("buy"), values.pop("sell")
        values |= {
            f"{n}cost": cost(values[f"{n}grid_w"], buy, sell) for n in ("", "planned_", "no_battery_", "self_use_")
        }
        filled.append(values | {"buy_per_kwh": buy, "sell_per_kwh": sell})
    return pl.DataFrame(filled, schema_overrides={"starts_at": pl.Datetime("us", "UTC")}, infer_schema_length=None)


def only_day(frame: pl.DataFrame, storage: Storage | None = STORAGE) -> dict[str, Any]:
    (row,) = settle_days(frame, PRAGUE, storage).to_dicts()
    return row


def test_a_day_by_hand() -> None:
    # Slot 1: 4 kW charged from the grid at 2 = 2.00 more; slot 2: 2 kW discharged at 8 = 4.00 less than no battery.
    day = only_day(
        slots(
            {"grid_w": 5000.0, "battery_w": -4000.0, "buy": 2.0, "soc_pct": 58.0},
            {"grid_w": -1000.0, "battery_w": 2000.0, "buy": 8.0, "soc_pct": 48.0, "self_use_grid_w": 0.0,
             "self_use_battery_w": 1000.0, "self_use_soc_pct": 45.0},
        )
    )  # fmt: skip
    assert day["cost"] == pytest.approx(5 * 2 / 4 - 1 * 1 / 4)  # 2.25
    assert day["no_battery_cost"] == pytest.approx(1 * 2 / 4 + 1 * 8 / 4)  # 2.50
    assert day["self_use_cost"] == pytest.approx(0.5)
    assert day["stored_value_per_kwh"] == pytest.approx(5 * 0.5)
    # No row stands before the day, so the first known charge (58 %) opens it: 48 - 58 = -10 % of 10 kWh.
    assert day["stored_change_wh"] == pytest.approx(-1000)
    assert day["self_use_stored_change_wh"] == pytest.approx(-500)
    assert day["no_battery_saving"] == pytest.approx(2.5 - 2.25 - 2.5)
    assert day["self_use_saving"] == pytest.approx(0.5 - 2.25 + 2.5 * (-1 + 0.5))
    assert (day["import_wh"], day["export_wh"], day["consumption_wh"]) == (1250, 250, 500)
    assert (day["throughput_wh"], day["self_use_throughput_wh"]) == (1500, 250)


def test_a_stored_kwh_is_worth_what_it_replaces_where_energy_is_short_and_what_it_earned_where_it_was_not() -> None:
    surplus = {"no_battery_grid_w": -500.0, "sell": -1.0}
    assert only_day(slots({"buy": 3.0}, surplus, surplus))["stored_value_per_kwh"] == 0, "surplus nobody pays for"
    assert only_day(slots({"buy": 3.0}, {"buy": 5.0}, surplus))["stored_value_per_kwh"] == pytest.approx(3 * 0.5)


def test_the_charge_before_midnight_opens_the_next_day() -> None:
    frame = slots(*({"soc_pct": 60.0} for _ in range(96)), {"soc_pct": 40.0})
    first, second = settle_days(frame, PRAGUE, STORAGE).to_dicts()
    assert (first["day"], second["day"]) == (date(2026, 6, 2), date(2026, 6, 3))
    assert first["stored_change_wh"] == 0
    assert second["stored_change_wh"] == pytest.approx(-2000)


def test_only_the_charge_just_before_midnight_opens_the_day() -> None:
    frame = slots(*({"soc_pct": 80.0, "self_use_soc_pct": 70.0} for _ in range(95)), {}, {"soc_pct": 40.0})
    second = settle_days(frame, PRAGUE, STORAGE).to_dicts()[1]
    assert second["stored_change_wh"] == pytest.approx(-1000), "from the 50 % of 23:45, not the 80 % of 23:30"
    assert second["self_use_stored_change_wh"] == 0


def test_stored_energy_cancels_over_days_of_one_price() -> None:
    """Charging on one day and discharging on the next saves what the two bills say, wherever midnight falls."""
    charge = {"grid_w": 5000.0, "battery_w": -4000.0, "soc_pct": 58.0}
    back = {"grid_w": 200.0, "battery_w": 800.0, "soc_pct": 54.0}
    frame = slots({}, charge, *({"soc_pct": 58.0} for _ in range(94)), back, {**back, "soc_pct": 50.0})
    days = settle_days(frame, PRAGUE, STORAGE)
    assert days["no_battery_saving"].sum() == pytest.approx(-4.0 + 2 * 0.8)
    assert days["no_battery_saving"][0] == pytest.approx(-4.0 + 0.8 * 4.0 * 0.5)


def test_a_site_that_followed_the_baseline_saved_nothing() -> None:
    rng = np.random.default_rng(3)
    deficit = rng.normal(0, 3000, 96)
    course = self_use(deficit, STORAGE, 50.0, 10_000)
    rows = [
        {"grid_w": g, "battery_w": b, "soc_pct": s, "self_use_grid_w": g, "self_use_battery_w": b,
         "self_use_soc_pct": s,
         "no_battery_grid_w": n, "load_w": d, "buy": float(rng.uniform(-1, 8))}
        for g, b, s, n, d in zip(
            course.grid_w, course.battery_w, course.soc_pct, no_battery(deficit, 10_000), deficit, strict=True)
    ]  # fmt: skip
    day = only_day(slots(*rows))
    assert day["self_use_saving"] == pytest.approx(0, abs=1e-9)


def test_a_slot_that_was_not_measured_counts_on_neither_side() -> None:
    gap = {"grid_w": None, "load_w": None, "no_battery_grid_w": None, "self_use_grid_w": None, "coverage_pct": 0.0}
    day = only_day(slots({}, gap, {}))
    assert (day["slots"], day["settled_slots"]) == (3, 2)
    assert day["cost"] == pytest.approx(2.0)
    assert day["import_wh"] == pytest.approx(500.0)
    assert day["coverage_pct"] == pytest.approx(200 / 3)


@pytest.mark.parametrize("unknown", ["grid_w", "no_battery_grid_w", "self_use_grid_w"])
def test_a_slot_is_settled_only_where_the_site_and_both_baselines_have_a_cost(unknown: str) -> None:
    day = only_day(slots({}, {unknown: None}))
    assert day["settled_slots"] == 1
    assert (day["cost"], day["no_battery_cost"], day["self_use_cost"]) == (1.0, 1.0, 1.0)


def test_what_was_used_is_the_house_with_cars_and_heat_pump() -> None:
    assert only_day(slots({"load_w": 400.0, "ev_w": 3000.0, "heat_pump_w": 1200.0}))["consumption_wh"] == 1150


def test_one_provisional_price_makes_the_day_provisional() -> None:
    assert only_day(slots({}, {"is_price_provisional": True}))["is_provisional"]
    assert not only_day(slots({}, {}))["is_provisional"]


def test_without_a_price_nothing_is_settled_and_nothing_is_zero() -> None:
    day = only_day(slots({"buy": None, "sell": None}))
    assert day["settled_slots"] == 0
    assert {day[k] for k in ("cost", "import_wh", "no_battery_cost", "self_use_saving", "no_battery_saving")} == {None}


def test_a_partly_planned_day_has_no_planned_cost() -> None:
    assert only_day(slots({}, {}))["planned_cost"] == pytest.approx(2.0)
    assert only_day(slots({}, {"planned_grid_w": None}))["planned_cost"] is None


def test_a_battery_of_unknown_charge_leaves_its_saving_unknown() -> None:
    day = only_day(slots({"soc_pct": None}))
    assert day["cost"] is not None
    assert day["no_battery_saving"] is None


def test_without_a_battery_the_bill_alone_decides() -> None:
    day = only_day(slots({"soc_pct": None, "grid_w": 400.0}), storage=None)
    assert day["no_battery_saving"] == pytest.approx(0.6)
    assert (day["stored_change_wh"], day["stored_value_per_kwh"]) == (0, 0)


@pytest.mark.parametrize(
    ("day", "count", "worth"),
    [
        # 100 slots: 52 at 8, then 48 at 2. The middle of all of them is 8; of the last 96 alone (48 and 48) it is 5.
        (date(2026, 10, 25), 100, 8.0),
        # 92 slots: 48 at 8, then 44 at 2.
        (date(2026, 3, 29), 92, 8.0),
        (date(2026, 6, 2), 96, 5.0),
    ],
)
def test_all_slots_of_a_day_say_what_its_stored_energy_is_worth_however_many_there_are(
    day: date, count: int, worth: float
) -> None:
    starts = time_grid.day_slots(day, time_grid.zone(PRAGUE))
    dear = count - {100: 48, 92: 44, 96: 48}[count]
    rows = slots(*({"buy": 8.0 if i < dear else 2.0} for i in range(count)))
    frame = rows.with_columns(pl.Series("starts_at", starts).cast(pl.Datetime("us", "UTC")))
    assert len(starts) == count
    assert only_day(frame)["stored_value_per_kwh"] == pytest.approx(worth * STORAGE.discharge_efficiency)
    assert only_day(frame)["slots"] == count
