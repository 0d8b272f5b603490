"""An arm stands for the hardware and limits it was given for, and ends; one device has one site."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ems_pipeline.control.arm_alarms import ends_soon
from ems_pipeline.devices.installed.address import maps_of, wires_of
from ems_pipeline.devices.installed.reach import reach, wider
from ems_pipeline.orchestration.installation import plant_arm
from ems_pipeline.sites import FuseGroup, Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.registration import follow_files
from ems_pipeline.warehouse import alarms, arming
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.conftest import NOON, Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM
from ems_pipeline_tests.copies import copy_of


def alarm_kinds(home: Bench) -> set[str]:
    with home.warehouse.begin() as connection:
        return set(alarms.open_alarms(connection)["kind"])


def with_battery(site: Site, **change: object) -> Site:
    return site.model_copy(update={"batteries": (site.batteries[0].model_copy(update=change),)})


def test_an_arm_does_not_stand_for_other_addresses_until_it_is_given_again(home: Bench) -> None:
    """What was armed was the virtual plant; what answers at the new address is somebody's hardware."""
    moved = tuple(g.model_copy(update={"host": "127.0.0.9"}) for g in home.site.gateways)
    first, home.plant.site = home.site, home.site.model_copy(update={"gateways": moved})
    home.plan(CHARGE, CAR, WARM)
    assert {o.state for o in home.control().values()} == {"shadow"}
    home.verify()
    assert home.written == []
    assert "arm-for-other" in alarm_kinds(home)
    home.plant.site = first
    home.verify()
    assert "arm-for-other" not in alarm_kinds(home)
    assert home.control()["inverter"].state == "echoed"


def test_the_alarm_of_an_arm_says_what_differs_now_not_what_differed_first(home: Bench) -> None:
    """A gateway moved, then moved on: whoever reads the alarm arms for the address that is registered now."""
    for host in ("127.0.0.8", "127.0.0.9"):
        moved = tuple(g.model_copy(update={"host": host}) for g in home.site.gateways)
        home.plant.site = home.site.model_copy(update={"gateways": moved})
        home.verify()
        with home.warehouse.begin() as connection:
            (text,) = [
                row["text"] for row in alarms.open_alarms(connection).to_dicts() if row["kind"] == "arm-for-other"
            ]
        assert f"{host}:" in text


@pytest.mark.parametrize(
    ("change", "is_wider"),
    [
        ({"charge_limit_w": 7000.0}, False),
        ({"charge_limit_w": 9000.0}, True),
        ({"min_soc_pct": 5.0}, True),
        ({"reserve_soc_pct": 20.0}, False),
        ({"device": "wallbox-1"}, True),
        ({"wear_per_kwh": 1.0}, False),
        ({"key": "other-pack"}, True),
    ],
)
def test_limits_may_become_narrower_but_not_wider_than_armed(
    home01: Site, change: dict[str, object], is_wider: bool
) -> None:
    maps, now = maps_of(home01), with_battery(home01, **change)
    given = reach(home01, wires_of(home01, maps), maps)
    assert bool(wider(given, reach(now, wires_of(now, maps), maps))) == is_wider


def fused(site: Site, *keys: str) -> Site:
    """Chargers of these keys behind a fuse of 25 A."""
    return site.model_copy(update={"fuses": (FuseGroup(key="garage", limit_w=17_250.0, chargers=keys),)})


def without_options(site: Site) -> Site:
    return site.model_copy(update={"devices": tuple(d.model_copy(update={"options": {}}) for d in site.devices)})


def without_chargers(site: Site) -> Site:
    return site.model_copy(update={"chargers": (), "fuses": ()})


def test_a_limit_that_is_taken_away_is_wider_than_any(home01: Site) -> None:
    """A fuse, an option or a range that is gone holds nothing back; gone with what it held back nobody misses it."""
    keys = [charger.key for charger in home01.chargers]
    optional = tuple(d.model_copy(update={"options": {"frost_c": -10.0}}) for d in home01.devices)
    armed = fused(home01, *keys).model_copy(update={"devices": optional})
    maps = maps_of(armed)
    given = reach(armed, wires_of(armed, maps), maps)

    def said(site: Site) -> list[str]:
        return wider(given, reach(site, wires_of(site, maps), maps))

    assert said(armed) == []
    assert said(armed.model_copy(update={"fuses": ()})) == ["max limit_w of garage: 17250.0 when armed, none now"]
    assert len(said(without_options(armed))) == len(armed.devices)
    assert said(without_chargers(armed)) == []
    ranges = [name for name in given if name.startswith("max ") and f"point {name.removeprefix('max ')}" in given]
    unbounded = {name: value for name, value in given.items() if name != ranges[0]}
    assert wider(given, unbounded) == [f"{ranges[0]}: {given[ranges[0]]} when armed, none now"]


def test_an_arm_that_nobody_gave_an_end_lasts_30_days_and_says_so_before_and_after(home: Bench) -> None:
    with home.warehouse.begin() as connection:
        arming.arm(connection, "home01", home.clock.now(), "test")
    began = home.clock.now()
    for days, kind in ((1, None), (28, "arm-ends"), (31, "arm-ended")):
        home.clock.advance_to(began + timedelta(days=days))
        home.verify()
        assert {k for k in alarm_kinds(home) if k.startswith("arm-")} == ({kind} if kind else set())
    home.plan(CHARGE)
    assert {o.state for o in home.control().values()} == {"shadow"}
    with home.warehouse.begin() as connection:
        arming.arm(connection, "home01", home.clock.now(), "test")
    home.verify()
    assert not {k for k in alarm_kinds(home) if k.startswith("arm-")}


@pytest.mark.parametrize(
    ("days", "told_h"), [(1, 2.4), (2, 4.8), (7, 16.8), (30, 72.0), (365, 72.0), (0.9, None), (0.01, None)]
)
def test_the_end_of_an_arm_is_told_in_its_last_tenth_three_days_at_most(days: float, told_h: float | None) -> None:
    arm = arming.Arm(NOON, "test", NOON + timedelta(days=days), {})

    def is_told(hours_before: float) -> bool:
        return ends_soon(arm, arm.until_at - timedelta(hours=hours_before))

    assert not ends_soon(arm, NOON), "never at the first look"
    assert not ends_soon(arm, arm.until_at), "then it has ended"
    if told_h is None:
        assert not is_told(0.01)
    else:
        assert (is_told(told_h + 0.1), is_told(told_h - 0.1), is_told(0.1)) == (False, True, True)


def test_nobody_is_told_of_the_end_of_an_arm_for_some_minutes(home: Bench) -> None:
    with home.warehouse.begin() as connection:
        arming.arm(connection, "home01", home.clock.now(), "test", home.clock.now() + timedelta(minutes=15))
    home.advance(minutes=30)
    home.verify()
    assert alarm_kinds(home) == set()


@pytest.fixture
def platform(home: Bench) -> Platform:
    return Platform(home.warehouse, home.clock, lambda: [home.site])


@pytest.fixture
def running(platform: Platform) -> Iterator[plant_arm.PlantArm]:
    with plant_arm.armed(platform, "home01") as arm:
        yield arm


def is_armed(home: Bench) -> bool:
    with home.warehouse.begin() as connection:
        return arming.is_armed(connection, "home01", home.clock.now())


def test_the_arm_of_the_plant_ends_with_it_and_a_killed_one_within_minutes(home: Bench, platform: Platform) -> None:
    with plant_arm.armed(platform, "home01") as arm:
        for _ in range(10):
            home.advance(minutes=2)
            arm.prolong()
            assert is_armed(home)
    assert not is_armed(home)
    plant_arm.PlantArm(platform, "home01")  # and nobody prolongs it
    home.advance(minutes=6)
    assert not is_armed(home)


def test_the_next_start_ends_what_a_killed_plant_has_left(home: Bench, platform: Platform) -> None:
    plant_arm.PlantArm(platform, "home01")
    plant_arm.end_all(platform)
    assert not is_armed(home)


def test_what_a_person_decides_about_the_arm_of_a_plant_holds(home: Bench, running: plant_arm.PlantArm) -> None:
    with home.warehouse.begin() as connection:
        arming.disarm(connection, "home01", home.clock.now(), "a person")
    home.advance(minutes=2)
    running.prolong()
    assert not is_armed(home)


def test_a_site_that_is_not_registered_cannot_be_armed(home: Bench) -> None:
    with home.warehouse.begin() as connection, pytest.raises(LookupError, match="ems site add"):
        arming.arm(connection, "nowhere", home.clock.now(), "test")


def test_a_device_of_another_site_is_refused_with_both_named_and_the_others_are_registered(home: Bench) -> None:
    copied = home.site.model_copy(update={"key": "a-copy"})  # asked for before the one it was copied from
    platform = Platform(home.warehouse, home.clock, lambda: [copied, copy_of(home.site, "good"), home.site])
    followed = follow_files(platform)
    assert [site.key for site in followed.sites] == ["good", "home01"]
    assert "a-copy/inverter is home01/inverter: both are at 127.0.0.1:" in followed.faults[0]
    with home.warehouse.begin() as connection:
        assert set(registry.active_keys(connection)) == {"good", "home01"}
        registry.set_active(connection, "good", False)


def test_two_sites_share_a_gateway_with_units_of_their_own(home: Bench) -> None:
    """A meter of a flat behind the house's gateway: registered, and read and told in turn."""
    units = tuple(d.model_copy(update={"unit_id": d.unit_id + 100}) for d in home.site.devices if d.key != "loxone")
    gateways = tuple(g for g in home.site.gateways if g.transport != "http")
    flat = home.site.model_copy(update={"key": "flat", "devices": units, "gateways": gateways})
    bench.known(home.warehouse, flat, home.clock.now())
    with home.warehouse.begin() as connection:
        assert "flat" in registry.active_keys(connection)
        registry.set_active(connection, "flat", False)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1"])
def test_one_address_is_one_gateway_however_it_is_spelt(home: Bench, host: str) -> None:
    first, second, *others = home.site.gateways
    twice = second.model_copy(update={"host": host, "port": first.port})
    changed = home.site.model_copy(update={"gateways": (first, twice, *others)})
    with home.warehouse.begin() as connection, pytest.raises(registry.DeviceTwice, match="make them one gateway"):
        registry.register(connection, [changed], home.clock.now())
