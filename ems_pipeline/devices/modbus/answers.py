"""Registers that come as an answer, taken apart at once; imports pymodbus beside `wire`.

Its own classes unpack register by register, and write each answer out for a log that is switched off: a quarter of all
that a reading costs. Bounds and errors are theirs.
"""

from __future__ import annotations

import struct

from pymodbus.exceptions import ModbusIOException
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse


class _Holding(ReadHoldingRegistersResponse):
    """Function 3."""

    def decode(self, data: bytes) -> None:
        size = data[0]
        if size >= len(data):
            raise ModbusIOException(f"{size} bytes were announced and {len(data) - 1} came", self.function_code)
        self.registers = struct.unpack_from(f">{size // 2}H", data, 1)

    def __str__(self) -> str:
        return f"{len(self.registers)} registers"


class _Input(_Holding):
    """Function 4."""

    function_code = 4


DECODER = DecodePDU(is_server=False)
"""What a client understands; it keeps nothing of an answer, so all share it."""
DECODER.register(_Holding)
DECODER.register(_Input)
