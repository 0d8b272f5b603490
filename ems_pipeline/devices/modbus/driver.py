"""Any Modbus device that a point map describes: block reads, block writes, separate high words.

Nothing here knows a vendor. Change it when all Modbus devices gain an ability.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from ems_pipeline.devices.driver.contract import (
    Acknowledgement,
    DeviceFault,
    MayGo,
    PointWrite,
    SetpointRefused,
    always,
)
from ems_pipeline.devices.driver.mapped_driver import Described, MappedDriver
from ems_pipeline.devices.modbus import blocks, high_words, slots
from ems_pipeline.devices.modbus.block_reader import BlockReader
from ems_pipeline.devices.modbus.blocks import ReadBlock
from ems_pipeline.devices.modbus.read_plan import ReadPlan, faults_of, is_refused
from ems_pipeline.devices.modbus.wire import Connection
from ems_pipeline.devices.points import codec, growth
from ems_pipeline.devices.points.decoding import interpret
from ems_pipeline.devices.points.map_rules import SlotList
from ems_pipeline.devices.points.per_map import once_per_map
from ems_pipeline.devices.points.point import Point, asked_at
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.points.samples import Sample
from ems_pipeline.devices.points.sampling import Selection, Words

HELD, HELD_FRAC = 1e-3, 1e-6
"""How far a value may be from what a register at the device's own scale holds of it: the noise of a float."""


class ModbusDriver(MappedDriver):
    """A device behind a Modbus gateway. Option `gap_s` replaces the map's silence between requests."""

    def __init__(self, described: Described, connection: Connection, unit_id: int) -> None:
        super().__init__(described)
        self.connection = connection
        self.unit_id = unit_id
        self._reader = BlockReader(connection, unit_id, self.point_map.link, self._gap_s)
        self._high_words_count = False
        self._stated: dict[str, float] | None = None
        """Sizes the device states itself; None: not asked."""
        self._growth = self._grown()
        self._lacking: frozenset[str] = frozenset()
        """Optional points that it has refused."""
        self._listed: dict[SlotList, tuple[int, ...]] | None = None if self.point_map.slots else {}
        """What its slots show; None: not asked."""

    async def connect(self) -> None:
        await self.connection.connect()

    async def close(self) -> None:
        self._listed = None if self.point_map.slots else {}
        await self.connection.close()

    async def read_texts(self) -> dict[str, str]:
        """The device's own identification (serial number and the like) by point name; what fails is left out."""
        points, _ = await self._placed([p for p in self.point_map.points if p.type == "ascii"])
        words, _ = await self._reader.words(points)
        return {p.name: codec.decode_text(p, words) for p in points if all(a in words for a in p.addresses)}

    async def write(self, writes: Sequence[PointWrite], may_go: MayGo = always) -> Acknowledgement:
        try:
            return await super().write(writes, may_go)
        except SetpointRefused:
            if self._stated is not None or not await self._asked_its_size():
                raise
            return await super().write(writes, may_go)

    @property
    def _layout(self) -> Hashable:
        """On what the registers of the points and their ranges depend beside the map; None while it is not known."""
        if self._listed is None:
            return None
        return self._lacking, self._growth, tuple(self._listed.items())

    @property
    def _sizes(self) -> dict[str, float]:
        return growth.sizes(self.point_map, self.options, self._stated or {})

    def _grown(self) -> frozenset[tuple[str, float]]:
        return frozenset(growth.factors(self.point_map, self._sizes).items())

    def _fitted(self, measured: Mapping[str, float]) -> PointMap:
        return super()._fitted({**(self._stated or {}), **measured})

    async def _placed(self, points: Sequence[Point]) -> tuple[list[Point], dict[str, Sample]]:
        """The points with their registers and ranges on this device; those it does not have, with the reason."""
        fitted, lacks = self._fitted({}).by_name, Sample(None, Quality.ABSENT, "this model does not have it")
        absent = {p.name: lacks for p in points if p.name in self._lacking}
        asked = [fitted[p.name] for p in points if p.name not in absent]
        try:
            listed = await self._slots() if any(p.message is not None for p in asked) else {}
        except DeviceFault as fault:
            return [], dict.fromkeys((p.name for p in points), Sample(None, fault.quality, fault.reason))
        places = {p.name: slots.placed(p, listed) for p in asked}
        absent |= {name: place for name, place in places.items() if isinstance(place, Sample)}
        return [place for place in places.values() if isinstance(place, Point)], absent

    async def _slots(self) -> dict[SlotList, tuple[int, ...]]:
        """What the device's lists of messages select, asked once until `close`; empty where it does not show a list.

        Raises:
            DeviceFault: the device keeps silent.
        """
        if self._listed is None:
            found: dict[SlotList, tuple[int, ...]] = {}
            for of in self.point_map.slots:
                try:
                    found[of] = tuple(await self._reader.block(ReadBlock(of.ids, of.count)))
                except DeviceFault as fault:
                    if not fault.illegal_address:
                        raise
                    found[of] = ()
            self._listed = found
        return self._listed

    async def _sample(self, selection: Selection) -> Words:
        plan = await self._planned(selection)
        row, missing = await self._reader.row(plan.points, plan.reads)
        filled = self._filled(plan, row)
        if len(missing) < len(row) and self._is_beyond(plan, row, filled) and await self._asked_its_size():
            plan = await self._planned(selection)
            filled = self._filled(plan, row)
        if missing:
            self._lacking |= {p.name for p in plan.points if p.optional and is_refused(p, missing)}
        faults = faults_of(plan, missing) if missing else plan.absent
        return Words(plan.decoder, row, filled, faults, plan.positions)

    def _filled(self, plan: ReadPlan, row: Sequence[int]) -> bool | None:
        """Whether this firmware fills separate high words; what it has shown once holds as long as the driver lives."""
        if not plan.splits or self._high_words_count:
            return self._high_words_count
        phases = self.point_map.phases
        filled = high_words.filled(plan.splits, phases, row, self._sizes.get(high_words.RATED, 0.0))
        self._high_words_count = any(row[split.high] for split in plan.splits)
        return filled

    def _is_beyond(self, plan: ReadPlan, row: Sequence[int], filled: bool | None) -> bool:
        """Whether it depends on the device's size, not asked yet, what a frame means or whether it can be true."""
        if self._stated is not None or not self.point_map.rated_by:
            return False
        return filled is None or plan.is_beyond(row, whole=filled)

    async def _asked_its_size(self) -> bool:
        """Ask the device once how large it is; whether it said so."""
        names = set(self.point_map.rated_by.values())
        points = [p for p in self.point_map.points if p.name in names]
        words, missing = await self._reader.words(points)
        if any(fault.quality is Quality.NO_ANSWER for fault in missing.values()):
            return False
        known = {p.name: interpret(p, words) for p in points if all(a in words for a in p.registers)}
        self._stated = {name: v for name, (v, quality, _) in known.items() if v is not None and quality is Quality.GOOD}
        self._growth = self._grown()
        return bool(self._stated)

    async def _planned(self, selection: Selection) -> ReadPlan:
        return _plans(self.point_map).get((selection, self._layout)) or await self._plan(selection)

    async def _plan(self, selection: Selection) -> ReadPlan:
        placed, absent = await self._placed(selection.asked)
        refused = {a for p in self.point_map.points if p.name in self._lacking for a in p.addresses}
        plan = ReadPlan.of(selection.asked, placed, absent, self.point_map.link, refused)
        if self._layout is not None:
            _plans(self.point_map)[selection, self._layout] = plan
        return plan

    async def _send(self, points: Sequence[Point], values: Sequence[float], may_go: MayGo) -> dict[str, str]:
        wanted = dict(zip((p.name for p in points), values, strict=True))
        placed, absent = await self._placed(points)
        refusals = {name: sample.reason for name, sample in absent.items()}
        scales, faults = await self._reader.words([p for p in placed if p.exponent_address is not None or p.invalid])
        words: dict[int, int] = {}
        for point in placed:
            try:
                words |= _encoded(point, wanted[point.name], scales, faults)
            except codec.CodecError as error:
                refusals[point.name] = str(error)
        sent = [p for p in placed if p.name not in refusals]
        for block in blocks.plan_writes(sent, words, self.point_map.link):
            table, unit, start = asked_at(block.start)
            function = 5 if table == "coil" else self.point_map.link.write_function
            try:
                await self.connection.write(unit or self.unit_id, function, start, block.words, self._gap_s, may_go)
            except DeviceFault as fault:
                refusals |= dict.fromkeys(block.points, fault.reason)
        return refusals


@once_per_map
def _plans(_: PointMap) -> dict[tuple[Selection, Hashable], ReadPlan]:
    """How each selection of a map is read, by what a device has told of its layout."""
    return {}


def _encoded(point: Point, value: float, words: Mapping[int, int], faults: Mapping[int, DeviceFault]) -> dict[int, int]:
    """Words of a value at the scale the device gives the point right now.

    Raises:
        CodecError: the scale is not known, or cannot hold the value.
    """
    if point.exponent_address is None and not point.invalid:
        return codec.encode(point, value)
    if missing := [a for a in point.registers if a not in words]:
        raise codec.CodecError(
            f"{point.name}: its scale cannot be read ({faults[missing[0]].reason}); nothing written", "read it again"
        )
    stands, _, reason = interpret(point, words)
    if stands is None and point.codes is None:
        raise codec.CodecError(
            f"{point.name}: the device does not implement it ({reason}); nothing was written", "leave it out of the map"
        )
    power = codec.exponent(point, words)
    encoded = codec.encode(point, value, power)
    held, _, _ = interpret(point, {**words, **encoded})
    if held is None or abs(held - value) > HELD + HELD_FRAC * abs(value):
        raise codec.CodecError(
            f"{point.name}: {value:g} {point.unit} falls between the device's steps of {point.scale * 10.0**power:g}",
            "give a multiple",
        )
    return encoded
