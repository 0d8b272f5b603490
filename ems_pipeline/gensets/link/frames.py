"""RTU frames as bytes: a request, and its answer found again among whatever else a shared bus carries. Pure.

An answer carries no address, so the expected byte count and the checksum are all there is to know it by; what does not
fit is somebody else's and is passed over, byte by byte, because a frame may begin anywhere.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

EXCEPTION = 0x80
ReadFunction = Literal[1, 3, 4]
"""Coils, holding registers, input registers."""


def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        found.append(crc)
    return tuple(found)


_CRC = _table()


def checksum(data: bytes) -> bytes:
    """CRC-16/Modbus (0xFFFF, 0xA001), low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a slave; ``value`` is a count of registers or coils, or the word that is written."""

    slave: int
    function: Literal[1, 3, 4, 5, 6]
    address: int
    value: int

    @property
    def is_read(self) -> bool:
        """Whether registers or coils come back; else the request itself does."""
        return self.function in (1, 3, 4)

    def frame(self) -> bytes:
        """As it goes on the bus."""
        body = struct.pack(">BBHH", self.slave, self.function, self.address, self.value)
        return body + checksum(body)


@dataclass(frozen=True, slots=True)
class Found:
    """What a buffer holds for a request: the answer, or that none has come yet and how much is surely not ours."""

    words: tuple[int, ...] | None = None
    """Registers, or coils as 0 and 1; of a write that was echoed none."""
    exception: int | None = None
    foreign: int = 0
    """Bytes from the front that belong to nobody here."""

    @property
    def is_answer(self) -> bool:
        return self.words is not None or self.exception is not None


def size_of(function: int, count: int) -> int:
    """Bytes in which so many registers or coils come."""
    return (count + 7) // 8 if function == 1 else 2 * count


def words_of(function: int, count: int, data: bytes) -> tuple[int, ...]:
    """Registers, or coils as 0 and 1: the first one is the lowest bit of the first byte."""
    if function == 1:
        return tuple(data[nth // 8] >> nth % 8 & 1 for nth in range(count))
    return struct.unpack(f">{count}H", data)


def find(buffer: bytes | bytearray, request: Request) -> Found:
    """The answer to a request anywhere in a buffer; the first place where one may still be completed is kept."""
    head = _head(request)
    refusal = bytes((request.slave, request.function | EXCEPTION))
    size = 5 + size_of(request.function, request.value) if request.is_read else 8
    kept: int | None = None
    for start in range(len(buffer)):
        rest = bytes(buffer[start : start + size])
        if rest.startswith(refusal):
            if len(rest) >= 5 and checksum(rest[:3]) == rest[3:5]:
                return Found(exception=rest[2])
        elif rest.startswith(head) and len(rest) == size and checksum(rest[:-2]) == rest[-2:]:
            return Found(words=_words(rest, request))
        if kept is None and _may_grow(rest, head, refusal, size):
            kept = start
    return Found(foreign=len(buffer) if kept is None else kept)


def _may_grow(rest: bytes, head: bytes, refusal: bytes, size: int) -> bool:
    """Whether an answer may begin here that has not come whole."""
    short = len(rest) < size and (rest.startswith(head) or head.startswith(rest))
    return short or (len(rest) < 5 and (rest.startswith(refusal) or refusal.startswith(rest)))


def _head(request: Request) -> bytes:
    if request.is_read:
        return bytes((request.slave, request.function, size_of(request.function, request.value)))
    return request.frame()[:6]


def _words(frame: bytes, request: Request) -> tuple[int, ...]:
    return words_of(request.function, request.value, frame[3:-2]) if request.is_read else ()
