"""Options of a device: read as they are meant, or refused with the site file."""

from __future__ import annotations

from typing import Any

import pytest

from ems_pipeline.devices import obedience, options
from ems_pipeline.devices.map_file import load_map
from ems_pipeline.sites import Site

DEYE, LOXONE = load_map("deye-sun-20k-hp3", {}), load_map("loxone-miniserver", {})


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
        ("gap_s", "0,1", "no number from 0 to 2"),
        ("gap_s", True, "no number"),
        ("base_address", 40_000.5, "no whole number"),
        ("base_address", "4e4", "no whole number"),
        ("rated_power_w", "50 kW", "no number from 100"),
        ("counter_scale", 0, "no number"),
        ("counter_scal", 10, "did you mean 'counter_scale'?"),
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
