"""From the names a caller asks for to readings: selection, derived quantities, the device's own "not ready".

Shared by every transport, because a sum of strings or a module that still starts up is the same over any wire.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ems_pipeline.arrays import Positions
from ems_pipeline.devices.points.decoding import Decoder
from ems_pipeline.devices.points.fault_words import fault_of
from ems_pipeline.devices.points.map_rules import Derived
from ems_pipeline.devices.points.per_map import once_per_map
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.quantities import FAULT, QUANTITIES
from ems_pipeline.devices.points.reading import BELIEVED, Fault, Names, Quality, Readings, Samples
from ems_pipeline.devices.points.samples import Sample, columns


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What a caller wants, and which points must be asked for it: positions are those of ``asked``.

    ``names`` has the points ``taken`` first (None: all, as asked), then the ``derived`` ones. ``gate`` is the point by
    which the device says whether its values count, ``gate_reading`` its position among the names, if it is one;
    ``rest`` the point by which it says that it rests, and ``resting`` those that are 0 then. ``ungated`` are positions
    among the names that count whatever the gate says: fault words.
    """

    names: Names
    asked: tuple[Point, ...]
    taken: Positions | None
    derived: tuple[tuple[Derived, tuple[int, ...]], ...]
    gate: int | None
    gate_reading: int | None
    rest: int | None
    resting: tuple[int, ...]
    ungated: frozenset[int]


def names_in(point_map: PointMap, groups: Collection[str] = ("live",)) -> tuple[str, ...]:
    """Everything a device can say in some poll groups; derived quantities are live."""
    own = [p.key for p in point_map.points if p.group in groups and p.readable and p.type != "ascii"]
    return (*own, *(point_map.derived if "live" in groups else ()))


def due(point_map: PointMap, groups: Collection[str]) -> Selection:
    """Everything a device can say in some poll groups."""
    return _due(point_map, frozenset(groups))


@once_per_map
def _due(point_map: PointMap, groups: frozenset[str]) -> Selection:
    return select(point_map, names_in(point_map, groups))


def select(point_map: PointMap, names: Collection[str], *, gated: bool = True) -> Selection:
    """Points and derived quantities called ``names``, with the points they are made of.

    Args:
        gated: ask, too, whether the device says that its values count.

    Raises:
        KeyError: a name the map does not have.
    """
    return _select(point_map, tuple(names), gated)


@once_per_map
def _select(point_map: PointMap, names: tuple[str, ...], gated: bool) -> Selection:
    derived = {n: rule for n, rule in point_map.derived.items() if n in names}
    points = {p.name: p for p in (point_map.point(n) for n in names if n not in point_map.derived)}
    parts = {n: point_map.by_name[n] for rule in derived.values() for n in rule.points}
    gate = point_map.ready.point if point_map.ready and names and gated else None
    asleep = point_map.rest if point_map.rest and {*points, *parts}.intersection(point_map.rest.zero) else None
    told = [name for name in (gate, asleep.point if asleep else None) if name]
    words = {name for rule in point_map.derived.values() for name in rule.told_by}
    phases = {n: point_map.by_name[n] for name in points for n in point_map.phases.get(name, ())}
    asked = {name: point_map.by_name[name] for name in told} | points | parts | phases
    at = {name: i for i, name in enumerate(asked)}
    quantities = (*(p.key for p in points.values()), *derived)
    units = (*(p.unit for p in points.values()), *(QUANTITIES[n].unit for n in derived))
    return Selection(
        Names(quantities, units),
        tuple(asked.values()),
        None if list(points) == list(asked) else np.array([at[n] for n in points], int),
        tuple((rule, tuple(at[n] for n in rule.points)) for rule in derived.values()),
        at[gate] if gate else None,
        list(points).index(gate) if gate in points else None,
        at[asleep.point] if asleep else None,
        tuple(at[name] for name in asleep.zero if name in at) if asleep else (),
        frozenset(i for i, name in enumerate((*points, *derived)) if name in {FAULT, *words}),
    )


@dataclass(frozen=True, slots=True)
class Words:
    """Registers as they came off the wire: a row for the decoder, and the fault of each point that lacks some.

    ``positions`` are those of the decoder's points among the points asked; None: it has all of them.
    """

    decoder: Decoder
    row: array[int]
    high_words_count: bool | None
    missing: Mapping[int, Fault]
    positions: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device said to a selection, not yet understood; ``said`` has a position for each point asked."""

    device: str
    point_map: PointMap
    selection: Selection
    said: Words | Samples
    asked_at: datetime
    received_at: datetime

    @property
    def is_silent(self) -> bool:
        """Whether nothing of what was asked was answered with a value."""
        lacking = self.said.missing if isinstance(self.said, Words) else self.said.faults
        return len(lacking) == len(self.selection.asked)


def understood(answers: Sequence[Answer]) -> list[Readings]:
    """The readings of each answer; those of equal devices are decoded together."""
    alike: dict[Decoder, list[int]] = {}
    for at, answer in enumerate(answers):
        if isinstance(answer.said, Words):
            alike.setdefault(answer.said.decoder, []).append(at)
    samples = {at: a.said for at, a in enumerate(answers) if isinstance(a.said, Samples)}
    for decoder, positions in alike.items():
        heard = [answers[at].said for at in positions]
        samples |= zip(positions, decoded(decoder, [w for w in heard if isinstance(w, Words)]), strict=True)
    return [_readings(answer, samples[at]) for at, answer in enumerate(answers)]


def decoded(decoder: Decoder, heard: Sequence[Words]) -> list[Samples]:
    """Samples of devices that were asked for the same points."""
    found = decoder.decode([w.row for w in heard], [w.high_words_count for w in heard])
    return [_completed(words, samples) for words, samples in zip(heard, found, strict=True)]


def _completed(words: Words, samples: Samples) -> Samples:
    """The samples at their positions among the points asked, with the faults of those that are missing."""
    if words.positions is not None:
        values = np.full(len(words.positions) + len(words.missing.keys() - set(words.positions)), math.nan)
        values[list(words.positions)] = samples.values
        samples = Samples(values, {words.positions[i]: fault for i, fault in samples.faults.items()})
    if not words.missing:
        return samples
    samples.values[list(words.missing)] = math.nan
    return Samples(samples.values, {**samples.faults, **words.missing})


def silent_answer(device: str, point_map: PointMap, selection: Selection, fault: Sample, now: datetime) -> Answer:
    """The answer of a device that was not asked or did not answer at all."""
    return Answer(device, point_map, selection, columns([fault] * len(selection.asked)), now, now)


def _readings(answer: Answer, samples: Samples) -> Readings:
    chosen, taken = answer.selection, answer.selection.taken
    samples = _rested(answer, samples)
    values, faults = samples.values, samples.faults
    if taken is not None:
        values, faults = values[taken], {i: faults[at] for i, at in enumerate(taken.tolist()) if at in faults}
    if chosen.derived:
        made = columns(_derived(chosen, rule, samples, at) for rule, at in chosen.derived)
        faults = {**faults, **{len(values) + i: fault for i, fault in made.faults.items()}}
        values = np.concatenate((values, made.values))
    unready = _not_ready(answer, samples)
    if unready is not None:
        unfit = set(range(len(values))) - set(faults) - {chosen.gate_reading} - chosen.ungated
        values[list(unfit)] = math.nan
        faults = {**faults, **dict.fromkeys(unfit, unready)}
    return Readings(answer.device, chosen.names, Samples(values, faults), answer.asked_at, answer.received_at)


def _derived(chosen: Selection, rule: Derived, samples: Samples, at: Sequence[int]) -> Sample:
    if rule.sum and samples.faults.keys().isdisjoint(at):  # most are: nothing to judge
        return Sample(sum(samples.values[list(at)].tolist()))
    parts = [Sample(*samples.of(i)) for i in at]
    return fault_of(rule, [chosen.asked[i] for i in at], parts) if rule.told_by else _made(rule, parts)


def _made(rule: Derived, parts: list[Sample]) -> Sample:
    """A sum is as bad as its worst part: three strings out of four are not the roof."""
    if rule.first_good:
        return next((s for s in parts if s.quality is Quality.GOOD), parts[-1])
    parts = [s for s in parts if s.quality is not Quality.ABSENT] or parts
    bad = next((s for s in parts if s.quality not in BELIEVED or s.value is None), None)
    if bad is not None:
        return Sample(None, bad.quality, bad.reason)
    resting = next((s for s in parts if s.quality is Quality.AT_REST), Sample(0.0))
    return Sample(sum(s.value for s in parts if s.value is not None), resting.quality, resting.reason)


def _rested(answer: Answer, samples: Samples) -> Samples:
    """What the device has no value for while it says that it rests is 0; silence and garbage stay what they are."""
    rule, chosen = answer.point_map.rest, answer.selection
    lacking = [i for i in chosen.resting if samples.of(i)[1] is Quality.NOT_READY]
    if rule is None or chosen.rest is None or not lacking or samples.of(chosen.rest)[0] not in rule.values:
        return samples
    values = samples.values.copy()
    values[lacking] = 0.0
    return Samples(values, {**samples.faults, **dict.fromkeys(lacking, (Quality.AT_REST, rule.reason))})


def _not_ready(answer: Answer, samples: Samples) -> Fault | None:
    """What the device says itself when its values do not count."""
    ready, gate = answer.point_map.ready, answer.selection.gate
    if ready is None or gate is None:
        return None
    value, _, _ = samples.of(gate)
    if value is not None and int(value) & ready.mask == ready.equals:
        return None
    return Quality.NOT_READY, ready.reason
