"""A problem as a linear model: every law applied once, binaries of exclusivity only where they can bind."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ems_pipeline.plan.laws import bus, charging, contract, deferrable, genset, heat, storage
from ems_pipeline.plan.model import Index, Model
from ems_pipeline.plan.problem import Problem

NONE = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True)
class Exclusions:
    """Slots whose exclusivity gets a binary: at the meter and at each battery."""

    meter: Index
    batteries: tuple[Index, ...]

    def wider(self, meter: Index, batteries: tuple[Index, ...]) -> Exclusions:
        """With further slots."""
        pairs = zip(self.batteries, batteries, strict=True)
        return Exclusions(_union(self.meter, meter), tuple(_union(a, b) for a, b in pairs))


@dataclass
class Built:
    """The model and where each quantity's columns are."""

    model: Model
    balance: Index
    meter: bus.Meter
    pv: list[bus.PvGroup]
    batteries: list[storage.Store]
    sessions: list[charging.Charging]
    heat_pumps: list[heat.Heating]
    deferrables: list[deferrable.Deferred]
    gensets: list[genset.Generating]
    exclusions: Exclusions
    imports: Index = field(default_factory=lambda: NONE)
    """In the slots of the exclusions: 1 imports, 0 exports."""
    charges: list[Index] = field(default_factory=list)
    """Per battery, in the slots of its exclusions: 1 charges, 0 discharges."""


def build(problem: Problem, exclusions: Exclusions, soft: bool = False) -> Built:
    """All laws of ``problem``; exclusivity in the slots of ``exclusions``.

    Args:
        soft: comfort may be missed anywhere, also where missing it cannot pay (else it comes before cars and machines).
    """
    priced_peaks = problem.grid.peak_price_per_kw > 0 or bool(problem.grid.events)
    dearest = np.inf if soft or priced_peaks else float(np.abs(problem.buy_per_kwh).max())
    model = Model()
    balance = bus.balance(model, problem)
    meter = bus.meter(model, problem, balance)
    built = Built(
        model,
        balance,
        meter,
        bus.pv(model, problem, balance),
        [storage.battery(model, battery, balance) for battery in problem.batteries],
        [charging.session(model, car, balance) for car in problem.sessions],
        [heat.heat_pump(model, unit, balance, dearest) for unit in problem.heat_pumps],
        [deferrable.run_once(model, machine, balance) for machine in problem.deferrables],
        [genset.genset(model, problem, unit, balance) for unit in problem.gensets],
        exclusions,
    )
    _shared(problem, built)
    return built


def _shared(problem: Problem, built: Built) -> None:
    """Laws that speak of several devices or of the meter."""
    model, exclusions = built.model, built.exclusions
    for inverter in problem.inverters:
        storage.shared_ac_limit(model, problem, inverter, built.pv, built.batteries)
    for fuse in problem.fuses:
        charging.shared_fuse(model, problem, fuse, built.sessions)
    contract.peak(model, problem, built.meter)
    for event in problem.grid.events:
        contract.paid_reduction(model, problem, event, built.meter)
    built.imports = bus.one_direction(model, problem, built.meter, exclusions.meter)
    built.charges = [
        storage.one_way(model, battery, store, slots)
        for battery, store, slots in zip(problem.batteries, built.batteries, exclusions.batteries, strict=True)
    ]


def exclusions(problem: Problem) -> Exclusions:
    """Where doing both at once could pay.

    Import and export at once only pays where selling is dearer than buying: elsewhere less of both is as good. A
    battery that charges and discharges at once only destroys energy, which pays where importing is paid for (buy < 0).
    """
    if not problem.exclusive:
        return Exclusions(NONE, tuple(NONE for _ in problem.batteries))
    wasteful = _slots(problem.buy_per_kwh < 0)
    return Exclusions(_slots(problem.buy_per_kwh < problem.sell_per_kwh), tuple(wasteful for _ in problem.batteries))


def _slots(condition: NDArray[np.bool_]) -> Index:
    return np.flatnonzero(condition).astype(np.int32)


def _union(first: Index, second: Index) -> Index:
    return np.union1d(first, second).astype(np.int32)
