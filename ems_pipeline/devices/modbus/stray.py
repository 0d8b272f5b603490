"""What came instead of an answer: the cause of a silence that is none, in words with a remedy. Pure.

A client discards frames that belong to another request or another unit, and then nothing has answered. What was heard
meanwhile tells why: a gateway that numbers its answers itself, an adapter that sends requests back, noise on the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

HEADER = 7
"""Bytes of a Modbus TCP header: transaction, protocol, length, unit."""
SHORTEST, WRITTEN = 5, 8
"""Bytes of an RTU frame: an exception, and the answer to a write."""
READ, WRITE = (1, 2, 3, 4), (5, 6, 16)
"""Functions we ask with."""
NUMBERS_ITSELF = "let the gateway pass requests on unchanged (simple Modbus TCP to RTU, no storage or cache)"


def cause(framing: Literal["modbus-tcp", "rtu-over-tcp"], sent: bytes, heard: bytes) -> str:
    """Why ``heard`` was no answer to ``sent``; empty where nothing came."""
    if not heard or len(sent) < SHORTEST:
        return ""
    return _over_tcp(sent, heard) if framing == "modbus-tcp" else _serial(sent, heard)


def _over_tcp(sent: bytes, heard: bytes) -> str:
    if heard[2:4] != b"\0\0" or len(heard) < HEADER + 1:
        if _is_frame(heard):
            return "the answer is an RTU frame; set the gateway's transport to rtu-over-tcp"
        return f"{len(heard)} bytes came that are no Modbus TCP answer; check what listens there"
    transaction, unit, wanted = int.from_bytes(heard[:2], "big"), heard[6], int.from_bytes(sent[:2], "big")
    if transaction != wanted:
        return f"an answer with transaction id {transaction} came to request {wanted}; {NUMBERS_ITSELF}"
    if unit != sent[6]:
        return f"an answer of unit id {unit} came, unit {sent[6]} was asked; {NUMBERS_ITSELF}, or correct unit_id"
    return f"an answer with function {heard[7]} came to a request with function {sent[7]}; check the gateway"


def _serial(sent: bytes, heard: bytes) -> str:
    if heard.startswith(sent):
        return "the request itself came back; switch off the echo of the RS485 adapter"
    if len(heard) > HEADER and heard[2:4] == b"\0\0" and int.from_bytes(heard[4:6], "big") == len(heard) - 6:
        return "the answer is a Modbus TCP frame; set the gateway's transport to modbus-tcp"
    for start, frame in _frames(heard):
        if frame[0] != sent[0]:
            return f"an answer of unit id {frame[0]} came, unit {sent[0]} was asked; let one master alone ask this bus"
        if start:
            return f"{start} bytes of noise came before the answer; check termination, bias and baud rate of the line"
    return f"{len(heard)} bytes came that are no whole frame; check baud rate, parity and termination of the line"


def _frames(heard: bytes) -> Iterator[tuple[int, bytes]]:
    """Where answers with a right checksum begin, and the answers."""
    for start in range(len(heard) - SHORTEST + 1):
        frame = heard[start : start + _length(heard[start:])]
        if _is_frame(frame):
            yield start, frame


def _length(data: bytes) -> int:
    """How long the answer is that begins here, by its function (Modbus application protocol, 6); 0: none does."""
    function = data[1]
    if function & 0x80:
        return SHORTEST
    return SHORTEST + data[2] if function in READ else WRITTEN if function in WRITE else 0


def _is_frame(data: bytes) -> bool:
    """Whether the last two bytes are the checksum of the others: over all of them it is then 0."""
    crc = 0xFFFF
    for byte in data:  # Modbus over serial line, section 6.2.2
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return len(data) >= SHORTEST and crc == 0
