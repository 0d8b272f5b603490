"""What a device can say and be told, as validated data: the schema of the files in `maps/`.

A map is the whole knowledge about a device that is not behaviour: addresses, types, scales, units, signs, ranges, write
budgets, what it does when we vanish. Drivers and the virtual plant read the same file, so one correction fixes both.
Add a field here when hardware has a property that none of these expresses; add a device by adding a file.
`map_file` reads files into these records, `link` says how requests must be shaped, `codec` turns points into register
words and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ems_pipeline.devices.link import Link, MapRecord
from ems_pipeline.devices.quantities import QUANTITIES

Address = Annotated[int, Field(ge=0, le=65535)]
PointName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
WORDS = {"u16": 1, "s16": 1, "bits": 1, "enum": 1, "u32": 2, "s32": 2, "f32": 2, "u64": 4}
"""Registers a type occupies; `ascii` says its own `length`."""


class Point(MapRecord):
    """One value of a device. Site value = (raw * scale + offset) * sign, in `unit`."""

    name: PointName
    address: Address | None = None
    high_address: Address | None = None
    """Where the high word stands when a 32-bit value is not adjacent (Deye)."""
    path: str | None = None
    """What to ask an HTTP device for; `link.request` makes the address of it."""
    field: str | None = None
    """Where in the JSON answer the value stands: keys and list positions with dots (`emeters.0.power`)."""
    true_field: str | None = None
    """A field of the same answer that must be true for the value to count."""
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
    labels: dict[int, str] = Field(default_factory=dict)
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

    @model_validator(mode="before")
    @classmethod
    def _is_a_number_over_http(cls, given: Any) -> Any:
        """What JSON carries has no width; a type would only say something wrong."""
        return {"type": "f32", **given} if isinstance(given, dict) and "path" in given else given

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        if (self.address is None) == (self.path is None):
            raise ValueError("give either `address` (a register) or `path` (an HTTP value)")
        if self.path is None and (self.field or self.true_field):
            raise ValueError("field and true_field are parts of an HTTP answer, a register has none; remove them")
        if self.type == "ascii" and self.path is not None:
            raise ValueError("type ascii is for registers; only numbers are read over HTTP")
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
    derived: dict[str, Derived] = Field(default_factory=dict)
    points: tuple[Point, ...]

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
        """Faults between the parts, a line each; what it is about comes first, so that the file's line can be told."""
        faults = [*self._double(), *self._undefined(), *self._without_a_place()]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _double(self) -> Iterator[str]:
        givers: dict[str, list[str]] = {key: [] for key in self.derived}
        for point in self.points:
            givers.setdefault(point.key, []).append(point.name)
        for key, names in givers.items():
            if len(names) + (key in self.derived) > 1:
                yield f"point {names[-1]!r} gives {key!r} a second time; keep one"

    def _undefined(self) -> Iterator[str]:
        for quantity, rule in self.derived.items():
            if quantity not in QUANTITIES:
                yield f"derived {quantity!r} is not in the vocabulary: {', '.join(sorted(QUANTITIES))}"
            for name in sorted(set(rule.points) - set(self.by_name)):
                yield f"derived {quantity!r} is made of {name!r}, which is no point; define it"
        if self.ready and self.ready.point not in self.by_name:
            yield f"ready: {self.ready.point!r} is no point; define it"

    def _without_a_place(self) -> Iterator[str]:
        if not self.points:
            yield "there are no points; add what the device says"
        kind = {"modbus": "address", "http": "path"}[self.protocol]
        for point in self.points:
            if getattr(point, kind) is None:
                yield f"point {point.name!r} needs `{kind}`, as protocol {self.protocol} asks"
            elif self.protocol == "http" and not (point.field or self.link.field):
                yield f"point {point.name!r} needs `field`, or the link one for all"
            elif self.protocol == "http" and point.writable and self.link.write is None:
                yield f"point {point.name!r} is writable and the link has no `write` that says how; add it"
