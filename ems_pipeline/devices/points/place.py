"""Where a value of a Modbus device stands: table, unit and address, as one number that blocks can be made of. Pure.

The registers of a device are numbered as it numbers them, those of another unit of its gateway behind them, and its
bits behind all registers: coils, then discrete inputs (Modbus application protocol, 4.3). Two places that are
neighbours on the wire are neighbours as numbers.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

REGISTERS = 0x10000
"""Addresses of one unit in one table."""
UNITS = 0x100
Table = Literal["register", "coil", "discrete-input"]
TABLES: tuple[Table, ...] = get_args(Table)
BITS: dict[Table, Literal[1, 2]] = {"coil": 1, "discrete-input": 2}
"""The tables of bits, and the function that reads each; those of registers differ by device (`read_function`)."""
WRITE_COIL: Literal[5] = 5
"""The function that writes one coil; no other writes a bit."""


class Place(NamedTuple):
    """A place on the wire; unit 0 is the device's own."""

    table: Table
    unit: int
    address: int


def number_of(table: Table, unit: int, address: int) -> int:
    """The number of a place."""
    return address + REGISTERS * (unit + UNITS * TABLES.index(table))


def place_of(number: int) -> Place:
    """The place that has this number."""
    rest, address = divmod(number, REGISTERS)
    table, unit = divmod(rest, UNITS)
    return Place(TABLES[table], unit, address)


def are_together(number: int, other: int) -> bool:
    """Whether two places are of one unit and table, so that one request can bring both."""
    return number // REGISTERS == other // REGISTERS
