"""Any Modbus device that a point map describes: block reads, block writes, separate high words.

Nothing here knows a vendor. Change it when all Modbus devices gain an ability.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ems_pipeline.devices import blocks, codec
from ems_pipeline.devices.blocks import ReadBlock
from ems_pipeline.devices.contract import DeviceFault, Options
from ems_pipeline.devices.decoding import Decoder, high_words_are_live, interpret
from ems_pipeline.devices.link import Link
from ems_pipeline.devices.mapped_driver import MappedDriver
from ems_pipeline.devices.modbus import Connection
from ems_pipeline.devices.point import Point
from ems_pipeline.devices.point_map import PointMap
from ems_pipeline.devices.reading import Fault
from ems_pipeline.devices.sampling import Sample, Selection, Words
from ems_pipeline.devices.translation import Family
from ems_pipeline.time_grid import Clock

HELD, HELD_FRAC = 1e-3, 1e-6
"""How far a value may be from what a register at the device's own scale holds of it: the noise of a float."""


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """How some points are asked for and understood; the same for all devices of a map that have its points there.

    ``points`` are those the device has, at ``positions`` of those asked (None: all of them); the others are ``absent``.
    ``high_words`` are the registers of separate high words -> where they stand in what the blocks bring.
    """

    points: tuple[Point, ...]
    positions: tuple[int, ...] | None
    absent: dict[int, Fault]
    reads: tuple[ReadBlock, ...]
    decoder: Decoder
    high_words: dict[int, int]

    @classmethod
    def of(cls, asked: Sequence[Point], placed: Sequence[Point], absent: Mapping[str, Sample], link: Link) -> ReadPlan:
        """The fewest requests for the placed points, and a decoder for what they bring."""
        reads = tuple(blocks.plan_reads(placed, link))
        columns = {address: i for i, address in enumerate(a for block in reads for a in block.addresses)}
        at = {p.name: i for i, p in enumerate(asked)}
        return cls(
            tuple(placed),
            tuple(at[p.name] for p in placed) if absent else None,
            {at[name]: (sample.quality, sample.reason) for name, sample in absent.items()},
            reads,
            Decoder(placed, columns),
            {a: columns[a] for p in placed if (a := p.high_address) is not None},
        )


class ModbusDriver(MappedDriver):
    """A device behind a Modbus gateway. Option `gap_s` replaces the map's silence between requests."""

    def __init__(
        self,
        device: str,
        point_map: PointMap,
        family: Family,
        options: Options,
        clock: Clock,
        connection: Connection,
        unit_id: int,
    ) -> None:
        super().__init__(device, point_map, family, options, clock)
        self.connection = connection
        self.unit_id = unit_id
        self._gap_s = float(options.get("gap_s", point_map.link.gap_s))
        self._high_words_live = False

    async def connect(self) -> None:
        await self.connection.connect()

    async def close(self) -> None:
        await self.connection.close()

    async def read_texts(self) -> dict[str, str]:
        """The device's own identification (serial number and the like) by point name; what fails is left out."""
        points, _ = await self._placed([p for p in self.point_map.points if p.type == "ascii"])
        words, _ = await self._words(points)
        return {p.name: codec.decode_text(p, words) for p in points if all(a in words for a in p.addresses)}

    @property
    def _layout(self) -> Hashable:
        """On what the registers of the points depend beside the map; None while it is not known."""
        return ()

    async def _placed(self, points: Sequence[Point]) -> tuple[list[Point], dict[str, Sample]]:
        """The points with their registers on this device; those it does not have, with the reason."""
        return list(points), {}

    async def _sample(self, selection: Selection) -> Words:
        plan = self.point_map.made.get((selection, self._layout)) or await self._plan(selection)
        row, missing = await self._row(plan.points, plan.reads)
        if plan.high_words and not self._high_words_live:
            high = {a: row[i] for a, i in plan.high_words.items()}
            self._high_words_live = high_words_are_live(plan.points, high)
        faults = _faults(plan, missing) if missing else plan.absent
        return Words(plan.decoder, row, self._high_words_live, faults, plan.positions)

    async def _plan(self, selection: Selection) -> ReadPlan:
        placed, absent = await self._placed(selection.asked)
        plan = ReadPlan.of(selection.asked, placed, absent, self.point_map.link)
        if self._layout is not None:
            self.point_map.made[selection, self._layout] = plan
        return plan

    async def _send(self, points: Sequence[Point], values: Sequence[float]) -> dict[str, str]:
        wanted = dict(zip((p.name for p in points), values, strict=True))
        placed, absent = await self._placed(points)
        refusals = {name: sample.reason for name, sample in absent.items()}
        scales, faults = await self._words([p for p in placed if p.exponent_address is not None or p.invalid])
        words: dict[int, int] = {}
        for point in placed:
            try:
                words |= _encoded(point, wanted[point.name], scales, faults)
            except codec.CodecError as error:
                refusals[point.name] = str(error)
        sent = [p for p in placed if p.name not in refusals]
        function = self.point_map.link.write_function
        for block in blocks.plan_writes(sent, words, self.point_map.link):
            try:
                await self.connection.write(self.unit_id, function, block.start, block.words, self._gap_s)
            except DeviceFault as fault:
                refusals |= dict.fromkeys(block.points, fault.reason)
        return refusals

    async def _words(self, points: Sequence[Point]) -> tuple[dict[int, int], dict[int, DeviceFault]]:
        """Registers of the points, and for each that is missing the reason."""
        reads = blocks.plan_reads(points, self.point_map.link)
        row, missing = await self._row(points, reads)
        addresses = [a for block in reads for a in block.addresses]
        return {a: word for a, word in zip(addresses, row, strict=True) if a not in missing}, missing

    async def _row(
        self, points: Sequence[Point], reads: Iterable[ReadBlock]
    ) -> tuple[array[int], dict[int, DeviceFault]]:
        """Words of the blocks in their order, 0 where they are missing; and by register why they are."""
        row = array("H")
        missing: dict[int, DeviceFault] = {}
        silent: DeviceFault | None = None
        for block in reads:
            try:
                if silent is not None:  # a silent device would cost its timeout for every block
                    raise silent
                row.extend(await self._read_block(block))
            except DeviceFault as fault:
                found, lacking = await self._piecemeal(points, block, fault)
                row.extend(found.get(a, 0) for a in block.addresses)
                missing |= lacking
                silent = next((f for f in lacking.values() if f.device_wide), None)
        return row, missing

    async def _piecemeal(
        self, points: Sequence[Point], block: ReadBlock, refusal: DeviceFault
    ) -> tuple[dict[int, int], dict[int, DeviceFault]]:
        """A refused block value by value, where that may help: one unknown register must not hide its neighbours."""
        singles = blocks.single_reads(points, block, self.point_map.link)
        if not refusal.illegal_address or len(singles) < 2:
            return {}, dict.fromkeys(block.addresses, refusal)
        words: dict[int, int] = {}
        faults: dict[int, DeviceFault] = {}
        for i, single in enumerate(singles):
            try:
                words |= zip(single.addresses, await self._read_block(single), strict=True)
            except DeviceFault as fault:
                failed = singles[i:] if fault.device_wide else [single]
                faults |= dict.fromkeys((a for one in failed for a in one.addresses), fault)
                if fault.device_wide:
                    break
        return words, {a: fault for a, fault in faults.items() if a not in words}

    async def _read_block(self, block: ReadBlock) -> list[int]:
        function = self.point_map.link.read_function
        return await self.connection.read(self.unit_id, function, block.start, block.count, self._gap_s)


def _faults(plan: ReadPlan, missing: Mapping[int, DeviceFault]) -> dict[int, Fault]:
    """What is wrong with points that lack a register, by their position among those asked."""
    lacking = [next((missing[a] for a in p.registers if a in missing), None) for p in plan.points]
    found = {i: (fault.quality, fault.reason) for i, fault in enumerate(lacking) if fault is not None}
    return plan.absent | {i if plan.positions is None else plan.positions[i]: fault for i, fault in found.items()}


def _encoded(point: Point, value: float, words: Mapping[int, int], faults: Mapping[int, DeviceFault]) -> dict[int, int]:
    """Words of a value at the scale the device gives the point right now.

    Raises:
        CodecError: the scale is not known, or cannot hold the value.
    """
    if point.exponent_address is None and not point.invalid:
        return codec.encode(point, value)
    if missing := [a for a in point.registers if a not in words]:
        raise codec.CodecError(f"{point.name}: its scale cannot be read ({faults[missing[0]].reason}); nothing written")
    stands, _, reason = interpret(point, words)
    if stands is None and point.codes is None:
        raise codec.CodecError(f"{point.name}: the device does not implement it ({reason}); nothing was written")
    power = codec.exponent(point, words)
    encoded = codec.encode(point, value, power)
    held, _, _ = interpret(point, {**words, **encoded})
    if held is None or abs(held - value) > HELD + HELD_FRAC * abs(value):
        raise codec.CodecError(
            f"{point.name}: {value:g} {point.unit} falls between the device's steps of {point.scale * 10.0**power:g}; "
            "give a multiple; nothing was written"
        )
    return encoded
