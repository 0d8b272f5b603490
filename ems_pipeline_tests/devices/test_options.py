"""Options of a device: read as they are meant, or refused with the site file."""

from __future__ import annotations

from typing import Any

import pytest

from ems_pipeline.devices.installed import obedience, options
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.sites import Site

DEYE, LOXONE = load_map("deye-sun-20k-hp3", {}), load_map("loxone-miniserver", {})
BOX, SHELLY = load_map("teltonika-teltocharge", {}), load_map("shelly-pro-3em", {})


def with_options(site: Site, key: str, **own: Any) -> Site:
    devices = tuple(d.model_copy(update={"options": own}) if d.key == key else d for d in site.devices)
    return site.model_copy(update={"devices": devices})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("gap_s", 0.1), ("base_address", 40_000), ("counter_scale", 10), ("rated_power_w", 50_000.0)],
        *[("ct_ratio", 40), ("frost_c", -10.0), ("phases", 1), ("max_current_a", 16), ("limit_control", 1)],
        ("frequency_control", True),
    ],
)
def test_an_option_takes_the_values_it_is_made_for(name: str, value: Any) -> None:
    assert list(options.faults(DEYE, {name: value})) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("gap_s", "0,1", "no number from 0 to 5"),
        ("gap_s", True, "no number"),
        ("base_address", 40_000.5, "no whole number"),
        ("base_address", "4e4", "no whole number"),
        ("rated_power_w", "50 kW", "no number from 100"),
        ("counter_scale", 0, "no number"),
        ("counter_scal", 10, "did you mean 'counter_scale'?"),
        ("limit_control", 0, "no whole number from 1 to 2"),
        ("frequency_control", 1.0, "neither true nor false"),
        ("indoor_temperature", "living", "is unknown to map deye-sun-20k-hp3"),
    ],
)
def test_what_is_no_such_value_is_refused_with_the_remedy(name: str, value: Any, said: str) -> None:
    (fault,) = options.faults(DEYE, {name: value})
    assert said in fault


def test_an_http_device_may_move_its_points() -> None:
    assert list(options.faults(LOXONE, {"indoor_temperature": "Wohnzimmer"})) == []
    assert "no path" in next(options.faults(LOXONE, {"indoor_temperature": 21.5}))


def test_a_site_with_a_wrong_option_is_refused(home01: Site) -> None:
    devices = tuple(d.model_copy(update={"options": {"gap_s": "0,05"}}) for d in home01.devices[:1])
    site = home01.model_copy(update={"devices": (*devices, *home01.devices[1:])})
    assert [fault for fault in obedience.misfits(site) if "gap_s" in fault and "'inverter'" in fault]


@pytest.mark.parametrize(
    ("device", "name", "value", "said"),
    [
        ("wallbox-1", "max_current_a", 32, "is above what the site file says of the part behind the device, 16"),
        ("wallbox-1", "phases", 1, "is not what the site file says of the part behind the device, 3"),
        ("inverter", "charge_limit_w", 8001.0, "is above what"),
        ("inverter", "discharge_limit_w", 8001.0, "is above what"),
        ("inverter", "export_limit_w", 10_001.0, "is above what"),
        ("inverter", "pv_limit_w", 9601.0, "is above what"),
        ("inverter", "min_soc_pct", 14.0, "is below what"),
        ("heat-pump", "max_power_w", 1600.0, "is not what"),
        ("heat-pump", "flow_temp_c", 60.0, "is above what"),
    ],
)
def test_an_option_never_widens_what_the_site_file_says_of_the_part(
    home01: Site, device: str, name: str, value: float, said: str
) -> None:
    """The demo home: 16 A on three phases, 8 kW, 15 % reserve, 10 kW out, 9.6 kW of roof."""
    site = with_options(home01, device, **{name: value})
    found = [fault for fault in obedience.misfits(site) if f"device {device!r}: option {name}" in fault]
    assert len(found) == 1
    assert said in found[0]
    assert "remove the option, or change the part" in found[0]
    kept = options.stated(site, site.device(device))[name]
    assert kept == options.site_options(home01, home01.device(device))[name]


@pytest.mark.parametrize(
    ("device", "name", "value"),
    [
        *[
            ("wallbox-1", "max_current_a", 10.0),
            ("inverter", "charge_limit_w", 3000.0),
            ("inverter", "min_soc_pct", 30.0),
        ],
        *[("inverter", "export_limit_w", 0.0), ("inverter", "pv_limit_w", 4000.0), ("heat-pump", "flow_temp_c", 30.0)],
    ],
)
def test_an_option_may_narrow_it_and_is_what_holds(home01: Site, device: str, name: str, value: float) -> None:
    site = with_options(home01, device, **{name: value})
    assert [fault for fault in obedience.misfits(site) if f"option {name}" in fault] == []
    assert options.stated(site, site.device(device))[name] == value


def test_a_limit_beyond_the_map_is_refused_whoever_states_it(home01: Site) -> None:
    (fault,) = options.faults(BOX, {"max_current_a": 40})
    assert fault == "option max_current_a: 40 is above what map teltonika-teltocharge allows, 32 A; lower it"
    (fault,) = options.faults(BOX, {}, {"max_current_a": 63.0})
    assert fault == "max_current_a: 63 is above what map teltonika-teltocharge allows, 32 A; lower it"
    assert list(options.faults(BOX, {"max_current_a": 32}, {"max_current_a": 32.0})) == []


def test_a_path_that_is_a_whole_request_stays_the_request_it_is() -> None:
    name = next(p.name for p in SHELLY.points if p.path)
    path = str(SHELLY.point(name).path)
    assert list(options.faults(SHELLY, {name: path.partition("?")[0] + "?id=1"})) == []
    assert "asks for something else than the map does" in next(options.faults(SHELLY, {name: "relay/0?turn=on"}))
