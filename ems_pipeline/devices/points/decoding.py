"""Register words -> site values, by the rules of a point: all points of many devices at once, by columns.

A fleet says tens of thousands of values a minute; decoded one by one they would cost more than asking for them. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ems_pipeline.arrays import Array, Mask, Positions
from ems_pipeline.devices.points.codec import SIGNED, judge, low_to_high
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Fault, Quality, Samples

LARGEST_BELIEVABLE_FLOAT = 1e9
"""A float beyond this is a wrong word order or address, never a measurement."""
LARGEST_EXPONENT = 10
"""SunSpec's range of scale factors; anything beyond is not one."""
NO_EXPONENT = -0x8000
"""The exponent of a value that the device does not implement (SunSpec)."""
NEVER = 0xFFFF_FFFF_FFFF_FFFF
"""A pattern that no register of less than 64 bits can hold."""
NONE: Mapping[int, Fault] = MappingProxyType({})


class Decoder:
    """Registers of some numeric points -> their site values, for many devices at once; made once for the same points.

    ``columns`` says where a register stands in a row of words.
    """

    def __init__(self, points: Sequence[Point], columns: Mapping[int, int]) -> None:
        self._points = tuple(points)
        words = [[columns[a] for a in low_to_high(p)] for p in points]
        sizes = [len(w) for w in words]
        layers = [[i for i, size in enumerate(sizes) if size > k] for k in range(max(sizes, default=0))]
        self._layers = [(np.array(held), np.array([words[i][k] for i in held])) for k, held in enumerate(layers)]
        """For the low word, the next one, ...: the points that have it, and its column."""
        is_unsigned = [p.type not in SIGNED and p.type != "u64" for p in points]
        used = [16 * n + extra for n, extra in zip(sizes, is_unsigned, strict=True)]
        self._spare_bits = np.array([64 - n for n in used], np.uint64)
        """Above a number and its sign bit; an unsigned one is given a sign bit of its own."""
        self._scale, self._offset = np.array([p.scale for p in points]), np.array([p.offset for p in points])
        self._sign = np.array([float(p.sign) for p in points])
        self._low, self._high = np.array([p.range or (-math.inf, math.inf) for p in points]).reshape(-1, 2).T
        self._split = self._where(lambda i: points[i].high_address is not None and points[i].type in SIGNED)
        self._wide = self._where(lambda i: points[i].type == "u64")
        self._floats = self._where(lambda i: points[i].type == "f32")
        self._scaled = self._where(lambda i: points[i].exponent_address is not None)
        self._exponents = np.array([columns[a] for p in points if (a := p.exponent_address) is not None], int)
        most = max((len(p.nothing) for p in points), default=0)
        listed = [(p.nothing * most)[:most] if p.nothing else (NEVER,) * most for p in points]
        self._nothing = np.array(listed, np.uint64).reshape(len(points), most).T
        """Per point the patterns that mean "no value", filled up by repeating them."""
        self._codes = [(i, *_sorted(p.codes)) for i, p in enumerate(points) if p.codes is not None]

    def decode(self, rows: Sequence[Sequence[int]], high_words_count: Sequence[bool | None]) -> list[Samples]:
        """Site values of the points per row, with quality and reason of those that may not be believed.

        Args:
            rows: words 0..65535, a row per device.
            high_words_live: per row; whether separate high words count where they are 0, see `high_words.filled`; None:
                nobody knows, and what could be read in two ways is no value.
        """
        words = np.array(rows, np.uint64).reshape(len(rows), -1)
        patterns, powers = self._patterns(words), _signed16(words[:, self._exponents])
        numbers = self._numbers(patterns, powers, np.array([live is True for live in high_words_count]))
        values = (numbers * self._scale + self._offset) * self._sign
        for i, known, meant in self._codes:
            at = np.searchsorted(known, patterns[:, i]).clip(max=len(known) - 1)
            values[:, i] = np.where(known[at] == patterns[:, i], meant[at], math.nan)
        suspect = ~((values >= self._low) & (values <= self._high))
        suspect[:, self._scaled] |= np.abs(powers) > LARGEST_EXPONENT
        for nothing in self._nothing:
            suspect |= patterns == nothing
        untold = np.array([live is None for live in high_words_count])
        split = patterns[:, self._split]
        is_open = np.zeros(suspect.shape, bool)
        is_open[:, self._split] = untold[:, None] & (split >= 0x8000) & (split <= 0xFFFF)
        suspect |= is_open
        faults: dict[int, dict[int, Fault]] = {}
        for row, i in np.argwhere(suspect).tolist():
            power = int(powers[row, np.searchsorted(self._scaled, i)]) if i in self._scaled else 0
            point, read = self._points[i], float(values[row, i])
            value, quality, reason = _examined(point, read, int(patterns[row, i]), power, is_open=is_open[row, i])
            values[row, i] = math.nan if value is None else value
            faults.setdefault(row, {})[i] = quality, reason
        return [Samples(row, faults.get(at, NONE)) for at, row in enumerate(values)]

    def _where(self, holds: Callable[[int], bool]) -> Positions:
        return np.array([i for i in range(len(self._points)) if holds(i)], int)

    def _patterns(self, words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """The unsigned bit pattern of each point, as data sheets print "no value"."""
        patterns = np.zeros((len(words), len(self._points)), np.uint64)
        for k, (held, columns) in enumerate(self._layers):
            patterns[:, held] |= words[:, columns] << np.uint64(16 * k)
        return patterns

    def _numbers(self, patterns: npt.NDArray[np.uint64], powers: Array, live: Mask) -> Array:
        """The numbers in the registers, at the exponent the device gives them; NaN for a float that is none."""
        numbers = ((patterns << self._spare_bits).view(np.int64) >> self._spare_bits.view(np.int64)).astype(np.float64)
        if len(self._split):
            split = patterns[:, self._split]
            is_whole = (split >> np.uint64(16) > 0) | live[:, None]
            numbers[:, self._split] = np.where(is_whole, numbers[:, self._split], _signed16(split))
        if len(self._wide):
            numbers[:, self._wide] = patterns[:, self._wide]
        if len(self._floats):
            with np.errstate(invalid="ignore"):  # said by the cast of a signalling NaN
                floats = patterns[:, self._floats].astype(np.uint32).view(np.float32).astype(np.float64)
            numbers[:, self._floats] = np.where(np.abs(floats) <= LARGEST_BELIEVABLE_FLOAT, floats, math.nan)
        if len(self._scaled):
            power, plain = powers.clip(-LARGEST_EXPONENT, LARGEST_EXPONENT), numbers[:, self._scaled]
            numbers[:, self._scaled] = np.where(power >= 0, plain * 10.0**power, plain / 10.0**-power)
        return numbers


def _signed16(words: npt.NDArray[np.uint64]) -> Array:
    """The low words as signed numbers."""
    return words.astype(np.uint16).view(np.int16).astype(np.float64)


def _sorted(codes: Mapping[int, float]) -> tuple[npt.NDArray[np.uint64], Array]:
    known = sorted(codes)
    return np.array(known, np.uint64), np.array([codes[k] for k in known])


def _examined(
    point: Point, value: float, pattern: int, power: int, *, is_open: bool
) -> tuple[float | None, Quality, str]:
    """A value that cannot be simply good: "no value", no number, no scale, two meanings, an unknown code, outside its
    range."""
    if is_open:
        reason = (
            f"{pattern} or {pattern - 0x10000}: register {point.high_address} is 0 and the phases do not tell which"
        )
        return None, Quality.GARBAGE, reason
    if pattern in point.nothing:
        return None, Quality.NOT_READY, f"{pattern:#x} means that the device has no value"
    if point.type == "f32" and point.invalid and pattern & 0x7FFF_FFFF > 0x7F80_0000:
        return None, Quality.NOT_READY, f"{pattern:#x} is no number: the device has no value"
    if math.isnan(value) and point.codes is None:
        return None, Quality.GARBAGE, "not a number; check address and word order"
    if power == NO_EXPONENT:
        return None, Quality.NOT_READY, f"its scale factor (register {point.exponent_address}) is not implemented"
    if abs(power) > LARGEST_EXPONENT:
        return None, Quality.GARBAGE, f"{power} in register {point.exponent_address} is no scale factor"
    return judge(point, None if math.isnan(value) else value)


def interpret(
    point: Point, words: Mapping[int, int], *, high_words_count: bool | None = True
) -> tuple[float | None, Quality, str]:
    """Site value of one numeric point, whether it may be believed, and why not.

    Raises:
        KeyError: a register of the point is missing.
    """
    decoder = Decoder((point,), {address: i for i, address in enumerate(point.registers)})
    return decoder.decode([[words[a] for a in point.registers]], [high_words_count])[0].of(0)
