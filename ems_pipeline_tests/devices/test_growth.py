"""Ranges that grow with the device and counters that count in larger steps, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ems_pipeline.devices.points import growth
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap

POWER = Point(name="power", address=1, unit="W", range=(-100.0, 200.0), grows=("rated_power_w", "ct_ratio"))
PLAIN = Point(name="voltage", address=2, unit="V", range=(0.0, 300.0))
OPEN = Point(name="current", address=3, unit="A", grows=("rated_power_w",))
ENERGY = Point(name="energy", address=4, unit="Wh", scale=0.1)
REACTIVE = Point(name="reactive", address=5, unit="varh", scale=100.0)
MAP = PointMap(
    map="meter", title="Meter", driver="modbus", protocol="modbus", silence="goes on", sources=("a list",),
    made_for={"rated_power_w": 10_000.0, "ct_ratio": 1.0}, largest={"rated_power_w": 80_000.0},
    rated_by={"rated_power_w": "power"}, points=(POWER, PLAIN, OPEN, ENERGY, REACTIVE),
)  # fmt: skip


def test_the_site_file_says_the_size_before_the_device_and_the_device_before_the_family() -> None:
    assert growth.sizes(MAP, {}, {}) == {"rated_power_w": 80_000.0}
    assert growth.sizes(MAP, {}, {"power": 30_000.0}) == {"rated_power_w": 30_000.0}
    options: dict[str, float | str | bool] = {"rated_power_w": 20_000, "gap_s": 0.1}
    assert growth.sizes(MAP, options, {"power": 30_000.0, "voltage": 230.0}) == {"rated_power_w": 20_000.0}
    assert growth.sizes(MAP, {"ct_ratio": 40}, {"power": 30_000.0}) == {"rated_power_w": 30_000.0, "ct_ratio": 40.0}


def test_only_what_is_larger_than_the_map_was_made_for_makes_it_grow() -> None:
    assert growth.factors(MAP, {"rated_power_w": 25_000.0, "ct_ratio": 1.0}) == {"rated_power_w": 2.5}
    assert growth.factors(MAP, {"rated_power_w": 9999.0, "ct_ratio": 40.0}) == {"ct_ratio": 40.0}


def test_a_range_grows_at_both_ends_with_the_larger_of_what_it_grows_with() -> None:
    assert growth.grown(POWER, {"rated_power_w": 2.5}).range == (-250.0, 500.0)
    assert growth.grown(POWER, {"rated_power_w": 2.5, "ct_ratio": 40.0}).range == (-4000.0, 8000.0)


def test_what_does_not_grow_stays_what_it_is() -> None:
    assert growth.grown(PLAIN, {"rated_power_w": 2.5}) is PLAIN
    assert growth.grown(OPEN, {"rated_power_w": 2.5}) is OPEN
    assert growth.grown(POWER, {"depth_m": 3.0}) is POWER
    assert growth.grown(POWER, {"rated_power_w": 0.5, "ct_ratio": 0.5}) is POWER


def test_a_map_is_fitted_once_for_a_size_and_is_itself_where_nothing_is_larger() -> None:
    assert growth.fitted(MAP, {"rated_power_w": 10_000.0}) is MAP
    large = growth.fitted(MAP, {"rated_power_w": 20_000.0})
    assert {p.name: p.range for p in large.points} == {
        "power": (-200.0, 400.0), "voltage": (0.0, 300.0), "current": None, "energy": None, "reactive": None,
    }  # fmt: skip
    assert growth.fitted(MAP, {"rated_power_w": 20_000.0}) is large
    assert growth.fitted(MAP, {"rated_power_w": 30_000.0}).point("power").range == (-300.0, 600.0)


def test_energies_count_in_the_larger_step_and_nothing_else_does() -> None:
    tenfold = growth.counting(MAP, {"counter_scale": 10})
    assert {p.name: p.scale for p in tenfold.points} == {
        "power": 1.0, "voltage": 1.0, "current": 1.0, "energy": 1.0, "reactive": 1000.0,
    }  # fmt: skip
    assert growth.counting(MAP, {"counter_scale": 10}) is tenfold
    assert growth.counting(MAP, {"counter_scale": 0.5}).point("energy").scale == 0.05


def test_a_map_counts_as_it_says_where_no_scale_is_given_or_it_is_one() -> None:
    assert growth.counting(MAP, {}) is MAP
    assert growth.counting(MAP, {"counter_scale": 1.0}) is MAP


def test_a_scale_is_a_number_above_zero_and_up_to_a_million() -> None:
    assert growth.counting(MAP, {"counter_scale": 1e6}).point("energy").scale == 1e5
    refused: list[Any] = [0, -1, 0.0, 1e6 + 0.5, float("nan"), True, False, "10"]
    for scale in refused:
        with pytest.raises(ValueError, match="option counter_scale"):
            growth.counting(MAP, {"counter_scale": scale})
