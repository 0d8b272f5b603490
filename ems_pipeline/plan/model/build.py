"""A problem as a linear model: every law applied once, binaries of exclusivity only where they can bind."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ems_pipeline.arrays import Index, Mask
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws import (
    bus,
    charging,
    contract,
    deferrable,
    flows,
    genset,
    heat,
    storage,
    sunshine,
    switchboard,
)
from ems_pipeline.plan.problem import Problem

NONE = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True)
class Exclusions:
    """Slots whose exclusivity gets a binary: at the meter and at each battery."""

    meter: Index
    batteries: tuple[Index, ...]

    def wider(self, batteries: tuple[Index, ...]) -> Exclusions:
        """With further slots at the batteries."""
        pairs = zip(self.batteries, batteries, strict=True)
        return Exclusions(self.meter, tuple(_union(a, b) for a, b in pairs))


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

    @property
    def directions(self) -> int:
        """The column from which on there are only directions: all before are the same whatever is excluded."""
        return min(
            (int(columns[0]) for columns in (self.imports, *self.charges) if len(columns)), default=self.model.n_columns
        )


def build(problem: Problem, exclusions: Exclusions, stakes: float = np.inf) -> Built:
    """All laws of ``problem``; exclusivity in the slots of ``exclusions``.

    Args:
        stakes: money beyond which no plan can be better than one already known; discomfort too dear for it is left out.
    """
    model = Model()
    balance = bus.balance(model, problem)
    meter = bus.meter(model, problem, balance)
    shared = charging.sharing(problem)
    built = Built(
        model,
        balance,
        meter,
        bus.pv(model, problem, balance),
        [storage.battery(model, battery, balance) for battery in problem.batteries],
        [charging.session(model, problem, car, balance, car.charger in shared) for car in problem.sessions],
        [heat.heat_pump(model, unit, balance, stakes) for unit in problem.heat_pumps],
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
    for charger in sorted(charging.sharing(problem)):
        charging.one_car(model, problem, charger, built.sessions)
    keys = [machine.key for machine in problem.deferrables]
    for key in dict.fromkeys(key for key in keys if keys.count(key) > 1):
        runs = [run for name, run in zip(keys, built.deferrables, strict=True) if name == key]
        deferrable.one_run_at_a_time(model, key, runs)
    for car, cars in zip(problem.sessions, built.sessions, strict=True):
        gensets = [generating.power for generating in built.gensets]
        flows.no_battery_to_car(model, problem, car, cars.power, built.batteries)
        sunshine.only_what_is_left(model, problem, car, cars.power, built.meter, built.batteries, gensets)
    for board in problem.switchboards:
        both = zip(problem.gensets, built.gensets, strict=True)
        sets = [(unit, generating.power) for unit, generating in both if unit.key in board.gensets]
        switchboard.equal_share(model, board, sets)
        switchboard.spare(model, board, sets)
    for fuse in problem.fuses:
        charging.shared_fuse(model, problem, fuse, built.sessions)
    flows.no_grid_to_battery(model, problem, built.meter, built.batteries)
    flows.no_battery_to_grid(model, problem, built.meter, built.batteries)
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
    battery that charges and discharges at once only destroys energy. That pays where importing is paid for (buy < 0),
    and where feeding in costs while room in the cells is worth something later.
    """
    if not problem.exclusive:
        return Exclusions(NONE, tuple(NONE for _ in problem.batteries))
    wasteful = _slots((problem.import_per_kwh < 0) | ((problem.sell_per_kwh < 0) & _room_is_worth(problem)))
    one_way = [NONE if b.least_charge_w or b.least_discharge_w else wasteful for b in problem.batteries]
    return Exclusions(_slots(problem.import_per_kwh < problem.sell_per_kwh), tuple(one_way))


def _room_is_worth(problem: Problem) -> Mask:
    """Slots after which energy comes that is paid for being taken: imports, or PV that cannot be curtailed."""
    stiff_w = sum((p.available_w for p in problem.pv if not p.curtailable), np.zeros(problem.slots))
    burdens = (problem.import_per_kwh < 0) | ((problem.sell_per_kwh < 0) & (stiff_w > problem.load_w))
    return np.append(np.logical_or.accumulate(burdens[::-1])[::-1][1:], False)


def _slots(condition: Mask) -> Index:
    return np.flatnonzero(condition).astype(np.int32)


def _union(first: Index, second: Index) -> Index:
    return np.union1d(first, second).astype(np.int32)
