"""From a site and what is known about it to a planning problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import numpy as np

from ems_pipeline import time_grid, units
from ems_pipeline.heat.cop import CopCurve
from ems_pipeline.plan import end_value
from ems_pipeline.plan.problem import (
    BatteryStore,
    ChargingSession,
    GridLimits,
    HeatPumpUnit,
    HeatStore,
    Problem,
    PvSource,
)
from ems_pipeline.plan.record import Array
from ems_pipeline.sites import Battery, Charger, HeatPump, Site

RECOVERY = 2.0
"""A kWh and hour below the reserve is worth so many times the dearest price: it is refilled at once."""

SOC_STEP_PCT = 1.5
"""Devices report whole percents: a battery kept at its reserve reads one less now and then, and refilling it each time
would buy at any price. A shortfall up to this is none."""


@dataclass(frozen=True)
class EvSession:
    """A car at ``charger`` from ``arrives_at`` to ``departs_at`` (UTC) that still wants ``energy_wh``."""

    charger: str
    arrives_at: datetime
    departs_at: datetime
    energy_wh: float


@dataclass(frozen=True)
class SiteState:
    """The site at an instant: SoC per battery key, indoor temperature per heat pump key, the month's import peak."""

    at: datetime
    soc_pct: Mapping[str, float]
    indoor_c: Mapping[str, float] = field(default_factory=dict)
    month_peak_import_w: float | None = None


@dataclass(frozen=True)
class PlanInputs:
    """What a plan may know, aligned to ``starts`` (consecutive slots, UTC).

    ``pv_w`` and ``outdoor_c`` are forecasts; ``terminal_price_per_kwh`` is the price after the horizon where somebody
    knows better than the rule in `end_value`.
    """

    starts: list[datetime]
    buy_per_kwh: Array
    sell_per_kwh: Array
    load_w: Array
    pv_w: Mapping[str, Array]
    outdoor_c: Array | None
    sessions: tuple[EvSession, ...]
    state: SiteState
    terminal_price_per_kwh: float | None = None


Value = TypeVar("Value")


class InputsInvalid(ValueError):
    """Inputs no plan can be made of; the text names the series and the remedy."""


def assemble(site: Site, inputs: PlanInputs) -> Problem:
    """The planning problem of a site.

    Raises:
        InputsInvalid: a series is missing, too short or has gaps, or a state is unknown.
    """
    n = len(inputs.starts)
    series = {"buy_per_kwh": inputs.buy_per_kwh, "sell_per_kwh": inputs.sell_per_kwh, "load_w": inputs.load_w}
    series |= {f"pv_w[{a.key}]": _known(inputs.pv_w, a.key, "pv_w") for a in site.pv}
    if site.heat_pumps:
        series["outdoor_c"] = np.asarray(inputs.outdoor_c, dtype=float)
    for name, values in series.items():
        _complete(name, np.asarray(values, dtype=float), n)
    clean = {name: np.asarray(values, dtype=float) for name, values in series.items()}
    pv_w = sum((np.maximum(clean[f"pv_w[{a.key}]"], 0.0) for a in site.pv), np.zeros(n))
    after = inputs.terminal_price_per_kwh
    if after is None:
        after = end_value.price_after_horizon(clean["buy_per_kwh"], clean["sell_per_kwh"], pv_w - clean["load_w"])
    dearest = max(float(np.abs(clean["buy_per_kwh"]).max()), float(np.abs(clean["sell_per_kwh"]).max()), 1e-3)
    return Problem(
        site=site.key,
        currency=site.currency,
        start_at=time_grid.utc(inputs.starts[0]),
        buy_per_kwh=clean["buy_per_kwh"],
        sell_per_kwh=clean["sell_per_kwh"],
        load_w=clean["load_w"],
        grid=GridLimits(
            np.full(n, site.grid.import_limit_w),
            np.full(n, site.grid.export_limit_w),
            over_limit_price_per_kwh=100.0 * dearest,
        ),
        pv=tuple(PvSource(a.key, np.maximum(clean[f"pv_w[{a.key}]"], 0.0), a.curtailable) for a in site.pv),
        batteries=tuple(
            _battery(b, _known(inputs.state.soc_pct, b.key, "soc_pct"), after, dearest) for b in site.batteries
        ),
        sessions=tuple(_sessions(site, inputs, after)),
        heat_pumps=tuple(
            _heat_pump(h, clean["outdoor_c"], _known(inputs.state.indoor_c, h.key, "indoor_c"), after)
            for h in site.heat_pumps
        ),
    )


def _known(values: Mapping[str, Value], key: str, name: str) -> Value:
    if key not in values:
        raise InputsInvalid(f"{name} has no {key!r}; it has {sorted(values)}; give a value for every asset of the site")
    return values[key]


def _complete(name: str, values: Array, n: int) -> None:
    if len(values) != n or not np.isfinite(values).all():
        gaps = int(n - np.isfinite(values).sum()) if len(values) == n else n - len(values)
        raise InputsInvalid(f"{name} lacks {gaps} of {n} slots; shorten the horizon or import what is missing")


def _battery(battery: Battery, soc_pct: float, after: float, dearest: float) -> BatteryStore:
    share, reserve = battery.capacity_wh / 100.0, battery.reserve_soc_pct
    return BatteryStore(
        key=battery.key,
        capacity_wh=battery.capacity_wh,
        charge_limit_w=battery.charge_limit_w,
        discharge_limit_w=battery.discharge_limit_w,
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        floor_wh=share * reserve,
        ceiling_wh=share * battery.max_soc_pct,
        initial_wh=share * (reserve if reserve - SOC_STEP_PCT <= soc_pct < reserve else soc_pct),
        wear_per_kwh=battery.wear_per_kwh,
        end_value_per_kwh=end_value.cells(after, battery.discharge_efficiency, battery.wear_per_kwh),
        outside_price_per_kwh=RECOVERY * dearest,
    )


def _heat_pump(pump: HeatPump, outdoor_c: Array, indoor_c: float, after: float) -> HeatPumpUnit:
    house = pump.house
    cop = CopCurve(pump.carnot_efficiency).cop(outdoor_c, pump.flow_temp_c)
    store = HeatStore(
        key=pump.key,
        loss_w_per_k=house.heat_loss_w_per_k,
        capacity_wh_per_k=house.heat_capacity_wh_per_k,
        ambient_c=outdoor_c,
        gains_w=np.zeros(len(outdoor_c)),
        initial_c=indoor_c,
        min_c=house.comfort_min_c,
        max_c=house.comfort_max_c,
        outside_price_per_kh=house.discomfort_price_per_kh,
        end_value_per_k=end_value.kelvin(after, house.heat_capacity_wh_per_k, cop),
    )
    slot_minutes = time_grid.SLOT.total_seconds() / 60
    run, pause = (int(np.ceil(m / slot_minutes)) for m in (pump.min_run_minutes, pump.min_pause_minutes))
    return HeatPumpUnit(pump.key, pump.min_power_w, pump.max_power_w, cop, store, max(1, run), max(1, pause))


def _sessions(site: Site, inputs: PlanInputs, after: float) -> list[ChargingSession]:
    """Sessions that touch the horizon; only whole slots of presence count."""
    chargers = {c.key: c for c in site.chargers}
    start, n = time_grid.utc(inputs.starts[0]), len(inputs.starts)
    found = []
    for wanted in inputs.sessions:
        charger = _known(chargers, wanted.charger, "chargers")
        arrives = time_grid.ceil_slot(max(time_grid.utc(wanted.arrives_at), start))
        leaves = time_grid.floor_slot(wanted.departs_at)
        first, end = time_grid.count_slots(start, arrives), time_grid.count_slots(start, leaves)
        if first < min(end, n) and wanted.energy_wh > 0:
            found.append(_session(charger, wanted, first, end, n, after))
    return found


def _session(charger: Charger, wanted: EvSession, first: int, end: int, n: int, after: float) -> ChargingSession:
    later_slots = max(0, end - n)
    later_wh = min(wanted.energy_wh, float(units.slot_energy_wh(charger.max_power_w) * later_slots))
    return ChargingSession(
        key=f"{charger.key}@{first}",
        charger=charger.key,
        first=first,
        end=min(end, n),
        energy_wh=wanted.energy_wh,
        min_w=charger.min_power_w,
        max_w=charger.max_power_w,
        phases=charger.phases,
        voltage_v=charger.voltage_v,
        unmet_price_per_kwh=charger.unmet_price_per_kwh,
        later_wh=later_wh,
        later_value_per_kwh=max(0.0, after),
    )
