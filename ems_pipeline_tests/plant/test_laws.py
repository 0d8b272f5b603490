"""Laws of physics the plant must keep whatever anybody does to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ems_pipeline.plant import World
from ems_pipeline.plant.cells import Cells, Limits
from ems_pipeline.plant.hybrid import Settings, TouSlot, dispatch
from ems_pipeline.sites import Battery, Site
from ems_pipeline.time_grid import SimulatedClock

START = datetime(2026, 4, 10, 3, 0, tzinfo=UTC)
powers = st.floats(0, 25_000)


def balance_w(world: World) -> float:
    f = world.flows
    return f.grid_w + f.pv_w + f.battery_w - f.load_w - f.ev_w - f.heat_pump_w


@st.composite
def any_settings(draw: st.DrawFn) -> Settings:
    slot = TouSlot(0, draw(powers), draw(st.floats(0, 100)), draw(st.booleans()))
    return Settings(
        max_charge_current_a=draw(st.floats(0, 240)),
        max_discharge_current_a=draw(st.floats(0, 240)),
        grid_charge_start_soc_pct=draw(st.floats(0, 100)),
        grid_charge_current_a=draw(st.floats(0, 185)),
        grid_charge_enable=draw(st.booleans()),
        load_first=draw(st.booleans()),
        selling_first=draw(st.booleans()),
        max_sell_power_w=draw(powers),
        solar_sell=draw(st.booleans()),
        zero_export_power_w=draw(st.floats(0, 500)),
        low_soc_pct=draw(st.floats(0, 100)),
        tou_days=draw(st.integers(0, 255)),
        slots=(slot,),
        max_solar_power_w=draw(powers),
        rated_power_w=draw(st.floats(1000, 20_000)),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bus_balances_and_charge_is_conserved_under_any_settings_at_any_instant(
    home01: Site, data: st.DataObject
) -> None:
    clock = SimulatedClock(START)
    world = World(home01, clock, seed=5)
    hybrid, cells = world.hybrids["inverter"], world.hybrids["inverter"].cells
    assert cells is not None
    for _ in range(data.draw(st.integers(1, 8))):
        hybrid.settings = data.draw(any_settings())
        world.chargings["car-1"].limit_a = data.draw(st.sampled_from([0.0, 6.0, 11.0, 16.0]))
        world.decide_again()
        assert balance_w(world) == pytest.approx(0, abs=1e-6)
        before_wh, charged_wh, discharged_wh = cells.energy_wh, hybrid.charge_wh, hybrid.discharge_wh
        clock.advance_to(clock.at + timedelta(seconds=data.draw(st.integers(1, 20_000))))
        world.advance()
        assert balance_w(world) == pytest.approx(0, abs=1e-6)
        # what went in less its loss, less what came out plus its loss, is what is stored
        stored = 0.96 * (hybrid.charge_wh - charged_wh) - (hybrid.discharge_wh - discharged_wh) / 0.96
        assert cells.energy_wh - before_wh == pytest.approx(stored, abs=1e-6)
        assert cells.min_wh - 1e-6 <= cells.energy_wh <= cells.max_wh + 1e-6


@settings(max_examples=300, deadline=None)
@given(any_settings(), powers, powers, st.floats(0, 8000), st.floats(0, 8000), st.floats(10, 100))
def test_dispatch_never_passes_a_limit(
    asked: Settings, pv_w: float, load_w: float, charge_w: float, discharge_w: float, soc_pct: float
) -> None:
    limits, slot = Limits(charge_w, discharge_w, 400.0, soc_pct), asked.slot(600, 2)
    taken_w, battery_w = dispatch(asked, slot, limits, pv_w, load_w)
    assert 0 <= taken_w <= min(pv_w, asked.max_solar_power_w)
    assert -charge_w - 1e-9 <= battery_w <= discharge_w + 1e-9
    assert -400 * asked.max_charge_current_a - 1e-9 <= battery_w <= 400 * asked.max_discharge_current_a + 1e-9
    export_w = taken_w + battery_w - load_w
    allowed_w = asked.max_sell_power_w if asked.solar_sell or asked.selling_first else 0.0
    assert export_w <= allowed_w + 1e-6
    assert taken_w + battery_w <= asked.rated_power_w + 1e-6


def test_self_use_covers_the_house_but_for_the_import_bias() -> None:
    asked = Settings.self_use(20_000, 10, 10_000)
    limits = Limits(8000, 8000, 400, 50)
    assert dispatch(asked, asked.slot(600, 0), limits, 0.0, 3000.0) == (0.0, 2980.0)
    assert dispatch(asked, asked.slot(600, 0), limits, 5000.0, 3000.0) == (5000.0, -2020.0)


def test_sun_beyond_the_inverters_rating_goes_into_the_battery_first() -> None:
    """9 kW of modules on a 4 kW connection: 5 kW charge, whatever the house takes; a full battery wastes them."""
    asked = Settings.self_use(4_000, 10, 10_000)
    assert dispatch(asked, asked.slot(600, 0), Limits(8000, 8000, 400, 50), 9000.0, 6000.0) == (9000.0, -5000.0)
    assert dispatch(asked, asked.slot(600, 0), Limits(0, 8000, 400, 100), 9000.0, 6000.0) == (4000.0, 0.0)


def test_a_full_battery_lets_the_surplus_out_and_no_further_than_the_sell_limit() -> None:
    asked = Settings.self_use(20_000, 10, 3_000)
    full = Limits(0, 8000, 400, 100)
    assert dispatch(asked, asked.slot(600, 0), full, 9000.0, 1000.0) == (4000.0, 0.0)


def test_one_hour_at_one_kilowatt_through_96_percent() -> None:
    cells = Cells([Battery(key="b", capacity_wh=10_000, charge_limit_w=5000, discharge_limit_w=5000,
                           charge_efficiency=0.96, discharge_efficiency=0.96)])  # fmt: skip
    cells.integrate(-1000, 3600)
    assert cells.energy_wh == pytest.approx(5000 + 960)
    cells.integrate(960, 3600)
    assert cells.energy_wh == pytest.approx(5000 + 960 - 1000)


def test_counters_integrate_the_flows_they_count(home01: Site) -> None:
    clock = SimulatedClock(START)
    world = World(home01, clock, seed=2)
    imported = exported = consumed = 0.0
    for _ in range(24 * 60):
        f = world.flows
        imported += max(f.grid_w, 0) / 60
        exported += max(-f.grid_w, 0) / 60
        consumed += (f.load_w + f.ev_w + f.heat_pump_w) / 60
        clock.advance_to(clock.at + timedelta(minutes=1))
        world.advance()
    assert world.counters.import_wh == pytest.approx(imported)
    assert world.counters.export_wh == pytest.approx(exported)
    assert world.counters.consumed_wh == pytest.approx(consumed)
    hybrid = world.hybrids["inverter"]
    assert imported - exported + hybrid.pv_wh + hybrid.discharge_wh - hybrid.charge_wh == pytest.approx(consumed)


@pytest.mark.parametrize("steps_s", [[86_400], [1, 59, 3600, 7, 82_733], [900] * 96])
def test_who_looks_and_when_changes_nothing(home01: Site, steps_s: list[int]) -> None:
    def run(steps: list[int]) -> tuple[float, float, float]:
        clock = SimulatedClock(START)
        world = World(home01, clock, seed=9)
        for step in steps:
            clock.advance_to(clock.at + timedelta(seconds=step))
            world.advance()
        return world.counters.import_wh, world.soc_pct or 0.0, world.heatings["heating"].indoor_c

    assert run(steps_s) == pytest.approx(run([86_400]), rel=1e-9)


def test_the_same_seed_is_the_same_plant_and_another_seed_is_not(home01: Site) -> None:
    def day(seed: int) -> tuple[float, ...]:
        clock = SimulatedClock(START)
        world = World(home01, clock, seed)
        clock.advance_to(START + timedelta(days=1))
        world.advance()
        return world.counters.import_wh, world.counters.export_wh, world.counters.consumed_wh

    assert day(4) == day(4)
    assert day(4) != day(5)


def test_the_house_store_obeys_its_equation(home01: Site) -> None:
    clock = SimulatedClock(START)
    world = World(home01, clock, seed=2)
    unit, house = world.heatings["heating"], home01.heat_pumps[0].house
    for _ in range(600):
        before_c, heat_w, gains_w, outdoor_c = unit.indoor_c, unit.heat_w, unit.gains_w, unit.outdoor_c
        clock.advance_to(clock.at + timedelta(minutes=1))
        world.advance()
        middle_c = (before_c + unit.indoor_c) / 2
        flow_w = heat_w + gains_w - house.heat_loss_w_per_k * (middle_c - outdoor_c)
        stored_wh = house.heat_capacity_wh_per_k * (unit.indoor_c - before_c)
        assert stored_wh == pytest.approx(flow_w / 60, abs=0.01)


def test_rooms_stay_in_the_comfort_band_through_a_winter_week(home01: Site) -> None:
    clock = SimulatedClock(datetime(2026, 1, 12, tzinfo=UTC))
    world = World(home01, clock, seed=2)
    seen = []
    for _ in range(7 * 24):
        clock.advance_to(clock.at + timedelta(hours=1))
        world.advance()
        seen.append(world.heatings["heating"].indoor_c)
    house = home01.heat_pumps[0].house
    assert house.comfort_min_c <= min(seen)
    assert max(seen) <= house.comfort_max_c


def test_a_year_of_the_demo_site_is_a_believable_home(home01: Site) -> None:
    clock = SimulatedClock(datetime(2025, 7, 1, tzinfo=UTC))
    pv_wh = heat_pump_wh = 0.0
    for _ in range(12):  # three days of each month
        world = World(home01, clock, seed=1)
        clock.advance_to(clock.at + timedelta(days=3))
        world.advance()
        pv_wh += world.hybrids["inverter"].pv_wh
        heat_pump_wh += world.counters.heat_pump_wh
        clock.advance_to(clock.at + timedelta(days=27))
    per_year = 365 / 36
    assert 700 < pv_wh * per_year / 9600 < 1200  # kWh per kWp in central Europe
    assert 2000 < heat_pump_wh * per_year / 1000 < 8000
