"""Registers of made-up controllers, and a line that answers from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.gensets.link.poll import Place, Polled
from ems_pipeline.gensets.map.file import load

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def after(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Registers:
    """A line with one controller whose registers stand in a dictionary; what is asked of it is kept."""

    def __init__(self, words: dict[int, int], *, is_serial: bool = False) -> None:
        self.words, self.is_serial = words, is_serial
        self.asked: list[tuple[int, int]] = []
        self.coils_asked: list[tuple[int, int]] = []
        self.told: list[tuple[int, int, int]] = []
        self.refuses: set[int] = set()
        self.coils: dict[int, int] | None = None
        """None: it does not have function 1."""
        self.is_silent = False
        self.renewed = 0

    @asynccontextmanager
    async def turn(self, _: int) -> AsyncIterator[None]:
        yield

    async def read(self, _: int, function: int, start: int, count: int) -> tuple[int, ...]:
        if function == 1:
            return self._coils(start, count)
        self.asked.append((start, count))
        if self.is_silent:
            raise DeviceFault(Quality.NO_ANSWER, "no usable answer in 2 s", device_wide=True)
        if self.refuses & set(range(start, start + count)):
            raise DeviceFault(Quality.REFUSED, "exception 2: illegal address", illegal_address=True)
        return tuple(self.words.get(address, 0) for address in range(start, start + count))

    def _coils(self, start: int, count: int) -> tuple[int, ...]:
        self.coils_asked.append((start, count))
        if self.coils is None:
            raise DeviceFault(Quality.REFUSED, "exception 1: illegal function", illegal_function=True)
        return tuple(self.coils.get(address, 0) for address in range(start, start + count))

    async def write(self, _: int, function: int, address: int, word: int) -> None:
        self.told.append((function, address, word))

    async def renew(self) -> None:
        self.renewed += 1


def u32(value: int) -> tuple[int, int]:
    """Two words, low word first."""
    return value & 0xFFFF, value >> 16 & 0xFFFF


def running() -> dict[int, int]:
    """A gas set of the 160 kW class in parallel: the values of the facts' simulator, raw."""
    words = {0: 1 << 9, 114: 0b1111, 135: 5000, 155: 5000, 212: 1500, 213: 276, 220: 85, 222: 420, 224: 32766}
    words |= {159: 770, 160: 800, 260: 9, 264: 3, 268: 3, 270: 16908, 271: 30, 272: 36, 273: 812}
    pairs = {140: 4000, 142: 4001, 144: 3999, 174: 412, 176: 405, 178: 415, 180: 1232, 274: 1_234_567}
    for address, value in pairs.items():
        words[address], words[address + 1] = u32(value)
    return words


def controller(line: Registers, clock: Hands, name: str = "hgm9520n", mains_sign: int = 1) -> Polled:
    """A controller of a shipped map behind a line."""
    return Polled(Place(site="s1", device="g1", slave=1, mains_sign=mains_sign), load(name), line, clock)


def shut(words: dict[int, int], *bits: tuple[int, int]) -> None:
    """Set the common alarm and bits of alarm words."""
    words[0] = words.get(0, 0) | 0b11
    for address, bit in bits:
        words[address] = words.get(address, 0) | 1 << bit


def blocks_of(line: Registers) -> Iterable[tuple[int, int]]:
    """What was asked since the last look."""
    asked, line.asked = line.asked, []
    return asked
