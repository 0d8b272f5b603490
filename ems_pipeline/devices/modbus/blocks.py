"""Points -> the fewest requests a device allows: pure arithmetic on addresses.

A request on a 9600 baud bus costs some 80 ms before its first register, so reading over a small hole is cheaper than
asking twice; where a device fails a block with one invalid address (Samsung), its map allows no holes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ems_pipeline.devices.points.link import Link
from ems_pipeline.devices.points.point import BITS, Point


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """``count`` registers from ``start``."""

    start: int
    count: int

    @property
    def addresses(self) -> range:
        return range(self.start, self.start + self.count)


@dataclass(frozen=True, slots=True)
class WriteBlock:
    """Words for consecutive registers from ``start``, and the points they carry."""

    start: int
    words: tuple[int, ...]
    points: tuple[str, ...]


def plan_reads(points: Iterable[Point], link: Link, absent: Collection[int] = ()) -> list[ReadBlock]:
    """The fewest blocks that cover all registers of the points without splitting a value.

    Greedy from the lowest address: extending a block as far as it goes never costs a request later. ``absent`` are
    registers the device is known to refuse; no block runs over one.
    """
    return _joined({_aligned(span, link) for p in points for span in _spans(p, link)}, link, absent)


def smaller_reads(points: Iterable[Point], block: ReadBlock, link: Link) -> list[ReadBlock]:
    """What is left of a block when one of its addresses is invalid: without what not all models have, that value by
    value; a block of nothing else, or of what all have, value by value."""
    within = {
        (span, p.optional)
        for p in points
        for span in (_aligned(own, link) for own in _spans(p, link))
        if span[0] in block.addresses
    }
    surely = {span for span, optional in within if not optional}
    perhaps = sorted({span for span, optional in within if optional})
    if not surely or not perhaps:
        return [ReadBlock(first, last + 1 - first) for first, last in sorted({span for span, _ in within})]
    refused = {a for first, last in perhaps for a in range(first, last + 1)}
    return [*_joined(surely, link, refused), *(ReadBlock(first, last + 1 - first) for first, last in perhaps)]


def plan_writes(points: Sequence[Point], words: Mapping[int, int], link: Link) -> list[WriteBlock]:
    """Blocks of consecutive registers, ascending; a hole is never written, a value never split, a coil goes alone."""
    blocks: list[WriteBlock] = []
    for point in sorted(points, key=lambda p: p.addresses):
        own = tuple(words[a] for a in point.addresses)
        if blocks:
            last = blocks[-1]
            joins = last.start + len(last.words) == point.addresses[0] and point.table is None
            if joins and len(last.words) + len(own) <= link.max_write:
                blocks[-1] = WriteBlock(last.start, last.words + own, (*last.points, point.name))
                continue
        blocks.append(WriteBlock(point.addresses[0], own, (point.name,)))
    return blocks


def _joined(spans: Iterable[tuple[int, int]], link: Link, absent: Collection[int]) -> list[ReadBlock]:
    blocks: list[ReadBlock] = []
    for first, last in sorted(spans):
        if blocks:
            block = blocks[-1]
            end = max(block.start + block.count, last + 1)
            hole = range(block.start + block.count, first)
            if len(hole) <= link.max_hole and end - block.start <= link.max_read and not any(a in absent for a in hole):
                blocks[-1] = ReadBlock(block.start, end - block.start)
                continue
        blocks.append(ReadBlock(first, last + 1 - first))
    return blocks


def _spans(point: Point, link: Link) -> list[tuple[int, int]]:
    """Runs of registers that belong to one request: a separate high word may come in another, an exponent only where
    it stands too far away (it may change from one request to the next)."""
    if point.high_address is not None and point.address is not None:
        return [(point.address, point.address), (point.high_address, point.high_address)]
    first, last = min(point.registers), max(point.registers)
    if last - first < link.max_read or point.exponent_address is None:
        return [(first, last)]
    return [(point.addresses[0], point.addresses[-1]), (point.exponent_address, point.exponent_address)]


def _aligned(span: tuple[int, int], link: Link) -> tuple[int, int]:
    first, last = span
    return (first - first % 2, last + 1 - last % 2) if link.even and first < BITS else span
