"""Register words <-> site values, by the rules of a point: the only place that packs and unpacks words.

Both sides use it: drivers decode what a device sent, the virtual plant encodes what it would send. Pure functions.
Add a branch here when a device has a number format that no type of `point_map` describes yet.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping

from ems_pipeline.devices.point import Point
from ems_pipeline.devices.reading import Quality

LARGEST_BELIEVABLE_FLOAT = 1e9
"""A float beyond this is a wrong word order or address, never a measurement."""
SIGNED = frozenset({"s16", "s32"})
LARGEST_EXPONENT = 10
"""SunSpec's range of scale factors; anything beyond is not one."""
NO_EXPONENT = -0x8000
"""The exponent of a value that the device does not implement (SunSpec)."""
INTEGERS = {"u16": 16, "s16": 16, "bits": 16, "enum": 16, "u32": 32, "s32": 32, "u64": 64}


class CodecError(ValueError):
    """A value that the point cannot carry."""


def raw_number(point: Point, words: Mapping[int, int], *, high_words_live: bool = True) -> float:
    """The number in the registers before scale and sign; NaN for a float that is none.

    Args:
        point: any numeric point.
        words: register address -> word 0..65535; must hold all of ``point.registers``.
        high_words_live: False while no separate high word of the device was ever non-zero, see `high_words_are_live`.

    Raises:
        KeyError: a register of the point is missing.
    """
    found = [words[a] for a in point.addresses]
    if _low_first(point):
        found.reverse()
    if point.type == "f32":
        value: float = struct.unpack(">f", struct.pack(">HH", *found))[0]
        return value if math.isfinite(value) and abs(value) <= LARGEST_BELIEVABLE_FLOAT else math.nan
    bits = 16 * len(found)
    if point.high_address is not None and not high_words_live and found[0] == 0:
        found, bits = found[1:], 16
    number = 0
    for word in found:
        number = number << 16 | word
    return number - (1 << bits) if point.type in SIGNED and number >> (bits - 1) else number


def high_words_are_live(points: Iterable[Point], words: Mapping[int, int]) -> bool:
    """Whether this firmware fills separate high words: any of them is 0xFFFF, the sign of a negative number.

    Old Deye firmware leaves them 0, and -500 W would read as +65,036 W; until one is seen the low word is signed alone.
    """
    return any(words.get(p.high_address) == 0xFFFF for p in points if p.high_address is not None)


def interpret(
    point: Point, words: Mapping[int, int], *, high_words_live: bool = True
) -> tuple[float | None, Quality, str]:
    """Site value of a numeric point, whether it may be believed, and why not."""
    raw = raw_number(point, words, high_words_live=high_words_live)
    if point.invalid and (pattern := _pattern(point, words)) in point.invalid:
        return None, Quality.NOT_READY, f"{pattern:#x} means that the device has no value"
    if math.isnan(raw):
        return None, Quality.GARBAGE, "not a number; check address and word order"
    power = exponent(point, words)
    if power == NO_EXPONENT:
        return None, Quality.NOT_READY, f"its scale factor (register {point.exponent_address}) is not implemented"
    if abs(power) > LARGEST_EXPONENT:
        return None, Quality.GARBAGE, f"{power} in register {point.exponent_address} is no scale factor"
    return judge(point, to_site(point, scaled(raw, power)))


def exponent(point: Point, words: Mapping[int, int]) -> int:
    """The decimal exponent a device gives a point now; 0 for a point without one."""
    if point.exponent_address is None:
        return 0
    word = words[point.exponent_address]
    return word - 0x10000 if word >= 0x8000 else word


def scaled(number: float, power: int) -> float:
    """``number`` * 10^``power``, rounded once: 2305 at -1 is 230.5 exactly."""
    return number * 10**power if power >= 0 else number / 10**-power


def judge(point: Point, value: float | None) -> tuple[float | None, Quality, str]:
    """A site value against the point's range; an unknown code arrives as None."""
    if value is None:
        return None, Quality.OUT_OF_RANGE, f"{point.name} answered a code that the map does not know"
    if point.range is not None and not point.range[0] <= value <= point.range[1]:
        low, high = point.range
        return value, Quality.OUT_OF_RANGE, f"{value:g} {point.unit} is outside {low:g}..{high:g}"
    return value, Quality.GOOD, ""


def to_site(point: Point, raw: float) -> float | None:
    """Raw number -> site value; None for a code the map does not list."""
    if point.codes is not None:
        return point.codes.get(int(raw))
    return (raw * point.scale + point.offset) * point.sign


def to_raw(point: Point, value: float, power: int = 0) -> float:
    """Site value -> raw number at a decimal exponent, rounded to what the register can hold.

    Raises:
        CodecError: not finite, an unknown code, or too large for the type.
    """
    if not math.isfinite(value):
        raise CodecError(f"{point.name}: {value} cannot be written; give a finite number")
    if point.codes is not None:
        for register, code in point.codes.items():
            if code == value:
                return register
        raise CodecError(f"{point.name}: code {value:g} is none of {sorted(set(point.codes.values()))}")
    raw = scaled((value * point.sign - point.offset) / point.scale, -power)
    if point.type == "f32":
        return raw
    whole, bits = round(raw), INTEGERS[point.type]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if point.type in SIGNED else (0, (1 << bits) - 1)
    if not low <= whole <= high:
        raise CodecError(f"{point.name}: {value:g} {point.unit} is raw {whole}, outside {low}..{high} of {point.type}")
    return whole


def encode(point: Point, value: float, power: int = 0) -> dict[int, int]:
    """Site value -> register address -> word, at the decimal exponent that the device gives the point.

    Raises:
        CodecError: the point cannot carry the value (the range is the driver's concern, not the codec's).
    """
    raw = to_raw(point, value, power)
    if point.type == "f32":
        try:
            found = list(struct.unpack(">HH", struct.pack(">f", raw)))
        except OverflowError:
            raise CodecError(f"{point.name}: {value:g} does not fit a 32-bit float") from None
    else:
        number, size = int(raw), len(point.addresses)
        found = [number >> 16 * (size - 1 - i) & 0xFFFF for i in range(size)]
    if _low_first(point):
        found.reverse()
    return dict(zip(point.addresses, found, strict=True))


def decode_text(point: Point, words: Mapping[int, int]) -> str:
    """Text of an `ascii` point: two characters a register, high byte first, without NUL and blanks around."""
    packed = b"".join(words[a].to_bytes(2, "big") for a in point.addresses)
    return packed.split(b"\0", 1)[0].decode("ascii", errors="replace").strip()


def encode_text(point: Point, text: str) -> dict[int, int]:
    """Text -> words, padded with NUL.

    Raises:
        CodecError: longer than the registers, or not ASCII.
    """
    room = 2 * len(point.addresses)
    if len(text) > room or not text.isascii():
        raise CodecError(f"{point.name}: {text!r} is not ASCII of at most {room} characters")
    packed = text.encode("ascii").ljust(room, b"\0")
    return {a: int.from_bytes(packed[2 * i : 2 * i + 2], "big") for i, a in enumerate(point.addresses)}


def resolution(point: Point) -> float:
    """The step between two neighbouring values of an integer point, in site units; 0 for floats and where the device
    decides about it."""
    return 0.0 if point.type == "f32" or point.model or point.exponent_address is not None else point.scale


def _low_first(point: Point) -> bool:
    """Whether ``point.addresses`` lists the low word first; a separate high word always comes last there."""
    return point.high_address is not None or point.word_order == "low-first"


def _pattern(point: Point, words: Mapping[int, int]) -> int:
    """The unsigned bit pattern of a value, as data sheets print "no value"."""
    found = [words[a] for a in point.addresses]
    pattern = 0
    for word in reversed(found) if _low_first(point) else found:
        pattern = pattern << 16 | word
    return pattern
