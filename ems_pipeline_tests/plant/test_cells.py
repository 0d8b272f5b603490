"""Batteries of the plant against hand-computed energies: efficiency by power, taper, pooling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.plant.cells import Cells, Conversion
from ems_pipeline.sites import Battery, ChargeTaper, EfficiencyStep, EmptyTaper


def battery(**more: object) -> Battery:
    base: dict[str, object] = {"key": "b", "capacity_wh": 10_000, "charge_limit_w": 4000, "discharge_limit_w": 4000}
    return Battery.model_validate(base | more)


STEPS = (
    EfficiencyStep(upto_w=1000, charge_efficiency=0.9, discharge_efficiency=0.9),
    EfficiencyStep(upto_w=4000, charge_efficiency=0.8, discharge_efficiency=0.8),
)


def test_efficiency_counts_within_its_step_only() -> None:
    cells = Cells([battery(efficiency_steps=STEPS)])
    cells.integrate(-2000, 3600)  # 1000 W at 0.9 and 1000 W at 0.8
    assert cells.energy_wh == pytest.approx(5000 + 900 + 800)
    cells.integrate(3000, 3600)  # 1000 W at 0.9 and 2000 W at 0.8
    assert cells.energy_wh == pytest.approx(6700 - 1000 / 0.9 - 2000 / 0.8)


def test_two_batteries_take_their_share_with_their_own_steps() -> None:
    """3 to 1 by capacity: of 4 kW the big one gets 3 kW (0.95), the small one 1 kW (its first step)."""
    big = battery(capacity_wh=30_000, charge_efficiency=0.95)
    small = battery(key="c", capacity_wh=10_000, efficiency_steps=STEPS)
    cells = Cells([big, small])
    before_wh = cells.energy_wh
    cells.integrate(-4000, 3600)
    assert cells.energy_wh - before_wh == pytest.approx(3000 * 0.95 + 1000 * 0.9)
    cells.integrate(-6000, 3600)
    assert cells.energy_wh - before_wh - 3750 == pytest.approx(4500 * 0.95 + 1000 * 0.9 + 500 * 0.8)


def test_charging_falls_in_a_straight_line_towards_the_full_battery() -> None:
    cells = Cells([battery(taper=ChargeTaper(from_soc_pct=80, full_limit_w=400))])
    found = []
    for soc_pct in (50, 80, 90, 100):
        cells.energy_wh = 100.0 * soc_pct
        found.append(cells.limits(1e-6, 400.0, 0.0).charge_w)
    # half way between 80 and 100 %: half way between 4000 and 400 W; at 100 % there is no room at all
    assert found == pytest.approx([4000, 4000, 2200, 0])


def test_the_last_minute_before_empty_gives_what_is_left() -> None:
    cells = Cells([battery(min_soc_pct=10, discharge_efficiency=0.9)])
    cells.energy_wh = 1010.0
    assert cells.limits(60.0, 400.0, 0.0).discharge_w == pytest.approx(10 * 60 * 0.9)
    assert cells.limits(60.0, 400.0, 20.0).discharge_w == 0  # a floor above the charge


@given(
    st.lists(st.tuples(st.floats(100, 5000), st.floats(0.5, 2.0)), min_size=1, max_size=4),
    st.floats(0, 20_000),
)
def test_conversion_is_invertible(steps: list[tuple[float, float]], bus_w: float) -> None:
    ends = [sum(width for width, _ in steps[: i + 1]) for i in range(len(steps))]
    conversion = Conversion([(end, slope) for end, (_, slope) in zip(ends, steps, strict=True)])
    assert conversion.to_bus(conversion.to_cell(bus_w)) == pytest.approx(bus_w, abs=1e-6)


def test_discharging_falls_in_a_straight_line_towards_the_empty_battery() -> None:
    cells = Cells([battery(min_soc_pct=10, empty_taper=EmptyTaper(from_soc_pct=30, empty_limit_w=400))])
    found = []
    for soc_pct in (50, 30, 20, 10):
        cells.energy_wh = 100.0 * soc_pct
        found.append(cells.limits(1e-6, 400.0, 0.0).discharge_w)
    # half way between 30 and 10 %: half way between 4000 and 400 W; at 10 % nothing is left to give
    assert found == pytest.approx([4000, 4000, 2200, 0])


def test_cells_lose_by_themselves_and_never_more_than_they_hold() -> None:
    """A fifth of 5 kWh in a day of rest; 100 W of its own take what there is and no more."""
    cells = Cells([battery(min_soc_pct=0, reserve_soc_pct=0, self_discharge_pct_per_day=20)])
    cells.energy_wh = 5000.0
    cells.integrate(0.0, 86_400)
    assert cells.energy_wh == pytest.approx(4000.0)
    drawing = Cells([battery(min_soc_pct=0, reserve_soc_pct=0, standby_w=100)])
    drawing.energy_wh = 500.0
    drawing.integrate(0.0, 3600)
    assert drawing.energy_wh == pytest.approx(400.0)
    drawing.integrate(0.0, 86_400)
    assert drawing.energy_wh == 0.0


def test_a_converter_does_nothing_below_its_least_power() -> None:
    cells = Cells([battery(least_charge_w=200, least_discharge_w=100)])
    assert [cells.able_w(w) for w in (-300.0, -150.0, 50.0, 150.0)] == [-300.0, 0.0, 0.0, 150.0]
