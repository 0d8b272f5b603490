"""A reading is a value with its age, its quality and, when there is none, the reason. Missing is never zero.

Everything a device says travels as `Readings`, one answer's columns: of a fleet's tens of thousands of values a minute
an object each would cost more than asking for them. Who looks at single values iterates and gets `Reading`s. Consumers
state which quality and which age they accept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import overload

from ems_pipeline.arrays import Array
from ems_pipeline.plain_text import plain


class Quality(IntEnum):
    """Why a value may or may not be used; stored as a smallint, so numbers never change meaning."""

    GOOD = 0
    OUT_OF_RANGE = 1
    """The device answered, the value is outside the point's physical range."""
    NO_ANSWER = 2
    """Timeout, refused connection, gateway exception."""
    REFUSED = 3
    """The device answered with a protocol exception (busy, illegal address, ...)."""
    GARBAGE = 4
    """A frame that cannot be decoded or belongs to somebody else."""
    NOT_READY = 5
    """The device says itself that its values are not valid yet (start-up, lost sub-unit)."""
    AT_REST = 6
    """Nothing is measured because nothing moves: an inverter sleeps, by its own word or because the sun is down. The
    value is 0 and counts; the reason says how it is known."""
    ABSENT = 7
    """The device does not have the point: it refuses the register, and the map says that not every model has it."""


BELIEVED = frozenset({Quality.GOOD, Quality.AT_REST})
"""A number that may be used."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One quantity of one device at one instant.

    ``value`` is None unless the device delivered a number; then ``quality`` says whether it may be believed.
    ``reported_at`` is when the device (or the request for it) spoke, ``received_at`` when we had it.
    """

    device: str
    quantity: str
    unit: str
    value: float | None
    reported_at: datetime
    received_at: datetime
    quality: Quality = Quality.GOOD
    reason: str = ""

    @property
    def is_good(self) -> bool:
        """A believable number, that of a device at rest included."""
        return self.quality in BELIEVED and self.value is not None


UNANSWERED = frozenset({Quality.NO_ANSWER, Quality.REFUSED, Quality.GARBAGE, Quality.ABSENT})
"""The device said nothing, or nothing that can be used."""
Fault = tuple[Quality, str]
"""Why a value is not good: quality and reason."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Some points as they came off the wire, in site units: a position each in ``values`` (NaN: no number), and a fault
    for each position that is not good. Its reason may repeat what a device says: here it becomes a text that every
    store and every screen takes."""

    values: Array
    faults: Mapping[int, Fault]

    def __post_init__(self) -> None:
        """What a device says of a fault goes into the database with everybody's readings: here it becomes words."""
        if self.faults:
            said = {i: (quality, plain(reason)) for i, (quality, reason) in self.faults.items()}
            object.__setattr__(self, "faults", said)

    def of(self, i: int) -> tuple[float | None, Quality, str]:
        """Value, quality and reason at a position."""
        value = float(self.values[i])
        return None if math.isnan(value) else value, *self.faults.get(i, (Quality.GOOD, ""))


@dataclass(frozen=True, slots=True)
class Names:
    """What the positions of an answer mean; shared by all answers to the same question."""

    quantities: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Readings(Sequence[Reading]):
    """What a device said at one instant; ``samples`` has a position for each of ``names``."""

    device: str
    names: Names
    samples: Samples
    reported_at: datetime
    received_at: datetime

    def __len__(self) -> int:
        return len(self.names.quantities)

    @overload
    def __getitem__(self, at: int) -> Reading: ...
    @overload
    def __getitem__(self, at: slice) -> list[Reading]: ...
    def __getitem__(self, at: int | slice) -> Reading | list[Reading]:
        positions = range(len(self))[at]
        return self._reading(positions) if isinstance(positions, int) else [self._reading(i) for i in positions]

    def __iter__(self) -> Iterator[Reading]:
        return (self._reading(i) for i in range(len(self)))

    @property
    def silence(self) -> str | None:
        """Why nothing was answered, not even "not ready" or a value out of range; None when something was."""
        faults = self.samples.faults
        if not faults or len(faults) < len(self) or any(quality not in UNANSWERED for quality, _ in faults.values()):
            return None
        return faults[0][1]

    def _reading(self, i: int) -> Reading:
        quantity, unit = self.names.quantities[i], self.names.units[i]
        value, quality, reason = self.samples.of(i)
        return Reading(self.device, quantity, unit, value, self.reported_at, self.received_at, quality, reason)


def good_values(readings: Iterable[Reading]) -> dict[str, float]:
    """Good values by quantity name (readings of one device)."""
    return {r.quantity: r.value for r in readings if r.is_good and r.value is not None}
