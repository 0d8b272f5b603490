"""Words of a request -> values, states, bits, alarms. Pure.

Scales, word order and what counts as "no sensor" are the map's; nothing here knows a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from operator import getitem

from ems_pipeline.gensets.link.blocks import Block
from ems_pipeline.gensets.link.numbers import Value
from ems_pipeline.gensets.map.whole import ControllerMap
from ems_pipeline.gensets.snapshot import AlarmBit

Meaning = tuple[str, str, tuple[str, ...]]
"""A value, a state, and the words of it in which the value means something."""


def decode(
    block: Block,
    words: Sequence[int],
    values: MutableMapping[str, Value],
    bits: MutableMapping[str, bool],
    alarms: set[AlarmBit],
) -> None:
    """Put what a block's words say where it belongs."""
    if block.layers:
        said = block.words.pack(*words)
        for layer in block.layers:
            values.update(zip(layer.names, map(getitem, layer.meant, layer.fields.unpack(said)), strict=True))
    for at, names in block.bits:
        word = words[at]
        for mask, name in names:
            bits[name] = word & mask != 0
    for at, masks in block.alarms:
        if word := words[at]:
            alarms.update(alarm for mask, alarm in masks if word & mask)


def meanings(whole: ControllerMap) -> tuple[Meaning, ...]:
    """Values that mean something in some states only."""
    return tuple(
        (register.name, state, meant) for register in whole.registers for state, meant in register.only_while.items()
    )


def believed(meant: Iterable[Meaning], values: Mapping[str, Value]) -> dict[str, Value]:
    """The values without those that mean nothing in the states that stand beside them."""
    kept = dict(values)
    for name, state, words in meant:
        if kept.get(state) not in words:
            kept[name] = None
    return kept
