"""What a device can say and be told, as validated data: the schema of the files in `maps/`.

A map is the whole knowledge about a device that is not behaviour: addresses, types, scales, units, signs, ranges, write
budgets, what it does when we vanish. Drivers and the virtual plant read the same file, so one correction fixes both.
Add a field here when hardware has a property that none of these expresses; add a device by adding a file.
`map_file` reads files into these records, `codec` turns points into register words and back.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ems_pipeline.devices.quantities import QUANTITIES

Address = Annotated[int, Field(ge=0, le=65535)]
PointName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
WORDS = {"u16": 1, "s16": 1, "bits": 1, "enum": 1, "u32": 2, "s32": 2, "f32": 2, "u64": 4}
"""Registers a type occupies; `ascii` says its own `length`."""


class MapRecord(BaseModel):
    """Base: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Point(MapRecord):
    """One value of a device. Site value = (raw * scale + offset) * sign, in `unit`."""

    name: PointName
    address: Address | None = None
    high_address: Address | None = None
    """Where the high word stands when a 32-bit value is not adjacent (Deye)."""
    path: str | None = None
    """Where the value stands in an HTTP device; the driver says how it is read."""
    type: Literal["u16", "s16", "u32", "s32", "u64", "f32", "ascii", "bits", "enum"] = "u16"
    length: int = Field(1, ge=1, le=64)
    word_order: Literal["high-first", "low-first"] = "high-first"
    scale: float = Field(1.0, gt=0)
    offset: float = 0.0
    sign: Literal[1, -1] = 1
    unit: str = ""
    quantity: str | None = None
    range: tuple[float, float] | None = None
    """Physically possible site values; anything else is refused for writing and marked for reading."""
    min_nonzero: float | None = None
    """0 or at least this much: a wallbox cannot offer 1 to 5 A (IEC 61851-1)."""
    codes: dict[int, float] | None = None
    """Raw number -> site number of an enum; a raw number that is not listed is never guessed. Several raw numbers may
    mean the same; the first listed is what the virtual plant says."""
    labels: dict[int, str] = {}
    """Site number (enum) or bit number (bits) -> what it means."""
    invalid: tuple[int, ...] = ()
    """Raw patterns that mean "no value" (SunSpec 0x8000, overflow 0x7FFF)."""
    access: Literal["r", "rw", "w"] = "r"
    group: Literal["live", "slow", "setting", "identity"] = "live"
    block: str | None = None
    """Points that must be written together in one request, or the device sees a half-made setting."""
    settle_s: float = Field(0.0, ge=0, le=600)
    """How long after a write the device needs before echo and effect may be judged."""
    writes_per_day: int | None = Field(None, ge=1)
    """Write budget: settings live in non-volatile memory that wears."""
    safe_value: float | None = None
    """What release leaves behind, where it does not depend on the site."""
    silence: str = ""
    """What becomes of this value when nobody talks to the device; the map's `silence` where empty."""
    verified: bool = True
    """False: one source or none; check at commissioning."""
    note: str = ""

    @property
    def key(self) -> str:
        """How readings and `live` name this point: the canonical quantity where there is one."""
        return self.quantity or self.name

    @property
    def addresses(self) -> tuple[int, ...]:
        """Registers of the value, lowest address first; the separate high word last."""
        if self.address is None:
            return ()
        if self.high_address is not None:
            return (self.address, self.high_address)
        size = self.length if self.type == "ascii" else WORDS[self.type]
        return tuple(range(self.address, self.address + size))

    @property
    def writable(self) -> bool:
        return "w" in self.access

    @property
    def readable(self) -> bool:
        return "r" in self.access

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        if (self.address is None) == (self.path is None):
            raise ValueError("give either `address` (a register) or `path` (an HTTP value)")
        if self.high_address is not None and self.type not in ("u32", "s32"):
            raise ValueError(f"high_address is for u32 and s32, not {self.type}; remove it or change the type")
        if self.codes is not None and self.type != "enum":
            raise ValueError(f"codes are for type enum, not {self.type}; change the type or remove codes")
        if self.writable and self.range is None and self.codes is None:
            raise ValueError("a writable point needs a `range`: without one nothing stops a wrong set-point")
        if self.writable and self.codes is not None and len(set(self.codes.values())) < len(self.codes):
            raise ValueError("a writable enum needs one raw number per code; which of two to write would be a guess")
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"range {list(self.range)} is empty; write [lowest, highest]")
        return self._speaks_the_vocabulary()

    def _speaks_the_vocabulary(self) -> Self:
        if self.quantity is None:
            return self
        if self.quantity not in QUANTITIES:
            raise ValueError(f"quantity {self.quantity!r} is not in the vocabulary: {', '.join(sorted(QUANTITIES))}")
        if self.unit != QUANTITIES[self.quantity].unit:
            wanted = QUANTITIES[self.quantity].unit
            raise ValueError(f"{self.quantity} is measured in {wanted!r}, the point says {self.unit!r}; change scale")
        return self


class Link(MapRecord):
    """How requests must be shaped for this device."""

    read_function: Literal[3, 4] = 3
    write_function: Literal[6, 16] = 16
    max_read: int = Field(125, ge=1, le=125)
    max_write: int = Field(123, ge=1, le=123)
    max_hole: int = Field(0, ge=0, le=100)
    """Unmapped registers a block read may run over; 0 where one invalid address fails the whole request (Samsung)."""
    even: bool = False
    """Start and count must be even (Eastron)."""
    gap_s: float = Field(0.02, ge=0, le=2)
    """Silence after an answer before the next request to this device."""
    serial: str = ""


class Ready(MapRecord):
    """The device says itself whether its values count: `point & mask == equals`."""

    point: PointName
    mask: int = 0xFFFF
    equals: int
    reason: str


class Derived(MapRecord):
    """A canonical quantity made of points: their `sum`, or the `first_good` of them in order. All must be readable."""

    sum: tuple[PointName, ...] = ()
    first_good: tuple[PointName, ...] = ()

    @model_validator(mode="after")
    def _has_one_rule(self) -> Self:
        if bool(self.sum) == bool(self.first_good):
            raise ValueError("give either `sum` or `first_good`")
        return self

    @property
    def points(self) -> tuple[str, ...]:
        return self.sum or self.first_good


class PointMap(MapRecord):
    """A device type: how to talk to it, what it says, what it obeys, what it does alone."""

    map: str
    title: str
    driver: str
    protocol: Literal["modbus", "http"]
    silence: str
    """What the device does when we vanish, for the operator and for `docs/devices.md`."""
    sources: tuple[str, ...]
    link: Link = Link()
    ready: Ready | None = None
    derived: dict[str, Derived] = {}
    points: tuple[Point, ...] = Field(min_length=1)

    @cached_property
    def by_name(self) -> dict[str, Point]:
        return {p.name: p for p in self.points}

    @cached_property
    def by_key(self) -> dict[str, Point]:
        return {p.key: p for p in self.points}

    def point(self, name: str) -> Point:
        """The point called ``name`` (its own name or its quantity); KeyError names the map."""
        try:
            return self.by_name.get(name) or self.by_key[name]
        except KeyError:
            raise KeyError(f"map {self.map} has no point {name!r}; see `ems device map check`") from None

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        keys = [p.key for p in self.points] + list(self.derived)
        faults = [f"quantity {k!r} is given by two points; keep one" for k in set(keys) if keys.count(k) > 1]
        wanted = {n for d in self.derived.values() for n in d.points} | ({self.ready.point} if self.ready else set())
        faults += [f"point {n!r} is used and not defined" for n in sorted(wanted - set(self.by_name))]
        faults += [f"derived {q!r} is not in the vocabulary" for q in sorted(set(self.derived) - set(QUANTITIES))]
        kind = "address" if self.protocol == "modbus" else "path"
        faults += [f"point {p.name!r} needs `{kind}`" for p in self.points if getattr(p, kind) is None]
        if faults:
            raise ValueError("; ".join(faults))
        return self
