"""What both ways to a controller promise, and when a lost one is tried again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.modbus.wire import EXCEPTIONS, GATEWAY_SILENCE, ILLEGAL_ADDRESS, ILLEGAL_FUNCTION
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.gensets.link.frames import ReadFunction

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 30.0


class Line(Protocol):
    """The one connection to an address; all controllers behind it share it."""

    is_serial: bool
    """Whether a byte takes a millisecond."""

    def turn(self, slave: int) -> AbstractAsyncContextManager[None]:
        """Have the line alone, for some requests to a slave."""
        ...

    async def read(self, slave: int, function: ReadFunction, start: int, count: int) -> tuple[int, ...]:
        """``count`` registers from ``start``, or coils as 0 and 1, within a turn.

        Raises:
            DeviceFault: no answer, or a negative one.
        """
        ...

    async def write(self, slave: int, function: Literal[5, 6], address: int, word: int) -> None:
        """Write a word (of a coil 0xFF00 or 0), and see it echoed whole, within a turn; errors as `read`."""
        ...

    async def renew(self) -> None:
        """Let the connection go; the next request opens another."""
        ...


def refused(code: int) -> DeviceFault:
    """What an exception of Modbus says; of a gateway it may be that the slave is silent."""
    silent = code in GATEWAY_SILENCE
    return DeviceFault(
        Quality.NO_ANSWER if silent else Quality.REFUSED,
        f"exception {code}: {EXCEPTIONS.get(code, 'unknown')}",
        device_wide=silent,
        illegal_address=code == ILLEGAL_ADDRESS,
        illegal_function=code == ILLEGAL_FUNCTION,
    )


class Backoff:
    """When a connection that was not accepted may be tried again: ever later, for whoever listens may take one client
    only and must let go of the last one first."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._pause_s = 0.0
        self._until = 0.0

    def allow(self, where: str) -> None:
        """DeviceFault: it is too early."""
        if (left_s := self._until - self._now()) > 0:
            raise DeviceFault(
                Quality.NO_ANSWER, f"{where} did not answer; it is tried again in {left_s:.0f} s", device_wide=True
            )

    def failed(self) -> None:
        """It was not accepted."""
        self._pause_s = min(self._pause_s * 2 or FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._until = self._now() + self._pause_s

    def worked(self) -> None:
        """It stands."""
        self._pause_s = self._until = 0.0
