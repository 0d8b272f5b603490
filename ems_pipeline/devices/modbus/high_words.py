"""Does a device fill the separate high words of its 32-bit values? Told by the frame itself, or not told. Pure.

Old Deye firmware leaves them 0, and -500 W would read as +65,036 W; on newer firmware the same words are +65,036 W. A
low word from 0x8000 on with a high word of 0 can be either, and which one is no matter of taste: the phases of a power
add up to it in one reading only. What neither they nor the ranges decide is no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ems_pipeline.devices.points.codec import SIGNED
from ems_pipeline.devices.points.point import Point

RATED = "rated_power_w"
"""The size (`made_for` of a map) that is what a device can give."""
LARGEST_SIGNED_W = 0x7FFF
"""A device that can give more than this needs its high words; there is none of its size without."""
TOLERANCE_W, TOLERANCE_FRAC = 150.0, 0.05
"""How far a power may be from the sum of its phases: they are measured one after the other."""


@dataclass(frozen=True, slots=True)
class Split:
    """A signed power with a separate high word, and where its words stand in a row."""

    name: str
    low: int
    high: int
    range: tuple[float, float]

    @classmethod
    def of(cls, points: Sequence[Point], columns: Mapping[int, int]) -> tuple[Split, ...]:
        """Those among some points."""
        signed = [p for p in points if p.high_address is not None and p.type in SIGNED]
        widest = (-float("inf"), float("inf"))
        return tuple(cls(p.name, columns[p.addresses[0]], columns[p.addresses[1]], p.range or widest) for p in signed)

    def is_open(self, row: Sequence[int]) -> bool:
        """Whether its words can be read in two ways."""
        return row[self.high] == 0 and row[self.low] >= 0x8000

    def value(self, row: Sequence[int], *, whole: bool) -> int:
        """The number, both words taken together or the low one alone where the high one is 0."""
        if whole or row[self.high]:
            number, bits = row[self.high] << 16 | row[self.low], 32
        else:
            number, bits = row[self.low], 16
        return number - (1 << bits) if number >> (bits - 1) else number


def filled(
    splits: Sequence[Split], phases: Mapping[str, Sequence[str]], row: Sequence[int], rated_w: float
) -> bool | None:
    """Whether high words are filled: True, False, or None where the frame does not tell.

    Args:
        phases: name of a power -> those that add up to it.
        rated_w: what the device can give as far as it is known, 0: not known.
    """
    if any(row[s.high] for s in splits):
        return True
    if not any(s.is_open(row) for s in splits):
        return False  # both readings are the same
    if rated_w > LARGEST_SIGNED_W:
        return True
    possible = [whole for whole in (True, False) if all(_agreements(splits, phases, row, whole=whole))]
    return possible[0] if len(possible) == 1 else None


def _agreements(
    splits: Sequence[Split], phases: Mapping[str, Sequence[str]], row: Sequence[int], *, whole: bool
) -> Iterator[bool]:
    """Whether one way of reading keeps to the ranges, and to the sum of phases of which any says something."""
    found = {s.name: s.value(row, whole=whole) for s in splits}
    yield from (s.range[0] <= found[s.name] <= s.range[1] for s in splits)
    for total, parts in phases.items():
        if total in found and all(part in found for part in parts) and any(found[part] for part in parts):
            shares = [found[part] for part in parts]
            allowed_w = max(TOLERANCE_W, TOLERANCE_FRAC * sum(map(abs, shares)))
            yield abs(found[total] - sum(shares)) <= allowed_w
