"""Any Modbus device that a point map describes; what a family of devices does with commands comes as a `Family`.

Nothing here knows a vendor. Change it when a promise of `contract.Driver` changes for all Modbus devices.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ems_pipeline.devices import blocks, codec, contract
from ems_pipeline.devices.command import Command
from ems_pipeline.devices.contract import (
    Acknowledgement,
    DeviceFault,
    Echo,
    Family,
    Live,
    Options,
    PointAnswer,
    PointWrite,
    Target,
)
from ems_pipeline.devices.modbus import Connection
from ems_pipeline.devices.point_map import Point, PointMap
from ems_pipeline.devices.reading import Quality, Reading
from ems_pipeline.devices.sampling import Sample, select, to_readings
from ems_pipeline.time_grid import Clock


class ModbusDriver:
    """A device behind a Modbus gateway; see `contract.Driver` for the promises of each method."""

    def __init__(
        self,
        device: str,
        point_map: PointMap,
        family: Family,
        connection: Connection,
        unit_id: int,
        options: Options,
        clock: Clock,
    ) -> None:
        self.device = device
        self.point_map = point_map
        self.family = family
        self.connection = connection
        self.unit_id = unit_id
        self.options = options
        self._clock = clock
        self._gap_s = float(options.get("gap_s", point_map.link.gap_s))
        self._high_words_live = False

    @property
    def silence_behaviour(self) -> str:
        return self.point_map.silence

    @property
    def needs(self) -> frozenset[str]:
        return self.family.needs(self.point_map)

    async def connect(self) -> None:
        await self.connection.connect()

    async def close(self) -> None:
        await self.connection.close()

    async def read(self, quantities: Collection[str] | None = None) -> list[Reading]:
        selection = select(self.point_map, quantities)
        asked_at = self._clock.now()
        samples = await self._sample(selection.asked)
        return to_readings(self.device, self.point_map, selection, samples, asked_at, self._clock.now())

    def translate(self, command: Command, live: Live) -> tuple[PointWrite, ...]:
        return self.family.writes_for(Target(self.point_map, self.options, live), command)

    def release_writes(self, live: Live) -> tuple[PointWrite, ...]:
        return self.family.writes_to_release(Target(self.point_map, self.options, live))

    async def write(self, writes: Sequence[PointWrite]) -> Acknowledgement:
        points = [self.point_map.point(w.point) for w in contract.checked(self.point_map, writes)]
        words: dict[int, int] = {}
        for point, write in zip(points, writes, strict=True):
            words |= codec.encode(point, write.value)
        answers: dict[str, tuple[bool, str]] = {}
        for block in blocks.plan_writes(points, words, self.point_map.link):
            answer = await self._write_block(block)
            answers |= dict.fromkeys(block.points, (answer is None, answer or ""))
        return Acknowledgement(tuple(PointAnswer(p.name, *answers[p.name]) for p in points))

    async def read_back(self, writes: Sequence[PointWrite]) -> list[Echo]:
        points = [self.point_map.point(w.point) for w in writes]
        samples = await self._sample(points)
        return [
            Echo(p.name, w.value, samples[p.name].value, contract.tolerance(p), samples[p.name].reason)
            for p, w in zip(points, writes, strict=True)
        ]

    async def read_texts(self) -> dict[str, str]:
        """The device's own identification (serial number and the like) by point name; what fails is left out."""
        points = [p for p in self.point_map.points if p.type == "ascii"]
        words, _ = await self._words(points)
        return {p.name: codec.decode_text(p, words) for p in points if all(a in words for a in p.addresses)}

    async def _write_block(self, block: blocks.WriteBlock) -> str | None:
        """None, or why the device did not take the block."""
        try:
            function = self.point_map.link.write_function
            await self.connection.write(self.unit_id, function, block.start, block.words, self._gap_s)
        except DeviceFault as fault:
            return fault.reason
        return None

    async def _sample(self, points: Iterable[Point]) -> dict[str, Sample]:
        wanted = list(points)
        words, faults = await self._words(wanted)
        self._high_words_live |= codec.high_words_are_live(wanted, words)
        samples = {}
        for point in wanted:
            missing = next((faults[a] for a in point.addresses if a not in words), None)
            if missing is not None:
                samples[point.name] = Sample(None, missing.quality, missing.reason)
            else:
                live = self._high_words_live
                samples[point.name] = Sample(*codec.interpret(point, words, high_words_live=live))
        return samples

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
                if fault.quality is Quality.NO_ANSWER:  # a silent device would cost its timeout for every block
                    faults |= dict.fromkeys((a for rest in pending for a in rest.addresses), fault)
                    break
        return words, faults

    async def _read_block(self, block: blocks.ReadBlock) -> dict[int, int]:
        function = self.point_map.link.read_function
        found = await self.connection.read(self.unit_id, function, block.start, block.count, self._gap_s)
        return dict(zip(block.addresses, found, strict=True))
