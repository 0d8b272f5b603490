"""What gensets, heat pumps and deferrable machines did until a decision: as measured, else as planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ems_pipeline import time_grid
from ems_pipeline.plan import MachineState
from ems_pipeline.plan.assembly.history import Flags, slots_into_run, state
from ems_pipeline.plan.assembly.machines import daily, profile_w
from ems_pipeline.sites import DeferrableLoad, Genset, HeatPump, Site
from ems_pipeline.warehouse import plans, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import Connection

LOOK_BACK = timedelta(hours=26)
"""A local day of 25 hours, and the quarter-hour before it."""
LOADED = 0.5
"""A machine carries load from this share of its least power on; less is standby."""
Machine = Genset | HeatPump | DeferrableLoad
Values = Mapping[tuple[str, str], float]
"""Newest values by (device, quantity)."""


@dataclass(frozen=True)
class SoFar:
    """As the fields of the same names in `SiteState`."""

    machines: Mapping[str, MachineState]
    run_hours: Mapping[str, float]
    waiting: frozenset[str]
    begun: Mapping[str, int]


def so_far(connection: Connection, site: Site, newest: Values, at: datetime, start: datetime) -> SoFar:
    """What is known at ``at`` of the machines of a site for a plan that begins with ``start``.

    Args:
        newest: values believed to hold at ``at``.
    """
    machines: list[Machine] = [*site.gensets, *site.heat_pumps, *site.deferrables]
    if not machines:
        return SoFar({}, {}, frozenset(), {})
    slots = time_grid.slots(start - LOOK_BACK, start)
    loaded = _loaded(connection, site, machines, newest, slots, at)
    unsure = [m.key for m in machines if not isinstance(m, HeatPump) or None in loaded[m.key]]
    planned = _planned(connection, site, unsure, slots, at)
    zone = time_grid.zone(site.timezone)
    day_start, _ = time_grid.day_bounds(time_grid.local_day(start, zone), zone)
    today = time_grid.count_slots(day_start, start)
    states = {
        m.key: state(loaded[m.key], planned[m.key], _warm_up_slots(m), today)
        for m in machines
        if not isinstance(m, DeferrableLoad)
    }
    waiting, begun = _deferrables(site, loaded, planned, slots, start)
    hours = {g.key: _hours_with_load(connection, site, g, start, at) for g in site.gensets}
    return SoFar(
        {key: known for key, known in states.items() if known is not None},
        {key: known for key, known in hours.items() if known is not None},
        waiting,
        begun,
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
    connection: Connection, site: Site, machines: Sequence[Machine], newest: Values, slots: list[datetime], at: datetime
) -> dict[str, Flags]:
    """Per machine, whether it carried load in each slot; in the one under way the newest value decides."""
    under_way = time_grid.floor_slot(at)
    quantities = sorted({name for m in machines for name, _ in _signs_of_load(m)})
    means = telemetry.device_15m(connection, site.key, quantities, slots[0], min(under_way, slots[-1]))
    by_point: dict[tuple[str, str], dict[datetime, float | None]] = {}
    for device, quantity, starts_at, mean, *_ in means.iter_rows():
        by_point.setdefault((device, quantity), {})[starts_at] = mean
    found: dict[str, Flags] = {}
    for machine in machines:
        values = []
        for name, edge in _signs_of_load(machine):
            point = (machine.device or "", name)
            values.append((by_point.get(point, {}) | {slots[-1]: newest.get(point)}, edge))
        found[machine.key] = [_first_known(values, slot) for slot in slots]
    return found


def _first_known(values: list[tuple[dict[datetime, float | None], float]], slot: datetime) -> bool | None:
    """Whether the first measured quantity reaches its edge."""
    said = ((series.get(slot), edge) for series, edge in values)
    return next((value >= edge for value, edge in said if value is not None), None)


def _planned(
    connection: Connection, site: Site, assets: list[str], slots: list[datetime], at: datetime
) -> dict[str, Flags]:
    """Per machine, whether the plan in force had it on; None where no plan held."""
    on: dict[tuple[str, datetime], bool] = {}
    if assets:
        rows = plans.in_force(connection, site.key, assets, slots[0], slots[-1] + time_grid.SLOT, at)
        on = {(key, slot): mode == "run" or power_w > 0 for key, slot, mode, power_w in rows.iter_rows()}
    every = [*site.gensets, *site.heat_pumps, *site.deferrables]
    return {asset.key: [on.get((asset.key, slot)) for slot in slots] for asset in every}


def _deferrables(
    site: Site, loaded: Mapping[str, Flags], planned: Mapping[str, Flags], slots: list[datetime], start: datetime
) -> tuple[frozenset[str], dict[str, int]]:
    """Machines whose window has begun: those that wait, and those in their run with the slots that are over."""
    waiting, begun = set(), {}
    for machine in site.deferrables:
        for day, begins, ends in daily(machine.window, [start], time_grid.zone(site.timezone)):
            if day.weekday() not in machine.weekdays or not begins < start < ends:
                continue
            inside = [t for t, slot in enumerate(slots) if slot >= begins]
            ago = slots_into_run([loaded[machine.key][t] for t in inside], [planned[machine.key][t] for t in inside])
            if ago is None:
                waiting.add(machine.key)
            elif ago < len(profile_w(machine)):
                begun[machine.key] = ago
    return frozenset(waiting), begun


def _hours_with_load(connection: Connection, site: Site, genset: Genset, start: datetime, at: datetime) -> float | None:
    """Hours a set has carried load since its site file said how many are left to its service; None when it does not."""
    if genset.run_hours_left is None or genset.device is None:
        return None
    stated_at = _stated_since(connection, site, genset, at)
    (quantity, edge), *_ = _signs_of_load(genset)
    return 0.25 * telemetry.quarters_from(connection, site.key, genset.device, quantity, edge, stated_at, start)


def _stated_since(connection: Connection, site: Site, genset: Genset, at: datetime) -> datetime:
    """When the number of hours left that holds at ``at`` first stood in the site's registered file."""
    since = at
    for known_at, hours in registry.run_hours_stated(connection, site.key, genset.key, at).iter_rows():
        if hours != genset.run_hours_left:
            break
        since = known_at
    return since
