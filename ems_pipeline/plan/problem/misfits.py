"""What the fields of a problem have to be to each other, for `accept`: lengths, windows, order, names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ems_pipeline.plan.problem import TIES, BatteryStore, HeatPumpUnit, HeatStore, Problem

FULLER = 1.05
"""Measured charge is rounded, and capacity a nominal value: cells may seem fuller than full by so much."""

SAME_SHARE = 1e-6
"""Least powers of sets that share load, as shares of their rating, are the same within it."""


def misfits(problem: Problem) -> Iterator[str]:
    """Faults of fields that do not fit each other, each with its remedy."""
    for law in (_lengths, _windows, _ranges, _names, _machines, _gensets, _switchboards):
        yield from law(problem)
    for i, battery in enumerate(problem.batteries):
        yield from _battery(f"batteries[{i}]", battery)
        yield from _losses(f"batteries[{i}]", battery, problem.slots)


def _lengths(problem: Problem) -> Iterator[str]:
    grid = problem.grid
    series: dict[str, Any] = {"sell_per_kwh": problem.sell_per_kwh, "load_w": problem.load_w}
    series |= {"grid.import_limit_w": grid.import_limit_w, "grid.export_limit_w": grid.export_limit_w}
    series |= {"grid.unbilled_per_kwh": grid.unbilled_per_kwh}
    series |= {f"pv[{i}].available_w": source.available_w for i, source in enumerate(problem.pv)}
    series |= {f"sessions[{i}].anywhere_w": car.anywhere_w for i, car in enumerate(problem.sessions)}
    series |= {f"fuses[{i}].most_w": fuse.most_w for i, fuse in enumerate(problem.fuses)}
    for i, battery in enumerate(problem.batteries):
        series |= {f"batteries[{i}].{name}": getattr(battery, name) for name in ("charge_most_w", "discharge_most_w")}
    for i, unit in enumerate(problem.heat_pumps):
        series |= {f"heat_pumps[{i}].cop": unit.cop, f"heat_pumps[{i}].tank_cop": unit.tank_cop}
        for path, store in _stores(f"heat_pumps[{i}]", unit):
            series |= {f"{path}.ambient_c": store.ambient_c, f"{path}.gains_w": store.gains_w}
    for path, values in series.items():
        if values is not None and np.shape(values) != (problem.slots,):
            yield f"{path} has {np.size(values)} values and buy_per_kwh {problem.slots}; give one per slot"
    for i, course in enumerate(problem.courses):
        later = len(course.buy_per_kwh)
        if len(course.deficit_w) != problem.slots + later or len(course.sell_per_kwh) != later:
            sizes = f"{len(course.deficit_w)}, {later} and {len(course.sell_per_kwh)}"
            yield (
                f"courses[{i}] has {sizes} values of deficit_w, buy_per_kwh and sell_per_kwh; give {problem.slots} "
                "slots and the hours after them of the first, the same hours of the others"
            )
        elif later != len(problem.courses[0].buy_per_kwh):
            first = len(problem.courses[0].buy_per_kwh)
            yield f"courses[{i}] has {later} hours after the horizon, courses[0] {first}; give as many of each"
    for i, previous in enumerate(problem.previous):
        if previous.power_w.ndim != 1 or len(previous.power_w) > problem.slots:
            size = previous.power_w.size
            yield f"previous[{i}].power_w has {size} values for {problem.slots} slots; give those of this horizon"


def _stores(path: str, unit: HeatPumpUnit) -> Iterator[tuple[str, HeatStore]]:
    yield f"{path}.store", unit.store
    if unit.tank is not None:
        yield f"{path}.tank", unit.tank


def _windows(problem: Problem) -> Iterator[str]:
    inside: list[tuple[str, Any]] = [(f"grid.events[{i}]", event) for i, event in enumerate(problem.grid.events)]
    for name in ("no_battery_to_grid", "no_grid_to_battery"):
        inside += [(f"grid.{name}[{i}]", window) for i, window in enumerate(getattr(problem.grid, name))]
    inside += [(f"sessions[{i}]", car) for i, car in enumerate(problem.sessions)]
    inside += [(f"deferrables[{i}]", machine) for i, machine in enumerate(problem.deferrables)]
    blocking: tuple[tuple[str, Sequence[Any]], ...] = (("sessions", problem.sessions), ("gensets", problem.gensets))
    for i, car in enumerate(problem.sessions):
        inside += [(f"sessions[{i}].steady[{k}]", window) for k, window in enumerate(car.steady)]
    for i, battery in enumerate(problem.batteries):
        inside += [(f"batteries[{i}].kept_within[{k}]", kept) for k, kept in enumerate(battery.kept_within)]
    for i, pump in enumerate(problem.heat_pumps):
        for path, store in _stores(f"heat_pumps[{i}]", pump):
            inside += [(f"{path}.bands[{k}]", band) for k, band in enumerate(store.bands)]
    for kind, units in blocking:
        for i, unit in enumerate(units):
            inside += [(f"{kind}[{i}].blocked[{k}]", window) for k, window in enumerate(unit.blocked)]
    for path, window in inside:
        if window.end > problem.slots:
            yield f"{path}.end is {window.end} beyond a horizon of {problem.slots} slots; give an end within it"
        elif window.first >= window.end:
            yield f"{path} is [{window.first}, {window.end}), no slot at all; give an end after its begin"
    grid = problem.grid
    if any(later <= earlier for earlier, later in pairwise((0, *grid.peak_breaks, problem.slots))):
        yield f"grid.peak_breaks are {grid.peak_breaks}; give slots from 1 to {problem.slots - 1}, each once, in order"
    if grid.peak_gone_slots >= max(grid.peak_slots, 1):
        yield (
            f"grid.peak_gone_slots is {grid.peak_gone_slots} of peak_slots {grid.peak_slots}; give those "
            "of an interval under way, less than it has"
        )
    for i, event in enumerate(problem.grid.events):
        if event.baseline_w < 0 and not event.is_net:
            yield f"grid.events[{i}].baseline_w is {event.baseline_w:g}, an export; give it with is_net: true"
    if any(later <= earlier for earlier, later in pairwise((0, *problem.day_breaks, problem.slots))):
        yield f"day_breaks are {problem.day_breaks}; give slots from 1 to {problem.slots - 1}, each once, in order"


def _ranges(problem: Problem) -> Iterator[str]:
    switched: list[tuple[str, Any]] = [(f"sessions[{i}]", car) for i, car in enumerate(problem.sessions)]
    switched += [(f"heat_pumps[{i}]", unit) for i, unit in enumerate(problem.heat_pumps)]
    switched += [(f"gensets[{i}]", unit) for i, unit in enumerate(problem.gensets)]
    for path, unit in switched:
        if unit.min_w > unit.max_w:
            yield f"{path}.min_w is {unit.min_w:g} and max_w {unit.max_w:g}; give a least power below the most"
    for i, unit in enumerate(problem.heat_pumps):
        if (unit.tank is None) != (unit.tank_cop is None):
            yield f"heat_pumps[{i}] has tank or tank_cop, not both; give both, or none"
        for path, store in _stores(f"heat_pumps[{i}]", unit):
            bands: list[tuple[str, Any]] = [(path, store)]
            bands += [(f"{path}.bands[{k}]", band) for k, band in enumerate(store.bands)]
            for where, band in bands:
                if band.min_c > band.max_c:
                    yield f"{where}.min_c is {band.min_c:g} and max_c {band.max_c:g}; give a band from cold to warm"
    for i, car in enumerate(problem.sessions):
        for k, step in enumerate(car.on_the_way):
            if not car.first < step.end <= car.end:
                yield f"sessions[{i}].on_the_way[{k}].end is {step.end}; give a slot of its stay, up to {car.end}"
            if step.energy_wh > car.energy_wh:
                yield (
                    f"sessions[{i}].on_the_way[{k}].energy_wh is {step.energy_wh:g} of energy_wh {car.energy_wh:g}; "
                    "give no more than it wants"
                )
        if car.later_wh > car.energy_wh:
            yield f"sessions[{i}].later_wh is {car.later_wh:g} of energy_wh {car.energy_wh:g}; give what of it can wait"


def _names(problem: Problem) -> Iterator[str]:
    """Names are unique within what they name; a machine may have several runs.

    Inverters and fuses may name devices the problem leaves out: a car that is not there, an array without a forecast.
    """
    for i, tie in enumerate(problem.ties):
        if tie not in TIES or tie in problem.ties[:i]:
            yield f"ties[{i}] is {tie!r}; give some of {', '.join(TIES)}, each once"
    kinds: dict[str, Sequence[Any]] = {
        "pv": problem.pv, "batteries": problem.batteries, "inverters": problem.inverters, "sessions": problem.sessions,
        "heat_pumps": problem.heat_pumps, "gensets": problem.gensets, "switchboards": problem.switchboards,
        "fuses": problem.fuses, "previous": problem.previous,
    }  # fmt: skip
    for kind, records in kinds.items():
        keys = [record.key for record in records]
        for key in dict.fromkeys(key for key in keys if keys.count(key) > 1):
            yield f"{kind} has the key {key!r} {keys.count(key)} times; give every one its own"
    for side in ("pv", "batteries"):
        behind = [key for inverter in problem.inverters for key in getattr(inverter, side)]
        for key in dict.fromkeys(behind):
            if behind.count(key) > 1:
                yield f"inverters name {key!r} in {side} {behind.count(key)} times; give it to the one it stands behind"


def _machines(problem: Problem) -> Iterator[str]:
    for i, machine in enumerate(problem.deferrables):
        if machine.profile_w.ndim != 1 or not (machine.profile_w > 0).any():
            yield f"deferrables[{i}].profile_w never draws power; give W per quarter-hour of its run"


def _gensets(problem: Problem) -> Iterator[str]:
    """A set has to be able to carry its least power in every slot in which it may carry load."""
    for i, unit in enumerate(problem.gensets):
        most_w = unit.max_w - unit.ramp_loss_w
        if most_w < unit.min_w:
            yield (
                f"gensets[{i}] reaches a mean of {most_w:g} W in its first slot and min_w is {unit.min_w:g}; give a "
                "faster ramp_w_per_s or a lower min_w"
            )


def _switchboards(problem: Problem) -> Iterator[str]:
    """Sets of one switchboard are known, each on one, alike enough to share by percent, and able to keep the spare."""
    known = {unit.key: unit for unit in problem.gensets}
    named = [key for board in problem.switchboards for key in board.gensets]
    for key in dict.fromkeys(named):
        if key not in known:
            yield f"switchboards name the genset {key!r}, gensets have {sorted(known)}; name one of them"
        elif named.count(key) > 1:
            yield f"switchboards name the genset {key!r} {named.count(key)} times; give it to the one it stands behind"
    for i, board in enumerate(problem.switchboards):
        sets = [known[key] for key in board.gensets if key in known]
        shares = [unit.min_w / unit.max_w for unit in sets]
        if shares and max(shares) - min(shares) > SAME_SHARE:
            yield (
                f"switchboards[{i}].gensets have least powers of {min(shares):.1%} to {max(shares):.1%} of the most; "
                "sets that share load at equal percent need the same, give the highest to all"
            )
        if any(unit.max_w - unit.min_w < board.spare_w for unit in sets):
            yield (
                f"switchboards[{i}].spare_w is {board.spare_w:g}, more than one of its sets has above its least power; "
                "give less, or lower min_w"
            )


def _battery(path: str, battery: BatteryStore) -> Iterator[str]:
    edges = (0.0, battery.floor_wh, battery.ceiling_wh, battery.capacity_wh)
    if any(low > high for low, high in pairwise(edges)):
        floor, ceiling, capacity = (f"{edge:g}" for edge in edges[1:])
        yield f"{path} has floor_wh {floor}, ceiling_wh {ceiling}, capacity_wh {capacity}; give them in this order"
    for name in ("initial_wh", "end_floor_wh"):
        if getattr(battery, name) > FULLER * battery.capacity_wh:
            much = getattr(battery, name)
            yield f"{path}.{name} is {much:g} of capacity_wh {battery.capacity_wh:g}; give what fits in"
    if battery.steps and battery.bands:
        yield f"{path} has efficiencies by power (steps) and by state of charge (bands); give one of the two"
    most_w = max(battery.charge_limit_w, battery.discharge_limit_w)
    curves = (
        ("steps", [step.upto_w for step in battery.steps], most_w, "the limits of power"),
        ("bands", [band.upto_wh for band in battery.bands], battery.capacity_wh, "the capacity"),
    )
    for name, ends, reach, what in curves:
        if any(low >= high for low, high in pairwise(ends)) or (ends and ends[-1] < reach * (1 - 1e-9)):
            yield f"{path}.{name} end at {ends}; give them rising, the last at {what} ({reach:g}) or above"
    for k, kept in enumerate(battery.kept_within):
        if kept.low_wh > kept.high_wh:
            yield f"{path}.kept_within[{k}] is {kept.low_wh:g} to {kept.high_wh:g} Wh; give a band from low to high"
    for k, taper in enumerate(battery.tapers):
        full_w = taper.limit_w - taper.slope_w_per_wh * (battery.ceiling_wh - taper.from_wh)
        if full_w < -1e-6:
            yield (
                f"{path}.tapers[{k}] allows {full_w:.0f} W at the ceiling of {battery.ceiling_wh:g} Wh; give a lower "
                "slope or ceiling, so that it ends at 0 W or above"
            )
    for k, empty in enumerate(battery.empty_tapers):
        empty_w = empty.limit_w - empty.slope_w_per_wh * (empty.from_wh - battery.floor_wh)
        if empty_w < -1e-6:
            yield (
                f"{path}.empty_tapers[{k}] allows {empty_w:.0f} W at the floor of {battery.floor_wh:g} Wh; give a "
                "lower slope or a higher floor, so that it ends at 0 W or above"
            )


def _losses(path: str, battery: BatteryStore, slots: int) -> Iterator[str]:
    for side in ("charge", "discharge"):
        least_w, most_w = getattr(battery, f"least_{side}_w"), getattr(battery, f"{side}_limit_w")
        if least_w > most_w:
            yield f"{path}.least_{side}_w is {least_w:g} and {side}_limit_w {most_w:g}; give a least below the most"
    if battery.standby_w and min(float(battery.alone_wh(slots)[-1]), _from_floor_wh(battery, slots)) < 0:
        yield (
            f"{path}.standby_w is {battery.standby_w:g}, more than its cells hold for {slots} slots; give what they "
            "can go on giving"
        )


def _from_floor_wh(battery: BatteryStore, slots: int) -> float:
    """What is left at the end of cells that nobody charges and that begin at their floor."""
    return float(dataclasses.replace(battery, initial_wh=battery.floor_wh).alone_wh(slots)[-1])
