"""The safety envelope and the import limit: whatever is asked and measured, what comes out is inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.control import envelope, grid_limit
from ems_pipeline.control.live import Live, Observed
from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, Command, GensetCommand, HeatPumpCommand
from ems_pipeline.devices.driver.contract import SetpointRefused
from ems_pipeline.sites import FuseGroup, Genset, Site
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode

POWER = st.none() | st.floats(-5e3, 50e3)
PCT = st.none() | st.floats(-10, 120)
BATTERY = st.builds(BatteryCommand, st.just("inverter"), st.sampled_from(BatteryMode), POWER, POWER, PCT, POWER, POWER)
CHARGER = st.builds(
    ChargerCommand,
    st.sampled_from(["wallbox-1", "wallbox-2"]),
    st.sampled_from(ChargerMode),
    st.floats(0, 100),
    st.sampled_from([1, 3]),
)
HEAT_PUMP = st.builds(
    HeatPumpCommand, st.just("heat-pump"), st.sampled_from(HeatPumpMode), st.none() | st.floats(0, 9e3)
)
SOC = st.none() | st.floats(0, 100)
INDOOR = st.none() | st.floats(5, 35)
WATTS = st.none() | st.floats(-20e3, 30e3)


def live(site: Site, inverter: Mapping[str, float | None] = {}, **others: Mapping[str, float | None]) -> Live:
    """A site whose devices say the given values; None is not measured."""
    said = {"inverter": inverter} | {name.replace("_", "-"): values for name, values in others.items()}
    known = {device: {q: v for q, v in values.items() if v is not None} for device, values in said.items()}
    return Live(site, {d.key: Observed(known.get(d.key, {})) for d in site.devices})


def bounded(site: Site, command: Command, at: Live) -> Any:
    try:
        return envelope.bound(site, command, at)[0]
    except SetpointRefused:
        return None


@given(BATTERY, SOC)
def test_no_battery_command_leaves_the_envelope(home01: Site, command: BatteryCommand, soc_pct: float | None) -> None:
    pack = home01.batteries[0]
    found = bounded(home01, command, live(home01, {"battery_soc_pct": soc_pct}))
    if found is None:
        assert soc_pct is None
        assert command.mode in (BatteryMode.CHARGE, BatteryMode.DISCHARGE)
        return
    assert 0 <= found.charge_limit_w <= pack.charge_limit_w
    assert 0 <= found.discharge_limit_w <= pack.discharge_limit_w
    assert 0 <= found.export_limit_w <= home01.grid.export_limit_w
    assert found.pv_limit_w is None or 0 <= found.pv_limit_w <= sum(a.peak_power_w for a in home01.pv)
    assert found.target_soc_pct is None or pack.min_soc_pct <= found.target_soc_pct <= pack.max_soc_pct
    if found.mode is BatteryMode.DISCHARGE:
        assert soc_pct is not None
        assert soc_pct > pack.reserve_soc_pct
        assert found.target_soc_pct >= pack.reserve_soc_pct
    if found.mode is BatteryMode.CHARGE:
        assert soc_pct is not None
        assert soc_pct < pack.max_soc_pct


@given(CHARGER)
def test_a_charger_gets_nothing_or_what_a_car_and_the_circuit_can_take(home01: Site, command: ChargerCommand) -> None:
    charger = next(c for c in home01.chargers if c.device == command.device)
    found = bounded(home01, command, live(home01))
    assert found.phases == charger.phases
    assert found.current_a == 0 or charger.min_current_a <= found.current_a <= charger.max_current_a
    assert (found.current_a == 0) == (found.mode is ChargerMode.OFF)
    assert found.current_a <= command.current_a


@given(HEAT_PUMP, INDOOR)
def test_a_cold_or_unknown_house_is_never_held_back(
    home01: Site, command: HeatPumpCommand, indoor_c: float | None
) -> None:
    house = home01.heat_pumps[0].house
    found = bounded(home01, command, live(home01, heat_pump={"indoor_temp_c": indoor_c}))
    if indoor_c is None or indoor_c < house.comfort_min_c:
        assert found.mode is not HeatPumpMode.BLOCKED
    if indoor_c is not None and indoor_c < house.comfort_min_c:
        assert found.power_limit_w is None
    if indoor_c is not None and indoor_c >= house.comfort_max_c:
        assert found.mode not in (HeatPumpMode.RECOMMENDED, HeatPumpMode.FORCED)


@given(BATTERY, SOC)
def test_the_envelope_leaves_its_own_work_alone(home01: Site, command: BatteryCommand, soc_pct: float | None) -> None:
    at = live(home01, {"battery_soc_pct": soc_pct})
    once = bounded(home01, command, at)
    if once is not None:
        assert bounded(home01, once, at) == once


@given(BATTERY, st.floats(0, 40), st.floats(0, 40), HEAT_PUMP, WATTS, WATTS, st.floats(0, 12e3), st.floats(0, 4e3), SOC)
def test_commanded_draw_stays_within_the_import_limit(
    home01: Site, battery: BatteryCommand, a1: float, a2: float, pump: HeatPumpCommand,
    grid_w: float | None, battery_w: float | None, ev_w: float, pump_w: float, soc_pct: float | None,
) -> None:  # fmt: skip
    at = live(
        home01,
        {"grid_power_w": grid_w, "battery_power_w": battery_w, "battery_soc_pct": soc_pct},
        wallbox_1={"ev_power_w": ev_w}, wallbox_2={"ev_power_w": 0.0}, loxone={"heat_pump_power_w": pump_w},
    )  # fmt: skip
    asked: list[BatteryCommand | HeatPumpCommand | ChargerCommand] = [battery, pump]
    asked += [ChargerCommand(d, ChargerMode.CHARGE, a, p) for d, a, p in (("wallbox-1", a1, 3), ("wallbox-2", a2, 1))]
    commands = {c.device: found for c in asked if (found := bounded(home01, c, at)) is not None}
    given_way, notes = grid_limit.shed(home01, commands, 0.0, at)
    final = {**commands, **given_way}
    assert bool(given_way) == bool(notes)
    cars_w = sum(230 * c.phases * c.current_a for c in final.values() if isinstance(c, ChargerCommand))
    pack = final.get("inverter")
    buys = isinstance(pack, BatteryCommand) and pack.mode is BatteryMode.CHARGE
    buys_w = float(pack.charge_limit_w) if buys else 0.0  # type: ignore[union-attr]
    if grid_w is None or battery_w is None:
        assert cars_w + buys_w == 0, "nothing may charge by command while nobody measures"
        return
    pump_most_w = 3200 if final["heat-pump"].mode in grid_limit.PUSHED else pump_w
    house_w = grid_w + battery_w - ev_w - pump_w
    if cars_w + buys_w > 0:
        assert house_w + pump_most_w + cars_w + buys_w <= home01.grid.import_limit_w + 1e-6
    for device, command in given_way.items():
        assert bounded(home01, command, at) == command, f"{device}: giving way stays inside the envelope"


def test_selling_stops_at_the_reserve_and_own_use_at_the_minimum(home01: Site) -> None:
    sell = BatteryCommand("inverter", BatteryMode.DISCHARGE, discharge_limit_w=4000)
    modes = {
        soc: bounded(home01, sell, live(home01, {"battery_soc_pct": soc})).mode for soc in (16.0, 15.0, 11.0, 10.0)
    }
    assert modes == {16: "discharge", 15: "self-use", 11: "self-use", 10: "hold"}


def test_the_battery_gives_way_before_a_car_and_the_last_car_before_the_first(home01: Site) -> None:
    """17 kW, house 4 kW: 13 kW remain; car 1 takes 11.04, car 2 wants 3.68 and gets 8 A, the battery gets nothing."""
    at = live(
        home01, {"grid_power_w": 4000, "battery_power_w": 0.0, "battery_soc_pct": 50},
        wallbox_1={"ev_power_w": 0.0}, wallbox_2={"ev_power_w": 0.0}, loxone={"heat_pump_power_w": 0.0},
    )  # fmt: skip
    wanted: dict[str, Command | None] = {
        "inverter": BatteryCommand("inverter", BatteryMode.CHARGE, charge_limit_w=5000),
        "wallbox-1": ChargerCommand("wallbox-1", ChargerMode.CHARGE, 16, 3),
        "wallbox-2": ChargerCommand("wallbox-2", ChargerMode.CHARGE, 16, 1),
    }
    given_way, _ = grid_limit.shed(home01, wanted, 0.0, at)
    assert set(given_way) == {"wallbox-2", "inverter"}
    assert given_way["wallbox-2"].current_a == 8  # type: ignore[union-attr]
    assert given_way["inverter"].charge_limit_w == 120  # type: ignore[union-attr]


def test_cars_behind_one_fuse_share_it(home01: Site) -> None:
    """A fuse of 12 kW: the first car keeps its 11.04 kW, the second would get 960 W, less than a car needs."""
    fuse = FuseGroup(key="garage", limit_w=12_000, chargers=("car-1", "car-2"))
    site = home01.model_copy(update={"fuses": (fuse,)})
    at = live(site, {"grid_power_w": 0.0, "battery_power_w": 0.0, "battery_soc_pct": 50.0})
    cars: dict[str, Command | None] = {
        "wallbox-1": ChargerCommand("wallbox-1", ChargerMode.CHARGE, 16, 3),
        "wallbox-2": ChargerCommand("wallbox-2", ChargerMode.CHARGE, 16, 1),
    }
    given_way, notes = grid_limit.shed(site, cars, 0.0, at)
    assert given_way == {"wallbox-2": ChargerCommand("wallbox-2", ChargerMode.OFF, 0, 1)}
    assert notes == ["car-2 gets 0 A: fuse garage"]


def test_a_genset_locked_out_does_not_run(home01: Site) -> None:
    genset = Genset(
        key="diesel",
        device="generator",
        min_power_w=3000,
        max_power_w=10_000,
        start_cost=0,
        fuel_per_kwh=8,
        locked_out=True,
    )
    locked, free = (
        home01.model_copy(update={"gensets": (g,)}) for g in (genset, genset.model_copy(update={"locked_out": False}))
    )
    run = GensetCommand("generator", run=True, power_w=1000)
    assert bounded(locked, run, live(locked)) == GensetCommand("generator", run=False)
    assert bounded(free, run, live(free)) == GensetCommand("generator", run=True, power_w=3000)


@pytest.mark.parametrize(("soc_pct", "allowed_a"), [(50.0, 16), (12.0, 10)])
def test_a_battery_carries_a_peak_only_where_it_can(home01: Site, soc_pct: float, allowed_a: int) -> None:
    """House 10 kW: 7 kW remain, 10 A on three phases; with 5 kW of planned discharge 12 kW, all 16 A."""
    at = live(
        home01, {"grid_power_w": 10_000, "battery_power_w": 0.0, "battery_soc_pct": soc_pct},
        wallbox_1={"ev_power_w": 0.0}, wallbox_2={"ev_power_w": 0.0}, loxone={"heat_pump_power_w": 0.0},
    )  # fmt: skip
    car = ChargerCommand("wallbox-1", ChargerMode.CHARGE, 16, 3)
    off = ChargerCommand("wallbox-2", ChargerMode.OFF)
    follow = BatteryCommand("inverter", BatteryMode.SELF_USE)
    commands: dict[str, Command | None] = {"inverter": follow, "wallbox-1": car, "wallbox-2": off}
    given_way, _ = grid_limit.shed(home01, commands, 5000.0, at)
    assert given_way.get("wallbox-1", car) == replace(car, current_a=allowed_a)
