"""One point as it came off the wire, before it is a reading: what drivers of every transport hand on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ems_pipeline.devices.points.reading import Quality, Samples


@dataclass(frozen=True, slots=True)
class Sample:
    """One point as it came off the wire, in site units."""

    value: float | None
    quality: Quality = Quality.GOOD
    reason: str = ""


def columns(samples: Iterable[Sample]) -> Samples:
    """Samples in the order of their points; what a good one has to say besides (the words of a fault) is kept."""
    given = list(samples)
    values = np.array([math.nan if s.value is None else s.value for s in given])
    told = ((i, s) for i, s in enumerate(given) if s.quality is not Quality.GOOD or s.reason)
    return Samples(values, {i: (s.quality, s.reason) for i, s in told})
