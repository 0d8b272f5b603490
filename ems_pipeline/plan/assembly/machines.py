"""Heat pumps and deferrable machines of a site as planning records: wall-clock windows become slots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ems_pipeline import time_grid, units
from ems_pipeline.arrays import Array
from ems_pipeline.heat.building import BuildingResponse
from ems_pipeline.heat.cop import CopCurve
from ems_pipeline.plan.assembly import end_value, goals
from ems_pipeline.plan.assembly.inputs import InputsInvalid, PlanInputs
from ems_pipeline.plan.assembly.spans import slots_of
from ems_pipeline.plan.problem import (
    NO_FLOOR_C,
    DeferrableRun,
    HeatPumpUnit,
    HeatStore,
    Unmet,
)
from ems_pipeline.sites import DailyWindow, DeferrableLoad, HeatPump, HotWater

OVER_LIMIT = 100.0
"""A kWh beyond a grid limit is worth so many times the dearest price."""
SLOT_MINUTES = time_grid.SLOT // time_grid.MINUTE
HOT_WATER_HOURS = (6, 7, 8, 18, 19, 20, 21)
"""Local hours over which a day's hot water is drawn evenly, until it is measured."""


def slots_for(minutes: int) -> int:
    """Whole slots that a time takes, one at least."""
    return max(1, -(-minutes // SLOT_MINUTES))


def daily(window: DailyWindow, starts: list[datetime], zone: ZoneInfo) -> Iterator[tuple[date, datetime, datetime]]:
    """Every occurrence of a wall-clock window that touches the horizon: its day, begin and end (UTC)."""
    first, last = (time_grid.local_day(at, zone) for at in (starts[0], starts[-1]))
    for day in time_grid.days(first - timedelta(days=1), last):
        begins = time_grid.local_instant(day, window.start, zone)
        ends_on = day if window.end > window.start else day + timedelta(days=1)
        ends = time_grid.local_instant(ends_on, window.end, zone)
        if ends > starts[0] and begins < starts[-1] + time_grid.SLOT:
            yield day, begins, ends


def profile_w(machine: DeferrableLoad) -> Array:
    """Power of a run per quarter-hour, W."""
    return np.array(machine.profile_w or [machine.power_w] * slots_for(machine.run_minutes), dtype=float)


def deferrable_runs(
    machine: DeferrableLoad, inputs: PlanInputs, zone: ZoneInfo, dearest: float
) -> Iterator[DeferrableRun]:
    """One run per window that begins inside the horizon and ends in it, and per begun window still waiting.

    A run under way goes on: what is left of it begins now, and not to run costs more than any kWh could save. A window
    too short for its run (an hour the spring change skips, what is left of a begun one) is for `too_short`.
    """
    whole_w = profile_w(machine)
    left_w = whole_w[inputs.state.begun.get(machine.key, len(whole_w)) :][: len(inputs.starts)]
    if len(left_w):
        price = machine.skip_price + OVER_LIMIT * dearest * units.kilo(float(units.slot_energy_wh(whole_w).sum()))
        yield DeferrableRun(machine.key, left_w, 0, len(left_w), price)
    for first, end in _windows(machine, inputs, zone):
        if end - first >= len(whole_w):
            yield DeferrableRun(machine.key, whole_w, first, end, machine.skip_price)


def too_short(machine: DeferrableLoad, inputs: PlanInputs, zone: ZoneInfo) -> Iterator[Unmet]:
    """Runs that are wanted in a window too short for them: named, not dropped."""
    whole_w = profile_w(machine)
    for first, end in _windows(machine, inputs, zone):
        if end - first < len(whole_w):
            kwh = units.kilo(float(units.slot_energy_wh(whole_w).sum()))
            yield Unmet(machine.key, "not run, its window is too short", kwh, "kWh")


def _windows(machine: DeferrableLoad, inputs: PlanInputs, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Slot windows in which a run is wanted and that end within the horizon."""
    for day, begins, ends in daily(machine.window, inputs.starts, zone):
        begun = begins < inputs.starts[0]
        if day.weekday() not in machine.weekdays or (begun and machine.key not in inputs.state.waiting):
            continue
        first, end = slots_of(begins, ends, inputs.starts, whole=True)
        if end <= len(inputs.starts):
            yield first, end


def heat_pump_unit(
    pump: HeatPump, outdoor_c: Array, indoor_c: float, inputs: PlanInputs, zone: ZoneInfo, after: float
) -> HeatPumpUnit:
    """A heat pump with its house, and its tank where it has one."""
    house, bands = pump.house, tuple(goals.comfort_bands(pump, inputs))
    response = inputs.houses.get(pump.key) or BuildingResponse.stated(house)
    cop, n = CopCurve(pump.carnot_efficiency).cop(outdoor_c, pump.flow_temp_c), len(outdoor_c)
    store = HeatStore(
        key=pump.key,
        loss_w_per_k=response.heat_loss_w_per_k,
        capacity_wh_per_k=response.heat_capacity_wh_per_k,
        ambient_c=outdoor_c,
        gains_w=np.full(n, response.gains_w),
        initial_c=indoor_c,
        min_c=house.comfort_min_c,
        max_c=house.comfort_max_c,
        outside_price_per_kh=house.discomfort_price_per_kh,
        end_floor_c=NO_FLOOR_C if house.keep_at_end_c is None else goals.kept_at_end_c(house.keep_at_end_c, bands, n),
        end_value_per_k=end_value.kelvin(after, response.heat_capacity_wh_per_k, cop),
        bands=bands,
    )
    tank, tank_cop, now = None, None, inputs.state.machines.get(pump.key)
    if pump.hot_water is not None:
        tank_cop = CopCurve(pump.carnot_efficiency).cop(outdoor_c, pump.hot_water.flow_temp_c)
        tank = _tank(pump.key, pump.hot_water, inputs, zone, end_value.kelvin(after, 1.0, tank_cop))
    return HeatPumpUnit(
        key=pump.key,
        min_w=pump.min_power_w,
        max_w=pump.max_power_w,
        cop=cop,
        store=store,
        min_run_slots=slots_for(pump.min_run_minutes),
        min_pause_slots=slots_for(pump.min_pause_minutes),
        was_on=None if now is None else now.is_on,
        state_slots=None if now is None else now.slots,
        tank=tank,
        tank_cop=tank_cop,
    )


def _tank(pump: str, water: HotWater, inputs: PlanInputs, zone: ZoneInfo, value_per_wh: float) -> HeatStore:
    if pump not in inputs.state.tank_c:
        raise InputsInvalid(
            f"tank_c has no {pump!r}", "measure the tank's temperature or leave hot_water out of the site"
        )
    hours = [time_grid.slot_of_day(at, zone) // 4 for at in inputs.starts]
    draw_w = water.daily_wh / len(HOT_WATER_HOURS)
    n = len(inputs.starts)
    return HeatStore(
        key=water.key,
        loss_w_per_k=water.loss_w_per_k,
        capacity_wh_per_k=water.heat_capacity_wh_per_k,
        ambient_c=np.full(n, water.room_c),
        gains_w=np.array([-draw_w if hour in HOT_WATER_HOURS else 0.0 for hour in hours]),
        initial_c=inputs.state.tank_c[pump],
        min_c=water.min_c,
        max_c=water.max_c,
        outside_price_per_kh=water.too_cold_price_per_kh,
        end_value_per_k=value_per_wh * water.heat_capacity_wh_per_k,
    )
