"""What gensets, heat pumps and deferrable machines did until a decision: as measured, else as planned. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.plan import MachineState
from ems_pipeline.plan.assembly.history import Flags, ran, slots_into_run, state
from ems_pipeline.plan.assembly.inputs import RunSoFar
from ems_pipeline.plan.assembly.machines import daily, profile_w
from ems_pipeline.sites import DeferrableLoad, Genset, HeatPump, Site
from ems_pipeline.warehouse.telemetry import Reached

LOOK_BACK = timedelta(hours=26)
"""A local day of 25 hours, and the quarter-hour before it."""
POINT_MEAN = ("device_key", "quantity", "starts_at", "mean_value")
LOADED = 0.5
"""A machine carries load from this share of its least power on; less is standby."""
LOW_LOAD_BACK = 96
"""Slots; no budget of low load is longer."""
QUANTITIES = ("compressor_frequency_hz", "genset_power_w", "heat_pump_power_w", "load_power_w")
"""What any machine may tell of its load by."""
Machine = Genset | HeatPump | DeferrableLoad
Values = Mapping[tuple[str, str], float]
"""Newest values by (device, quantity)."""


@dataclass(frozen=True)
class Past:
    """What is stored of a site's machines, of `LOOK_BACK` before the horizon at least.

    Attributes:
        means: of `QUANTITIES`, as of `telemetry.device_15m`; none of the slot under way.
        planned: what was wanted of them, as of `plans.in_force`.
        loaded_quarters: by set whose file says how many hours are left to its service, its quarter-hours with load
            since.
    """

    means: pl.DataFrame
    planned: pl.DataFrame
    loaded_quarters: Mapping[str, int]


@dataclass(frozen=True)
class SoFar:
    """As the fields of the same names in `SiteState`."""

    machines: Mapping[str, MachineState]
    run_hours: Mapping[str, float]
    register_h: Mapping[str, float]
    waiting: frozenset[str]
    begun: Mapping[str, int]
    ran: Mapping[str, RunSoFar]


def of(site: Site) -> list[Machine]:
    """The machines of a site."""
    return [*site.gensets, *site.heat_pumps, *site.deferrables]


def so_far(site: Site, past: Past, newest: Values, start: datetime) -> SoFar:
    """What is known of the machines of a site for a plan that begins with ``start``.

    Args:
        newest: values believed to hold at the decision.
    """
    machines = of(site)
    slots = time_grid.slots(start - LOOK_BACK, start)
    loaded = _loaded(machines, past.means, newest, slots)
    unsure = [m.key for m in machines if not isinstance(m, HeatPump) or None in loaded[m.key]]
    planned = _planned(machines, past.planned, unsure, slots)
    zone = time_grid.zone(site.timezone)
    day_start, _ = time_grid.day_bounds(time_grid.local_day(start, zone), zone)
    today = time_grid.count_slots(day_start, start)
    states = {
        m.key: state(loaded[m.key], planned[m.key], _warm_up_slots(m), today)
        for m in machines
        if not isinstance(m, DeferrableLoad) or m.is_interruptible
    }
    waiting, begun = _deferrables(site, loaded, planned, slots, start)
    low = {g.key: _low_load_slots(g, past.means, newest, slots) for g in site.gensets if g.low_load_pct}
    hours = {g.key: newest.get((g.device or "", "genset_run_hours")) for g in site.gensets}
    return SoFar(
        {key: replace(known, low_load_slots=low.get(key, 0)) for key, known in states.items() if known is not None},
        {g.key: 0.25 * past.loaded_quarters[g.key] for g in serviced(site)},
        {key: value for key, value in hours.items() if value is not None},
        waiting,
        begun,
        dict(_run_times(site, loaded, planned, slots, start)),
    )


def _warm_up_slots(machine: Machine) -> int:
    return -(-machine.warm_up_minutes // 15) if isinstance(machine, Genset) else 0


def _signs_of_load(machine: Machine) -> list[tuple[str, float]]:
    """Quantities that tell whether a machine carries load, the best first, each with the value from which it does."""
    match machine:
        case Genset():
            return [("genset_power_w", LOADED * machine.min_power_w)]
        case HeatPump():
            return [("heat_pump_power_w", LOADED * machine.min_power_w), ("compressor_frequency_hz", 1.0)]
        case DeferrableLoad():
            return [("load_power_w", LOADED * float(min(w for w in profile_w(machine) if w > 0)))]


def _loaded(
    machines: Sequence[Machine], means: pl.DataFrame, newest: Values, slots: list[datetime]
) -> dict[str, Flags]:
    """Per machine, whether it carried load in each slot; in the one under way the newest value decides."""
    by_point: dict[tuple[str, str], dict[datetime, float | None]] = {}
    for device, quantity, starts_at, mean in means.select(POINT_MEAN).iter_rows():
        by_point.setdefault((device, quantity), {})[starts_at] = mean
    found: dict[str, Flags] = {}
    for machine in machines:
        values = []
        for name, edge in _signs_of_load(machine):
            point = (machine.device or "", name)
            values.append((by_point.get(point, {}) | {slots[-1]: newest.get(point)}, edge))
        found[machine.key] = [_first_known(values, slot) for slot in slots]
    return found


def _low_load_slots(genset: Genset, means: pl.DataFrame, newest: Values, slots: list[datetime]) -> int:
    """For how many slots in a row until now a set has carried load below what is proper; not measured ends it."""
    point, edge = (genset.device or "", "genset_power_w"), genset.low_load_pct / 100 * genset.max_power_w
    mine = means.filter((pl.col("device_key") == point[0]) & (pl.col("quantity") == point[1]))
    power = dict(mine.select("starts_at", "mean_value").iter_rows()) | {slots[-1]: newest.get(point)}
    count = 0
    for slot in reversed(slots[-LOW_LOAD_BACK:]):
        mean = power.get(slot)
        if mean is None or not LOADED * genset.min_power_w <= mean < edge:
            break
        count += 1
    return count


def _first_known(values: list[tuple[dict[datetime, float | None], float]], slot: datetime) -> bool | None:
    """Whether the first measured quantity reaches its edge."""
    said = ((series.get(slot), edge) for series, edge in values)
    return next((value >= edge for value, edge in said if value is not None), None)


def _planned(
    machines: Sequence[Machine], rows: pl.DataFrame, unsure: list[str], slots: list[datetime]
) -> dict[str, Flags]:
    """Per machine, whether the plan in force had it on; None where no plan held, and where its load says all."""
    wanted = rows.filter(pl.col("asset_key").is_in(unsure)).select("asset_key", "starts_at", "mode", "power_w")
    on = {(key, slot): mode == "run" or power_w > 0 for key, slot, mode, power_w in wanted.iter_rows()}
    return {asset.key: [on.get((asset.key, slot)) for slot in slots] for asset in machines}


def _deferrables(
    site: Site, loaded: Mapping[str, Flags], planned: Mapping[str, Flags], slots: list[datetime], start: datetime
) -> tuple[frozenset[str], dict[str, int]]:
    """Machines whose window has begun: those that wait, and those in their run with the slots that are over."""
    waiting, begun = set(), {}
    for machine, first in _open(site, slots, start):
        if machine.is_interruptible:
            continue
        ago = slots_into_run(loaded[machine.key][first:], planned[machine.key][first:])
        if ago is None:
            waiting.add(machine.key)
        elif ago < len(profile_w(machine)):
            begun[machine.key] = ago
    return frozenset(waiting), begun


def _run_times(
    site: Site, loaded: Mapping[str, Flags], planned: Mapping[str, Flags], slots: list[datetime], start: datetime
) -> Iterator[tuple[str, RunSoFar]]:
    """What interruptible machines whose window has begun have run in it."""
    for machine, first in _open(site, slots, start):
        if machine.is_interruptible:
            on, asked = loaded[machine.key], planned[machine.key]
            before = (asked[first - 1] if on[first - 1] is None else on[first - 1]) if first else None
            yield machine.key, ran(on[first:], asked[first:], before)


def _open(site: Site, slots: list[datetime], start: datetime) -> Iterator[tuple[DeferrableLoad, int]]:
    """Machines whose window is open, and the first slot of it."""
    for machine in site.deferrables:
        for day, begins, ends in daily(machine.window, [start], time_grid.zone(site.timezone)):
            if day.weekday() in machine.weekdays and begins < start < ends:
                yield machine, next(t for t, slot in enumerate(slots) if slot >= begins)


def serviced(site: Site) -> list[Genset]:
    """Sets whose file says how many hours are left to their service, and which tell their power."""
    return [g for g in site.gensets if g.run_hours_left is not None and g.device is not None]


def with_load(site_key: str, genset: Genset, stated: pl.DataFrame, start: datetime, at: datetime) -> Reached:
    """The quarter-hours in which a set has carried load since its file said how many hours are left.

    Args:
        stated: what versions known at ``at`` said of them, as of `sites.run_hours_stated`, of this set.
    """
    (quantity, edge), *_ = _signs_of_load(genset)
    since = at  # until the number that holds first stood in the registered file
    for known_at, hours in stated.select("known_at", "hours").iter_rows():
        if hours != genset.run_hours_left:
            break
        since = known_at
    return Reached(site_key, str(genset.device), quantity, edge, since, start)
