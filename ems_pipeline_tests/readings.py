"""Single readings as answers of a device, which is how they are stored."""

import math
from collections.abc import Iterable
from functools import cache

import numpy as np

from ems_pipeline.devices.points.reading import Names, Quality, Reading, Readings, Samples


def answers(readings: Iterable[tuple[str, Reading]]) -> list[tuple[str, Readings]]:
    return [(site, _alone(reading)) for site, reading in readings]


def _alone(reading: Reading) -> Readings:
    faults = {} if reading.quality is Quality.GOOD and not reading.reason else {0: (reading.quality, reading.reason)}
    samples = Samples(np.array([math.nan if reading.value is None else reading.value]), faults)
    names = _names(reading.quantity, reading.unit)
    return Readings(reading.device, names, samples, reading.reported_at, reading.received_at)


@cache
def _names(quantity: str, unit: str) -> Names:
    return Names((quantity,), (unit,))
