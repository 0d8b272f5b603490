"""Small problems with numbers a reader can follow: flat prices, one device at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ems_pipeline.plan import Plan, Problem, solve, verify
from ems_pipeline.plan.problem import (
    BatteryStore,
    ChargingSession,
    DeferrableRun,
    GensetUnit,
    GridLimits,
    HeatPumpUnit,
    HeatStore,
    PvSource,
)
from ems_pipeline_tests.plan.random_sites import START


def house(buy: Any, load_w: Any = 500.0, sell: float | None = None, **parts: Any) -> Problem:
    """A house behind a connection of 17 kW in and 10 kW out; ``buy`` per slot, in ``grid`` what differs there."""
    prices = np.asarray(buy, dtype=float)
    n = len(prices)
    meter = GridLimits(np.full(n, 17_000.0), np.full(n, 10_000.0))
    wanted = {k: np.full(n, v) if k.endswith("limit_w") else v for k, v in parts.pop("grid", {}).items()}
    sold = prices - 0.2 if sell is None else np.full(n, sell)
    drawn = np.broadcast_to(np.asarray(load_w, dtype=float), n).copy()
    return Problem("house", "EUR", START, prices, sold, drawn, dataclasses.replace(meter, **wanted), **parts)


def battery(key: str = "pack", **changes: Any) -> BatteryStore:
    """10 kWh, 5 kW, no losses, half full."""
    plain = BatteryStore(key, 10_000.0, 5000.0, 5000.0, 1.0, 1.0, 0.0, 10_000.0, 5000.0)
    return dataclasses.replace(plain, **changes)


def car(first: int, end: int, energy_wh: float, **changes: Any) -> ChargingSession:
    """Three phases, 6 to 16 A."""
    key = changes.pop("key", f"box@{first}")
    return dataclasses.replace(ChargingSession(key, "box", first, end, energy_wh, 4140.0, 11_040.0), **changes)


def heat_pump(slots: int, outdoor_c: float = 0.0, indoor_c: float = 21.0, **changes: Any) -> HeatPumpUnit:
    """COP 3 and a house of 180 W/K; fields of the house by their names, those of the pump by theirs."""
    of_store = {field.name for field in dataclasses.fields(HeatStore)}
    store = HeatStore(
        "house",
        180.0,
        4000.0,
        np.full(slots, outdoor_c),
        np.zeros(slots),
        indoor_c,
        20.0,
        23.0,
        outside_price_per_kh=5.0,
    )
    store = dataclasses.replace(store, **{k: v for k, v in changes.items() if k in of_store - {"key"}})
    rest = {k: v for k, v in changes.items() if k not in of_store}
    return dataclasses.replace(HeatPumpUnit("pump", 800.0, 2200.0, np.full(slots, 3.0), store), **rest)


def genset(**changes: Any) -> GensetUnit:
    """1.5 to 4 kW; fuel at 0.35 per kWh and 0.2 per hour, a start at 0.5."""
    return dataclasses.replace(GensetUnit("diesel", 1500.0, 4000.0, 0.35, 0.2, 0.5), **changes)


def machine(
    profile_w: list[float], first: int, end: int, skip_price: float = 100.0, key: str = "wash"
) -> DeferrableRun:
    """A run."""
    return DeferrableRun(key, np.array(profile_w), first, end, skip_price)


def roof(available_w: Any, curtailable: bool = True, key: str = "roof") -> PvSource:
    """An array."""
    return PvSource(key, np.asarray(available_w, dtype=float), curtailable)


def planned(problem: Problem, **how: Any) -> Plan:
    """The plan, accepted by the verifier."""
    plan = solve(problem, **how)
    assert [str(v) for v in verify(problem, plan)] == []
    return plan
