"""One point as it came off the wire, before it is a reading: what drivers of every transport hand on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ems_pipeline.devices.points.reading import Fault, Quality, Samples


@dataclass(frozen=True, slots=True)
class Sample:
    """One point as it came off the wire, in site units."""

    value: float | None
    quality: Quality = Quality.GOOD
    reason: str = ""


class Gathering:
    """Samples that come one after the other, each at its position; what was not said of one is no value."""

    def __init__(self, size: int) -> None:
        self.values = [math.nan] * size
        self.faults: dict[int, Fault] = {}

    def put(self, at: int, sample: Sample) -> None:
        """What a good one has to say besides (the words of a fault) is kept."""
        if sample.value is not None:
            self.values[at] = sample.value
        if sample.quality is not Quality.GOOD or sample.reason:
            self.faults[at] = sample.quality, sample.reason

    def samples(self) -> Samples:
        """All of them."""
        return Samples(np.array(self.values), self.faults)


def columns(samples: Iterable[Sample]) -> Samples:
    """Samples in the order of their points."""
    given = list(samples)
    gathered = Gathering(len(given))
    for at, sample in enumerate(given):
        gathered.put(at, sample)
    return gathered.samples()
