"""Control over the virtual plant: what the plan says arrives in the registers, and only with both opt-ins."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ems_pipeline import control, time_grid
from ems_pipeline.warehouse import alarms, arming, overrides
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.bench import Row
from ems_pipeline_tests.control.conftest import Bench

CHARGE: Row = ("pack", "battery", "charge", -3000.0, {"charge_limit_w": 3000, "target_soc_pct": 80})
CAR: Row = ("car-1", "charger", "charge", 6900.0, {"current_a": 10, "phases": 3})
WARM: Row = ("heating", "heat-pump", "recommended", 2000.0, {})
STEERED = {"inverter", "wallbox-1", "heat-pump", "loxone"}


def said(home: Bench) -> dict[str, str]:
    return {device: outcome.state for device, outcome in home.control().items()}


def test_a_plan_arrives_in_every_device(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    assert said(home) == dict.fromkeys(STEERED, "echoed")
    inverter = home.held("inverter")
    assert inverter["grid_charge_enable"] == 1
    assert inverter["slot1_soc"] == 80
    assert home.held("wallbox-1")["current_limit"] == 10
    assert home.held("heat-pump")["flow_setpoint"] == 40  # 38 °C and 2 K
    assert home.held("loxone")["ems_permission"] == 1
    assert home.held("loxone")["ems_battery_power"] == -3000


@pytest.mark.parametrize("missing", ["arm", "site file"])
def test_without_both_opt_ins_everything_is_journalled_and_nothing_written(home: Bench, missing: str) -> None:
    if missing == "arm":
        with home.warehouse.begin() as connection:
            arming.disarm(connection, home.site.key, home.clock.now(), "test")
    else:
        policy = home.site.control.model_copy(update={"enabled": False})
        home.plant.site = home.site.model_copy(update={"control": policy})
    before = {device: home.held(device) for device in home.plant.twins}
    home.plan(CHARGE, CAR, WARM)
    assert said(home) == dict.fromkeys(STEERED, "shadow")
    assert {device: home.held(device) for device in home.plant.twins} == before
    with home.warehouse.begin() as connection:
        journal = query(connection, "SELECT is_shadow, jsonb_array_length(writes) AS n FROM ems.setpoint")
    assert journal["is_shadow"].all()
    assert (journal["n"] > 0).all(), "a shadow says what would have been written"


def test_the_same_slot_twice_writes_once(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    home.control()
    assert said(home) == dict.fromkeys(STEERED, "stands")
    assert home.states("inverter") == ["echoed"]


@pytest.mark.parametrize("days_lived", [2])
def test_what_stands_already_is_confirmed_and_not_written_again(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    home.control()
    home.advance(minutes=15)
    home.plan(CHARGE, CAR, WARM)
    home.control()
    with home.warehouse.begin() as connection:
        newest = query(
            connection,
            "SELECT device_key, changes::text FROM ems.setpoint WHERE slot = :s AND sent_at IS NULL ORDER BY 1",
            s=home.clock.now(),
        )
    assert newest["device_key"].to_list() == ["heat-pump", "inverter", "wallbox-1"]
    assert home.states("wallbox-1") == ["superseded", "echoed"]


def test_the_effect_is_proved_by_measured_power(home: Bench) -> None:
    home.plan(CHARGE)
    home.control()
    home.advance(minutes=2)
    assert home.verify()["inverter"].state == "effective"
    with home.warehouse.begin() as connection:
        event = query(
            connection, "SELECT measured ->> 'battery_power_w' AS w FROM ems.setpoint_event WHERE state = 'effective'"
        )
    assert -3200 < float(event["w"][0]) < -500


def test_a_device_that_forgets_is_seen_released_and_told_again(home: Bench) -> None:
    home.plan(CHARGE, CAR)
    home.control()
    home.meddle("wallbox-1", "current_limit", 16)
    home.advance(minutes=2)
    home.verify()
    assert home.states("wallbox-1") == ["reverted", "released"]
    with home.warehouse.begin() as connection:
        assert "reverted" in alarms.open_alarms(connection)["kind"].to_list()
    home.advance(minutes=13)
    home.plan(CHARGE, CAR)
    home.control()
    assert home.held("wallbox-1")["current_limit"] == 10


def test_a_stale_plan_hands_the_devices_back(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    home.control()
    home.advance(minutes=45)
    outcomes = home.control()
    assert {d: o.state for d, o in outcomes.items()} == dict.fromkeys(STEERED, "released")
    assert "45 min old, 40 are accepted" in outcomes["inverter"].text
    assert home.held("inverter")["grid_charge_enable"] == 0
    assert home.held("wallbox-1")["current_limit"] == 16
    assert home.held("heat-pump")["flow_setpoint"] == 38
    assert home.held("loxone")["ems_permission"] == 0
    home.advance(minutes=15)
    assert said(home) == {}, "a device that was handed back is left alone"


def test_an_unverified_plan_is_no_plan(home: Bench) -> None:
    home.plan(CHARGE, is_verified=False)
    assert said(home) == {}


def test_an_override_goes_before_the_plan_and_ends_by_itself(home: Bench) -> None:
    now = home.clock.now()
    with home.warehouse.begin() as connection:
        overrides.add(connection, "home01", "car-1", "off", {}, now, now + timedelta(minutes=15), "test", now)
    home.plan(CHARGE, CAR)
    outcome = home.control()["wallbox-1"]
    assert "by override" in outcome.text
    assert home.held("wallbox-1")["current_limit"] == 0
    home.advance(minutes=15)
    home.plan(CHARGE, CAR)
    home.control()
    assert home.held("wallbox-1")["current_limit"] == 10


def test_an_override_that_ends_within_the_slot_takes_its_setpoint_along(home: Bench) -> None:
    now = home.clock.now()
    with home.warehouse.begin() as connection:
        overrides.add(connection, "home01", "car-1", "off", {}, now, now + timedelta(minutes=5), "test", now)
    home.plan(CAR)
    home.control()
    home.advance(minutes=6)
    home.verify()
    assert home.states("wallbox-1") == ["expired", "released"]


def test_disarming_releases_with_the_next_look(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    home.control()
    home.advance(minutes=1)
    with home.warehouse.begin() as connection:
        arming.disarm(connection, "home01", home.clock.now(), "test")
    outcomes = home.verify()
    assert {d: o.state for d, o in outcomes.items()} == dict.fromkeys(STEERED, "released")


def test_release_hands_back_what_is_steered_and_nothing_else(home: Bench) -> None:
    def release() -> dict[str, str]:
        found = control.release_site(home.warehouse, home.site, home.clock.now(), home.clock, "wanted")
        return {o.device: o.state for o in found}

    assert release() == {"": "skipped"}
    home.plan(CHARGE, CAR)
    home.control()
    assert release() == {"inverter": "released", "wallbox-1": "released", "loxone": "released"}
    assert release() == {"": "skipped"}


def test_a_setpoint_nobody_renews_expires_and_is_released(home: Bench) -> None:
    home.plan(CHARGE)
    home.control()
    home.advance(minutes=21)
    home.verify()
    assert home.states("inverter") == ["expired", "released"]


def test_every_setpoint_names_its_plan_rows(home: Bench) -> None:
    home.plan(CHARGE, CAR)
    home.control()
    with home.warehouse.begin() as connection:
        view = query(connection, "SELECT device_key, planned_w, plan_modes, plan_reasons FROM ems.vw_setpoint")
    rows = {row["device_key"]: row for row in view.iter_rows(named=True)}
    assert (rows["inverter"]["planned_w"], rows["inverter"]["plan_modes"]) == (-3000, "pack: charge")
    assert rows["wallbox-1"]["plan_reasons"] == "car-1 charge"


def test_a_second_controller_leaves_a_held_gateway_alone(home: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from ems_pipeline.control import cycle
    from ems_pipeline.warehouse.gateway_lock import Grant, gateway_locks

    monkeypatch.setattr(cycle, "PATIENCE_S", 0.0)
    home.plan(CHARGE)
    gateway = home.site.gateways[0]
    with gateway_locks(home.warehouse) as locks:
        assert locks.steer([f"{gateway.host}:{gateway.port}"]) is Grant.TAKEN
        outcomes = home.control()
    assert outcomes[""].state == "skipped"
    assert home.states("inverter") == []
    assert home.control()["inverter"].state == "echoed"


def test_a_silent_site_does_not_fail_its_neighbour(home: Bench) -> None:
    silent = tuple(g.model_copy(update={"port": i + 1}) for i, g in enumerate(home.site.gateways))
    dead = home.site.model_copy(update={"key": "dead", "gateways": silent})
    home.plan(CHARGE)
    slot = time_grid.floor_slot(home.clock.now())
    elsewhere = tuple(g.model_copy(update={"port": i + 11}) for i, g in enumerate(home.site.gateways))
    faulty = tuple(d.model_copy(update={"map": "no-such-map"}) for d in home.site.devices)
    broken = home.site.model_copy(update={"key": "broken", "gateways": elsewhere, "devices": faulty})
    for site in (broken, dead):
        bench.known(home.warehouse, site, home.clock.now())
    outcomes = control.run_control(home.warehouse, [broken, home.site, dead], slot, home.clock.now(), home.clock)
    states = [(o.device, o.state) for o in outcomes]
    assert states[0] == ("", "failed")
    assert ("inverter", "echoed") in states
    with home.warehouse.begin() as connection:
        for site in (broken, dead):
            registry.set_active(connection, site.key, False)


def test_the_heartbeat_of_a_home_controller_is_toggled_with_every_look(home: Bench) -> None:
    home.plan(CHARGE)
    home.control()
    beats = [home.held("loxone")["ems_heartbeat"]]
    for _ in range(3):
        home.advance(minutes=2)
        home.verify()
        beats.append(home.held("loxone")["ems_heartbeat"])
    assert beats == [1, 0, 1, 0]
    assert home.states("loxone") == ["echoed"], "a heartbeat is no change of the set-point"


@pytest.mark.parametrize("days_lived", [2])
def test_an_overload_makes_cars_yield_at_the_next_look(home: Bench) -> None:
    """The connection is found at twice its limit: grid charging and the cars stop now, not in thirteen minutes."""
    home.plan(CHARGE, CAR)
    home.control()
    home.advance(minutes=2)
    narrow = home.site.grid.model_copy(update={"import_limit_w": 1000.0})
    wide, home.plant.site = home.site, home.site.model_copy(update={"grid": narrow})
    home.verify()
    assert home.held("inverter")["grid_charge_enable"] == 0
    assert home.held("wallbox-1")["current_limit"] == 0
    with home.warehouse.begin() as connection:
        assert "import-limit" in alarms.open_alarms(connection)["kind"].to_list()
        source = query(connection, "SELECT source FROM ems.setpoint ORDER BY setpoint_id DESC LIMIT 1")["source"][0]
    assert source == "grid"
    home.plant.site = wide
    home.advance(minutes=2)
    home.verify()
    with home.warehouse.begin() as connection:
        assert "import-limit" not in alarms.open_alarms(connection)["kind"].to_list()


def test_a_fault_of_the_program_lets_the_devices_go(home: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from ems_pipeline.control import authority

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    home.plan(CHARGE)
    home.control()
    home.advance(minutes=15)
    monkeypatch.setattr(authority, "resolve", broken)
    outcomes = home.control()
    assert outcomes[""].state == "failed"
    assert "ZeroDivisionError: a fault of ours" in outcomes[""].text
    assert home.states("inverter") == ["superseded", "released"]
    assert home.held("inverter")["grid_charge_enable"] == 0
