"""From a command to point writes: what a device family must say, and the checks every write passes.

Pure. Each family module (`deye`, `teltonika`, ...) fills in a `Family`; the checks hold for all of them, and once
more right before the wire. Add a check here when a kind of write must be impossible for every device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ems_pipeline.devices.driver.command import (
    BatteryCommand,
    ChargerCommand,
    Command,
    HeatPumpCommand,
    MachineCommand,
    PointCommand,
)
from ems_pipeline.devices.driver.contract import Live, Options, PointWrite, SetpointRefused
from ems_pipeline.devices.points.codec import CodecError, resolution, to_raw
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap

TOLD: Mapping[str, type[Command]] = {"battery": BatteryCommand, "heat-pump": HeatPumpCommand, "machine": MachineCommand}
"""What a device with a recipe is told, by its `asset`."""
UNTIL = "setpoint_until_s"
"""Of ``live``: when the set-point that is translated ends, in seconds since 1970; some devices end it themselves."""


@dataclass(frozen=True, slots=True)
class Target:
    """A device as a translation sees it: its map, what the site says about it, what it says itself right now."""

    point_map: PointMap
    options: Options
    live: Live

    def known(self, name: str) -> float:
        """The live value ``name``, or a refusal that says what to read first."""
        if name not in self.live:
            raise SetpointRefused(f"{name} is not known", "read it first (driver.needs) or see why it is withheld")
        return self.live[name]

    @property
    def until_s(self) -> float:
        """When what is told is to end by itself."""
        return self.known(UNTIL)

    def option(self, name: str, default: float) -> float:
        """A numeric option of the device."""
        return float(self.options.get(name, default))


def wired_for(target: Target, command: ChargerCommand) -> None:
    """SetpointRefused: a charger is not wired for these phases, and the site file does not say that it switches."""
    wired = target.option("phases", command.phases)
    if command.phases != wired and (command.phases != 1 or target.options.get("switches_phases") is not True):
        raise SetpointRefused(f"{command.device} is wired for {wired:g} phases and is not told {command.phases}")


@dataclass(frozen=True, slots=True)
class Family:
    """How one kind of device obeys: pure functions to point writes; the default measures and obeys nothing."""

    translate: Callable[[Target, Command], list[PointWrite]] | None = None
    release: Callable[[Target], list[PointWrite]] | None = None
    needs: Callable[[PointMap], frozenset[str]] = lambda _: frozenset()
    takes: frozenset[type[Command]] = frozenset()
    """Kinds of command that `translate` turns into writes."""
    switches_phases: bool = False
    """A charger of this family may be told by how many phases it charges."""
    follows: bool = False
    """Its powers follow what it measures: what expires is said again as it would be now, not as it was."""

    def taken(self, point_map: PointMap) -> frozenset[type[Command]]:
        """Kinds of command a device with this map obeys; one with a recipe is of one kind."""
        kind = None if point_map.recipe is None else TOLD[point_map.recipe.asset]
        return frozenset(one for one in self.takes if kind in (None, one))

    def writes_for(self, target: Target, command: Command) -> tuple[PointWrite, ...]:
        """Checked writes for a command.

        Raises:
            SetpointRefused: the device cannot or must not do that.
        """
        if isinstance(command, PointCommand):
            return checked(target.point_map, by_hand(target, command))
        if self.translate is None:
            raise SetpointRefused(f"{target.point_map.map} only measures", "command a device that can obey")
        return checked(target.point_map, self.translate(target, command))

    def writes_to_release(self, target: Target) -> tuple[PointWrite, ...]:
        """Checked writes that hand the device back; none for one that only measures."""
        return checked(target.point_map, self.release(target)) if self.release else ()


def by_hand(target: Target, command: PointCommand) -> list[PointWrite]:
    """One point as commanded; of a block that must be written whole, the others as they stand.

    Raises:
        SetpointRefused: outside what the site allows, or a part of the block is not known.
    """
    point = target.point_map.point(command.point)
    if not point.readable:
        raise SetpointRefused(f"{point.name} cannot be read back", "nobody could put back what stood; use its app")
    check_value(point, command.value)
    if not command.restores:
        _check_site(target, point, command.value)
    block = [p for p in target.point_map.points if point.block is not None and p.block == point.block]
    others = [
        p for p in block if p.readable or p.is_end or p is point
    ]  # what is never said cannot be left as it stands
    found = {p.name: _as_it_stands(target, p) for p in others} | {point.name: command.value}
    return [PointWrite(name, value) for name, value in found.items()]


def _as_it_stands(target: Target, point: Point) -> float:
    """What a point of the block holds; its end is that of the trial."""
    if point.is_end and UNTIL in target.live:
        return target.until_s
    return target.known(point.key)


def needed_by_hand(point_map: PointMap, name: str) -> frozenset[str]:
    """What `by_hand` must find in ``live`` for a point: itself, its block, what its site limit is divided by."""
    point = point_map.point(name)
    block = {p.key for p in point_map.points if point.block is not None and p.block == point.block and p.readable}
    return frozenset({point.key, *block, *([point.site_per] if point.site_per else [])})


def _check_site(target: Target, point: Point, value: float) -> None:
    divisor = target.known(point.site_per) if point.site_per else 1.0
    most, least = (target.options.get(name or "") for name in (point.site_most, point.site_least))
    if most is not None and value > float(most) / divisor:
        raise SetpointRefused(
            f"{point.name}: {value:g} {point.unit} is above what the site allows, {float(most) / divisor:g} "
            f"({point.site_most} in the site file); nothing was written"
        )
    if least is not None and value < float(least) / divisor:
        raise SetpointRefused(
            f"{point.name}: {value:g} {point.unit} is below what the site allows, {float(least) / divisor:g} "
            f"({point.site_least} in the site file); nothing was written"
        )


def wrong_command(target: Target, command: Command) -> SetpointRefused:
    """The refusal of a command of another kind of device."""
    return SetpointRefused(
        f"{command.device} ({target.point_map.map}) takes no {type(command).__name__}", "see docs/devices.md"
    )


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
        raise SetpointRefused(f"{point.name} is read-only", "see `access` in its point map")
    if point.range is not None and not point.range[0] <= value <= point.range[1]:
        low, high = point.range
        raise SetpointRefused(f"{point.name}: {value:g} {point.unit} is outside {low:g}..{high:g}; nothing was written")
    if point.min_nonzero is not None and 0 < value < point.min_nonzero:
        raise SetpointRefused(f"{point.name}: {value:g} {point.unit} is below {point.min_nonzero:g}", "send 0 to pause")
    if point.model or point.exponent_address is not None:
        return  # how fine and how large it may be is the device's to say, right before the write
    try:
        to_raw(point, value)
    except CodecError as error:
        raise SetpointRefused(error.what, error.remedy) from None


def proof_of(point_map: PointMap, point: Point) -> Point | None:
    """The point that shows what was written: itself, or the one that proves it; None where only the effect does."""
    if point.readable:
        return point
    return point_map.by_name.get(point.proved_by or "")


def changed(point_map: PointMap, writes: Sequence[PointWrite], live: Live) -> tuple[PointWrite, ...]:
    """The writes that would change something; of a block that must be written whole, all or none.

    What only its effect proves is written whenever it is asked: nobody can see that it stands.

    Settings live in memory that wears, and some devices forward even an identical write as a bus command (Samsung).
    """
    differing = {w.point for w in writes if not stands(point_map, w, live)}
    blocks = {point_map.point(name).block for name in differing} - {None}
    return tuple(w for w in writes if w.point in differing or point_map.point(w.point).block in blocks)


def in_turn(point_map: PointMap, writes: Sequence[PointWrite]) -> Iterator[Sequence[PointWrite]]:
    """Writes that may go together: all at once, but one after the other where a recipe gives their order."""
    if point_map.recipe is None:
        yield writes
        return

    def together(write: PointWrite) -> str:
        point = point_map.point(write.point)
        return f"block {point.block}" if point.block else point.name

    for _, turn in groupby(writes, together):
        yield list(turn)


def hands_back(point_map: PointMap, writes: Sequence[PointWrite]) -> bool:
    """Whether these are values that hand the device back: they go out whatever was refused before."""
    given = (
        {(s.point, s.to * s.times) for s in point_map.recipe.release if isinstance(s.to, float)}
        if point_map.recipe
        else set()
    )
    return all((point_map.point(w.point).name, w.value) in given for w in writes)


def renewed(point_map: PointMap, writes: Sequence[PointWrite], live: Live) -> list[PointWrite]:
    """What the device will forget of the writes, once more, with its block; of a heartbeat its next value."""
    points = [(point_map.point(w.point), w) for w in writes]
    blocks = {p.block for p, _ in points if p.expires_s} - {None}
    told = [(p, w) for p, w in points if p.expires_s or p.block in blocks]
    return [PointWrite(w.point, beat(p, live) if p.heartbeat else w.value) for p, w in told]


def kept(point_map: PointMap, writes: Sequence[PointWrite]) -> set[tuple[str, float]]:
    """What of the writes stands until somebody changes it."""
    return {(w.point, w.value) for w in writes if not point_map.point(w.point).expires_s}


def beat(point: Point, live: Live) -> float:
    """The next value of a heartbeat: one more than what stands there, from the highest back to the lowest."""
    low, high = point.range or (0.0, 1.0)
    stands = live.get(point.key)
    return low if stands is None or not low <= stands < high else math.floor(stands) + 1.0


def tolerance(point: Point) -> float:
    """How far an echo may be from the wish: half a step of an integer register, float noise otherwise."""
    return max(0.51 * resolution(point), 1e-3)


def stands(point_map: PointMap, write: PointWrite, live: Live) -> bool:
    """Whether the device shows what was written."""
    proof = proof_of(point_map, point_map.point(write.point))
    found = None if proof is None else live.get(proof.key)
    return proof is not None and found is not None and abs(found - write.value) <= tolerance(proof)
