"""What every driver promises, whatever wire it talks on: the only view of hardware the rest of the system has.

A driver reads into `Reading`s without ever raising for a device that fails, turns a `Command` into `PointWrite`s by
pure arithmetic, writes them, reads them back, and knows which writes hand the device over to its own logic. Whether,
when and how often to write is `control`'s business. Add here when all devices gain an ability.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ems_pipeline.devices.codec import CodecError, resolution, to_raw
from ems_pipeline.devices.command import Command
from ems_pipeline.devices.point_map import Point, PointMap
from ems_pipeline.devices.reading import Quality, Reading

Live = Mapping[str, float]
"""Good values of a device by quantity or point name, as `good_values` makes them from its readings."""
Options = Mapping[str, float | str | bool]
"""What the site says about one device: its limits, and the `options` of the site file."""


class SetpointRefused(ValueError):
    """A command that this device must not or cannot get; nothing was written."""


class DeviceFault(Exception):
    """One request that got no usable answer; drivers turn it into a quality and a reason."""

    def __init__(self, quality: Quality, reason: str, *, illegal_address: bool = False) -> None:
        super().__init__(reason)
        self.quality = quality
        self.reason = reason
        self.illegal_address = illegal_address


@dataclass(frozen=True, slots=True)
class PointWrite:
    """One point to be set, in the site's unit and sign."""

    point: str
    value: float


@dataclass(frozen=True, slots=True)
class PointAnswer:
    """What the device said to one write; an accepted write is not yet an obeyed one."""

    point: str
    accepted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Answers to a list of writes, in its order."""

    answers: tuple[PointAnswer, ...]

    @property
    def accepted(self) -> bool:
        """Whether the device took every write."""
        return all(a.accepted for a in self.answers)

    @property
    def reason(self) -> str:
        """Why not, for the journal."""
        return "; ".join(f"{a.point}: {a.reason}" for a in self.answers if not a.accepted)


@dataclass(frozen=True, slots=True)
class Echo:
    """A written point read again: what was wanted, what stands there (None: could not be read)."""

    point: str
    wanted: float
    found: float | None
    tolerance: float
    reason: str = ""

    @property
    def matches(self) -> bool:
        """Whether the device holds the value, to within one step of its register."""
        return self.found is not None and abs(self.found - self.wanted) <= self.tolerance


@dataclass(frozen=True, slots=True)
class Target:
    """A device as a translation sees it: its map, what the site says about it, what it says itself right now."""

    point_map: PointMap
    options: Options
    live: Live

    def known(self, name: str) -> float:
        """The live value ``name``, or a refusal that says what to read first."""
        if name not in self.live:
            raise SetpointRefused(f"{name} is not known; read it first (driver.needs) or see why it is withheld")
        return self.live[name]

    def option(self, name: str, default: float) -> float:
        """A numeric option of the device."""
        return float(self.options.get(name, default))


@dataclass(frozen=True, slots=True)
class Family:
    """How one kind of device obeys: pure functions to point writes; the default measures and obeys nothing."""

    translate: Callable[[Target, Command], list[PointWrite]] | None = None
    release: Callable[[Target], list[PointWrite]] | None = None
    needs: Callable[[PointMap], frozenset[str]] = lambda _: frozenset()

    def writes_for(self, target: Target, command: Command) -> tuple[PointWrite, ...]:
        """Checked writes for a command.

        Raises:
            SetpointRefused: the device cannot or must not do that.
        """
        if self.translate is None:
            raise SetpointRefused(f"{target.point_map.map} only measures; command a device that can obey")
        return checked(target.point_map, self.translate(target, command))

    def writes_to_release(self, target: Target) -> tuple[PointWrite, ...]:
        """Checked writes that hand the device back; none for one that only measures."""
        return checked(target.point_map, self.release(target)) if self.release else ()


def wrong_command(target: Target, command: Command) -> SetpointRefused:
    """The refusal of a command of another kind of device."""
    return SetpointRefused(
        f"{command.device} ({target.point_map.map}) takes no {type(command).__name__}; see docs/devices.md"
    )


class Driver(Protocol):
    """One device of a site."""

    device: str
    point_map: PointMap

    @property
    def silence_behaviour(self) -> str:
        """What the device does when we vanish, in words for the operator."""
        ...

    @property
    def needs(self) -> frozenset[str]:
        """What `translate` and `release_writes` must find in ``live``; read it with ``read(driver.needs)``."""
        ...

    async def connect(self) -> None:
        """Open the connection; a device that does not answer shows in the readings, not here."""
        ...

    async def read(self, quantities: Collection[str] | None = None) -> list[Reading]:
        """Readings of the named quantities or points (None: the group `live`); a failure is a quality and a reason."""
        ...

    def translate(self, command: Command, live: Live) -> tuple[PointWrite, ...]:
        """Writes that make the device obey; pure.

        Raises:
            SetpointRefused: a wrong kind of command, a value out of range, or something missing in ``live``.
        """
        ...

    def release_writes(self, live: Live) -> tuple[PointWrite, ...]:
        """Writes that hand the device back to its own safe mode; pure, same errors as `translate`."""
        ...

    async def write(self, writes: Sequence[PointWrite]) -> Acknowledgement:
        """Send the writes once; never repeats one, never raises for a device that refuses."""
        ...

    async def read_back(self, writes: Sequence[PointWrite]) -> list[Echo]:
        """Read every written point again."""
        ...

    async def close(self) -> None:
        """Let the connection go."""
        ...


def checked(point_map: PointMap, writes: Iterable[PointWrite]) -> tuple[PointWrite, ...]:
    """The writes, if every one of them is within what the map allows.

    Raises:
        SetpointRefused: the first that is not, with both sides and the remedy.
    """
    found = tuple(writes)
    for write in found:
        check_value(point_map.point(write.point), write.value)
    return found


def check_value(point: Point, value: float) -> None:
    """Refuse a value the point does not allow: not writable, out of range, below the least non-zero, not encodable."""
    if not point.writable:
        raise SetpointRefused(f"{point.name} is read-only; see `access` in its point map")
    if point.range is not None and not point.range[0] <= value <= point.range[1]:
        low, high = point.range
        raise SetpointRefused(f"{point.name}: {value:g} {point.unit} is outside {low:g}..{high:g}; nothing was written")
    if point.min_nonzero is not None and 0 < value < point.min_nonzero:
        raise SetpointRefused(f"{point.name}: {value:g} {point.unit} is below {point.min_nonzero:g}; send 0 to pause")
    try:
        to_raw(point, value)
    except CodecError as error:
        raise SetpointRefused(str(error)) from None


def changed(point_map: PointMap, writes: Sequence[PointWrite], live: Live) -> tuple[PointWrite, ...]:
    """The writes that would change something; of a block that must be written whole, all or none.

    Settings live in memory that wears, and some devices forward even an identical write as a bus command (Samsung).
    """
    differing = {w.point for w in writes if not _stands_already(point_map.point(w.point), w.value, live)}
    blocks = {point_map.point(name).block for name in differing} - {None}
    return tuple(w for w in writes if w.point in differing or point_map.point(w.point).block in blocks)


def tolerance(point: Point) -> float:
    """How far an echo may be from the wish: half a step of an integer register, float noise otherwise."""
    return max(0.51 * resolution(point), 1e-3)


def _stands_already(point: Point, value: float, live: Live) -> bool:
    found = live.get(point.key)
    return found is not None and abs(found - value) <= tolerance(point)
