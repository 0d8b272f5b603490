"""What may not flow between batteries and grid in some hours: by a feed-in contract, by law, or as the owner likes it.

A battery is charged from the grid when it charges while anything is imported, and sold when it discharges while
anything is exported: what PV brings belongs to the house first. By the bus's balance, a battery then takes at most what
is left over, and gives at most what is missing, which is what a device that follows its meter does by itself. A bound
by PV or load alone would leave a way around: PV sold, and the house fed by the battery.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.bus import Meter, import_limit_w, none_while, usable_pv_w
from ems_pipeline.plan.model.laws.obligations import drawn_w, may_run
from ems_pipeline.plan.model.laws.storage import Store
from ems_pipeline.plan.model.laws.switching import Switched
from ems_pipeline.plan.problem import ChargingSession, Problem, Window, covered

GRID_TO_BATTERY, BATTERY_TO_GRID = "grid to battery", "battery to grid"


def no_grid_to_battery(model: Model, problem: Problem, meter: Meter, stores: Sequence[Store]) -> None:
    """``charge <= surplus w``, ``import <= limit (1 - w)``; a switch only where a surplus is possible."""
    most_w = np.minimum(
        sum(b.charge_limit_w for b in problem.batteries),
        _left_w(problem, problem.pv_available_w + _exchanged_w(problem)),
    )
    import_w = np.minimum(import_limit_w(problem), np.maximum(problem.load_w + _most_drawn_w(problem), 0.0))
    over = (meter.import_over_slots, meter.import_over, meter.import_over_most)
    columns = [store.charge for store in stores]
    windows = problem.grid.no_grid_to_battery
    _apart(model, GRID_TO_BATTERY, windows, (columns, most_w), (meter.imported, import_w), over)


def no_battery_to_grid(model: Model, problem: Problem, meter: Meter, stores: Sequence[Store]) -> None:
    """``discharge <= demand w``, ``export <= limit (1 - w)``; a switch only where a surplus is possible."""
    drawn = np.maximum(problem.load_w + _most_drawn_w(problem) + _exchanged_w(problem), 0.0)
    most_w = np.minimum(sum(b.discharge_limit_w for b in problem.batteries), drawn)
    export_w = np.minimum(problem.grid.export_limit_w, _left_w(problem, usable_pv_w(problem)))
    over = (meter.export_over_slots, meter.export_over, meter.export_over_most)
    columns = [store.discharge for store in stores]
    windows = problem.grid.no_battery_to_grid
    _apart(model, BATTERY_TO_GRID, windows, (columns, most_w), (meter.exported, export_w), over)


def no_battery_to_car(
    model: Model, problem: Problem, car: ChargingSession, power: Switched, stores: Sequence[Store]
) -> None:
    """``discharge <= limit (1 - on)``: a battery that follows its meter would feed the car as it feeds the house."""
    if not car.spares_batteries or power.on is None:
        return
    for battery, store in zip(problem.batteries, stores, strict=True):
        most = np.full(len(power.slots), units.kilo(battery.discharge_limit_w))
        name = f"{car.key} spares {battery.key}"
        none_while(model, name, power.slots, power.on, store.discharge[power.slots], most)


def _apart(
    model: Model, name: str, windows: Sequence[Window], flows: tuple[list[Index], Array], meter: tuple[Index, Array],
    over: tuple[Index, Index, Array],
) -> None:  # fmt: skip
    """In the windows batteries move nothing, or the meter nothing; each with the most it can be, W (beyond: kW)."""
    (columns, flow_w), (metered, meter_w), (over_slots, over_columns, over_kw) = flows, meter, over
    slots = np.flatnonzero(covered(windows, len(metered))).astype(np.int32)
    if not len(slots) or not columns:
        return
    is_open = (flow_w[slots] > 0) & ((meter_w[slots] > 0) | (over_kw[slots] > 0))
    open_slots = slots[is_open]
    choice = model.columns(name, open_slots, 0.0, 1.0, integer=True)
    rows = model.rows(name, slots, -np.inf, np.where(is_open, 0.0, units.kilo(flow_w[slots])))
    for column in columns:
        model.add(rows, column[slots], 1.0)
    model.add(rows[is_open], choice, -units.kilo(flow_w[open_slots]))
    none_while(model, name, open_slots, choice, metered[open_slots], units.kilo(meter_w[open_slots]))
    closed = slots[(flow_w[slots] > 0) & ~is_open]
    model.add(model.rows(name, closed, -np.inf, 0.0), metered[closed], 1.0)
    here = np.isin(over_slots, open_slots)
    at = over_slots[here]
    beyond = choice[np.searchsorted(open_slots, at)]
    none_while(model, name, at, beyond, over_columns[here], over_kw[at])


def _left_w(problem: Problem, given_w: Array) -> Array:
    """What is left beyond the load at most, W per slot, where gensets and ``given_w`` feed it."""
    given_w = given_w + sum(unit.max_w for unit in problem.gensets)
    return np.maximum(given_w - problem.load_w - drawn_w(problem), 0.0)


def _exchanged_w(problem: Problem) -> float:
    """What one battery could give another, W."""
    if len(problem.batteries) < 2:
        return 0.0
    taken_w = sum(b.charge_limit_w for b in problem.batteries)
    return min(taken_w, sum(b.discharge_limit_w for b in problem.batteries))


def _most_drawn_w(problem: Problem) -> Array:
    """What cars, heat pumps and machines can draw at once, W per slot."""
    most_w = np.full(problem.slots, float(sum(unit.max_w for unit in problem.heat_pumps)))
    for car in problem.sessions:
        most_w[car.first : car.end] += car.max_w
    for machine in problem.deferrables:
        most_w[machine.first : machine.end] += float(machine.profile_w.max())
    for load in problem.switched:
        most_w += load.power_w * may_run(load, problem.slots)
    return most_w
