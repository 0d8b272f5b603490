"""What a device can obey is one answer, from its map; what cannot obey is not in the plan's hands."""

from __future__ import annotations

import pytest

from ems_pipeline.devices.installed import obedience
from ems_pipeline.sites import FuseGroup, Genset, HybridInverter, Site

METER = "eastron-sdm630"


def with_map(site: Site, **maps: str) -> Site:
    """The site with other maps at some devices (dashes written as underscores)."""
    named = {key.replace("_", "-"): name for key, name in maps.items()}
    devices = tuple(d.model_copy(update={"map": named.get(d.key, d.map)}) for d in site.devices)
    return site.model_copy(update={"devices": devices})


def test_the_demo_site_obeys_in_every_part(home01: Site) -> None:
    assert obedience.deaf(home01) == {}
    assert obedience.obedient(home01) == [d.key for d in home01.devices]
    assert list(obedience.warnings(home01)) == []
    assert obedience.steerable(home01) == home01


@pytest.mark.parametrize(
    ("maps", "deaf"),
    [
        ({"inverter": "sunspec-hybrid"}, {"pack", "roof-south", "roof-west"}),
        ({"wallbox_1": METER}, {"car-1"}),
        ({"heat_pump": METER}, {"heating"}),
        ({"wallbox_2": "deye-sun-20k-hp3"}, {"car-2"}),  # obeys, and not what a wallbox is told
    ],
)
def test_an_asset_is_deaf_where_its_device_takes_no_such_command(
    home01: Site, maps: dict[str, str], deaf: set[str]
) -> None:
    site = with_map(home01, **maps)
    assert set(obedience.deaf(site)) == deaf
    assert {w.split("'")[1] for w in obedience.warnings(site)} == deaf
    steered = obedience.steerable(site)
    assert {a.key for a in steered.assets} == {a.key for a in site.assets} - deaf | {a.key for a in site.pv}
    assert {a.key for a in steered.pv if not a.curtailable} == deaf & {a.key for a in site.pv}


def twice(site: Site, field: str, device: str) -> Site:
    """The site with the first of a kind once more, at a device."""
    first = getattr(site, field)[0]
    both = (first.model_copy(update={"device": device}), first.model_copy(update={"key": "twin", "device": device}))
    return site.model_copy(update={field: both})


@pytest.mark.parametrize(
    ("field", "device", "names"),
    [
        ("batteries", "inverter", "pack, twin"),
        ("chargers", "wallbox-1", "car-1, twin"),
        ("heat_pumps", "heat-pump", "heating, twin"),
    ],
)
def test_a_device_that_obeys_is_one_assets_own(home01: Site, field: str, device: str, names: str) -> None:
    """Planned apart, two of them would be told different things in one quarter-hour."""
    (fault,) = obedience.misfits(twice(home01, field, device))
    assert f"device {device!r} can be told one thing" in fault
    assert names in fault
    assert "write them as one" in fault


def test_arrays_share_an_inverter_with_its_battery_and_what_only_measures_is_nobodys(home01: Site) -> None:
    assert [a.device for a in (*home01.pv, *home01.batteries)] == ["inverter"] * 3
    assert list(obedience.misfits(home01)) == []
    crowded = twice(with_map(home01, inverter="sunspec-hybrid"), "batteries", "inverter")
    assert [fault for fault in obedience.misfits(crowded) if "one thing" in fault] == []


def test_what_is_left_out_is_left_out_of_its_groups(home01: Site) -> None:
    groups = {
        "fuses": (FuseGroup(key="garage", limit_w=11000, chargers=("car-1", "car-2")),),
        "inverters": (HybridInverter(key="hybrid", ac_limit_w=12000, pv=("roof-south",), batteries=("pack",)),),
        "gensets": (Genset(key="diesel", min_power_w=2000, max_power_w=8000, start_cost=1, fuel_per_kwh=1),),
    }
    site = with_map(home01, inverter="sunspec-hybrid", wallbox_1=METER).model_copy(update=groups)
    steered = obedience.steerable(site)
    assert steered.fuses[0].chargers == ("car-2",)
    assert steered.inverters[0].batteries == ()
    assert steered.gensets == (), "no device could start it"
    assert obedience.deaf(site)["diesel"] == "which has no device"
