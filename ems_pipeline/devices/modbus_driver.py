"""Any Modbus device that a point map describes: block reads, block writes, separate high words.

Nothing here knows a vendor. Change it when all Modbus devices gain an ability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ems_pipeline.devices import blocks, codec
from ems_pipeline.devices.contract import DeviceFault, Options
from ems_pipeline.devices.mapped_driver import MappedDriver
from ems_pipeline.devices.modbus import Connection
from ems_pipeline.devices.point import Point
from ems_pipeline.devices.point_map import PointMap
from ems_pipeline.devices.sampling import Sample
from ems_pipeline.devices.translation import Family
from ems_pipeline.time_grid import Clock

HELD, HELD_FRAC = 1e-3, 1e-6
"""How far a value may be from what a register at the device's own scale holds of it: the noise of a float."""


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

    async def _placed(self, points: Sequence[Point]) -> tuple[list[Point], dict[str, Sample]]:
        """The points with their registers on this device; those it does not have, with the reason."""
        return list(points), {}

    async def _sample(self, points: Sequence[Point]) -> dict[str, Sample]:
        placed, samples = await self._placed(points)
        words, faults = await self._words(placed)
        self._high_words_live |= codec.high_words_are_live(placed, words)
        for point in placed:
            fault = next((faults[a] for a in point.registers if a not in words), None)
            if fault is not None:
                samples[point.name] = Sample(None, fault.quality, fault.reason)
            else:
                samples[point.name] = Sample(*codec.interpret(point, words, high_words_live=self._high_words_live))
        return samples

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
        words: dict[int, int] = {}
        faults: dict[int, DeviceFault] = {}
        pending = blocks.plan_reads(points, self.point_map.link)
        while pending:
            block = pending.pop(0)
            try:
                words |= await self._read_block(block)
            except DeviceFault as fault:
                singles = blocks.single_reads(points, block, self.point_map.link)
                if fault.illegal_address and len(singles) > 1:  # one unknown register must not hide its neighbours
                    pending = singles + pending
                    continue
                faults |= dict.fromkeys(block.addresses, fault)
                if fault.device_wide:  # a silent device would cost its timeout for every block
                    faults |= dict.fromkeys((a for rest in pending for a in rest.addresses), fault)
                    break
        return words, faults

    async def _read_block(self, block: blocks.ReadBlock) -> dict[int, int]:
        function = self.point_map.link.read_function
        found = await self.connection.read(self.unit_id, function, block.start, block.count, self._gap_s)
        return dict(zip(block.addresses, found, strict=True))


def _encoded(point: Point, value: float, words: Mapping[int, int], faults: Mapping[int, DeviceFault]) -> dict[int, int]:
    """Words of a value at the scale the device gives the point right now.

    Raises:
        CodecError: the scale is not known, or cannot hold the value.
    """
    if point.exponent_address is None and not point.invalid:
        return codec.encode(point, value)
    if missing := [a for a in point.registers if a not in words]:
        raise codec.CodecError(f"{point.name}: its scale cannot be read ({faults[missing[0]].reason}); nothing written")
    stands, _, reason = codec.interpret(point, words)
    if stands is None and point.codes is None:
        raise codec.CodecError(f"{point.name}: the device does not implement it ({reason}); nothing was written")
    power = codec.exponent(point, words)
    encoded = codec.encode(point, value, power)
    held, _, _ = codec.interpret(point, {**words, **encoded})
    if held is None or abs(held - value) > HELD + HELD_FRAC * abs(value):
        raise codec.CodecError(
            f"{point.name}: {value:g} {point.unit} falls between the device's steps of {point.scale * 10.0**power:g}; "
            "give a multiple; nothing was written"
        )
    return encoded
