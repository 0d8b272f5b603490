"""Machines that run once, whenever it suits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan.model import Index, Model
from ems_pipeline.plan.problem import DeferrableRun


@dataclass(frozen=True)
class Deferred:
    """Columns of one machine: one choice per possible first slot (from ``first`` on), and whether it does not run."""

    first: int
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
    return Deferred(machine.first, choice, skipped)
