"""Telemetry laws: a silent device is not a device at rest, and nothing is counted twice."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ems_pipeline.devices.points.reading import Names, Quality, Reading, Readings, Samples
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, sites, telemetry
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.readings import answers

START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
BUS = {
    ("inverter", "grid_power_w"): 1000.0,
    ("inverter", "pv_power_w"): 2500.0,
    ("inverter", "battery_power_w"): -500.0,
    ("wallbox-1", "ev_power_w"): 1200.0,
    ("wallbox-2", "ev_power_w"): 0.0,
    ("heat-pump", "heat_pump_power_w"): 900.0,
}


@pytest.fixture(scope="module", autouse=True)
def registered(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.begin() as connection:
        sites.register(connection, [home01], START)


def reading(device: str, quantity: str, value: float | None, at: datetime) -> tuple[str, Reading]:
    quality = Quality.GOOD if value is not None else Quality.NO_ANSWER
    reason = "" if value is not None else "timeout after 2.0 s"
    return "home01", Reading(device, quantity, "W", value, at, at, quality, reason)


def minutes(start: datetime, silent: frozenset[str] = frozenset(), count: int = 15) -> list[tuple[str, Reading]]:
    instants = [start + timedelta(minutes=i) for i in range(count)]
    return [
        reading(device, quantity, None if device in silent else value, at)
        for at in instants
        for (device, quantity), value in BUS.items()
    ]


def filled(warehouse: Warehouse, start: datetime, readings: list[tuple[str, Reading]]) -> dict[str, float | None]:
    with warehouse.begin() as connection:
        telemetry.store(connection, answers(readings))
        telemetry.fill_15m(connection, "home01", start, start + SLOT)
        frame = telemetry.site_15m(connection, "home01", start, start + SLOT)
    assert frame.height == 1
    return frame.row(0, named=True)


def test_the_house_load_closes_the_balance(warehouse: Warehouse) -> None:
    slot = filled(warehouse, START, minutes(START))
    # 1000 + 2500 - 500 - 1200 - 0 - 900
    assert slot["load_w"] == pytest.approx(900.0)
    assert slot["coverage_pct"] == 100.0


def test_a_silent_wallbox_leaves_the_load_unknown_and_not_zero(warehouse: Warehouse) -> None:
    start = START + SLOT
    slot = filled(warehouse, start, minutes(start, silent=frozenset({"wallbox-2"})))
    assert slot["ev_w"] is None
    assert slot["load_w"] is None
    assert slot["grid_w"] == pytest.approx(1000.0)


def test_coverage_says_how_much_of_a_quarter_hour_was_measured(warehouse: Warehouse) -> None:
    start = START + 2 * SLOT
    assert filled(warehouse, start, minutes(start, count=6))["coverage_pct"] == pytest.approx(40.0)


def test_the_same_answer_stored_twice_is_one_row(warehouse: Warehouse) -> None:
    readings = minutes(START + 3 * SLOT)
    with warehouse.begin() as connection:
        assert telemetry.store(connection, answers(readings)) == len(readings)
        assert telemetry.store(connection, answers(readings)) == 0


def test_of_answers_stored_before_only_the_new_ones_are_added(warehouse: Warehouse) -> None:
    start = START + 5 * SLOT
    with warehouse.begin() as connection:
        telemetry.store(connection, answers(minutes(start, count=3)))
        assert telemetry.store(connection, answers(minutes(start, count=5))) == 2 * len(BUS)


def test_readings_of_known_points_need_no_temporary_table(warehouse: Warehouse) -> None:
    start = START + 6 * SLOT
    with warehouse.begin() as connection:
        telemetry.store(connection, answers(minutes(start, count=1)))
    with warehouse.begin() as connection:
        telemetry.store(connection, answers(minutes(start + timedelta(minutes=1), count=1)))
        assert query(connection, "SELECT to_regclass('pg_temp.incoming') IS NULL AS is_none").item()


def test_each_fault_is_stored_with_the_reading_it_belongs_to(warehouse: Warehouse) -> None:
    """Two devices of a kind answer the same question; one lacks a value, the other has one out of range elsewhere."""
    at = START + 7 * SLOT
    names = Names(("grid_power_w", "pv_power_w", "load_power_w"), ("W", "W", "W"))
    first = Samples(np.array([1.0, 2e9, 3.0]), {1: (Quality.OUT_OF_RANGE, "too much")})
    second = Samples(np.array([math.nan, 5.0, 6.0]), {0: (Quality.NO_ANSWER, 'silent, "dead"')})
    said = [("home01", Readings(d, names, s, at, at)) for d, s in (("twin-1", first), ("twin-2", second))]
    with warehouse.begin() as connection:
        telemetry.store(connection, said)
        rows = query(
            connection,
            """SELECT device_key, quantity, value, quality, reason FROM ems.telemetry JOIN ems.point USING (point_id)
               WHERE reported_at = :at ORDER BY device_key, quantity""",
            at=at,
        )
    assert rows.rows() == [
        ("twin-1", "grid_power_w", 1.0, 0, None),
        ("twin-1", "load_power_w", 3.0, 0, None),
        ("twin-1", "pv_power_w", 2e9, 1, "too much"),
        ("twin-2", "grid_power_w", None, 2, 'silent, "dead"'),
        ("twin-2", "load_power_w", 6.0, 0, None),
        ("twin-2", "pv_power_w", 5.0, 0, None),
    ]


def test_a_quarter_hour_nobody_measured_has_no_row(warehouse: Warehouse) -> None:
    start = START + timedelta(days=3)
    with warehouse.begin() as connection:
        assert telemetry.fill_15m(connection, "home01", start, start + SLOT) == 0
        assert telemetry.site_15m(connection, "home01", start, start + SLOT).is_empty()


def test_imported_history_is_never_overwritten_by_telemetry(warehouse: Warehouse) -> None:
    start = START + timedelta(days=1)
    logged = pl.DataFrame(
        {
            "device_key": [device for device, _ in BUS],
            "quantity": [quantity for _, quantity in BUS],
            "unit": "W",
            "starts_at": [start] * len(BUS),
            "value": [2 * value for value in BUS.values()],
        },
        schema_overrides={"starts_at": pl.Datetime("us", "UTC")},
    )
    with warehouse.begin() as connection:
        assert telemetry.import_15m(connection, "home01", logged) == len(BUS)
    assert filled(warehouse, start, minutes(start))["grid_w"] == pytest.approx(2000.0)


def test_the_latest_value_is_the_newest_good_one_and_not_older_than_asked(warehouse: Warehouse) -> None:
    start = START + timedelta(days=2)
    readings = [
        reading("inverter", "grid_power_w", 100.0, start),
        reading("inverter", "grid_power_w", 200.0, start + timedelta(minutes=1)),
        reading("inverter", "grid_power_w", None, start + timedelta(minutes=2)),
    ]
    with warehouse.begin() as connection:
        telemetry.store(connection, answers(readings))
        now = start + timedelta(minutes=3)
        latest = telemetry.latest(connection, ["home01"], now, now - timedelta(minutes=10))
        too_old = telemetry.latest(connection, ["home01"], now + timedelta(hours=1), now + timedelta(minutes=50))
    assert latest.filter(pl.col("quantity") == "grid_power_w")["value"].to_list() == [200.0]
    assert too_old.is_empty()


def test_the_peak_of_a_month_is_the_mean_of_the_contracts_interval_and_the_one_under_way_is_apart(
    warehouse: Warehouse,
) -> None:
    """1, 5, 1 and -1 kW are an import of 1.75 kW over the hour; of the next hour two quarter-hours of 3 kW are in."""
    begin = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)
    for quarter, watts in enumerate((1000.0, 5000.0, 1000.0, -1000.0, 3000.0, 3000.0)):
        start = begin + quarter * SLOT
        filled(
            warehouse,
            start,
            [reading("inverter", "grid_power_w", watts, start + timedelta(minutes=m)) for m in range(15)],
        )
    with warehouse.begin() as connection:
        of = [telemetry.peaks(connection, {"home01": begin}, {"home01": step}, begin + 6 * SLOT) for step in (60, 15)]
        nothing = telemetry.peaks(connection, {"home01": begin}, {"home01": 60}, begin)
    assert of == [{"home01": telemetry.Peak(1750.0, 3000.0)}, {"home01": telemetry.Peak(5000.0, None)}]
    assert nothing == {"home01": telemetry.Peak(None, None)}
