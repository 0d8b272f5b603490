"""What was told to a device is looked after and released where and as it was told, whatever the file says now."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta

import pytest

from ems_pipeline import control
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import alarms, arming
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM

Change = Callable[[Site], Site]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def moved_gateway(site: Site) -> Site:
    first, *others = site.gateways
    return site.model_copy(update={"gateways": (first.model_copy(update={"port": free_port()}), *others)})


def unit_changed(site: Site) -> Site:
    return devices_changed(site, "heat-pump", {"unit_id": 77})


def map_changed(site: Site) -> Site:
    return devices_changed(site, "heat-pump", {"map": "eastron-sdm630"})


def device_renamed(site: Site) -> Site:
    site = devices_changed(site, "heat-pump", {"key": "new-pump"})
    pumps = tuple(p.model_copy(update={"device": "new-pump"}) for p in site.heat_pumps)
    return site.model_copy(update={"heat_pumps": pumps})


def gateway_renamed(site: Site) -> Site:
    gateways = tuple(g.model_copy(update={"key": f"new-{g.key}"}) for g in site.gateways)
    devices = tuple(d.model_copy(update={"gateway": f"new-{d.gateway}"}) for d in site.devices)
    return site.model_copy(update={"gateways": gateways, "devices": devices})


def device_removed(site: Site) -> Site:
    devices = tuple(d for d in site.devices if d.key != "heat-pump")
    return site.model_copy(update={"devices": devices, "heat_pumps": ()})


def switched_off_in_the_file(site: Site) -> Site:
    return site.model_copy(update={"active": False})


def disabled(site: Site) -> Site:
    return site.model_copy(update={"control": site.control.model_copy(update={"enabled": False})})


def devices_changed(site: Site, key: str, change: dict[str, object]) -> Site:
    return site.model_copy(
        update={"devices": tuple(d.model_copy(update=change) if d.key == key else d for d in site.devices)}
    )


CHANGES: list[Change] = [
    moved_gateway,
    unit_changed,
    map_changed,
    device_renamed,
    device_removed,
    switched_off_in_the_file,
    disabled,
]


def steer(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    home.control()
    assert home.held("heat-pump")["flow_setpoint"] == 40
    assert home.held("inverter")["grid_charge_enable"] == 1
    home.advance(minutes=2)


def register(home: Bench, site: Site) -> None:
    with home.warehouse.begin() as connection:
        registry.register(connection, [site], home.clock.now())


def look(home: Bench) -> list[str]:
    """A verification as the op asks for one: with the sites that are active now."""
    with home.warehouse.begin() as connection:
        sites = registry.configured(connection)
    return [str(o) for o in control.run_verification(home.warehouse, sites, home.clock.now(), home.clock)]


def assert_changed_devices_let_go(home: Bench, *, everything: bool = True) -> None:
    assert home.held("heat-pump")["flow_setpoint"] == 38
    assert home.states("heat-pump")[-1] == "released"
    if everything:
        assert home.steered() == set()
        assert home.held("inverter")["grid_charge_enable"] == 0
        assert home.held("wallbox-1")["current_limit"] == 16


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.__name__)
def test_a_device_whose_configuration_changes_is_let_go_where_it_was_told(home: Bench, change: Change) -> None:
    """The arm does not stand for the new configuration, so the first look hands everything back; at the old places."""
    steer(home)
    register(home, change(home.site))
    look(home)
    if change is moved_gateway:
        assert home.held("inverter")["grid_charge_enable"] == 0
        assert home.steered() == set()
    else:
        assert_changed_devices_let_go(home, everything=change not in (device_removed,))


def test_a_site_taken_out_of_service_is_looked_after_until_everything_is_let_go(home: Bench) -> None:
    steer(home)
    home.plant.inject(bench.line_fault("rs485-heat"))
    with home.warehouse.begin() as connection:
        registry.set_active(connection, "home01", False)
    look(home)
    assert home.steered() == {"heat-pump"}, "nobody answers there"
    home.plant.clear()
    home.advance(minutes=15)
    look(home)
    assert_changed_devices_let_go(home)


def test_what_is_held_elsewhere_expires_and_raises_a_critical_alarm_while_it_cannot_be_let_go(home: Bench) -> None:
    steer(home)
    home.plant.inject(bench.line_fault("rs485-heat"))
    register(home, device_removed(home.site))
    home.advance(minutes=25)
    look(home)
    assert home.states("heat-pump")[0] == "expired"
    with home.warehouse.begin() as connection:
        filed = alarms.open_alarms(connection)
    assert ("heat-pump", "release-failed", "critical") in filed.select("device_key", "kind", "severity").rows()
    home.plant.clear()
    home.advance(minutes=15)
    look(home)
    assert_changed_devices_let_go(home, everything=False)
    with home.warehouse.begin() as connection:
        assert "release-failed" not in alarms.open_alarms(connection)["kind"].to_list()


def test_a_renamed_gateway_at_its_old_address_changes_nothing(home: Bench) -> None:
    steer(home)
    register(home, gateway_renamed(home.site))
    before = list(home.written)
    look(home)
    assert [w for w in home.written[len(before) :] if w[1] != "ems_heartbeat"] == []
    assert home.states("heat-pump")[-1] in ("echoed", "effective")


def test_a_moved_gateway_that_is_armed_again_is_steered_and_the_old_one_still_let_go(home: Bench) -> None:
    """The new address is dead; what stands at the old one is not forgotten for it."""
    steer(home)
    home.plant.inject(bench.line_fault("rs485-heat"))
    moved = tuple(
        g.model_copy(update={"port": free_port()}) if g.key == "rs485-heat" else g for g in home.site.gateways
    )
    changed = home.site.model_copy(update={"gateways": moved})
    register(home, changed)
    with home.warehouse.begin() as connection:
        arming.arm(connection, "home01", home.clock.now(), "test")
    home.advance(minutes=13)
    home.plan(CHARGE, CAR, WARM)
    with home.warehouse.begin() as connection:
        sites = registry.configured(connection)
    control.run_control(home.warehouse, sites, home.clock.now(), home.clock.now(), home.clock)
    assert home.steered() >= {"heat-pump"}
    home.plant.clear()
    home.advance(minutes=15)
    look(home)
    assert home.held("heat-pump")["flow_setpoint"] == 38


def test_a_device_that_nobody_can_reach_any_more_can_be_declared_gone(home: Bench) -> None:
    steer(home)
    home.plant.inject(bench.line_fault("rs485-heat"))
    register(home, device_removed(home.site))
    look(home)
    assert "heat-pump" in home.steered()
    control.declare_gone(home.warehouse, "home01", "heat-pump", home.clock.now(), "test")
    assert "heat-pump" not in home.steered()
    assert home.states("heat-pump")[-1] == "released"
    with pytest.raises(LookupError, match="holds nothing of ours"):
        control.declare_gone(home.warehouse, "home01", "heat-pump", home.clock.now(), "test")


def test_shadows_of_a_site_taken_out_of_service_end_like_any_others(home: Bench) -> None:
    with home.warehouse.begin() as connection:
        arming.disarm(connection, "home01", home.clock.now(), "test")
    home.plan(CHARGE)
    home.control()
    with home.warehouse.begin() as connection:
        registry.set_active(connection, "home01", False)
    home.advance(minutes=25)
    look(home)
    assert home.states("inverter") == ["expired"]


def test_stopping_lets_go_of_sites_that_are_out_of_service_and_of_devices_that_are_elsewhere_now(home: Bench) -> None:
    steer(home)
    register(home, moved_gateway(device_removed(home.site)))
    with home.warehouse.begin() as connection:
        registry.set_active(connection, "home01", False)
    control.release_all(home.warehouse, home.clock.now(), home.clock, "stopped")
    assert_changed_devices_let_go(home)


def test_a_configuration_registered_after_the_clock_went_back_is_the_newest(home: Bench) -> None:
    with home.warehouse.begin() as connection:
        registry.register(connection, [disabled(home.site)], home.clock.now() - timedelta(hours=1))
        assert not registry.newest(connection, "home01").control.enabled
