"""The part of a driver that is the same on every wire: selection, readings, translation, checks, echoes.

A transport adds two things: how to sample points and how to send checked writes. Subclass it for a new transport; a new
device on a known transport is a point map, and a `Family` where it obeys commands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ems_pipeline.devices.driver.command import Command
from ems_pipeline.devices.driver.contract import (
    Acknowledgement,
    Echo,
    Live,
    MayGo,
    Options,
    PointAnswer,
    PointWrite,
    SetpointRefused,
    always,
)
from ems_pipeline.devices.driver.translation import (
    Family,
    Target,
    checked,
    hands_back,
    in_turn,
    kept,
    proof_of,
    renewed,
    tolerance,
)
from ems_pipeline.devices.points import growth
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Readings, Samples
from ems_pipeline.devices.points.sampling import Answer, Selection, Words, decoded, names_in, select, understood
from ems_pipeline.time_grid import Clock


@dataclass(frozen=True, slots=True)
class Described:
    """What a driver knows of its device, whatever the wire."""

    device: str
    point_map: PointMap
    family: Family
    options: Options
    clock: Clock


class MappedDriver(ABC):
    """A device described by a point map; see `contract.Driver` for the promise of each method."""

    def __init__(self, described: Described) -> None:
        self.device = described.device
        self.point_map = growth.installed(described.point_map, described.options)
        self.family = described.family
        self.options = described.options
        self._clock = described.clock
        self._gap_s = float(self.options.get("gap_s", described.point_map.link.gap_s))

    @property
    def needs(self) -> frozenset[str]:
        return self.family.needs(self.point_map)

    async def read(self, quantities: Collection[str] | None = None) -> Readings:
        names = names_in(self.point_map) if quantities is None else quantities
        return understood([await self.ask(select(self.point_map, names))])[0]

    async def ask(self, selection: Selection) -> Answer:
        asked_at = self._clock.now()
        said = await self._sample(selection)
        return Answer(self.device, self.point_map, selection, said, asked_at, self._clock.now())

    def translate(self, command: Command, live: Live) -> tuple[PointWrite, ...]:
        return self.family.writes_for(Target(self._fitted(live), self.options, live), command)

    def release_writes(self, live: Live) -> tuple[PointWrite, ...]:
        return self.family.writes_to_release(Target(self._fitted(live), self.options, live))

    def renewed(self, command: Command | None, writes: Sequence[PointWrite], live: Live) -> Sequence[PointWrite]:
        said = writes
        if self.family.follows and command is not None:
            with suppress(SetpointRefused):  # what cannot be said anew is said as before
                now = self.translate(command, live)
                said = now if kept(self.point_map, now) == kept(self.point_map, writes) else writes
        return renewed(self.point_map, said, live)

    def _fitted(self, measured: Live) -> PointMap:
        """The map with the ranges of a device of this size, as far as the site file or the device has said it."""
        return growth.fitted(self.point_map, growth.sizes(self.point_map, self.options, measured))

    async def write(self, writes: Sequence[PointWrite], may_go: MayGo = always) -> Acknowledgement:
        sent = checked(self._fitted({}), writes)
        refusals: dict[str, str] = {}
        for turn in in_turn(self.point_map, sent):
            points = [self.point_map.point(w.point) for w in turn]
            if refusals and not hands_back(self.point_map, turn):
                first = next(iter(refusals))
                refusals |= dict.fromkeys((p.name for p in points), f"not sent, because {first} was refused")
            elif why := await self._not_taken(points):
                refusals |= dict.fromkeys((p.name for p in points), why)
            else:
                refusals |= await self._send(points, [w.value for w in turn], may_go)
        named = [(w.point, self.point_map.point(w.point).name) for w in sent]
        return Acknowledgement(tuple(PointAnswer(p, n not in refusals, refusals.get(n, "")) for p, n in named))

    async def _not_taken(self, points: Sequence[Point]) -> str:
        """Why the device would not take these points now, by what must read back first; empty when it would."""
        guards = {name: values for p in points for name, values in p.only_while.items()}
        found = await self._values(guards) if guards else {}
        for name, values in guards.items():
            value, reason = found[name]
            if value not in values:
                shown = f"cannot be read ({reason})" if value is None else f"is {value:g}"
                wanted = " or ".join(f"{v:g}" for v in values)
                return f"taken only while {name} is {wanted}, and it {shown}; nothing was written"
        return ""

    async def read_back(self, writes: Sequence[PointWrite]) -> list[Echo]:
        proofs = {w.point: proof_of(self.point_map, self.point_map.point(w.point)) for w in writes}
        found = await self._values({p.name for p in proofs.values() if p is not None})
        echoes = []
        for write in writes:
            if (proof := proofs[write.point]) is not None:
                value, reason = found[proof.name]
                echoes.append(Echo(write.point, write.value, value, tolerance(proof), reason))
        return echoes

    async def _values(self, names: Collection[str]) -> dict[str, tuple[float | None, str]]:
        """Points read now, whatever the device says of its values: the value, or None and why."""
        if not names:
            return {}
        selection = select(self.point_map, sorted(names), gated=False)
        said = await self._sample(selection)
        samples = said if isinstance(said, Samples) else decoded(said.decoder, [said])[0]
        found = ((p.name, samples.of(i)) for i, p in enumerate(selection.asked))
        return {name: (value, reason) for name, (value, _, reason) in found}

    @abstractmethod
    async def connect(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def _sample(self, selection: Selection) -> Words | Samples:
        """Every point asked, by its position; a failure is a fault with its reason, never an exception."""

    @abstractmethod
    async def _send(self, points: Sequence[Point], values: Sequence[float], may_go: MayGo) -> dict[str, str]:
        """Send each value once, asking before each request; the points that were refused, with the reason."""
