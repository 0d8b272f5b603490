"""`ems control`: what a person types arrives in the journal, and a wrong wish is refused with what there is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import Warehouse, arming, overrides
from ems_pipeline_tests.control.bench import ems
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE


def is_armed(warehouse: Warehouse, later: timedelta = timedelta(0)) -> bool:
    with warehouse.begin() as connection:
        return arming.is_armed(connection, "home01", SystemClock().now() + later)


def test_arming_holds_as_long_as_it_was_asked_for(files: Bench) -> None:
    assert ems("control", "arm", "home01", "--minutes", "30").exit_code == 0
    assert is_armed(files.warehouse)
    assert not is_armed(files.warehouse, timedelta(minutes=31))


def test_disarming_and_releasing_hand_the_devices_back(files: Bench) -> None:
    files.plan(CHARGE, CAR)
    files.control()
    assert files.held("inverter")["grid_charge_enable"] == 1
    said = ems("control", "disarm", "home01")
    assert "home01/inverter: released" in said.output
    assert files.held("inverter")["grid_charge_enable"] == 0
    assert not is_armed(files.warehouse)
    assert "no device holds anything of ours" in ems("release", "home01").output


def test_an_override_is_filed_listed_and_cancelled(files: Bench) -> None:
    said = ems(
        "control", "override", "add", "home01", "pack", "charge", "--limit", "charge_limit_w=2500", "--minutes", "90"
    )
    assert said.exit_code == 0, said.output
    with files.warehouse.begin() as connection:
        (override,) = overrides.active(connection, "home01", SystemClock().now()).values()
    assert (override.mode, override.limits) == ("charge", {"charge_limit_w": 2500})
    assert override.until_at - override.from_at == timedelta(minutes=90)
    assert "charge_limit_w" in ems("control", "override", "list").output
    assert ems("control", "override", "cancel", str(override.override_id)).exit_code == 0
    with files.warehouse.begin() as connection:
        assert overrides.active(connection, "home01", SystemClock().now()) == {}


def test_an_override_and_its_end_may_take_effect_at_once(files: Bench) -> None:
    said = ems("control", "override", "add", "home01", "car-1", "off", "--now")
    assert "home01/wallbox-1: echoed" in said.output, said.output
    assert files.held("wallbox-1")["current_limit"] == 0
    with files.warehouse.begin() as connection:
        (override,) = overrides.active(connection, "home01", SystemClock().now()).values()
    said = ems("control", "override", "cancel", str(override.override_id), "--now")
    assert "home01/wallbox-1: released" in said.output, "there is no fresh plan"
    assert files.held("wallbox-1")["current_limit"] == 16


@pytest.mark.parametrize(
    ("wish", "remedy"),
    [
        (("cellar", "charge"), "it has ['pack'"),
        (("pack", "warp"), "none of self-use, hold, charge, discharge"),
        (("car-1", "charge", "--limit", "amps=10"), "it has ['current_a', 'phases']"),
        (("pack", "charge", "--limit", "charge_limit_w"), "not name=number"),
    ],
)
def test_a_wrong_wish_is_refused_with_what_there_is(files: Bench, wish: tuple[str, ...], remedy: str) -> None:
    said = ems("control", "override", "add", "home01", *wish)
    assert said.exit_code != 0
    assert remedy in str(said.exception)


def test_the_life_of_a_setpoint_leads_to_its_plan_row(files: Bench) -> None:
    files.plan(CHARGE)
    files.control()
    files.advance(minutes=2)
    files.verify()
    with files.warehouse.begin() as connection:
        number = connection.exec_driver_sql(
            "SELECT setpoint_id FROM ems.setpoint WHERE device_key = 'inverter'"
        ).scalar()
    told = ems("control", "setpoints", "home01", str(number)).output
    for words in ("pack: charge", "intended", "echoed", "effective", "battery_power_w", "planning_run_id"):
        assert words in told
