"""One device as its protocol shows it: the point map's registers over the world's physics.

A twin holds the settings written to it, says what its instruments read, and makes the world obey. Which words a request
gets, or which refusal, is decided here; sockets are `modbus_server`'s and `web_server`'s business. One subclass per
driver family (`twins`); a device that only measures is a plain `Twin`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.decoding import interpret
from ems_pipeline.devices.points.point import BITS, REGISTERS, UNITS, Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.plant.instruments import quantities
from ems_pipeline.plant.refusals import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, Refused, Silent
from ems_pipeline.plant.world import World

READS, WRITES = {3, 4}, {6, 16}
"""Functions of Modbus that a twin may understand."""
BIT_READS, BIT_WRITES = {1: 2 * BITS, 2: BITS}, {5: 2 * BITS}
"""Those for single bits, of a map that has some, with where `Point.addresses` number their tables."""
REFRESH = timedelta(seconds=1)
"""How often a device renews its registers while nothing changes; powers change with a decision, which shows at once."""


class Trouble:
    """A fault at work in one twin; the base disturbs nothing."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def before(self) -> None:
        """Before each request; may raise `Refused` or `Silent`."""

    def shown(self, words: Mapping[int, int]) -> Mapping[int, int]:
        """The registers a reader sees."""
        return words

    def taken(self, wanted: Mapping[str, float]) -> Mapping[str, float]:
        """What of a write is really held."""
        return wanted

    @property
    def obeys(self) -> bool:
        """Whether the physics follow what is held."""
        return True

    def cleared(self) -> None:
        """After the fault has gone."""


class Twin:
    """A device of the site. ``held`` are values by point name that stay until somebody writes them."""

    volatile: frozenset[str] = frozenset()
    """Points that a restart sets back to what the installer left."""
    has_holes = True
    """Whether registers between those of the map exist, too, and are 0, where the link does not say otherwise."""
    longest_read: int | None = None
    """Registers it gives at once, where that is more than drivers ask for."""
    silent_functions: frozenset[int] = frozenset()
    """Functions the device ignores without an answer."""

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        self.world, self.device, self.point_map = world, device, point_map
        self.held = {p.name: neutral(p) for p in point_map.points if p.type != "ascii"} | self.factory_settings()
        self._by_address = {a: p for p in point_map.points for a in p.addresses}
        self._image: dict[int, int] = {}
        self._image_of = (-1, -1, self.world.at)
        self._writes = 0
        self.troubles: dict[str, Trouble] = {}
        """Faults at work, by kind."""

    @property
    def last_address(self) -> int:
        """The highest register of its own unit that the map knows."""
        return max((a for a in self._by_address if a < REGISTERS), default=0)

    @property
    def other_units(self) -> set[int]:
        """Units beside its own that it answers for."""
        return {a // REGISTERS % UNITS for a in self._by_address} - {0}

    @property
    def last_bit(self) -> int | None:
        """The highest address of its coils and discrete inputs; None: it has none."""
        return max((a % REGISTERS for a in self._by_address if a >= BITS), default=None)

    def factory_settings(self) -> dict[str, float]:
        """What an installer leaves in the writable points, by point name."""
        return {}

    def live(self) -> dict[str, float]:
        """What the device measures, by point name or canonical quantity; missing ones are as held."""
        return quantities(self.world, self.device)

    def raw(self) -> dict[str, int]:
        """Points whose register shows something that no site value stands for, by point name."""
        return {}

    def obey(self) -> None:
        """Pass the held settings on to the physics."""

    def asked(self) -> None:
        """Somebody sent a valid request: what feeds the device's own watchdog."""

    def value(self, point: Point, live: Mapping[str, float]) -> float:
        """Site value of a point: measured, or as held, within what the map says is possible."""
        found = live.get(point.name, live.get(point.quantity or "", self.held.get(point.name, 0.0)))
        if point.range is not None:
            found = min(max(found, point.range[0]), point.range[1])
        return found

    def registers(self) -> dict[int, int]:
        """All words of the device now, by address."""
        with self.world.lock:
            self.world.advance()
            changes, writes, at = self._image_of
            if (changes, writes) != (self.world.changes, self._writes) or self.world.at - at >= REFRESH:
                self._image, self._image_of = self._encode(), (self.world.changes, self._writes, self.world.at)
            return self._image

    def read(self, function: int, address: int, count: int) -> list[int]:
        """Words for a read request.

        Raises:
            Refused: a function or an address the device does not have.
            Silent: the device ignores such requests.
        """
        self._check_function(function, self._spoken & READS)
        self._check_shape(address, count)
        words = self._shown()
        asked = range(address, address + count)
        has_holes = self.has_holes and self.point_map.link.max_hole > 0
        if not has_holes and any(a not in words for a in asked):
            raise Refused(ILLEGAL_ADDRESS)  # a device without holes fails the whole block
        self.asked()
        return [words.get(a, 0) for a in asked]

    def bits(self, function: int, address: int, unit: int = 0) -> dict[int, int]:
        """All coils or discrete inputs of a unit by address, for a request that begins at ``address``.

        Raises:
            Refused, Silent: as for `read`.
        """
        self._check_function(function, self._spoken & BIT_READS.keys())
        first = BIT_READS[function] + REGISTERS * unit
        found = {a - first: word for a, word in self._shown().items() if 0 <= a - first < REGISTERS}
        if address not in found:
            raise Refused(ILLEGAL_ADDRESS)
        self.asked()
        return found

    def _shown(self) -> Mapping[int, int]:
        words: Mapping[int, int] = self.registers()
        for trouble in self.troubles.values():
            words = trouble.shown(words)
        return words

    def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """Take a write request; the physics follow at once.

        Raises:
            Refused, Silent: as for `read`, and a value outside the point's range.
        """
        self._check_function(function, self._spoken & (WRITES | BIT_WRITES.keys()))
        address += BIT_WRITES.get(function, 0)
        words = {address + i: int(v) for i, v in enumerate(values)}
        wanted: dict[str, float] = {}
        for a in words:
            point = self._by_address.get(a)
            if point is None or not point.writable or any(b not in words for b in point.addresses):
                raise Refused(ILLEGAL_ADDRESS)
            scales = self.registers() if point.exponent_address is not None else {}
            value, quality, _ = interpret(point, {**scales, **words})
            if value is None or quality or 0 < value < (point.min_nonzero or 0.0):
                raise Refused(ILLEGAL_VALUE)
            wanted[point.name] = value
        self.asked()
        self.put(wanted)

    def put(self, values: Mapping[str, float]) -> None:
        """Take a checked write, by point name, now."""
        with self.world.lock:
            self.world.advance()
            for trouble in self.troubles.values():
                values = trouble.taken(values)
            self.hold(values)

    def hold(self, values: Mapping[str, float]) -> None:
        """Keep these values and act on them, at the instant the world stands at."""
        with self.world.lock:
            self.held |= values
            self._writes += 1
            if all(t.obeys for t in self.troubles.values()):
                self.obey()
            self.world.decide_again()

    def trouble(self, kind: str, trouble: type[Trouble]) -> None:
        """Switch a device fault on, see `faults`."""
        with self.world.lock:
            self.world.advance()
            self.troubles[kind] = trouble(self)

    def clear(self) -> None:
        """Switch all faults off."""
        with self.world.lock:
            self.world.advance()
            gone, self.troubles = self.troubles, {}
            for trouble in gone.values():
                trouble.cleared()

    def check_alive(self) -> None:
        """Whether the device answers at all now. Raises `Refused` or `Silent`."""
        with self.world.lock:
            self.world.advance()
            for trouble in self.troubles.values():
                trouble.before()

    @property
    def _spoken(self) -> set[int]:
        link = self.point_map.link
        bits = {*BIT_READS, *BIT_WRITES} if self.last_bit is not None else set[int]()
        return {link.read_function, link.write_function, *link.also_functions, *bits}

    def _check_function(self, function: int, spoken: set[int]) -> None:
        self.check_alive()
        if function in self.silent_functions:
            raise Silent
        if function not in spoken:
            raise Refused(ILLEGAL_FUNCTION)

    def _check_shape(self, address: int, count: int) -> None:
        """Refuse a request the device does not take: an odd one where all values are pairs, one that is too long."""
        link = self.point_map.link
        if link.even and (address % 2 or count % 2):
            raise Refused(ILLEGAL_ADDRESS)
        if count > (self.longest_read or link.max_read):
            raise Refused(ILLEGAL_VALUE)

    def _encode(self) -> dict[int, int]:
        live, raws, words = self.live(), self.raw(), dict[int, int]()
        for point in self.point_map.points:
            if point.type == "ascii":
                words |= codec.encode_text(point, "PLANT00001"[: 2 * len(point.addresses)])
            elif point.name in raws:
                words[point.addresses[0]] = raws[point.name]
            elif point.readable:
                words |= codec.encode(point, self.value(point, live))
        shown = {p.address: p.message for p in self.point_map.points if p.message is not None}
        for of in self.point_map.slots:
            words |= {of.ids + k: shown.get(of.values + k) or 0 for k in range(of.count)}
        return words


class OtherUnit:
    """The registers of a twin that answer under another unit id."""

    def __init__(self, twin: Twin, unit_id: int) -> None:
        self._twin, self._unit, self._first = twin, unit_id, REGISTERS * unit_id

    @property
    def last_address(self) -> int:
        return max((a - self._first for a in self._twin.registers() if 0 <= a - self._first < REGISTERS), default=0)

    @property
    def last_bit(self) -> int | None:
        """As `Twin.last_bit`."""
        return self._twin.last_bit

    def bits(self, function: int, address: int) -> dict[int, int]:
        """As `Twin.bits`."""
        return self._twin.bits(function, address, self._unit)

    def read(self, function: int, address: int, count: int) -> list[int]:
        """As `Twin.read`."""
        return self._twin.read(function, self._first + address, count)

    def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """As `Twin.write`."""
        self._twin.write(function, self._first + address, values)


def neutral(point: Point) -> float:
    """The least remarkable value of a point: 0, or the lowest it can have, or its first code."""
    if point.codes is not None:
        values = list(point.codes.values())
        return 0.0 if 0.0 in values else values[0]
    low, high = point.range or (0.0, 0.0)
    return 0.0 if low <= 0 <= high else low


Part = TypeVar("Part")


def part_of(parts: Iterable[Part], device_of: Callable[[Part], str | None], device: str, what: str) -> Part:
    """The part of the world that a controlling device steers.

    Raises:
        ValueError: no asset of the site names the device.
    """
    for part in parts:
        if device_of(part) == device:
            return part
    raise ValueError(
        f"no {what} of the site names device {device!r}, so its twin has no physics; add `device: {device}`"
    )
