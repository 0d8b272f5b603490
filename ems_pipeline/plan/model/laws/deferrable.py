"""Machines that run once, whenever it suits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.problem import DeferrableRun


@dataclass(frozen=True)
class Deferred:
    """Columns of one run: one choice per possible first slot (from ``first`` on), and whether it does not run."""

    first: int
    length: int
    choice: Index
    skipped: Index


def run_once(model: Model, machine: DeferrableRun, balance_rows: Index) -> Deferred:
    """Exactly one start inside the window, or none at a price: ``sum of choices + skipped = 1``."""
    length = len(machine.profile_w)
    begins = np.arange(machine.first, max(machine.first, machine.end - length + 1), dtype=np.int32)
    choice = model.columns(f"{machine.key} starts", begins, 0.0, 1.0, integer=True)
    at = np.array([machine.first], dtype=np.int32)
    skipped = model.columns(f"{machine.key} skipped", at, 0.0, 1.0, machine.skip_price)
    once = model.rows(f"{machine.key} runs once", at, 1.0, 1.0)
    model.add(np.repeat(once, len(choice)), choice, 1.0)
    model.add(once, skipped, 1.0)
    running = (begins[:, None] + np.arange(length)[None, :]).ravel()
    power_kw = np.tile(units.kilo(machine.profile_w), len(begins))
    model.add(balance_rows[running], np.repeat(choice, length), -power_kw)
    return Deferred(machine.first, length, choice, skipped)


def one_run_at_a_time(model: Model, key: str, runs: list[Deferred]) -> None:
    """A machine with several runs in the horizon is in at most one of them in a slot."""
    columns = np.concatenate([np.repeat(run.choice, run.length) for run in runs])
    slots = np.concatenate([running(run).ravel() for run in runs])
    of_run = np.concatenate([np.full(len(run.choice) * run.length, i) for i, run in enumerate(runs)])
    contested = np.array([t for t in np.unique(slots) if len(set(of_run[slots == t])) > 1], dtype=np.int32)
    rows = model.rows(f"{key} one run at a time", contested, -np.inf, 1.0)
    here = np.isin(slots, contested)
    model.add(rows[np.searchsorted(contested, slots[here])], columns[here], 1.0)


def running(run: Deferred) -> Index:
    """The slots of the run, one row per choice."""
    begins = run.first + np.arange(len(run.choice), dtype=np.int32)
    return begins[:, None] + np.arange(run.length, dtype=np.int32)[None, :]
