"""The door of the planner: a problem no plan can be made of is refused whole, each fault by field, slot, value, remedy.

``FIELDS`` says of every number and array of a problem between which bounds it has to be; the functions below say what
fields have to be to each other. docs/planner.md describes the same fields for people.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.errors import EmsError
from ems_pipeline.plan import problem as parts
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.problem.misfits import misfits

MOST = 1e9
"""No price, power, energy or temperature is larger; a longer number is a mistake, and too long for a solver."""
MOST_SLOTS = 15 * 96
MOST_FAULTS = 20
Bounds = tuple[float, float]
"""Least and most; of whole numbers where both are `int`."""
ANY, POSITIVE, AT_LEAST_0 = (-MOST, MOST), (1e-6, MOST), (0.0, MOST)
EFFICIENCY, SLOT, COUNT, CELSIUS = (0.01, 1.0), (0, MOST_SLOTS), (1, MOST_SLOTS), (-273.15, 1000.0)
SINCE = (0, int(MOST))

FIELDS: dict[type, dict[str, Bounds]] = {
    parts.Window: {"first": SLOT, "end": SLOT},
    parts.DemandEvent: {
        "first": SLOT, "end": SLOT, "limit_w": ANY, "baseline_w": ANY, "price_per_kwh": AT_LEAST_0,
    },
    parts.GridLimits: {
        "import_limit_w": AT_LEAST_0, "export_limit_w": AT_LEAST_0, "peak_price_per_kw": AT_LEAST_0,
        "peak_so_far_w": AT_LEAST_0, "unbilled_per_kwh": AT_LEAST_0,
        "peak_slots": (0, 96), "peak_gone_slots": (0, 95), "peak_gone_wh": AT_LEAST_0, "peak_breaks": SLOT,
        "peak_floor_w": AT_LEAST_0, "over_limit_price_per_kwh": AT_LEAST_0,
    },
    parts.PvSource: {"available_w": AT_LEAST_0},
    parts.PowerStep: {"upto_w": POSITIVE, "charge_efficiency": EFFICIENCY, "discharge_efficiency": EFFICIENCY},
    parts.ChargeBand: {"upto_wh": POSITIVE, "charge_efficiency": EFFICIENCY, "discharge_efficiency": EFFICIENCY},
    parts.Taper: {"from_wh": AT_LEAST_0, "limit_w": AT_LEAST_0, "slope_w_per_wh": AT_LEAST_0},
    parts.EmptyTaper: {"from_wh": AT_LEAST_0, "limit_w": AT_LEAST_0, "slope_w_per_wh": AT_LEAST_0},
    parts.BatteryStore: {
        "capacity_wh": POSITIVE, "charge_limit_w": AT_LEAST_0, "discharge_limit_w": AT_LEAST_0,
        "charge_efficiency": EFFICIENCY, "discharge_efficiency": EFFICIENCY, "floor_wh": AT_LEAST_0,
        "ceiling_wh": AT_LEAST_0, "initial_wh": AT_LEAST_0, "wear_per_kwh": AT_LEAST_0, "end_value_per_kwh": AT_LEAST_0,
        "end_floor_wh": AT_LEAST_0, "outside_price_per_kwh": AT_LEAST_0, "discharge_wear_per_kwh": AT_LEAST_0,
        "charge_most_w": AT_LEAST_0, "discharge_most_w": AT_LEAST_0, "least_charge_w": AT_LEAST_0,
        "least_discharge_w": AT_LEAST_0, "lost_per_day": (0.0, 0.9), "standby_w": AT_LEAST_0,
    },
    parts.KeptWithin: {
        "first": SLOT, "end": SLOT, "low_wh": AT_LEAST_0, "high_wh": AT_LEAST_0, "price_per_kwh": AT_LEAST_0,
    },
    parts.HybridInverter: {"ac_limit_w": AT_LEAST_0},
    parts.ChargingSession: {
        "first": SLOT, "end": SLOT, "energy_wh": AT_LEAST_0, "min_w": AT_LEAST_0, "max_w": POSITIVE, "phases": (1, 3),
        "voltage_v": POSITIVE, "unmet_price_per_kwh": AT_LEAST_0, "later_wh": AT_LEAST_0, "later_value_per_kwh": ANY,
        "min_run_slots": COUNT, "anywhere_w": AT_LEAST_0,
        "batteries_first_wh": AT_LEAST_0, "most_price_per_kwh": ANY,
    },
    parts.EnergyBy: {"end": COUNT, "energy_wh": AT_LEAST_0},
    parts.Fuse: {"limit_w": AT_LEAST_0, "most_w": AT_LEAST_0},
    parts.DeferrableRun: {"profile_w": AT_LEAST_0, "first": SLOT, "end": SLOT, "skip_price": AT_LEAST_0},
    parts.GensetUnit: {
        "min_w": AT_LEAST_0, "max_w": POSITIVE, "fuel_per_kwh": AT_LEAST_0, "idle_fuel_per_h": AT_LEAST_0,
        "start_cost": AT_LEAST_0, "min_run_slots": COUNT, "min_pause_slots": COUNT, "warm_up_slots": SLOT,
        "starts_per_day": SINCE, "run_hours_left": AT_LEAST_0, "state_slots": SINCE, "starts_before": SINCE,
        "service_per_h": AT_LEAST_0, "even_per_h": AT_LEAST_0, "lead_h": (0.0, 0.25), "cool_down_h": (0.0, 0.25),
        "starts_per_2h": SINCE, "started_ago": (1, int(MOST)), "low_load_w": AT_LEAST_0, "low_load_slots": COUNT,
        "low_load_before": SINCE, "ramp_w_per_s": POSITIVE, "over_hours": AT_LEAST_0,
        "over_hours_price_per_h": AT_LEAST_0, "co2_kg_per_kwh": AT_LEAST_0,
        "unbilled_per_kwh": AT_LEAST_0,
    },
    parts.Switchboard: {"spare_w": AT_LEAST_0},
    parts.ComfortBand: {"first": SLOT, "end": SLOT, "min_c": CELSIUS, "max_c": CELSIUS},
    parts.HeatStore: {
        "loss_w_per_k": POSITIVE, "capacity_wh_per_k": POSITIVE, "ambient_c": CELSIUS, "gains_w": ANY,
        "initial_c": CELSIUS, "min_c": CELSIUS, "max_c": CELSIUS, "outside_price_per_kh": AT_LEAST_0,
        "end_floor_c": CELSIUS, "end_value_per_k": AT_LEAST_0,
    },
    parts.HeatPumpUnit: {
        "min_w": AT_LEAST_0, "max_w": POSITIVE, "cop": (0.01, 100.0), "min_run_slots": COUNT, "min_pause_slots": COUNT,
        "state_slots": SINCE, "tank_cop": (0.01, 100.0),
    },
    parts.PreviousPower: {"power_w": ANY},
    parts.Course: {"deficit_w": ANY, "buy_per_kwh": ANY, "sell_per_kwh": ANY},
    parts.Unmet: {"amount": AT_LEAST_0},
    Problem: {"buy_per_kwh": ANY, "sell_per_kwh": ANY, "load_w": ANY, "day_breaks": SLOT},
}  # fmt: skip


class ProblemInvalid(EmsError, ValueError):
    """A problem no plan can be made of; ``faults`` are all that were found."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(
            "no plan can be made of this problem: " + "; ".join(faults), "correct each of them", is_told=True
        )
        self.faults = faults


def accept(problem: Problem) -> None:
    """Nothing, if a plan can be made.

    Raises:
        ProblemInvalid: see there.
    """
    faults = list(_of_itself(problem))
    for path, record in _records(problem):
        for name, bounds in FIELDS[type(record)].items():
            faults += _outside(f"{path}{name}", getattr(record, name), bounds)
    faults = faults or list(misfits(problem))  # what fits together is asked of numbers only
    if faults:
        more = f"and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
        raise ProblemInvalid((*faults[:MOST_FAULTS], *filter(None, [more])))


def _of_itself(problem: Problem) -> Iterator[str]:
    """What has to be right before anything can be compared with it."""
    slots = np.shape(problem.buy_per_kwh)
    if len(slots) != 1 or not 0 < slots[0] <= MOST_SLOTS:
        yield f"buy_per_kwh has the shape {slots}; give one price per slot, for 1 to {MOST_SLOTS} slots"
    at = problem.start_at
    if not isinstance(at, datetime) or at.tzinfo is None:
        yield f"start_at is {at!r}, an instant without a zone; give it with its offset, e.g. 2026-03-24T12:00:00+00:00"
    elif time_grid.floor_slot(at) != at:
        yield f"start_at is {at.isoformat()}, not the begin of a quarter-hour; give the next one"


def _records(problem: Problem) -> Iterator[tuple[str, Any]]:
    """Every record of the problem with the path to it, itself first."""
    waiting: list[tuple[str, Any]] = [("", problem)]
    while waiting:
        path, record = waiting.pop(0)
        yield path, record
        for one in dataclasses.fields(record):
            value = getattr(record, one.name)
            if dataclasses.is_dataclass(value):
                waiting.append((f"{path}{one.name}.", value))
            elif isinstance(value, tuple):
                found = [(f"{path}{one.name}[{i}].", item) for i, item in enumerate(value)]
                waiting += [(where, item) for where, item in found if dataclasses.is_dataclass(item)]


def _outside(path: str, value: Any, bounds: Bounds) -> Iterator[str]:
    """A number or array outside its bounds; absent where it may be is not."""
    if value is None:
        return
    values = _numbers(value)
    if values is None:
        kind = "a numpy array of numbers" if isinstance(value, (list, np.ndarray)) else "numbers"
        yield f"{path} is {value!r:.60}; give {kind}"
        return
    fits = (values >= bounds[0]) & (values <= bounds[1])
    if isinstance(bounds[0], int):
        fits &= values == np.round(values)
    wrong = np.flatnonzero(~fits)
    if len(wrong):
        at = int(wrong[0])
        where = f"[{at}]" if isinstance(value, (np.ndarray, tuple)) else ""
        others = f" (and {len(wrong) - 1} more of its values)" if len(wrong) > 1 else ""
        yield f"{path}{where} is {values[at]:g}{others}; give {_words(bounds)}"


def _numbers(value: Any) -> Array | None:
    """A number, a tuple of numbers or an array as one row; None where it is something else."""
    if isinstance(value, list) or np.asarray(value).dtype.kind not in "iufO":
        return None
    try:
        return np.atleast_1d(np.asarray(value, dtype=float)).ravel()
    except (TypeError, ValueError, OverflowError):
        return None


def _words(bounds: Bounds) -> str:
    low, high = bounds
    kind = "a whole number" if isinstance(low, int) else "a number"
    if bounds == ANY:
        return "a finite number, up to 1e9 in size"
    if bounds == POSITIVE:
        return "a number above 0"
    return f"{kind} of {low:g} or more (up to 1e9)" if high >= MOST else f"{kind} from {low:g} to {high:g}"
