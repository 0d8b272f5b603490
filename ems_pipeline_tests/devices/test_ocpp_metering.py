"""What meters of chargers print, in units, phases and contexts: computed by hand, never a zero for what is missing."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.devices.ocpp.metering import Metered, metered, sampled

POWER, ENERGY = "Power.Active.Import", "Energy.Active.Import.Register"


def said(*items: dict[str, Any], wired: int = 3) -> Metered:
    return metered([s for s in map(sampled, items) if s is not None], wired)


@pytest.mark.parametrize(
    ("item", "name", "value"),
    [
        ({"value": "7.36", "measurand": POWER, "unit": "kW"}, "power", 7360.0),
        ({"value": "7360", "measurand": POWER, "unit": "W"}, "power", 7360.0),
        ({"value": "7360", "measurand": POWER}, "power", 7360.0),
        ({"value": 7.36, "measurand": POWER, "unit_of_measure": {"unit": "W", "multiplier": 3}}, "power", 7360.0),
        ({"value": "12345.6"}, "energy_total", 12345.6),  # 1.6: no measurand is the register, no unit Wh
        ({"value": "12.3456", "unit": "kWh", "measurand": ENERGY}, "energy_total", 12345.6),
        ({"value": "-0.5", "measurand": POWER, "unit": "kW"}, "power", -500.0),
        ({"value": "61", "measurand": "SoC", "unit": "Percent", "location": "EV"}, "car_soc", 61.0),
        ({"value": "16", "measurand": "Current.Import", "unit": "A", "phase": "L2"}, "current_l2", 16.0),
        ({"value": "231.5", "measurand": "Voltage", "unit": "V", "phase": "L3-N"}, "voltage_l3", 231.5),
    ],
)
def test_a_value_is_read_in_its_own_unit(item: dict[str, Any], name: str, value: float) -> None:
    assert said(item).values == {name: pytest.approx(value)}


def test_phases_add_up_where_no_total_is_said() -> None:
    each = [
        {"value": v, "measurand": POWER, "unit": "W", "phase": p}
        for v, p in (("1000", "L1"), ("1100", "L2"), ("0", "L3"))
    ]
    assert said(*each).values == {"power": 2100.0}
    assert said(*each, {"value": "2090", "measurand": POWER, "unit": "W"}).values == {"power": 2090.0}


def test_one_phase_of_three_is_not_the_car() -> None:
    one = {"value": "1000", "measurand": POWER, "unit": "W", "phase": "L1"}
    found = said(one)
    assert found.values == {}
    assert "L1 only" in found.missing["power"]
    assert said(one, wired=1).values == {"power": 1000.0}


@pytest.mark.parametrize("value", ["", "n/a", "NaN", "inf", "1,5", None, True, [], {"a": 1}, "9" * 400])
def test_what_is_no_number_is_missing_and_never_zero(value: Any) -> None:
    found = said({"value": value, "measurand": POWER, "unit": "W"})
    assert found.values == {}
    assert found.missing["power"]


@pytest.mark.parametrize(
    "item",
    [
        {"value": "5", "measurand": POWER, "unit": "kVA"},
        {"value": 5, "measurand": POWER, "unit_of_measure": {"unit": "W", "multiplier": 99}},
        {"value": 5, "measurand": POWER, "unit_of_measure": {"unit": "W", "multiplier": "3"}},
    ],
)
def test_an_unknown_unit_is_missing_and_named(item: dict[str, Any]) -> None:
    found = said(item)
    assert found.values == {}
    assert "Power.Active.Import" in found.missing["power"]


@pytest.mark.parametrize(
    "item",
    [
        {"value": "5", "measurand": "Power.Factor"},
        {"value": "5", "measurand": POWER, "location": "EV"},
        {"value": "AB==", "measurand": ENERGY, "format": "SignedData"},
        "5", None, [],
    ],
)  # fmt: skip
def test_what_is_about_something_else_is_passed_over(item: Any) -> None:
    assert sampled(item) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
WORDS = f"{POWER} {ENERGY} SoC Voltage Current.Import L1 L2 L1-N N W kW Wh kWh A V 7.5"
NAMED = st.sampled_from(WORDS.split())
KEYS = ["measurand", "phase", "unit", "value", "context", "location", "format", "unit_of_measure"]


ITEMS = st.dictionaries(st.sampled_from(KEYS), NAMED | JSON, max_size=8) | JSON


@given(st.lists(ITEMS, max_size=6), st.sampled_from([1, 3]))
def test_whatever_is_said_a_value_is_a_finite_number_that_somebody_said(items: list[Any], wired: int) -> None:
    found = said(*items, wired=wired)
    assert all(math.isfinite(value) for value in found.values.values())
    assert not found.values.keys() & found.missing.keys()
    numbers = [item for item in items if isinstance(item, dict) and item.get("value") not in (None, "", [], {})]
    assert numbers or not found.values, "nothing said is nothing, not zero"


def test_a_bad_phase_spoils_the_sum_and_leaves_the_rest() -> None:
    bad = {"value": "?", "measurand": POWER, "unit": "W", "phase": "L2"}
    good = [{"value": "1000", "measurand": POWER, "unit": "W", "phase": p} for p in ("L1", "L3")]
    found = said(bad, *good, {"value": "5", "measurand": ENERGY, "unit": "kWh"})
    assert found.values == {"energy_total": 5000.0}
    assert "no number" in found.missing["power"]
