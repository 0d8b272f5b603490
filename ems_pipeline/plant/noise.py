"""Chance that depends on nothing but a seed and a date: the same plant has the same weather on every machine.

Every stream of chance is a name, so a new one never shifts the others.
"""

from __future__ import annotations

import zlib
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ems_pipeline.arrays import Array

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def hours_since_epoch(at: datetime) -> float:
    """Hours from 2000-01-01 UTC: the time axis of all smooth noise."""
    return (at - EPOCH).total_seconds() / 3600.0


def dice(seed: int, stream: str, index: int | date) -> np.random.Generator:
    """A generator of its own for one stream and one day (or lattice point)."""
    number = index.toordinal() if isinstance(index, date) else index
    return np.random.default_rng([seed, zlib.crc32(stream.encode()), number])


def smooth(seed: int, stream: str, hours: NDArray[np.floating[Any]], period_h: float) -> Array:
    """Value noise, about standard normal, that forgets itself over ``period_h`` hours.

    Random values on a lattice of ``period_h``, blended by a raised cosine; scaled so that the mean square over a cell
    is 1 (the blend alone would damp it to 3/4).
    """
    position = hours / period_h
    cell = np.floor(position).astype(int)
    lattice = np.array([dice(seed, stream, int(i)).standard_normal() for i in range(cell.min(), cell.max() + 2)])
    blend = (1 - np.cos(np.pi * (position - cell))) / 2
    low, high = lattice[cell - cell.min()], lattice[cell - cell.min() + 1]
    return np.asarray((low * (1 - blend) + high * blend) / np.sqrt(0.75), dtype=float)
