"""What it means to break a law, and the few ways of measuring by how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ems_pipeline.arrays import Array

POWER_W, ENERGY_WH, TEMPERATURE_K = 0.5, 1.0, 0.002
"""What a solver's rounding may leave."""


@dataclass(frozen=True)
class Violation:
    """A law a plan breaks: by how much at worst, in which slot."""

    law: str
    key: str
    slot: int
    amount: float
    unit: str

    def __str__(self) -> str:
        return f"{self.law} of {self.key} broken by {self.amount:.4g} {self.unit} in slot {self.slot}"


def worst(law: str, key: str, excess: Array | list[float], tolerance: float, unit: str) -> Iterator[Violation]:
    """At most one violation: the slot with the largest excess above the tolerance."""
    values = np.asarray(excess, dtype=float)
    if values.size and float(values.max()) > tolerance:
        slot = int(values.argmax())
        yield Violation(law, key, slot, float(values[slot]), unit)


def outside(power: Array, low: float, high: float) -> list[float]:
    """How far each power is from 0 and from ``[low, high]``, whichever is nearer."""
    return [min(abs(float(w)), max(low - float(w), float(w) - high, 0.0)) for w in power]


def stays(
    law: str,
    key: str,
    on: list[bool],
    state: bool,
    slots: int,
    before: bool | None,
    already: int | None = None,
    excused: int | None = None,
) -> Iterator[Violation]:
    """Every stay in ``state`` that begins inside the horizon, or ``already`` slots before it, lasts at least ``slots``.

    A stay begun before may end in slot ``excused``.
    """
    length, begun_inside = 0, before is not None and before is not state
    if before is state and already is not None:
        length, begun_inside = already, True
    for t, here in enumerate([*on, not state]):
        if here is state:
            length += 1
            continue
        may_end = before is state and t == excused and all(on[:t])
        if 0 < length < slots and begun_inside and t < len(on) and not may_end:
            yield Violation(law, key, t, float(slots - length), "slots")
            return
        length, begun_inside = 0, True
