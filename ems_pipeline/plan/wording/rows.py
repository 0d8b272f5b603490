"""Plan rows: what is stored, shown and executed, one per slot and one per device and slot."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl

from ems_pipeline.arrays import Array
from ems_pipeline.local_time import INSTANT
from ems_pipeline.plan.result import money
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.wording.modes import battery_decisions, device_decisions, site_reasons
from ems_pipeline.plan.wording.next_best import next_best
from ems_pipeline.units import kilo


def slot_rows(plan: Plan) -> pl.DataFrame:
    """One row per slot with the columns of ``ems.planning_interval`` (without the run id); empty when failed.

    ``cost`` is money at the meter plus ``genset_cost`` (fuel, service hours, starts); ``load_w`` includes deferrable
    machines; ``soc_pct`` is over all batteries by capacity; ``indoor_c`` is the first house's.
    """
    problem = plan.problem
    if plan.status == "failed":
        return pl.DataFrame(schema=_SLOT_SCHEMA)
    decisions = battery_decisions(plan)
    other = next_best(plan)
    columns: dict[str, Any] = {
        "starts_at": problem.starts,
        "grid_w": plan.grid_w,
        "pv_w": plan.pv_w.sum(axis=0),
        "pv_available_w": problem.pv_available_w,
        "battery_w": plan.battery_w,
        "genset_w": plan.genset_w.sum(axis=0),
        "load_w": problem.load_w + plan.machine_w,
        "ev_w": plan.session_w.sum(axis=0),
        "heat_pump_w": plan.heat_pump_w.sum(axis=0),
        "soc_pct": soc_pct(plan),
        "indoor_c": plan.indoor_c[0] if len(plan.indoor_c) else None,
        "buy_per_kwh": problem.buy_per_kwh,
        "sell_per_kwh": problem.sell_per_kwh,
        "cost": money.energy_per_slot(plan) + money.genset_per_slot(plan).sum(axis=0),
        "genset_cost": money.genset_per_slot(plan).sum(axis=0) if problem.gensets else None,
        "genset_co2_kg": money.co2_kg_per_slot(plan),
        "mode": [d.wish.mode.value for d in decisions[0]] if decisions else ["follow"] * problem.slots,
        "reason": site_reasons(plan, decisions, other),
        "marginal_value_per_kwh": None if plan.marginals is None else plan.marginals.meter_per_kwh,
        "binding": "" if plan.marginals is None else list(plan.marginals.binding),
        "next_best_cost": None if other is None else [x if np.isfinite(x) else None for x in other.extra.tolist()],
        "next_best_action": None if other is None else [name or None for name in other.action],
        "next_best_kind": None if other is None else [kind or None for kind in other.kind],
    }
    spread = {k: v if isinstance(v, (list, np.ndarray)) else [v] * problem.slots for k, v in columns.items()}
    return pl.DataFrame(spread, schema=_SLOT_SCHEMA)


def soc_pct(plan: Plan) -> Array | None:
    """State of charge of all batteries together at the end of each slot; None without a battery."""
    batteries = plan.problem.batteries
    if not batteries:
        return None
    return np.asarray(100.0 * plan.energy_wh.sum(axis=0) / sum(b.capacity_wh for b in batteries))


def device_rows(plan: Plan) -> pl.DataFrame:
    """One row per device and slot with the columns of ``ems.planning_device_interval`` (without the run id)."""
    rows = [] if plan.status == "failed" else list(device_decisions(plan))
    starts, stored = plan.problem.starts, stored_values(plan)
    return pl.DataFrame(
        [
            (
                starts[d.slot],
                d.key,
                d.kind,
                d.power_w,
                d.wish.mode.value,
                json.dumps(d.wish.limits.named, sort_keys=True),
                d.state,
                d.reason,
                float(stored[d.key][d.slot]) if d.key in stored else None,
            )
            for d in rows
        ],
        schema=_DEVICE_SCHEMA,
        orient="row",
    )


def stored_values(plan: Plan) -> dict[str, Array]:
    """Per battery and heat pump, what a kWh more in its cells or in its house would be worth in each slot.

    Empty without a second stage.
    """
    if plan.marginals is None:
        return {}
    found = dict(zip((b.key for b in plan.problem.batteries), plan.marginals.stored_per_kwh, strict=True))
    stores = [(unit.key, store) for unit in plan.problem.heat_pumps for store in (unit.store, unit.tank) if store]
    for (key, store), per_k in zip(stores, plan.marginals.heat_per_k, strict=True):
        found.setdefault(key, per_k / kilo(store.capacity_wh_per_k))  # the house comes before its tank
    return found


_FLOATS = ["grid_w", "pv_w", "pv_available_w", "battery_w", "genset_w", "load_w", "ev_w", "heat_pump_w", "soc_pct",
           "indoor_c", "buy_per_kwh", "sell_per_kwh", "cost"]  # fmt: skip
_SLOT_SCHEMA: Any = (
    {"starts_at": INSTANT}
    | dict.fromkeys(_FLOATS, pl.Float64)
    | {"mode": pl.String, "reason": pl.String, "marginal_value_per_kwh": pl.Float64, "binding": pl.String}
    | {"genset_cost": pl.Float64, "genset_co2_kg": pl.Float64}
    | {"next_best_cost": pl.Float64, "next_best_action": pl.String, "next_best_kind": pl.String}
)
_DEVICE_SCHEMA: Any = {
    "starts_at": INSTANT, "asset_key": pl.String, "kind": pl.String, "power_w": pl.Float64, "mode": pl.String,
    "limits": pl.String, "state": pl.Float64, "reason": pl.String, "stored_value_per_kwh": pl.Float64,
}  # fmt: skip
