"""Site values -> register words, by the rules of a point; what words mean is `decoding`'s business.

Drivers encode what they write, the virtual plant what it would send. Pure functions. Add a branch here and there when a
device has a number format that no type of `point` describes yet.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain

SIGNED = frozenset({"s16", "s32"})
INTEGERS = {"u16": 16, "s16": 16, "bits": 16, "enum": 16, "u32": 32, "s32": 32, "u64": 64}


class CodecError(EmsError, ValueError):
    """A value that the point cannot carry."""

    usual = "give a value that the point can hold"


def exponent(point: Point, words: Mapping[int, int]) -> int:
    """The decimal exponent a device gives a point now; 0 for a point without one."""
    if point.exponent_address is None:
        return 0
    word = words[point.exponent_address]
    return word - 0x10000 if word >= 0x8000 else word


def scaled(number: float, power: int) -> float:
    """``number`` * 10^``power``, rounded once: 2305 at -1 is 230.5 exactly."""
    factor: int = 10 ** abs(power)
    return number * factor if power >= 0 else number / factor


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
        return point.codes.get(int(raw)) if math.isfinite(raw) else None
    return (raw * point.scale + point.offset) * point.sign


def to_raw(point: Point, value: float, power: int = 0) -> float:
    """Site value -> raw number at a decimal exponent, rounded to what the register can hold.

    Raises:
        CodecError: not finite, an unknown code, or too large for the type.
    """
    if not math.isfinite(value):
        raise CodecError(f"{point.name}: {value} cannot be written", "give a finite number")
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
    return dict(zip(low_to_high(point), reversed(found), strict=True))


def decode_text(point: Point, words: Mapping[int, int]) -> str:
    """Text of an `ascii` point: two characters a register, high byte first, without NUL and blanks around."""
    packed = b"".join(words[a].to_bytes(2, "big") for a in point.addresses)
    return plain(packed.split(b"\0", 1)[0].decode("ascii", errors="replace")).strip()


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


def low_to_high(point: Point) -> tuple[int, ...]:
    """Registers of a value from the low word to the high one; a separate high word comes last in ``addresses``."""
    low_first = point.high_address is not None or point.word_order == "low-first"
    return point.addresses if low_first else point.addresses[::-1]
