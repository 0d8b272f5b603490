"""A plan: what every device does in every quarter-hour, in plain arrays, and what it could not do."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import Problem, Unmet
from ems_pipeline.plan.record import MEASURED, WHERE_GIVEN, Record


@dataclass(frozen=True, eq=False)
class Marginals(Record):
    """Per slot: marginal value at the meter, in each battery (rows) and heat store, names of binding limits."""

    meter_per_kwh: Array
    stored_per_kwh: Array
    heat_per_k: Array
    binding: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Alternative(Record):
    """Another action of battery ``key`` in a slot: ``power_w`` (> 0 discharges) and what it costs more in all.

    All else is decided anew except switches; ``extra`` None: impossible with the switches as planned.
    """

    slot: int
    key: str
    action: str
    power_w: float
    extra: float | None


@dataclass(frozen=True, eq=False)
class Plan(Record):
    """Powers in W per device (first axis in the problem's order) and slot, states at the end of each slot.

    `status` is ``optimal``, ``feasible`` (time limit; see `gap`) or ``failed`` (no arrays; `conflicts` says why).
    """

    problem: Problem
    status: str
    objective: float | None = None
    """Money at the meter, wear and penalties, less the value of what is stored beyond the start; site currency."""
    gap: float | None = None
    """Proven distance to the best possible objective, relative."""
    by_rule: bool = False
    """Made by the simple rule (`rule`) because the solver found nothing better in its time."""
    weighed: int = field(default=0, metadata=WHERE_GIVEN)
    """Over how many courses its money is least on average; 0: along the forecast."""
    conflicts: tuple[str, ...] = ()
    refused: tuple[str, ...] = field(default=(), metadata=WHERE_GIVEN)
    """Plans made on the way that broke a law, each with the first: a fault of whoever made them, worth a report."""
    unmet: tuple[Unmet, ...] = ()
    grid_w: Array = field(default_factory=lambda: np.zeros(0))
    pv_w: Array = field(default_factory=lambda: np.zeros((0, 0)))
    charge_w: Array = field(default_factory=lambda: np.zeros((0, 0)))
    discharge_w: Array = field(default_factory=lambda: np.zeros((0, 0)))
    energy_wh: Array = field(default_factory=lambda: np.zeros((0, 0)))
    session_w: Array = field(default_factory=lambda: np.zeros((0, 0)))
    heat_pump_w: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """Electric power for house and tank together."""
    indoor_c: Array = field(default_factory=lambda: np.zeros((0, 0)))
    tank_w: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """Of `heat_pump_w`, what heats the tank; one row per heat pump that has one."""
    tank_c: Array = field(default_factory=lambda: np.zeros((0, 0)))
    deferrable_w: Array = field(default_factory=lambda: np.zeros((0, 0)))
    genset_w: Array = field(default_factory=lambda: np.zeros((0, 0)))
    genset_on: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """1 while the set turns, also without load during its warm-up."""
    marginals: Marginals | None = None
    """What a kWh more is worth, and what binds; None without the second stage."""
    alternatives: tuple[Alternative, ...] = ()
    """Other actions in the next slots, solved again."""
    build_s: float = field(default=0.0, metadata=MEASURED)
    solve_s: float = field(default=0.0, metadata=MEASURED)

    @property
    def battery_w(self) -> Array:
        """Net AC power of all batteries, > 0 discharges."""
        return np.asarray(self.discharge_w.sum(axis=0) - self.charge_w.sum(axis=0))

    @property
    def drawn_w(self) -> Array:
        """What the site draws without its batteries: load, cars, heat pumps, deferrable machines."""
        planned = [x.sum(axis=0) for x in (self.session_w, self.heat_pump_w, self.deferrable_w) if len(x)]
        return np.asarray(sum(planned, self.problem.load_w))
