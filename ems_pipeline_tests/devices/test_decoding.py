"""Words of every type, read by hand: the number, whether it may be believed, and what is said of it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ems_pipeline.devices.points.decoding import Decoder, interpret
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality

GOOD, GARBAGE, NOT_READY = Quality.GOOD, Quality.GARBAGE, Quality.NOT_READY


def read(words: list[int], *, live: bool | None = True, **point: Any) -> tuple[float | None, Quality, str]:
    """A point at register 0; a separate high word or exponent stands at the next one, if it has one."""
    made = Point(name="value", address=0, **point)
    return interpret(made, dict(enumerate(words)), high_words_count=live)


@pytest.mark.parametrize(
    ("kind", "words", "number"),
    [
        ("u16", [0], 0),
        ("u16", [0x7FFF], 32_767),
        ("u16", [0x8000], 32_768),
        ("u16", [0xFFFE], 65_534),
        ("bits", [0x8001], 32_769),
        ("s16", [0x7FFF], 32_767),
        ("s16", [0xFFFF], -1),
        ("s16", [0x8001], -32_767),
        ("u32", [1, 2], 65_538),
        ("u32", [0xFFFF, 0xFFFE], 4_294_967_294),
        ("s32", [0x7FFF, 0xFFFF], 2_147_483_647),
        ("s32", [0xFFFF, 0xFFFF], -1),
        ("s32", [0x8000, 1], -2_147_483_647),
        ("u64", [0, 0, 1, 2], 65_538),
        ("u64", [0, 1, 0, 0], 4_294_967_296),
        ("u64", [0x8000, 0, 0, 0], 9_223_372_036_854_775_808),
    ],
)
def test_a_whole_number_is_its_words_from_the_highest_with_the_sign_of_its_type(
    kind: str, words: list[int], number: int
) -> None:
    assert read(words, type=kind) == (number, GOOD, "")


def test_points_of_one_two_and_four_words_are_read_side_by_side() -> None:
    points = (
        Point(name="a", address=0, type="s16"),
        Point(name="b", address=1, type="u32"),
        Point(name="c", address=3, type="u64"),
        Point(name="d", address=7, type="u16", scale=0.5, offset=3.0, sign=-1),
    )
    rows = [[0xFFFE, 1, 0, 0, 0, 0, 9, 10], [5, 0, 7, 0, 0, 2, 0, 20]]
    first, second = Decoder(points, {a: a for a in range(8)}).decode(rows, [True, True])
    assert [first.of(i)[0] for i in range(4)] == [-2.0, 65_536.0, 9.0, -8.0]  # -(10 x 0.5 + 3)
    assert [second.of(i)[0] for i in range(4)] == [5.0, 7.0, 131_072.0, -13.0]  # -(20 x 0.5 + 3)


POWER = {"type": "s32", "high_address": 1}


@pytest.mark.parametrize(
    ("words", "live", "number"),
    [
        ([0xFE0C, 0xFFFF], True, -500.0),
        ([0xFE0C, 0xFFFF], False, -500.0),
        ([0xFE0C, 0], False, -500.0),
        ([0xFE0C, 0], True, 65_036.0),
        ([0x0001, 1], False, 65_537.0),
        ([0x7FFF, 0], None, 32_767.0),
        ([0x8000, 1], None, 98_304.0),
        ([0x0000, 1], None, 65_536.0),
    ],
)
def test_a_separate_high_word_counts_where_it_is_filled_or_known_to_be(
    words: list[int], live: bool | None, number: float
) -> None:
    assert read(words, live=live, **POWER) == (number, GOOD, "")


@pytest.mark.parametrize("low", [0x8000, 0xFFFF])
def test_what_may_be_one_of_two_numbers_is_none_and_both_are_named(low: int) -> None:
    value, quality, reason = read([low, 0], live=None, **POWER)
    assert (value, quality) == (None, GARBAGE)
    assert reason == f"{low} or {low - 65_536}: register 1 is 0 and the phases do not tell which"


def test_an_unsigned_number_with_a_high_word_of_its_own_has_one_meaning() -> None:
    assert read([0xFE0C, 0], live=None, type="u32", high_address=1) == (65_036.0, GOOD, "")
    assert read([0xFE0C, 0], live=False, type="u32", high_address=1) == (65_036.0, GOOD, "")


def test_of_two_devices_only_the_one_that_nobody_knows_has_no_value() -> None:
    point = Point(name="grid", address=0, type="s32", high_address=1)
    other = Point(name="voltage", address=2)
    rows = [[0xFE0C, 0, 230]] * 3
    found = Decoder((other, point), {0: 0, 1: 1, 2: 2}).decode(rows, [True, None, False])
    assert [f.of(1)[0] for f in found] == [65_036.0, None, -500.0]
    assert [f.of(0) for f in found] == [(230.0, GOOD, "")] * 3


@pytest.mark.parametrize(
    ("word", "power", "value"),
    [(2305, 0xFFFF, 230.5), (23, 2, 2300.0), (7, 0, 7.0), (1, 10, 1e10), (3, 0x10000 - 10, 3e-10)],
)
def test_an_exponent_moves_the_decimal_point_by_up_to_ten_places(word: int, power: int, value: float) -> None:
    assert read([word, power], exponent_address=1) == (value, GOOD, "")


@pytest.mark.parametrize("power", [10, -10])
def test_what_the_largest_exponent_puts_out_of_range_is_out_of_range_and_not_of_scale(power: int) -> None:
    value, quality, reason = read([5, power & 0xFFFF], exponent_address=1, unit="W", range=(1.0, 2.0))
    assert (value, quality) == (pytest.approx(5 * 10.0**power), Quality.OUT_OF_RANGE)
    assert reason == f"{value:g} W is outside 1..2"


@pytest.mark.parametrize("power", [11, -11])
def test_an_exponent_beyond_ten_is_none(power: int) -> None:
    value, quality, reason = read([5, power & 0xFFFF], exponent_address=1)
    assert (value, quality) == (None, GARBAGE)
    assert reason == f"{power} in register 1 is no scale factor"


def test_the_exponent_of_a_value_that_is_not_implemented_says_so() -> None:
    value, quality, reason = read([5, 0x8000], exponent_address=1)
    assert (value, quality) == (None, NOT_READY)
    assert "scale factor (register 1) is not implemented" in reason


def test_each_point_has_the_exponent_of_its_own_register() -> None:
    points = (
        Point(name="plain", address=0),
        Point(name="volts", address=1, exponent_address=3),
        Point(name="watts", address=2, exponent_address=4),
    )
    (found,) = Decoder(points, {a: a for a in range(5)}).decode([[4, 5, 6, 11, 1]], [True])
    assert found.of(0) == (4.0, GOOD, "")
    assert found.of(1)[1:] == (GARBAGE, "11 in register 3 is no scale factor")
    assert found.of(2) == (60.0, GOOD, "")


@pytest.mark.parametrize(("words", "value"), [([0x4366, 0x8000], 230.5), ([0xC0A0, 0], -5.0), ([0x4E6E, 0x6B28], 1e9)])
def test_a_float_is_believed_up_to_a_thousand_million(words: list[int], value: float) -> None:
    assert read(words, type="f32") == (value, GOOD, "")


@pytest.mark.parametrize("words", [[0x4E6E, 0x6B29], [0xCE6E, 0x6B29], [0x7F80, 0], [0x7FC0, 0], [0x7F80, 1]])
def test_a_float_beyond_it_is_a_wrong_address(words: list[int]) -> None:
    """0x4E6E6B29 is 1,000,000,064: the next float after 1e9."""
    assert read(words, type="f32") == (None, GARBAGE, "not a number; check address and word order")


@pytest.mark.parametrize("words", [[0x7FC0, 0], [0xFFC0, 0], [0x7F80, 1], [0x7FFF, 0xFFFF]])
def test_any_pattern_that_is_no_float_means_no_value_where_the_map_has_one_for_it(words: list[int]) -> None:
    value, quality, reason = read(words, type="f32", invalid=(0x7FC00000,))
    assert (value, quality) == (None, NOT_READY)
    assert f"{words[0] << 16 | words[1]:#x}" in reason


@pytest.mark.parametrize("words", [[0x7F80, 0], [0xFF80, 0]])
def test_infinity_is_a_fault_all_the_same(words: list[int]) -> None:
    assert read(words, type="f32", invalid=(0x7FC00000,))[:2] == (None, GARBAGE)


def test_each_of_several_patterns_means_no_value_and_a_point_without_any_has_all_its_numbers() -> None:
    points = (
        Point(name="three", address=0, invalid=(5, 6)),
        Point(name="one", address=1),
        Point(name="none", address=2, type="enum", codes={65_535: 1.0, 5: 2.0}),
    )
    decoder = Decoder(points, {0: 0, 1: 1, 2: 2})
    for word, values in {5: (None, 5.0, 2.0), 6: (None, 6.0, None), 65_535: (None, None, 1.0)}.items():
        (found,) = decoder.decode([[word] * 3], [True])
        assert tuple(found.of(i)[0] for i in range(3)) == values
    (found,) = decoder.decode([[7] * 3], [True])
    assert [found.of(i)[1] for i in range(3)] == [GOOD, GOOD, Quality.OUT_OF_RANGE]


CODES = {3: 30.0, 1: 10.0, 7: 70.0}


@pytest.mark.parametrize("word", [1, 3, 7])
def test_a_code_means_what_the_map_says(word: int) -> None:
    assert read([word], type="enum", codes=CODES) == (10.0 * word, GOOD, "")


@pytest.mark.parametrize("word", [0, 2, 4, 8])
def test_a_code_between_or_beside_those_of_the_map_means_nothing(word: int) -> None:
    value, quality, reason = read([word], type="enum", codes=CODES)
    assert (value, quality) == (None, Quality.OUT_OF_RANGE)
    assert reason == "value answered a code that the map does not know"


@pytest.mark.parametrize(
    ("word", "quality"),
    [(9, Quality.OUT_OF_RANGE), (10, GOOD), (20, GOOD), (21, Quality.OUT_OF_RANGE)],
)
def test_a_range_includes_its_ends_and_what_is_outside_is_shown(word: int, quality: Quality) -> None:
    assert read([word], range=(10, 20))[:2] == (word, quality)


def test_a_fault_of_one_point_leaves_the_others_and_the_other_rows() -> None:
    points = (Point(name="a", address=0, range=(0, 10)), Point(name="b", address=1, range=(0, 10)))
    rows = [[11, 5], [5, 11], [5, 5]]
    found = Decoder(points, {0: 0, 1: 1}).decode(rows, [True] * 3)
    assert [[f.of(i)[1] is GOOD for i in (0, 1)] for f in found] == [[False, True], [True, False], [True, True]]
    assert not any(math.isnan(value) for f in found for value in (f.of(0)[0] or 0.0, f.of(1)[0] or 0.0))
