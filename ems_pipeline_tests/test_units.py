"""Conversions pinned to numbers anybody can check by head."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline import units

values = st.floats(-1e9, 1e9, allow_nan=False)


def test_a_kilowatt_over_a_slot_is_250_watt_hours() -> None:
    assert units.slot_energy_wh(1000.0) == 250.0
    assert units.slot_power_w(250.0) == 1000.0


def test_85_euro_per_megawatt_hour_are_8_5_cents_per_kilowatt_hour() -> None:
    assert units.per_kwh(85.0) == pytest.approx(0.085)


def test_water_freezes_at_273_15_kelvin() -> None:
    assert units.kelvin(0.0) == 273.15


@given(values)
def test_conversions_undo_each_other(value: float) -> None:
    assert units.slot_power_w(units.slot_energy_wh(value)) == pytest.approx(value)
    assert units.per_mwh(units.per_kwh(value)) == pytest.approx(value)
    assert units.from_kilo(units.kilo(value)) == pytest.approx(value)
