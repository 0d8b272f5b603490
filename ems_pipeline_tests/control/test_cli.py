"""`ems control`: what a person types arrives in the journal, and a wrong wish is refused with what there is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ems_pipeline.sites.asset import LARGEST_LIMIT
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.sites.wish import Limits, Wish
from ems_pipeline.time_grid import SystemClock, zone
from ems_pipeline.warehouse import Warehouse, arming, overrides
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.conftest import ROOT
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
        (override,) = overrides.active(connection, files.site, SystemClock().now()).values()
    assert override.wish == Wish(BatteryMode.CHARGE, Limits(charge_limit_w=2500))
    with files.warehouse.begin() as connection:
        (listed,) = overrides.listing(connection, "home01", SystemClock().now()).rows(named=True)
    assert listed["until_at"] - listed["from_at"] == timedelta(minutes=90)
    assert "charge_limit_w" in ems("control", "override", "list").output
    assert ems("control", "override", "cancel", str(override.override_id)).exit_code == 0
    with files.warehouse.begin() as connection:
        assert overrides.active(connection, files.site, SystemClock().now()) == {}


def test_an_override_and_its_end_may_take_effect_at_once(files: Bench) -> None:
    said = ems("control", "override", "add", "home01", "car-1", "off", "--now")
    assert "home01/wallbox-1: echoed" in said.output, said.output
    assert files.held("wallbox-1")["current_limit"] == 0
    with files.warehouse.begin() as connection:
        (override,) = overrides.active(connection, files.site, SystemClock().now()).values()
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
        (("pack", "charge", "--limit", "charge_limit_w=nan"), "not name=number"),
        (("pack", "charge", "--limit", "charge_limit_w=inf"), "not name=number"),
        (("pack", "charge", "--limit", "charge_limit_w=1e10"), "a limit is a number from 0 on"),
        (("pack", "charge", "--limit", "charge_limit_w=-1"), "a limit is a number from 0 on"),
        (("pack", "hold", "--minutes", "10082"), "is more than a week away; a forgotten override is worse than none"),
        (("pack", "hold", "--minutes", "99999999"), "is more than a week away"),
        (("pack", "hold", "--until", "2217-01-01 00:00"), "is more than a week away"),
        (("pack", "hold", "--minutes", "999999999999"), "is beyond any calendar; name fewer"),
        (("pack", "hold", "--minutes", "9" * 30), "is beyond any calendar; name fewer"),
        (("pack", "hold", "--from", "2217-01-01 00:00"), "is more than a week away"),
    ],
)
def test_a_wrong_wish_is_refused_with_what_there_is(files: Bench, wish: tuple[str, ...], remedy: str) -> None:
    said = ems("control", "override", "add", "home01", *wish)
    assert said.exit_code != 0
    assert remedy in str(said.exception)


def test_the_command_line_and_the_database_bound_an_override_alike() -> None:
    routine = (ROOT / "sql" / "routines" / "R__fn_override_add.sql").read_text(encoding="utf-8")
    window = (ROOT / "sql" / "routines" / "R__fn_wanted_fault.sql").read_text(encoding="utf-8")
    assert f"p_at + interval '{overrides.LONGEST.days} days'" in window
    assert "%s is more than a week away; a forgotten %s is worse than none" in window
    assert "fn_wanted_fault('override'" in routine
    assert f"NOT BETWEEN 0 AND {LARGEST_LIMIT:.0e}".replace("e+0", "e") in routine
    assert "a limit is a number from 0 on; the unit is in its name" in routine


def test_times_are_those_of_the_wall_with_their_offset(files: Bench) -> None:
    said = ems("control", "override", "add", "home01", "pack", "hold", "--minutes", "60")
    end = (SystemClock().now() + timedelta(hours=1)).astimezone(zone("Europe/Prague"))
    for shown in (said.output, ems("control", "override", "list", "home01").output):
        assert end.isoformat(" ", "minutes")[:13] in shown
        assert f"{end:%z}"[:3] + ":00" in shown
    assert "override" in said.output
    assert ": pack hold, " in said.output
    armed = ems("control", "arm", "home01", "--minutes", "60")
    assert end.isoformat(" ", "minutes")[:13] in armed.output


def test_who_only_measures_is_not_asked_and_people_are_told(files: Bench) -> None:
    meters = tuple(
        d.model_copy(update={"map": "sunspec-hybrid"}) if d.key == "inverter" else d for d in files.site.devices
    )
    with files.warehouse.begin() as connection:
        registry.register(connection, [files.site.model_copy(update={"devices": meters})], SystemClock().now())
    said = ems("control", "override", "add", "home01", "pack", "hold")
    assert "nothing will obey for 'pack', whose device's map sunspec-hybrid only measures" in str(said.exception)
    with files.warehouse.begin() as connection:
        assert overrides.listing(connection, "home01", SystemClock().now()).is_empty()
    armed = ems("control", "arm", "home01")
    assert armed.exit_code == 0
    for key in ("pack", "roof-south", "roof-west"):
        assert f"nothing will obey for '{key}', whose device's map sunspec-hybrid only measures" in armed.output


@pytest.mark.parametrize(
    "command",
    [
        ("control", "arm"), ("control", "disarm"), ("release",), ("control", "setpoints"),
        ("event", "list"), ("device", "read"), ("control", "override", "add", "nowhere", "pack", "hold"),
    ],
)  # fmt: skip
def test_a_site_that_is_not_registered_is_named_with_the_remedy(files: Bench, command: tuple[str, ...]) -> None:
    said = ems(*command) if "nowhere" in command else ems(*command, "nowhere")
    assert said.exit_code == 1
    assert isinstance(said.exception, LookupError)
    assert "'nowhere' is not registered; `ems site list` shows what is" in str(said.exception)


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
