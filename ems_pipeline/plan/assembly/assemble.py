"""From a site and what is known about it to a planning problem."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TypeVar

import numpy as np

from ems_pipeline import time_grid, units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.assembly import at_times, cars, end_value, goals
from ems_pipeline.plan.assembly.end_value import AfterHorizon
from ems_pipeline.plan.assembly.gensets import genset_units, switchboards
from ems_pipeline.plan.assembly.inputs import EvSession, GridEvent, InputsInvalid, PlanInputs
from ems_pipeline.plan.assembly.machines import (
    OVER_LIMIT,
    SLOT_MINUTES,
    deferrable_runs,
    heat_pump_unit,
    too_short,
)
from ems_pipeline.plan.assembly.spans import slots_of, windows_where
from ems_pipeline.plan.problem import (
    BatteryStore,
    ChargeBand,
    ChargingSession,
    DemandEvent,
    EmptyTaper,
    GridLimits,
    HybridInverter,
    PowerStep,
    PreviousPower,
    Problem,
    PvSource,
    Taper,
    Unmet,
    Window,
)
from ems_pipeline.sites import Battery, Charger, Site
from ems_pipeline.sites.modes import ChargerMode

RECOVERY = 2.0
"""A kWh and hour below the reserve is worth so many times the dearest price: it is refilled at once."""
Value = TypeVar("Value")


def assemble(site: Site, inputs: PlanInputs) -> Problem:
    """The planning problem of a site.

    Raises:
        InputsInvalid: a series is missing, too short or has gaps, or a state is unknown.
    """
    n, zone = len(inputs.starts), time_grid.zone(site.timezone)
    series = {"buy_per_kwh": inputs.buy_per_kwh, "sell_per_kwh": inputs.sell_per_kwh, "load_w": inputs.load_w}
    series |= {f"pv_w[{a.key}]": _known(inputs.pv_w, a.key, "pv_w") for a in site.pv}
    if site.heat_pumps:
        series["outdoor_c"] = np.asarray(inputs.outdoor_c, dtype=float)
    clean = {name: _complete(name, values, n) for name, values in series.items()}
    pv_w = {a.key: np.maximum(clean[f"pv_w[{a.key}]"], 0.0) for a in site.pv}
    buy, sell = clean["buy_per_kwh"], clean["sell_per_kwh"]
    given = inputs.terminal_price_per_kwh
    unbilled = _unbilled(site, inputs.starts)
    counted = buy if unbilled is None else buy + unbilled
    after = AfterHorizon.of(counted, sell, sum(pv_w.values(), np.zeros(n)) - clean["load_w"])
    if given is not None:
        given += 0.0 if unbilled is None else float(unbilled.mean())
        after = AfterHorizon(given, given)
    dearest = max(float(np.abs(counted).max()), float(np.abs(sell).max()), 1e-3)
    local_days = [time_grid.local_day(at, zone) for at in inputs.starts]
    soc = inputs.state.soc_pct
    return Problem(
        site=site.key,
        currency=site.currency,
        start_at=time_grid.utc(inputs.starts[0]),
        buy_per_kwh=buy,
        sell_per_kwh=sell,
        load_w=clean["load_w"],
        grid=_grid(site, inputs, dearest),
        pv=tuple(PvSource(a.key, pv_w[a.key], a.curtailable) for a in site.pv),
        batteries=tuple(
            at_times.battery(
                _battery(b, _known(soc, b.key, "soc_pct"), after.cells_per_kwh, dearest), b, inputs.starts, zone
            )
            for b in site.batteries
        ),
        inverters=tuple(HybridInverter(i.key, i.ac_limit_w, i.pv, i.batteries) for i in site.inverters),
        sessions=tuple(_sessions(site, inputs, after.other_per_kwh, dearest)),
        heat_pumps=tuple(
            heat_pump_unit(
                h,
                clean["outdoor_c"],
                _known(inputs.state.indoor_c, h.key, "indoor_c"),
                inputs,
                zone,
                after.other_per_kwh,
            )
            for h in site.heat_pumps
        ),
        deferrables=tuple(run for m in site.deferrables for run in deferrable_runs(m, inputs, zone, dearest)),
        gensets=tuple(genset_units(site, inputs, zone)),
        switchboards=tuple(switchboards(site)),
        fuses=tuple(at_times.fuse(f, inputs.starts, zone) for f in site.fuses),
        previous=tuple(PreviousPower(k, np.asarray(v, dtype=float)[:n]) for k, v in inputs.previous_w.items()),
        left_out=(*_too_late(site, inputs), *(u for m in site.deferrables for u in too_short(m, inputs, zone))),
        ties=site.planning.ties,
        courses=inputs.courses,
        day_breaks=tuple(t for t in range(1, n) if local_days[t] != local_days[t - 1]),
    )


def _known(values: Mapping[str, Value], key: str, name: str) -> Value:
    if key not in values:
        raise InputsInvalid(
            f"{name} has no {key!r}; it has {sorted(values)}", "give a value for every asset of the site"
        )
    return values[key]


def _complete(name: str, given: Array, n: int) -> Array:
    values = np.asarray(given, dtype=float)
    if values.shape != (n,) or not np.isfinite(values).all():
        have = int(np.isfinite(values).sum()) if values.dtype == float else 0
        raise InputsInvalid(f"{name} has {have} of {n} slots", "shorten the horizon or import what is missing")
    return values


def _grid(site: Site, inputs: PlanInputs, dearest: float) -> GridLimits:
    zone = time_grid.zone(site.timezone)
    terms = [site.grid.at(at, zone) for at in inputs.starts]
    price, floor_w = _capacity(site, inputs.starts[0])
    grid = GridLimits(
        np.array([then.import_limit_w for then in terms]),
        np.array([then.export_limit_w for then in terms]),
        peak_price_per_kw=price,
        peak_so_far_w=max(inputs.state.month_peak_import_w or 0.0, floor_w),
        events=tuple(found for event in inputs.events if (found := _event(event, inputs.starts)) is not None),
        over_limit_price_per_kwh=OVER_LIMIT * dearest,
        no_battery_to_grid=windows_where(not then.battery_to_grid for then in terms),
        no_grid_to_battery=windows_where(not then.grid_to_battery for then in terms),
        unbilled_per_kwh=_unbilled(site, inputs.starts),
    )
    return _peaks(grid, site, inputs, floor_w) if price > 0 else grid


def _peaks(grid: GridLimits, site: Site, inputs: PlanInputs, floor_w: float) -> GridLimits:
    """With the months the horizon touches, and the intervals whose mean is billed; the one under way goes on as it was
    in the quarter-hours that were measured."""
    zone, starts = time_grid.zone(site.timezone), inputs.starts
    days = [time_grid.local_day(at, zone) for at in starts]
    breaks = tuple(t for t in range(1, len(days)) if days[t].month != days[t - 1].month)
    grid = dataclasses.replace(grid, peak_breaks=breaks, peak_floor_w=floor_w if breaks else 0.0)
    capacity = site.tariff.period_on(days[0]).capacity
    length = 1 if capacity is None else capacity.interval_minutes // SLOT_MINUTES
    if length == 1:
        return grid
    gone = (starts[0] - time_grid.day_bounds(days[0].replace(day=1), zone)[0]) // time_grid.SLOT % length
    mean_w = inputs.state.interval_import_w
    gone_wh = None if mean_w is None or not gone else float(units.slot_energy_wh(mean_w)) * gone
    return dataclasses.replace(grid, peak_slots=length, peak_gone_slots=gone, peak_gone_wh=gone_wh)


def _unbilled(site: Site, starts: list[datetime]) -> Array | None:
    """What a kWh imported counts for in each slot besides its price; None where nothing does."""
    policy, zone = site.planning, time_grid.zone(site.timezone)
    if policy.co2 is None:
        return np.full(len(starts), policy.independence_per_kwh) if policy.independence_per_kwh else None
    hours = [at.astimezone(zone).hour for at in starts]
    return np.array([policy.independence_per_kwh + policy.co2.grid_at(hour) for hour in hours])


def _capacity(site: Site, at: datetime) -> tuple[float, float]:
    """What a kW of the month's peak costs with VAT, and the power up to which it is billed whatever is drawn."""
    period = site.tariff.period_on(time_grid.local_day(at, time_grid.zone(site.timezone)))
    if period.capacity is None:
        return 0.0, 0.0
    return period.capacity.price_per_kw_month * (1 + period.vat), units.from_kilo(period.capacity.floor_kw)


def _event(event: GridEvent, starts: list[datetime]) -> DemandEvent | None:
    first, end = slots_of(event.starts_at, event.ends_at, starts, whole=False)
    if first >= end:
        return None
    return DemandEvent(event.key, first, end, event.limit_w, event.baseline_w, event.price_per_kwh, event.is_net)


def _battery(battery: Battery, soc_pct: float, after: float, dearest: float) -> BatteryStore:
    share = battery.capacity_wh / 100.0
    ceiling_wh = share * battery.max_soc_pct
    steps = battery.efficiency_steps
    bands = tuple(
        ChargeBand(share * b.upto_soc_pct, b.charge_efficiency, b.discharge_efficiency)
        for b in battery.efficiency_bands
    )
    return BatteryStore(
        key=battery.key,
        capacity_wh=battery.capacity_wh,
        charge_limit_w=battery.charge_limit_w,
        discharge_limit_w=battery.discharge_limit_w,
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        floor_wh=share * battery.reserve_soc_pct,
        ceiling_wh=ceiling_wh,
        initial_wh=share * soc_pct,
        wear_per_kwh=battery.wear_per_kwh,
        discharge_wear_per_kwh=battery.discharge_wear_per_kwh,
        end_value_per_kwh=end_value.cells(after, _mean_discharge_efficiency(battery), battery.wear_out_per_kwh),
        outside_price_per_kwh=RECOVERY * dearest,
        end_floor_wh=share * battery.keep_at_end_pct,
        steps=tuple(PowerStep(s.upto_w, s.charge_efficiency, s.discharge_efficiency) for s in steps),
        bands=bands,
        tapers=tuple(_tapers(battery, share, ceiling_wh)),
        empty_tapers=tuple(_empty_tapers(battery, share)),
        least_charge_w=battery.least_charge_w,
        least_discharge_w=battery.least_discharge_w,
        lost_per_day=battery.self_discharge_pct_per_day / 100.0,
        standby_w=battery.standby_w,
    )


def _mean_discharge_efficiency(battery: Battery) -> float:
    """Over the cells between reserve and ceiling: what a kWh in them gives on average."""
    if not battery.efficiency_bands:
        return battery.discharge_efficiency
    low, high = battery.reserve_soc_pct, battery.max_soc_pct
    edges = np.clip([low, *(band.upto_soc_pct for band in battery.efficiency_bands)], low, high)
    return float(np.average([b.discharge_efficiency for b in battery.efficiency_bands], weights=np.diff(edges)))


def _tapers(battery: Battery, share: float, ceiling_wh: float) -> list[Taper]:
    if battery.taper is None:
        return []
    from_wh = share * battery.taper.from_soc_pct
    slope = (battery.charge_limit_w - battery.taper.full_limit_w) / (ceiling_wh - from_wh)
    return [Taper(from_wh, battery.charge_limit_w, slope)]


def _empty_tapers(battery: Battery, share: float) -> list[EmptyTaper]:
    if battery.empty_taper is None:
        return []
    from_wh = share * battery.empty_taper.from_soc_pct
    slope = (battery.discharge_limit_w - battery.empty_taper.empty_limit_w) / (from_wh - share * battery.min_soc_pct)
    return [EmptyTaper(from_wh, battery.discharge_limit_w, slope)]


def _sessions(site: Site, inputs: PlanInputs, after: float, dearest: float) -> list[ChargingSession]:
    """Sessions that touch the horizon; only whole slots of presence count, and what can wait until later is said."""
    n, blocked = len(inputs.starts), _scheduled_off(site, inputs.starts)
    held_wh = sum(battery.capacity_wh for battery in site.batteries)
    found = []
    for charger, wanted, energy_wh, first, end in _wanted(site, inputs):
        if first < min(end, n):
            session = _session(charger, energy_wh, first, end, n, after, blocked[charger.key])
            session = cars.with_steps(session, charger, wanted.had_wh, inputs.starts, site.timezone)
            session = cars.charging_on(goals.sourced(session, inputs, dearest), charger, n)
            first_wh = charger.batteries_first_pct / 100 * held_wh
            found.append(dataclasses.replace(session, batteries_first_wh=first_wh))
    taken = Counter(session.key for session in found)  # two cars in one slot at one charger are two sessions
    return [
        session if taken[session.key] == 1 else dataclasses.replace(session, key=f"{session.key}#{number}")
        for number, session in enumerate(found)
    ]


def _too_late(site: Site, inputs: PlanInputs) -> Iterator[Unmet]:
    """Cars that want energy and leave within the horizon before a whole quarter-hour is over."""
    for charger, _, energy_wh, first, end in _wanted(site, inputs):
        if energy_wh > 0 and end <= first and end < len(inputs.starts):
            what = "energy missing at departure, no whole quarter-hour is left"
            yield Unmet(charger.key, what, units.kilo(energy_wh), "kWh")


def _wanted(site: Site, inputs: PlanInputs) -> Iterator[tuple[Charger, EvSession, float, int, int]]:
    """Charger, stay, energy and slot window of every session that is not over, and wants something or has a goal."""
    chargers = {c.key: c for c in site.chargers}
    for wanted in inputs.sessions:
        charger = _known(chargers, wanted.charger, "chargers")
        energy_wh = _wanted_wh(charger, wanted)
        is_kept = any(goal.asset == charger.key for goal in inputs.goals)  # off, once it has what is wanted
        is_kept |= charger.charge_on_wh > 0
        if (energy_wh > 0 or is_kept) and wanted.departs_at > inputs.starts[0]:
            yield charger, wanted, energy_wh, *slots_of(wanted.arrives_at, wanted.departs_at, inputs.starts, whole=True)


def _scheduled_off(site: Site, starts: list[datetime]) -> dict[str, tuple[Window, ...]]:
    """Per charger the slots in which a schedule keeps it off."""
    zone = time_grid.zone(site.timezone)
    off = {c.key: [s for s in site.schedules if s.asset == c.key and s.mode == ChargerMode.OFF] for c in site.chargers}
    return {
        key: tuple(Window(t, t + 1) for t, at in enumerate(starts) if any(s.covers(at, zone) for s in schedules))
        for key, schedules in off.items()
    }


def _wanted_wh(charger: Charger, wanted: EvSession) -> float:
    """Energy from the wall: as asked, or from the car's state of charge."""
    if wanted.soc_pct is None or wanted.wanted_soc_pct is None:
        return wanted.energy_wh
    share = max(0.0, wanted.wanted_soc_pct - wanted.soc_pct) / 100.0
    return share * charger.car_capacity_wh / charger.charge_efficiency


def _session(
    charger: Charger, energy_wh: float, first: int, end: int, n: int, after: float, blocked: tuple[Window, ...]
) -> ChargingSession:
    later_slots = max(0, end - n)
    return ChargingSession(
        key=f"{charger.key}@{first}",
        charger=charger.key,
        first=first,
        end=min(end, n),
        energy_wh=energy_wh,
        min_w=charger.min_power_w,
        max_w=charger.max_power_w,
        phases=charger.phases,
        switches_phases=charger.switches_phases,
        voltage_v=charger.voltage_v,
        unmet_price_per_kwh=charger.unmet_price_per_kwh,
        later_wh=min(energy_wh, float(units.slot_energy_wh(charger.max_power_w) * later_slots)),
        later_value_per_kwh=max(0.0, after),
        spares_batteries=not charger.battery_to_car,
        most_price_per_kwh=charger.most_price_per_kwh,
        min_run_slots=max(1, -(-charger.min_on_minutes // 15)),
        blocked=blocked,
    )
