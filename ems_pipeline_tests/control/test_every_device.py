"""The import limit and the look at effects count every device of a kind, not the first or the commanded one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.control import authority, effect, envelope, grid_limit
from ems_pipeline.control.authority import Mandate
from ems_pipeline.control.live import Live, Observed
from ems_pipeline.control.verdict import Verdict
from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, Command, GensetCommand, HeatPumpCommand
from ems_pipeline.sites import Device, Genset, Schedule, Site
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, GensetMode, HeatPumpMode
from ems_pipeline.sites.wish import Limits, Wish
from ems_pipeline.warehouse.claims import Claim, Source
from ems_pipeline_tests.control.bench import overriding

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMIT_W = 17_000.0
BATTERY = {"battery_power_w": 0.0, "battery_soc_pct": 50.0}


@pytest.fixture(scope="module")
def large(home01: Site) -> Site:
    """The demo home with a second heat pump that measures itself, a genset, and no chargers but the first."""
    first = home01.heat_pumps[0]
    second = first.model_copy(update={"key": "barn", "device": "heat-pump-2", "max_power_w": 6000.0})
    genset = Genset(key="diesel", device="genset", min_power_w=2000, max_power_w=8000, start_cost=1, fuel_per_kwh=0.4)
    more = [Device(key=k, map="eastron-sdm630", gateway=home01.gateways[0].key) for k in ("heat-pump-2", "genset")]
    return home01.model_copy(
        update={
            "heat_pumps": (first, second),
            "gensets": (genset,),
            "chargers": home01.chargers[:1],
            "devices": (*home01.devices, *more),
            "grid": home01.grid.model_copy(update={"import_limit_w": LIMIT_W}),
        }
    )


def live(site: Site, **said: Mapping[str, float]) -> Live:
    values = {name.replace("_", "-"): v for name, v in said.items()}
    return Live(site, {d.key: Observed(values.get(d.key, {})) for d in site.devices})


def car_w(site: Site, asked: dict[str, Command], at: Live) -> float:
    wanted: dict[str, Command | None] = {**asked, "wallbox-1": ChargerCommand("wallbox-1", ChargerMode.CHARGE, 16.0)}
    final = {**wanted, **grid_limit.shed(site, wanted, 0.0, at)[0]}["wallbox-1"]
    assert isinstance(final, ChargerCommand)
    return final.current_a * 3 * 230


@given(
    grid_w=st.floats(-5e3, 17e3),
    draws_w=st.tuples(st.floats(0, 3.2e3), st.floats(0, 6e3)),
    modes=st.tuples(st.sampled_from(HeatPumpMode), st.sampled_from(HeatPumpMode)),
    genset_w=st.floats(0, 8e3),
    runs=st.booleans(),
)
def test_with_two_heat_pumps_and_a_genset_the_car_stays_within_the_connection(
    large: Site, grid_w: float, draws_w: tuple[float, float], modes: tuple[HeatPumpMode, HeatPumpMode],
    genset_w: float, runs: bool,
) -> None:  # fmt: skip
    """The worst the commands allow: each pushed pump at its most, a stopped genset at nothing, the house as it is."""
    at = live(
        large,
        inverter=BATTERY | {"grid_power_w": grid_w},
        wallbox_1={"ev_power_w": 0.0},
        heat_pump={"heat_pump_power_w": draws_w[0]},
        heat_pump_2={"heat_pump_power_w": draws_w[1]},
        genset={"genset_power_w": genset_w},
    )
    asked: dict[str, Command] = {
        "heat-pump": HeatPumpCommand("heat-pump", modes[0]),
        "heat-pump-2": HeatPumpCommand("heat-pump-2", modes[1]),
        "genset": GensetCommand("genset", runs, genset_w),
    }
    house_w = grid_w - sum(draws_w) + genset_w  # load net of PV
    most_w = [
        max(pump.max_power_w, draw_w) if mode in grid_limit.PUSHED else draw_w
        for pump, draw_w, mode in zip(large.heat_pumps, draws_w, modes, strict=True)
    ]
    given_w = car_w(large, asked, at)
    if given_w:
        assert house_w + sum(most_w) + given_w - (genset_w if runs else 0.0) <= LIMIT_W + 1e-6


def test_a_pushed_pump_does_not_hide_its_sister(large: Site) -> None:
    """14 kW at the meter, of which 5 kW are the second pump's; the first may take 3.2 kW more: 0 A are left."""
    at = live(
        large,
        inverter=BATTERY | {"grid_power_w": 14_000.0},
        wallbox_1={"ev_power_w": 0.0},
        heat_pump={"heat_pump_power_w": 0.0},
        heat_pump_2={"heat_pump_power_w": 5_000.0},
    )
    assert car_w(large, {"heat-pump": HeatPumpCommand("heat-pump", HeatPumpMode.FORCED)}, at) == 0


def test_curtailed_pv_is_not_counted_on(large: Site) -> None:
    at = live(large, inverter=BATTERY | {"grid_power_w": 6_000.0, "pv_power_w": 6_000.0}, wallbox_1={"ev_power_w": 0.0})
    whole = car_w(large, {"inverter": BatteryCommand("inverter", BatteryMode.SELF_USE)}, at)
    less = car_w(large, {"inverter": BatteryCommand("inverter", BatteryMode.SELF_USE, pv_limit_w=1_000.0)}, at)
    assert (whole, less) == (15 * 690, 8 * 690), "11 kW and 6 kW of room in whole amperes of 690 W"


def test_the_effect_of_one_pump_is_not_read_off_another(large: Site) -> None:
    at = live(large, heat_pump={"heat_pump_power_w": 0.0}, heat_pump_2={"heat_pump_power_w": 2_500.0})
    blocked = {
        d: effect.judge(large, HeatPumpCommand(d, HeatPumpMode.BLOCKED), at) for d in ("heat-pump", "heat-pump-2")
    }
    assert blocked["heat-pump"].verdict is Verdict.OBEYED
    assert blocked["heat-pump-2"].verdict is Verdict.OPEN
    assert blocked["heat-pump-2"].measured == {"heat_pump_power_w": 2_500.0}
    silent = live(large, heat_pump_2={"heat_pump_power_w": 1.0})
    unknown = effect.judge(large, HeatPumpCommand("heat-pump", HeatPumpMode.FORCED), silent)
    assert unknown.verdict is Verdict.OPEN
    assert "not measured" in unknown.text


def test_one_house_is_not_kept_warm_by_another_ones_thermometer(large: Site) -> None:
    at = live(large, heat_pump={"indoor_temp_c": 22.0}, heat_pump_2={"indoor_temp_c": 15.0})
    kept = [
        envelope.bound(large, HeatPumpCommand(d, HeatPumpMode.BLOCKED), at)[0] for d in ("heat-pump", "heat-pump-2")
    ]
    assert [c.mode for c in kept if isinstance(c, HeatPumpCommand)] == [HeatPumpMode.BLOCKED, HeatPumpMode.NORMAL]


def decided(site: Site, overrides: Mapping[str, Claim] = {}) -> Any:
    mandate = Mandate(NOON, None, overrides)
    at = live(site, inverter=BATTERY | {"grid_power_w": 0.0}, loxone={"indoor_temp_c": 21.0})
    return {d.device: d for d in authority.resolve(site, mandate, at, {}, NOON)}


@pytest.mark.parametrize(("power_w", "runs_w"), [(5000.0, 5000.0), (None, 2000.0), (9000.0, 8000.0)])
def test_a_genset_is_asked_for_a_power_by_schedule_and_override(
    large: Site, power_w: float | None, runs_w: float
) -> None:
    limits = {} if power_w is None else {"power_w": power_w}
    window = {"key": "midday", "asset": "diesel", "mode": "run", "limits": limits, "start": "13:00", "end": "14:00"}
    site = large.model_copy(update={"schedules": (Schedule.model_validate(window),)})
    by_schedule = decided(site)["genset"]
    override = overriding(large, "diesel", "run", limits)
    by_hand = decided(large, {"diesel": override})["genset"]
    asked = (by_schedule, by_hand)
    assert [d.command for d in asked] == [GensetCommand("genset", True, runs_w)] * 2
    authority_of = Source.ENVELOPE if runs_w != power_w else None
    assert [d.source for d in asked] == [authority_of or Source.SCHEDULE, authority_of or Source.OVERRIDE]
    assert large.gensets[0].wish("run", limits) == Wish(GensetMode.RUN, Limits(power_w=power_w))


def test_a_battery_asked_by_hand_says_what_it_will_give(large: Site) -> None:
    limits = {"discharge_limit_w": 3000.0}
    override = overriding(large, "pack", "discharge", limits)
    assert decided(large, {"pack": override})["inverter"].power_w == 3000.0
