"""Words of a request -> values, states, bits, alarms. Pure; what is not surely a value is None.

Scales, word order and what counts as "no sensor" are the map's; nothing here knows a model.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence

from ems_pipeline.gensets.link.blocks import Block, Number
from ems_pipeline.gensets.map.whole import ControllerMap
from ems_pipeline.gensets.snapshot import AlarmBit

Value = float | str | None


def decode(
    block: Block,
    words: Sequence[int],
    values: MutableMapping[str, Value],
    bits: MutableMapping[str, bool],
    alarms: set[AlarmBit],
) -> None:
    """Put what a block's words say where it belongs."""
    for number in block.numbers:
        values[number.name] = value_of(number, words)
    for at, mask, name in block.bits:
        bits[name] = bool(words[at] & mask)
    for at, masks in block.alarms:
        if word := words[at]:
            alarms.update(alarm for mask, alarm in masks if word & mask)


def value_of(number: Number, words: Sequence[int]) -> Value:
    """A number in its unit, or the word of a state; None: no sensor, no such state, or beyond what can be."""
    raw = first = words[number.at]
    top = 0x10000
    if number.wide:
        second = words[number.at + 1]
        low, high = (first, second) if number.low_first else (second, first)
        raw, first, top = low + (high << 16), low, 0x1_0000_0000
    if number.words is not None:
        return number.words[raw] if raw < len(number.words) else None
    if raw in number.invalid or first in number.invalid:
        return None
    if number.signed and raw >= top >> 1:
        raw -= top
    value = raw * number.scale + number.offset
    if number.wrap is not None and value > number.wrap / 2:
        value -= number.wrap
    value = round(value, number.digits)
    return value if number.least <= value <= number.most else None


def believed(whole: ControllerMap, values: Mapping[str, Value]) -> dict[str, Value]:
    """The values without those that mean nothing in the states that stand beside them."""
    kept = dict(values)
    for register in whole.registers:
        for state, meant in register.only_while.items():
            if kept.get(state) not in meant:
                kept[register.name] = None
    return kept
