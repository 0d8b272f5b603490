"""How some points of a device are asked for and understood: requests, decoder, the fault of what did not come. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.modbus import blocks
from ems_pipeline.devices.modbus.blocks import ReadBlock
from ems_pipeline.devices.modbus.high_words import Split
from ems_pipeline.devices.points.codec import SIGNED
from ems_pipeline.devices.points.decoding import Decoder
from ems_pipeline.devices.points.link import Link
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Fault, Quality
from ems_pipeline.devices.points.samples import Sample


@dataclass(frozen=True, slots=True)
class Edge:
    """The range of a point of one register, as raw numbers, and where its word stands in a row."""

    column: int
    is_signed: bool
    low: float
    high: float

    @classmethod
    def of(cls, point: Point, columns: Mapping[int, int]) -> Edge:
        """The ends of a point's range."""
        ends = [(end * point.sign - point.offset) / point.scale for end in point.range or ()]
        return cls(columns[point.registers[0]], point.type in SIGNED, min(ends), max(ends))

    def is_passed(self, row: Sequence[int]) -> bool:
        """Whether the number lies outside."""
        word = row[self.column]
        return not self.low <= (word - 0x10000 if self.is_signed and word >= 0x8000 else word) <= self.high


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """How some points are asked for and understood; the same for all devices of a map that have its points there.

    ``points`` are those the device has, at ``positions`` of those asked (None: all of them); the others are ``absent``.
    ``splits`` are those with a separate high word, ``edges`` the ends of others whose range follows a size.
    """

    points: tuple[Point, ...]
    positions: tuple[int, ...] | None
    absent: dict[int, Fault]
    reads: tuple[ReadBlock, ...]
    decoder: Decoder
    splits: tuple[Split, ...]
    edges: tuple[Edge, ...]

    @classmethod
    def of(
        cls,
        asked: Sequence[Point],
        placed: Sequence[Point],
        absent: Mapping[str, Sample],
        link: Link,
        refused: Collection[int] = (),
    ) -> ReadPlan:
        """The fewest requests for the placed points, and a decoder for what they bring; none runs over a register the
        device is known to refuse."""
        reads = tuple(blocks.plan_reads(placed, link, refused))
        columns = {address: i for i, address in enumerate(a for block in reads for a in block.addresses)}
        at = {p.name: i for i, p in enumerate(asked)}
        return cls(
            tuple(placed),
            tuple(at[p.name] for p in placed) if absent else None,
            {at[name]: (sample.quality, sample.reason) for name, sample in absent.items()},
            reads,
            Decoder(placed, columns),
            Split.of(placed, columns),
            tuple(Edge.of(p, columns) for p in placed if p.grows and p.range and len(p.registers) == 1),
        )

    def is_beyond(self, row: Sequence[int], *, whole: bool) -> bool:
        """Whether a value lies outside a range that follows a size; looked at in every frame, and so not decoded."""
        splits = any(not s.range[0] <= s.value(row, whole=whole) <= s.range[1] for s in self.splits)
        return splits or any(edge.is_passed(row) for edge in self.edges)


def is_refused(point: Point, missing: Mapping[int, DeviceFault]) -> bool:
    """Whether the device says that a register of the point does not exist."""
    return any(missing[a].illegal_address for a in point.registers if a in missing)


def faults_of(plan: ReadPlan, missing: Mapping[int, DeviceFault]) -> dict[int, Fault]:
    """What is wrong with points that lack a register, by their position among those asked."""
    lacking = [next((missing[a] for a in p.registers if a in missing), None) for p in plan.points]
    found = {
        i: (Quality.ABSENT if plan.points[i].optional and fault.illegal_address else fault.quality, fault.reason)
        for i, fault in enumerate(lacking)
        if fault is not None
    }
    return plan.absent | {i if plan.positions is None else plan.positions[i]: fault for i, fault in found.items()}
