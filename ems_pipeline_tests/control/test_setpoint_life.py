"""What people see of a device and of what it was told: before, wanted, read back, and the power that proves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from ems_pipeline.orchestration import device_tables
from ems_pipeline.plant.faults import Fault
from ems_pipeline.warehouse import setpoint_lives
from ems_pipeline_tests.control.conftest import NOON, Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE

SEEN = datetime(2026, 3, 1, 11, 59, 10, tzinfo=UTC)


def lives(home: Bench) -> str:
    with home.warehouse.begin() as connection:
        return str(device_tables.lives(setpoint_lives.newest(connection, NOON - timedelta(hours=1))).value)


def test_a_life_tells_what_stood_what_was_wanted_what_was_found_and_what_power_followed(home: Bench) -> None:
    home.plan(CAR)
    home.control()
    home.advance(minutes=2)
    home.verify()
    rows = [[cell.strip() for cell in line.split("|")] for line in lives(home).splitlines() if line.startswith("|")]
    told = {row[1]: row[2:5] for row in rows}
    assert list(told) == ["step", "---", "decided", "intended", "sent", "echoed", "effective"]
    assert told["decided"][0] == "13:00:00.000", "local time"
    assert told["intended"][2] == "current_limit: 16 to 10"
    assert told["echoed"][2] == "current_limit = 10"
    assert told["effective"][0] == "13:02:00.000"
    assert "ev_power_w = " in told["effective"][2]
    assert "home01/wallbox-1**, set-point" in lives(home)


def test_what_a_device_held_instead_is_kept_with_the_failure(home: Bench) -> None:
    home.plan(CAR)
    home.plant.inject(Fault("ignored-write", "wallbox-1"))
    home.control()
    home.advance(minutes=2)
    home.verify()
    assert "current_limit was to be 10 and is 16" in lives(home)


def test_a_release_and_a_shadow_are_no_lives(home: Bench) -> None:
    assert lives(home) == "nothing had to be written"
    home.plan(CHARGE)
    home.control()
    home.advance(minutes=45)
    home.control()
    assert "by release" not in lives(home)


def test_the_health_table_has_a_row_per_device_with_its_trouble() -> None:
    head = ["site_key", "device_key", "state", "last_seen_at", "error_streak", "last_error"]
    rows = [("home01", "meter", "open", None, 4, "no answer | in 2 s"), ("home01", "inverter", "ok", SEEN, 0, None)]
    table = str(device_tables.device_health(pl.DataFrame(rows, schema=head, orient="row")).value).splitlines()
    assert table[2] == "| home01 | meter | open | never | 4 | no answer / in 2 s |"
    assert table[3] == "| home01 | inverter | ok | 01.03. 11:59:10 | 0 |  |"
