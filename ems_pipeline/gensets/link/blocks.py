"""Registers and coils of a map -> the fewest requests, each with what is to be made of its words. Pure.

Compiled once a controller: 200 of them are asked every two seconds, and what can be known before is not asked again.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ems_pipeline.gensets.link.frames import ReadFunction
from ems_pipeline.gensets.link.numbers import Number, remembered
from ems_pipeline.gensets.map.record import Bit, Coil, Poll, Register
from ems_pipeline.gensets.map.whole import ControllerMap
from ems_pipeline.gensets.snapshot import AlarmBit

MOST_DIGITS = 9


class Layer:
    """Numbers of a block that share no word, taken out of it at once."""

    def __init__(self, numbers: Sequence[Number], count: int, order: str) -> None:
        self.names = tuple(number.name for number in numbers)
        self.meant = tuple(remembered(number) for number in numbers)
        fields, at = "", 0
        for number in numbers:
            code = "i" if number.wide else "h"
            fields += f"{2 * (number.at - at)}x{code if number.signed else code.upper()}"
            at = number.end
        self.fields = struct.Struct(f"{order}{fields}{2 * (count - at)}x")


@dataclass(frozen=True, slots=True)
class Block:
    """One request, and what its words mean; of coils a word is 0 or 1."""

    function: ReadFunction
    start: int
    count: int
    numbers: tuple[Number, ...]
    bits: tuple[tuple[int, tuple[tuple[int, str], ...]], ...]
    """Word, and mask and name of each of its status bits."""
    alarms: tuple[tuple[int, tuple[tuple[int, AlarmBit], ...]], ...]
    """Word, and mask and alarm of each of its bits."""
    words: struct.Struct
    """All words as bytes in which a value of two stands whole: its low word is first, and so is the low byte then."""
    layers: tuple[Layer, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Values that come by it."""
        return tuple(number.name for number in self.numbers)

    @property
    def bit_names(self) -> tuple[str, ...]:
        """Status bits that come by it."""
        return tuple(name for _, names in self.bits for _, name in names)


Part = Register | Bit | Coil
READ_COILS: Final = 1


def planned(whole: ControllerMap, poll: Poll, *, is_serial: bool, mains_sign: int = 1) -> tuple[Block, ...]:
    """The requests of one kind of cycle, ascending; no value is torn between two.

    Args:
        is_serial: a serial bus lies between, for which the map has stricter bounds.
        mains_sign: 1, or -1 where the transformers of the mains were put in the other way round.
    """
    most = whole.link.rtu_max_block if is_serial else whole.defaults.max_block
    gap = whole.link.rtu_join_gap if is_serial else whole.defaults.join_gap
    groups = [*_joined(_parts(whole, poll), most, gap), *_joined(_coils(whole, poll), most, gap)]
    return tuple(_block(whole, group, mains_sign) for group in groups)


def singly(whole: ControllerMap, block: Block, poll: Poll, mains_sign: int = 1) -> tuple[Block, ...]:
    """A block that was refused, place by place: one unknown register must not hide its neighbours."""
    places = range(block.start, block.start + block.count)
    of = _coils(whole, poll) if block.function == READ_COILS else _parts(whole, poll)
    parts = [part for part in of if part.address in places]
    return tuple(_block(whole, group, mains_sign) for group in _joined(parts, 0, 0))


def _parts(whole: ControllerMap, poll: Poll) -> list[Part]:
    """All registers that a kind of cycle asks for."""
    table = () if whole.alarms is None else whole.alarms.bits()
    of: tuple[Part, ...] = (*whole.registers, *whole.bits, *table)
    return [part for part in of if part.poll == poll]


def _coils(whole: ControllerMap, poll: Poll) -> list[Part]:
    return [coil for coil in whole.coils if coil.poll == poll]


def _joined(parts: Iterable[Part], most: int, gap: int) -> list[list[Part]]:
    """Parts of each request; what shares a place always shares a request."""
    groups: list[list[Part]] = []
    start = end = -1
    for part in sorted(parts, key=lambda one: one.address):
        last = max(end, part.address + _size(part))
        joins = part.address < end or (part.address - end <= gap and last - start <= most)
        if groups and joins:
            groups[-1].append(part)
            end = last
        else:
            groups.append([part])
            start, end = part.address, part.address + _size(part)
    return groups


def _size(part: Part) -> int:
    return part.size if isinstance(part, Register) else 1


def _block(whole: ControllerMap, parts: Sequence[Part], mains_sign: int) -> Block:
    start = parts[0].address
    count = max(part.address + _size(part) for part in parts) - start
    alarms: dict[int, list[tuple[int, AlarmBit]]] = {}
    bits: dict[int, list[tuple[int, str]]] = {}
    for part in parts:
        if isinstance(part, Bit) and part.severity is not None:
            alarms.setdefault(part.address - start, []).append((1 << part.bit, AlarmBit(part.severity, part.name)))
        elif isinstance(part, Bit | Coil):
            mask = 1 << part.bit if isinstance(part, Bit) else 1
            bits.setdefault(part.address - start, []).append((mask, part.name))
    numbers = tuple(_number(whole, part, start, mains_sign) for part in parts if isinstance(part, Register))
    order = "<" if whole.defaults.word_order == "low_first" else ">"
    return Block(
        READ_COILS if isinstance(parts[0], Coil) else whole.defaults.fc_read,
        start,
        count,
        numbers,
        tuple((at, tuple(found)) for at, found in bits.items()),
        tuple((at, tuple(found)) for at, found in alarms.items()),
        struct.Struct(f"{order}{count}H"),
        tuple(Layer(layer, count, order) for layer in _layers(numbers)),
    )


def _layers(numbers: Iterable[Number]) -> list[list[Number]]:
    """As few as can be: one, but where a word is read as two things."""
    layers: list[list[Number]] = []
    for number in numbers:
        free = next((layer for layer in layers if layer[-1].end <= number.at), None)
        if free is None:
            layers.append([number])
        else:
            free.append(number)
    return layers


def _number(whole: ControllerMap, register: Register, start: int, mains_sign: int) -> Number:
    sign = register.sign * (mains_sign if register.turns else 1)
    invalid = whole.defaults.invalid_raw if register.invalid_raw is None else register.invalid_raw
    words = whole.enums.get(register.enum or "")
    least, most = register.valid or (-math.inf, math.inf)
    return Number(
        register.name,
        register.address - start,
        register.size == 2,
        register.type in ("s16", "s32"),
        whole.defaults.word_order == "low_first",
        register.scale * sign,
        register.offset * sign,
        max(0, min(MOST_DIGITS, math.ceil(-math.log10(register.scale)))),
        frozenset(invalid) if words is None else frozenset(),
        least,
        most,
        register.wrap,
        None if words is None else tuple(words[number] for number in sorted(words)),
    )
