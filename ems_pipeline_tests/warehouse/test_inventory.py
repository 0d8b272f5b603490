"""What `ems status`, `ems doctor` and the standing checks read: hand-made rows, known answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, arming, inventory, sites, telemetry
from ems_pipeline_tests.readings import answers

MIDNIGHT = datetime(2026, 5, 3, 22, tzinfo=UTC)  # in Prague


@pytest.fixture
def connection(warehouse: Warehouse, home01: Site) -> Iterator[Connection]:
    """A registered site; whatever a test writes is taken back."""
    with warehouse.begin() as connection:
        sites.register(connection, [home01], MIDNIGHT)
        yield connection
        connection.rollback()


def measure(connection: Connection, start: datetime, slots: int, **values: float | None) -> None:
    rows = [("inverter", name, "W", start + i * SLOT, value) for i in range(slots) for name, value in values.items()]
    schema = {"device_key": pl.String, "quantity": pl.String, "unit": pl.String, "starts_at": pl.Datetime("us", "UTC")}
    telemetry.import_15m(connection, "home01", pl.DataFrame(rows, schema={**schema, "value": pl.Float64}, orient="row"))


def test_a_site_that_never_did_anything_says_so(connection: Connection) -> None:
    assert inventory.site_status(connection).rows() == [("home01", None, None, None, None, None)]
    assert inventory.measured_history(connection).rows() == [("home01", 0, None, None)]


def test_status_shows_the_newest_good_reading_and_the_arm(connection: Connection) -> None:
    def reading(minute: int, value: float | None) -> tuple[str, Reading]:
        at = MIDNIGHT + timedelta(minutes=minute)
        quality = Quality.GOOD if value is not None else Quality.NO_ANSWER
        return "home01", Reading("inverter", "grid_power_w", "W", value, at, at, quality, "" if value else "silent")

    telemetry.store(connection, answers([reading(0, 10.0), reading(1, 20.0), reading(2, None)]))
    arming.arm(connection, "home01", MIDNIGHT, "test")
    (row,) = inventory.site_status(connection).to_dicts()
    assert row["telemetry"] == MIDNIGHT + timedelta(minutes=1)
    assert row["armed_until"] == MIDNIGHT + arming.USUAL_LENGTH


def test_history_counts_local_days_and_sees_pv_at_midnight(connection: Connection) -> None:
    measure(connection, MIDNIGHT, 96 * 2, grid_power_w=300.0, pv_power_w=100.0)
    (row,) = inventory.measured_history(connection).to_dicts()
    assert (row["days"], row["night_pv_w"], row["load_w"]) == (2, 100, 400)


def test_the_balance_finds_a_reversed_meter_and_a_meter_that_disagrees(connection: Connection) -> None:
    measure(connection, MIDNIGHT, 4, grid_power_w=-900.0, pv_power_w=500.0, load_power_w=1400.0)
    measure(connection, MIDNIGHT + 4 * SLOT, 4, grid_power_w=900.0, pv_power_w=500.0, load_power_w=1400.0)
    (row,) = inventory.balance(connection, MIDNIGHT, MIDNIGHT + 8 * SLOT).to_dicts()
    assert (row["slots"], row["negative_slots"]) == (8, 4)
    assert (row["load_w"], row["device_load_w"]) == (500, 1400)


def test_a_confirmed_setpoint_stays_confirmed_when_the_next_one_replaces_it(connection: Connection) -> None:
    insert = sa.text("""
        INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, reason, is_shadow, state, valid_until,
                                  intended_at, echoed_at)
        VALUES ('home01', 'inverter', :slot, 'plan', '{}', 'r', :shadow, :state, :until, :slot, :echoed)""")
    rows = [
        ("superseded", MIDNIGHT, False),
        ("reverted", MIDNIGHT, False),
        ("failed", None, False),
        ("failed", None, True),
    ]
    for state, echoed, shadow in rows:
        until = MIDNIGHT + timedelta(minutes=20)
        values = {"slot": MIDNIGHT, "state": state, "until": until, "echoed": echoed, "shadow": shadow}
        connection.execute(insert, values)
    found = inventory.setpoint_outcomes(connection, MIDNIGHT, MIDNIGHT + SLOT)
    assert set(found.rows()) == {("home01", 1, "confirmed"), ("home01", 1, "reverted"), ("home01", 1, "failed")}


def test_tables_count_rows_of_partitions_under_the_parent(connection: Connection) -> None:
    sizes = inventory.table_sizes(connection)
    names = set(sizes["name"])
    assert sizes.filter(pl.col("name") == "site")["bytes"][0] > 0, "a table without partitions has a size, too"
    assert {"telemetry", "setpoint", "audit_interval", "audit_day"} <= names
    assert not [name for name in names if name.startswith("telemetry_2")]
