"""Words and values: hand-computed registers, round trips, and nothing good from garbage."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.decoding import Decoder, interpret
from ems_pipeline.devices.points.map_file import known_maps, load_map
from ems_pipeline.devices.points.point import NOTHING, Point
from ems_pipeline.devices.points.reading import Quality

NUMERIC = [
    point
    for name in known_maps({})
    for point in load_map(name, {}).points
    if point.address is not None and point.type != "ascii"
]
WORD = st.integers(0, 0xFFFF)
KNOWN = st.sampled_from([True, False, None])
"""Whether high words are filled."""


def point_of(map_name: str, name: str) -> Point:
    return load_map(map_name, {}).point(name)


def test_an_export_of_500_w_stands_in_two_separate_deye_registers():
    grid = point_of("deye-sun-20k-hp3", "grid_power_w")
    assert codec.encode(grid, -500) == {625: 0x10000 - 500, 690: 0xFFFF}


def test_old_firmware_without_high_words_still_exports():
    """High words that are always 0 must not turn -500 W into +65,036 W."""
    grid = point_of("deye-sun-20k-hp3", "grid_power_w")
    words = {625: 0x10000 - 500, 690: 0}
    assert interpret(grid, words, high_words_count=False) == (-500.0, Quality.GOOD, "")


def test_what_can_be_read_in_two_ways_is_no_value_while_nobody_knows_the_firmware():
    grid = point_of("deye-sun-20k-hp3", "grid_power_w")
    assert interpret(grid, {625: 40_000, 690: 0}, high_words_count=None)[:2] == (None, Quality.GARBAGE)
    assert interpret(grid, {625: 400, 690: 0}, high_words_count=None)[:2] == (400.0, Quality.GOOD)


def test_a_live_high_word_makes_the_low_word_unsigned():
    grid = point_of("deye-sun-20k-hp3", "grid_power_w")
    assert interpret(grid, {625: 40_000, 690: 0}) == (40_000.0, Quality.GOOD, "")


def test_samsung_temperatures_are_signed():
    """65501 is -3.5 degrees: read as unsigned it is the known error of community scripts."""
    outdoor = point_of("samsung-ehs-mim-b19n", "outdoor_temp_c")
    assert interpret(outdoor, {5: 65501})[0] == pytest.approx(-3.5)


def test_deye_temperatures_count_from_minus_100():
    assert interpret(point_of("deye-sun-20k-hp3", "battery_temp_c"), {586: 1253})[0] == pytest.approx(25.3)


def test_deye_32_bit_counters_have_the_low_word_first():
    total = point_of("deye-sun-20k-hp3", "pv_energy_wh")
    assert interpret(total, {534: 0x0001, 535: 0x0002})[0] == 0x20001 * 100


def test_the_low_voltage_battery_has_finer_steps():
    assert codec.encode(point_of("deye-sun-12k-lp3", "battery_voltage_v"), 52.31) == {587: 5231}
    assert codec.encode(point_of("deye-sun-20k-hp3", "battery_voltage_v"), 402.3) == {587: 4023}


def test_an_ieee_float_is_read_high_word_first():
    point = Point(name="voltage", address=0, type="f32", unit="V", range=(0, 300))
    assert interpret(point, {0: 0x4366, 1: 0x8000}) == (230.5, Quality.GOOD, "")


@pytest.mark.parametrize("words", [(0x7FC0, 0), (0x7F80, 0), (0xFF80, 0), (0x7F7F, 0xFFFF)])
def test_nan_infinity_and_absurd_floats_are_garbage(words):
    point = Point(name="voltage", address=0, type="f32", unit="V")
    assert interpret(point, dict(enumerate(words)))[:2] == (None, Quality.GARBAGE)


def test_an_unknown_code_is_never_guessed():
    status = point_of("teltonika-teltocharge", "evse_status")
    value, quality, _ = interpret(status, {6: 9})
    assert (value, quality) == (None, Quality.OUT_OF_RANGE)


def test_a_pattern_for_no_value_is_not_a_value():
    point = Point(name="power", address=0, type="s32", word_order="low-first", invalid=(0x7FFFFFFF,))
    assert interpret(point, {0: 0xFFFF, 1: 0x7FFF})[:2] == (None, Quality.NOT_READY)


@pytest.mark.parametrize(
    "point", [p for p in NUMERIC if p.type in NOTHING and p.codes is None], ids=lambda p: f"{p.name}-{p.address}"
)
def test_a_register_at_the_end_of_its_type_holds_nothing(point: Point) -> None:
    """All ones, in a signed register the sign alone: never a good value, whatever the map says of its range."""
    pattern = NOTHING[point.type]
    words = {a: pattern >> 16 * i & 0xFFFF for i, a in enumerate(codec.low_to_high(point))}
    value, quality, reason = interpret(point, words)
    assert (value, quality) == (None, Quality.NOT_READY)
    assert f"{pattern:#x}" in reason


def test_a_session_of_655_kwh_is_no_session() -> None:
    """TeltoCharge register 39: a car is not full because its box does not know."""
    assert interpret(point_of("teltonika-teltocharge", "session_energy_wh"), {39: 0xFFFF})[0] is None
    assert interpret(point_of("teltonika-teltocharge", "session_energy_wh"), {39: 0xFFFE})[0] == 655_340


@settings(max_examples=1500, deadline=None)
@given(point=st.sampled_from(NUMERIC), data=st.data())
def test_what_a_point_can_hold_comes_back_to_within_half_a_step(point, data):
    value = data.draw(values_of(point))
    found, quality, reason = interpret(point, codec.encode(point, value))
    assert quality is Quality.GOOD, reason
    tolerance = abs(value) * 1e-6 + 1e-6 if point.type == "f32" else point.scale * 0.5000001 + abs(value) * 1e-12
    assert abs(found - value) <= tolerance


@settings(max_examples=1500, deadline=None)
@given(point=st.sampled_from(NUMERIC), data=st.data())
def test_no_words_make_a_good_value_outside_the_range(point, data):
    words = {address: data.draw(WORD) for address in point.addresses}
    value, quality, reason = interpret(point, words, high_words_count=data.draw(KNOWN))
    if quality is Quality.GOOD:
        assert value is not None
        assert math.isfinite(value)
        assert point.range is None or point.range[0] <= value <= point.range[1]
    else:
        assert reason


@settings(max_examples=300, deadline=None)
@given(
    points=st.lists(st.sampled_from(NUMERIC), min_size=1, max_size=8, unique_by=lambda p: p.addresses), data=st.data()
)
def test_devices_decoded_together_read_as_each_alone(points, data):
    columns = {a: i for i, a in enumerate(dict.fromkeys(a for p in points for a in p.registers))}
    row = st.lists(WORD, min_size=len(columns), max_size=len(columns))
    rows = data.draw(st.lists(row, min_size=1, max_size=4))
    live = data.draw(st.lists(KNOWN, min_size=len(rows), max_size=len(rows)))
    for words, is_live, samples in zip(rows, live, Decoder(points, columns).decode(rows, live), strict=True):
        by_register = dict(zip(columns, words, strict=True))
        for i, point in enumerate(points):
            assert samples.of(i) == interpret(point, by_register, high_words_count=is_live)


@settings(deadline=None)
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_register_never_takes_what_it_cannot_give_back(value):
    """Out-of-width values are refused instead of wrapping around: 70,000 A must not become 4,464 A."""
    point = Point(name="current", address=0, unit="A")
    try:
        words = codec.encode(point, value)
    except codec.CodecError:
        assert not -0.5 <= value <= 65535.5 or not math.isfinite(value)
    else:
        assert abs(words[0] - value) <= 0.5


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=10))
def test_text_survives_its_registers(text):
    serial = point_of("deye-sun-20k-hp3", "serial_number")
    assert codec.decode_text(serial, codec.encode_text(serial, text)) == text


def values_of(point: Point) -> st.SearchStrategy[float]:
    """Values the point can hold: inside its range and its register."""
    if point.codes is not None:
        return st.sampled_from(list(point.codes.values()))
    low, high = point.range or (-math.inf, math.inf)
    if point.type != "f32":
        bits = codec.INTEGERS[point.type]
        raw_low, raw_high = (
            (1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1) if point.type in codec.SIGNED else (0, 2**bits - 2)
        )
        ends = sorted((raw * point.scale + point.offset) * point.sign for raw in (raw_low, raw_high))
        low, high = max(low, ends[0]), min(high, ends[1])
        first = math.ceil((low / point.sign - point.offset) / point.scale - 1e-9)
        last = math.floor((high / point.sign - point.offset) / point.scale + 1e-9)
        return st.integers(min(first, last), max(first, last)).map(
            lambda raw: min(max((raw * point.scale + point.offset) * point.sign, low), high)
        )
    return st.floats(max(low, -1e8), min(high, 1e8), width=32)
