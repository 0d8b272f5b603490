"""Two readings of one word, by hand: which numbers they are, and what tells one from the other."""

from __future__ import annotations

import math

import pytest

from ems_pipeline.devices.modbus.high_words import Split, filled
from ems_pipeline.devices.points.point import Point

WIDE = (-math.inf, math.inf)
EXPORT = 0x10000 - 500
"""-500 W, or 65,036 W."""


def split(*numbers: int, ranges: dict[int, tuple[float, float]] | None = None) -> tuple[list[Split], list[int]]:
    """Powers called p0, p1, ... whose high words are all 0, and their row."""
    count = len(numbers)
    splits = [Split(f"p{i}", i, i + count, (ranges or {}).get(i, WIDE)) for i in range(count)]
    return splits, [n & 0xFFFF for n in numbers] + [0] * count


def phases(*numbers: int) -> bool | None:
    """What is found of a total, the first number, and the phases that are the others."""
    splits, row = split(*numbers)
    return filled(splits, {"p0": tuple(s.name for s in splits[1:])}, row, 0.0)


@pytest.mark.parametrize(("low", "high", "is_open"), [(0x7FFF, 0, False), (0x8000, 0, True), (0x8000, 1, False)])
def test_a_word_can_be_read_in_two_ways_from_its_sign_bit_on_under_a_high_word_of_zero(
    low: int, high: int, is_open: bool
) -> None:
    assert Split("p", 0, 1, WIDE).is_open([low, high]) is is_open


@pytest.mark.parametrize(
    ("low", "high", "whole", "alone"),
    [
        (0x7FFF, 0, 32_767, 32_767),
        (0x8000, 0, 32_768, -32_768),
        (0xFFFF, 0, 65_535, -1),
        (0xFE0C, 0xFFFF, -500, -500),
        (0x0005, 0x0001, 65_541, 65_541),
        (0xFFFF, 0x7FFF, 2_147_483_647, 2_147_483_647),
        (0x0000, 0x8000, -2_147_483_648, -2_147_483_648),
    ],
)
def test_both_words_are_one_signed_number_and_the_low_one_is_one_where_the_high_one_is_zero(
    low: int, high: int, whole: int, alone: int
) -> None:
    power = Split("p", 0, 1, WIDE)
    assert (power.value([low, high], whole=True), power.value([low, high], whole=False)) == (whole, alone)


def test_only_signed_powers_with_a_high_word_of_their_own_are_split() -> None:
    points = [
        Point(name="grid", address=25, high_address=90, type="s32", range=(-10.0, 10.0)),
        Point(name="load", address=26, high_address=91, type="s32"),
        Point(name="counter", address=27, high_address=92, type="u32"),
        Point(name="together", address=28, type="s32"),
    ]
    columns = {25: 0, 26: 1, 27: 2, 28: 3, 29: 4, 90: 5, 91: 6, 92: 7}
    assert Split.of(points, columns) == (Split("grid", 0, 5, (-10.0, 10.0)), Split("load", 1, 6, WIDE))


def test_one_high_word_that_is_filled_tells_of_all() -> None:
    splits, row = split(EXPORT, 5, ranges={0: (-1000.0, 1000.0)})
    assert filled(splits, {}, [*row[:3], 1], 0.0) is True


def test_what_can_be_read_in_one_way_only_needs_no_high_words() -> None:
    splits, row = split(500, 0x7FFF, ranges={0: (0.0, 1.0)})
    assert filled(splits, {}, row, 100_000.0) is False


@pytest.mark.parametrize(("rated_w", "told"), [(0.0, None), (32_767.0, None), (32_768.0, True)])
def test_a_device_that_gives_more_than_a_signed_word_holds_fills_them(rated_w: float, told: bool | None) -> None:
    splits, row = split(EXPORT)
    assert filled(splits, {}, row, rated_w) is told


@pytest.mark.parametrize(
    ("range_w", "told"),
    [
        ((-500.0, 65_035.0), False),
        ((-499.0, 65_036.0), True),
        ((-500.0, 65_036.0), None),
        ((-499.0, 65_035.0), None),
    ],
)
def test_the_only_reading_within_the_range_is_the_one(range_w: tuple[float, float], told: bool | None) -> None:
    splits, row = split(EXPORT, ranges={0: range_w})
    assert filled(splits, {}, row, 0.0) is told


def test_a_reading_needs_every_power_in_its_range() -> None:
    """-500 W and 40,000 W would both fit, but words are filled in all of them or in none."""
    splits, row = split(EXPORT, 40_000, ranges={0: (-1000.0, 1000.0), 1: (0.0, 50_000.0)})
    assert filled(splits, {}, row, 0.0) is None


def test_phases_that_add_up_in_one_reading_tell_it() -> None:
    assert phases(40_000, 13_300, 13_300, 13_400) is True
    assert phases(-25_536, -8_512, -8_512, -8_512) is False  # the same total: 40,000 W as a whole number


@pytest.mark.parametrize(("total_w", "told"), [(-450, False), (-451, None), (-150, False), (-149, None)])
def test_a_total_may_be_150_w_from_small_phases(total_w: int, told: bool | None) -> None:
    """Three phases of -100 W: -300 W."""
    assert phases(total_w, -100, -100, -100) is told


@pytest.mark.parametrize(("total_w", "told"), [(-6300, False), (-6301, None), (-5700, False), (-5699, None)])
def test_and_a_twentieth_from_large_ones(total_w: int, told: bool | None) -> None:
    """Three phases of -2000 W: 300 W of 6000 W."""
    assert phases(total_w, -2000, -2000, -2000) is told


@pytest.mark.parametrize(("total_w", "told"), [(-925, False), (-926, None)])
def test_phases_of_both_signs_are_measured_as_badly_as_their_sizes(total_w: int, told: bool | None) -> None:
    """4000 - 4000 - 500 W is -500 W, of 8500 W measured: 425 W."""
    assert phases(total_w, 4000, -4000, -500) is told


def test_two_phases_at_work_tell_and_phases_that_are_all_zero_tell_nothing() -> None:
    assert phases(-500, -250, -250, 0) is False
    assert phases(-500, 0, 0, 0) is None


@pytest.mark.parametrize("parts", [{"p0": ("p1", "gone")}, {"gone": ("p0", "p1")}])
def test_a_sum_of_which_a_part_is_not_in_the_frame_tells_nothing(parts: dict[str, tuple[str, ...]]) -> None:
    splits, row = split(EXPORT, -500)
    assert filled(splits, parts, row, 0.0) is None
