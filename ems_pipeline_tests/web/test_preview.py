"""What a wish would cost against the plan: by hand, and by the laws that any price has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.sites import Battery, Charger, HeatPump
from ems_pipeline.web import preview
from ems_pipeline.web.preview import Wanted

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PACK = Battery(
    key="pack", device="inverter", capacity_wh=10_000, charge_limit_w=4000, discharge_limit_w=4000,
    charge_efficiency=0.9, discharge_efficiency=0.8, min_soc_pct=10, reserve_soc_pct=10, max_soc_pct=100,
    wear_per_kwh=0.1,
)  # fmt: skip
CAR = Charger(key="car", device="box", phases=1, voltage_v=250, max_current_a=16)
PUMP = HeatPump.model_validate(
    {"key": "heat", "device": "pump", "min_power_w": 500, "max_power_w": 2000,
     "house": {"heat_loss_w_per_k": 100, "heat_capacity_wh_per_k": 5000, "comfort_min_c": 20, "comfort_max_c": 22}}
)  # fmt: skip


def slots(count: int, asset: str, power_kw: float = 0.0, load_kw: float = 1.0, **changed: Any) -> list[dict[str, Any]]:
    """Quarter-hours from noon in which a house draws 1 kW from the grid at 4 and could sell at 1."""
    battery_kw = power_kw if asset == "pack" else 0.0
    used_kw = load_kw + (power_kw if asset != "pack" else 0.0)
    one = {
        "load_kw": load_kw, "ev_kw": 0.0, "heat_pump_kw": 0.0, "pv_kw": 0.0, "genset_kw": 0.0,
        "battery_kw": battery_kw, "grid_kw": used_kw - battery_kw, "buy_per_kwh": "4", "sell_per_kwh": "1",
        "marginal_value_per_kwh": "4",
        "assets": [{"asset": asset, "power_kw": power_kw, "stored_value_per_kwh": "3"}],
    } | changed  # fmt: skip
    return [one | {"starts_at": NOON + n * time_grid.SLOT} for n in range(count)]


def wanted(asset: str, mode: str, how_long: timedelta = HOUR, **limits: float) -> Wanted:
    return Wanted(asset, mode, limits, NOON, NOON + how_long)


def battery(planned: list[dict[str, Any]], wish: Wanted, soc_pct: float = 50) -> preview.Effect:
    parts = preview.parts(planned, wish)
    assert parts is not None
    effect = preview.of_battery(PACK, parts, wish, soc_pct)
    assert effect is not None
    return effect


def test_an_hour_of_charging_costs_the_grid_and_wear_less_what_is_stored() -> None:
    # 2 kWh at 4, worn 0.1 each, 1.8 kWh in the cells at 3: 8 + 0.2 - 5.4
    effect = battery(slots(4, "pack"), wanted("pack", "charge", charge_limit_w=2000))
    assert (effect.cost, effect.grid_kwh, effect.stored_kwh) == pytest.approx((2.8, 2.0, 1.8))


def test_an_hour_of_discharging_sells_what_the_house_does_not_use() -> None:
    # 3 kWh: 1 not bought at 4, 2 sold at 1, worn 0.1 each, 3.75 kWh out of the cells at 3: -4 - 2 + 0.3 + 11.25
    effect = battery(slots(4, "pack"), wanted("pack", "discharge", discharge_limit_w=3000))
    assert (effect.cost, effect.grid_kwh, effect.stored_kwh) == pytest.approx((5.55, -3.0, -3.75))


def test_a_wish_within_quarter_hours_counts_its_minutes() -> None:
    whole = battery(slots(4, "pack"), wanted("pack", "charge", charge_limit_w=2000))
    part = battery(slots(4, "pack"), wanted("pack", "charge", timedelta(minutes=20), charge_limit_w=2000))
    assert part.cost == pytest.approx(whole.cost / 3)


def test_a_target_ends_the_charging() -> None:
    # 50 % to 59 % are 0.9 kWh in the cells, 1 kWh at the meter
    effect = battery(slots(4, "pack"), wanted("pack", "charge", charge_limit_w=4000, target_soc_pct=59))
    assert (effect.grid_kwh, effect.stored_kwh) == pytest.approx((1.0, 0.9))


def test_to_hold_takes_the_surplus_and_never_the_grid() -> None:
    sunny = slots(4, "pack", load_kw=0.0, pv_kw=1.0, grid_kw=-1.0)
    assert battery(sunny, wanted("pack", "hold")).grid_kwh == pytest.approx(1.0)
    assert battery(slots(4, "pack"), wanted("pack", "hold")) == preview.Effect(0.0, 0.0)


@given(power_kw=st.floats(-4.0, 1.0), soc_pct=st.floats(60.0, 90.0))
def test_a_wish_that_is_the_plan_costs_nothing(power_kw: float, soc_pct: float) -> None:
    planned = slots(1, "pack", power_kw)
    name, mode = ("charge_limit_w", "charge") if power_kw < 0 else ("discharge_limit_w", "discharge")
    room_kw = (100 - soc_pct) / 100 * 10 / 0.9 * 4
    if power_kw < 0 and -power_kw > room_kw:
        return
    effect = battery(planned, wanted("pack", mode, time_grid.SLOT, **{name: abs(power_kw) * 1000}), soc_pct)
    assert effect.cost == pytest.approx(0.0, abs=1e-9)


def test_a_car_that_charges_now_need_not_later_and_the_dearest_goes_first() -> None:
    # 4 kWh now at 4; later 1 kWh at 6 and 1 kWh at 5 fall away, 2 kWh are beyond the plan: 16 - 6 - 5
    now, later = slots(4, "car"), slots(8, "car", 4.0)[4:6]
    later[0]["marginal_value_per_kwh"], later[1]["marginal_value_per_kwh"] = "5", "6"
    wish = wanted("car", "charge")
    effect = preview.of_charger(CAR, preview.parts(now, wish) or [], wish, later)
    assert effect == preview.Effect(*map(pytest.approx, (5.0, 2.0, 2.0, 0.0)))  # type: ignore[arg-type]


def test_a_car_that_is_stopped_lacks_what_it_was_to_get() -> None:
    wish = wanted("car", "off")
    effect = preview.of_charger(CAR, preview.parts(slots(4, "car", 4.0), wish) or [], wish, [])
    assert (effect.cost, effect.lacking_kwh, effect.stored_kwh) == pytest.approx((-16.0, 4.0, 0.0))


def test_a_heat_pump_that_rests_saves_its_energy_and_of_its_own_control_nobody_knows() -> None:
    planned = preview.parts(slots(4, "heat", 1.5), wanted("heat", "blocked")) or []
    blocked = preview.of_heat_pump(PUMP, planned, wanted("heat", "blocked"))
    assert blocked == preview.Effect(pytest.approx(-6.0), pytest.approx(-1.5))  # type: ignore[arg-type]
    assert preview.of_heat_pump(PUMP, planned, wanted("heat", "normal")) is None


def test_beyond_the_plan_nothing_is_said() -> None:
    assert preview.parts(slots(3, "pack"), wanted("pack", "hold")) is None
    assert preview.parts(slots(4, "pack"), wanted("other", "hold")) is None
    assert preview.parts(slots(4, "pack", buy_per_kwh=None), wanted("pack", "hold")) is None
