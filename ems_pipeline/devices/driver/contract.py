"""What every driver promises, whatever wire it talks on: the only view of hardware the rest of the system has.

A driver reads into `Reading`s without ever raising for a device that fails, turns a `Command` into `PointWrite`s by
pure arithmetic, writes them, reads them back, and knows which writes hand the device over to its own logic. Whether,
when and how often to write is `control`'s business. Add here when all devices gain an ability.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ems_pipeline.devices.driver.command import Command
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality, Readings
from ems_pipeline.devices.points.sampling import Answer, Selection
from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain

Live = Mapping[str, float]
"""Good values of a device by quantity or point name, as `good_values` makes them from its readings."""
Options = Mapping[str, float | str | bool]
"""What the site says about one device: its limits, and the `options` of the site file."""


MayGo = Callable[[], Awaitable[str]]
"""Asked right before each request that sets something: why it must not go any more, empty when it may."""


async def always() -> str:
    """Nothing is in the way."""
    return ""


class SetpointRefused(EmsError, ValueError):
    """A command that this device must not or cannot get; nothing was written."""

    usual = "give a value that map and site allow"


class DeviceFault(Exception):
    """One request that got no usable answer; drivers turn it into a quality and a reason.

    ``device_wide`` says that the next request would fare no better now (silence, a failed login, a restart), so that a
    sweep stops asking; ``illegal_address`` that the request touched something the device does not have,
    ``illegal_function`` that it does not have this kind of request; ``was_heard`` that something came which was no
    answer. ``reason`` may repeat what the device says: here it becomes a text that telemetry, journal and people take.
    """

    def __init__(
        self,
        quality: Quality,
        reason: str,
        *,
        device_wide: bool = False,
        illegal_address: bool = False,
        illegal_function: bool = False,
        was_heard: bool = False,
    ) -> None:
        self.reason = plain(reason)
        super().__init__(self.reason)
        self.quality = quality
        self.device_wide = device_wide
        self.illegal_address = illegal_address
        self.illegal_function = illegal_function
        self.was_heard = was_heard


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
        refused = (a for a in self.answers if not a.accepted)
        points: dict[str, list[str]] = {}
        for one in refused:
            points.setdefault(one.reason.removeprefix(f"{one.point}: "), []).append(one.point)
        return "; ".join(f"{', '.join(of)}: {reason}" for reason, of in points.items())


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


class Driver(Protocol):
    """One device of a site."""

    device: str
    point_map: PointMap

    @property
    def needs(self) -> frozenset[str]:
        """What `translate` and `release_writes` must find in ``live``; read it with ``read(driver.needs)``."""
        ...

    async def connect(self) -> None:
        """Open the connection; a device that does not answer shows in the readings, not here."""
        ...

    async def read(self, quantities: Collection[str] | None = None) -> Readings:
        """Readings of the named quantities or points (None: the group `live`); a failure is a quality and a reason."""
        ...

    async def ask(self, selection: Selection) -> Answer:
        """As `read`, left to be understood together with the answers of other devices (`sampling.understood`)."""
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

    def renewed(self, command: Command | None, writes: Sequence[PointWrite], live: Live) -> Sequence[PointWrite]:
        """What of a set-point's writes the device will forget, to be said again; pure."""
        ...

    async def write(self, writes: Sequence[PointWrite], may_go: MayGo = always) -> Acknowledgement:
        """Send the writes once; never repeats one, never raises for a device that refuses. Those ``may_go`` holds back
        count as refused."""
        ...

    async def read_back(self, writes: Sequence[PointWrite]) -> list[Echo]:
        """Read every written point again, or what proves it; what only its effect proves has no echo."""
        ...

    async def close(self) -> None:
        """Let the connection go."""
        ...
