"""The part of a driver that is the same on every wire: selection, readings, translation, checks, echoes.

A transport adds two things: how to sample points and how to send checked writes. Subclass it for a new transport; a new
device on a known transport is a point map, and a `Family` where it obeys commands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

from ems_pipeline.devices.command import Command
from ems_pipeline.devices.contract import (
    Acknowledgement,
    Echo,
    Live,
    Options,
    PointAnswer,
    PointWrite,
)
from ems_pipeline.devices.point import Point
from ems_pipeline.devices.point_map import PointMap
from ems_pipeline.devices.reading import Reading
from ems_pipeline.devices.sampling import Sample, names_in, select, to_readings
from ems_pipeline.devices.translation import Family, Target, checked, tolerance
from ems_pipeline.time_grid import Clock


class MappedDriver(ABC):
    """A device described by a point map; see `contract.Driver` for the promise of each method."""

    def __init__(self, device: str, point_map: PointMap, family: Family, options: Options, clock: Clock) -> None:
        self.device = device
        self.point_map = point_map
        self.family = family
        self.options = options
        self._clock = clock

    @property
    def silence_behaviour(self) -> str:
        return self.point_map.silence

    @property
    def needs(self) -> frozenset[str]:
        return self.family.needs(self.point_map)

    async def read(self, quantities: Collection[str] | None = None) -> list[Reading]:
        selection = select(self.point_map, names_in(self.point_map) if quantities is None else quantities)
        asked_at = self._clock.now()
        samples = await self._sample(selection.asked)
        return to_readings(self.device, self.point_map, selection, samples, asked_at, self._clock.now())

    def translate(self, command: Command, live: Live) -> tuple[PointWrite, ...]:
        return self.family.writes_for(Target(self.point_map, self.options, live), command)

    def release_writes(self, live: Live) -> tuple[PointWrite, ...]:
        return self.family.writes_to_release(Target(self.point_map, self.options, live))

    async def write(self, writes: Sequence[PointWrite]) -> Acknowledgement:
        sent = checked(self.point_map, writes)
        points = [self.point_map.point(w.point) for w in sent]
        refusals = await self._send(points, [w.value for w in sent])
        return Acknowledgement(
            tuple(
                PointAnswer(w.point, p.name not in refusals, refusals.get(p.name, ""))
                for p, w in zip(points, sent, strict=True)
            )
        )

    async def read_back(self, writes: Sequence[PointWrite]) -> list[Echo]:
        points = [self.point_map.point(w.point) for w in writes]
        samples = await self._sample(points)
        return [
            Echo(w.point, w.value, samples[p.name].value, tolerance(p), samples[p.name].reason)
            for p, w in zip(points, writes, strict=True)
        ]

    @abstractmethod
    async def connect(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def _sample(self, points: Sequence[Point]) -> dict[str, Sample]:
        """Every point by name; a failure is a sample with a quality and a reason, never an exception."""

    @abstractmethod
    async def _send(self, points: Sequence[Point], values: Sequence[float]) -> dict[str, str]:
        """Send each value once; the points that were refused, with the reason."""
