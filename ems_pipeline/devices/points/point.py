"""One value of a device, as validated data: where it stands, how it is written there, what it means, what may be done.

Add a field here when hardware has a property that none of these expresses.
"""

from __future__ import annotations

from string import Formatter
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ems_pipeline.devices.points.link import MapRecord
from ems_pipeline.devices.points.place import BITS, Table, number_of
from ems_pipeline.devices.points.quantities import QUANTITIES
from ems_pipeline.devices.points.sunspec_models import Format, point_of

Address = Annotated[int, Field(ge=0, le=65535)]
PointName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
WORDS = {"u16": 1, "s16": 1, "bits": 1, "enum": 1, "u32": 2, "s32": 2, "f32": 2, "u64": 4}
"""Registers a type occupies; `ascii` says its own `length`."""
SITE_LIMITS = {
    "charge_limit_w": "W", "discharge_limit_w": "W", "export_limit_w": "W", "pv_limit_w": "W", "max_power_w": "W",
    "max_current_a": "A", "min_soc_pct": "%", "export_allowed": "", "export_forbidden": "",
}  # fmt: skip
"""What a site file may say that bounds a device's points, and the unit; `options.site_options` gives the values."""
QUOTIENTS = {("W", "V"): "A"}
SHORTEST_LIFE_S = 45.0
"""Renewed every 20 s at best (`control.renewal`), and one renewal may get lost."""
SCALED = ("u16", "s16", "u32", "s32", "u64")
"""Types a decimal exponent makes sense for."""
OF_REGISTERS = (
    "length", "word_order", "high_address", "exponent_address", "message", "scale", "offset", "sign", "min_nonzero",
    "grows", "invalid", "block",
)  # fmt: skip
"""What a bit has no use for: it is 0 or 1, and each coil is written in a request of its own."""
NOTHING = {
    "u16": 0xFFFF, "bits": 0xFFFF, "u32": 0xFFFF_FFFF, "u64": 0xFFFF_FFFF_FFFF_FFFF, "s16": 0x8000, "s32": 0x8000_0000,
}  # fmt: skip
"""What stands in a register that holds nothing: all ones, in a signed one the sign alone. SunSpec says so of its types,
others do so; as a number it is the end of the type, where no measurement of a device that works ever stands."""


class Point(MapRecord):
    """One value of a device. Site value = (raw * scale + offset) * sign, in `unit`."""

    name: PointName
    address: Address | None = None
    table: Table = "register"
    """Modbus: what the address is one of: registers (of which kind says `read_function` of the link), coils, which are
    bits that may be written, or discrete inputs, which are bits that may not."""
    unit_id: Annotated[int, Field(ge=1, le=247)] | None = None
    """Modbus: the unit of the same gateway that has it, where it is not the device's own (a Victron GX)."""
    high_address: Address | None = None
    """Where the high word stands when a 32-bit value is not adjacent (Deye)."""
    exponent_address: Address | None = None
    """Register with the decimal exponent of the value (s16): raw * 10^exponent, read in the same request; 0x8000 there
    means that the value has no scale and therefore does not count."""
    message: Annotated[int, Field(ge=1, le=0xFFFF)] | None = None
    """Which message stands at the address, of registers whose content the device's own list selects (`slots`)."""
    path: str | None = None
    """What to ask an HTTP device for; `link.request` makes the address of it. MQTT: the topic below the portal id."""
    field: str | None = None
    """Where in the JSON answer the value stands: keys and list positions with dots (`emeters.0.power`)."""
    set_path: str | None = None
    """HTTP: the address that sets this point, with {value} in it, where the link's `write` is not for it."""
    words: dict[int, str] = Field(default_factory=dict)
    """HTTP, UDP: how the device calls raw numbers ("Auto"), in `set_path` with what follows an &; what is read is the
    part before it."""
    written_as: str | None = None
    """HTTP: what stands for `path` in the address that sets the value, as it is; None: the path itself."""
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
    grows: tuple[str, ...] = ()
    """Sizes (`made_for` of the map) that the range grows with, where device or connection are larger."""
    min_nonzero: float | None = None
    """0 or at least this much: a charger cannot offer 1 to 5 A (IEC 61851-1)."""
    site_most: str | None = None
    """Option of the site (`SITE_LIMITS`) that a value set by hand must not exceed, where the site names it."""
    site_least: str | None = None
    """The same for the lower end."""
    site_per: str | None = None
    """Measured quantity that the limit is divided by first: watts by `battery_voltage_v` are amperes."""
    forms: dict[int, dict[str, Any]] = Field(default_factory=dict)
    """UDP: by raw number, what the device is told to take it. `{name}` stands for the raw value of another point of the
    block, alone for the number itself."""
    codes: dict[int, float] | None = None
    """Raw number -> site number of an enum; a raw number that is not listed is never guessed. Several raw numbers may
    mean the same; the first listed is what the virtual plant says."""
    labels: dict[int, str] = Field(default_factory=dict)
    """Site number (enum) or bit number (bits) -> what it means."""
    invalid: tuple[int, ...] = ()
    """Raw patterns that mean "no value" (overflow 0x7FFF, a counter of 0), beside that of the type (`NOTHING`)."""
    optional: bool = False
    """Not all models of the map have it: a refused register means that this one has not, and a sum goes without."""
    access: Literal["r", "rw", "w"] = "r"
    group: Literal["live", "slow", "setting", "identity"] = "live"
    block: str | None = None
    """Points that must be written together in one request, or the device sees a half-made setting."""
    is_end: bool = False
    """The instant, in seconds since 1970, at which what its block says ends by itself; 0: nothing of ours stands."""
    settle_s: float = Field(0.0, ge=0, le=600)
    """How long after a write the device needs before echo and effect may be judged."""
    writes_per_day: int | None = Field(None, ge=1)
    """Write budget: settings live in non-volatile memory that wears."""
    expires_s: float | None = Field(None, ge=SHORTEST_LIFE_S, le=86_400)
    """How long after a write the device forgets it by itself: as long as a set-point stands, it is written again before
    (`control.renewal`)."""
    only_while: dict[PointName, tuple[float, ...]] = Field(default_factory=dict)
    """Points that must read one of these values, or the device does not take this one: looked at right before."""
    proved_by: str | None = None
    """Of a point that cannot be read (`access: w`): the point that shows what was written, or `effect`."""
    heartbeat: bool = False
    """It shows that somebody is there, and its value means nothing: it counts up within its range, [0, 1] toggles."""
    safe_value: float | None = None
    """What release leaves behind, where it does not depend on the site."""
    silence: str = ""
    """What becomes of this value when nobody talks to the device; the map's `silence` where empty."""
    verified: bool = True
    """False: one source or none; check at commissioning."""
    note: str = ""

    model: tuple[int, ...] = ()
    """SunSpec: the information models that have the point, the first one a device has is read."""
    point: str | None = None
    """SunSpec: its name in the model, in a group with a number: `module.2.DCW`."""
    index: int = Field(1, ge=1, le=99)
    """SunSpec: which one of several equal models of the device."""

    @property
    def key(self) -> str:
        """How readings and `live` name this point: the canonical quantity where there is one."""
        return self.quantity or self.name

    @property
    def addresses(self) -> tuple[int, ...]:
        """Registers (or the bit) of the value as numbers of `place`, lowest first; the separate high word last."""
        if self.address is None:
            return ()
        if self.high_address is not None:
            return (self._of_unit(self.address), self._of_unit(self.high_address))
        size = self.length if self.type == "ascii" else WORDS[self.type]
        first = self._of_unit(self.address)
        return tuple(range(first, first + size))

    def _of_unit(self, address: int) -> int:
        return number_of(self.table, self.unit_id or 0, address)

    @property
    def is_bit(self) -> bool:
        """Whether it stands in a table of bits."""
        return self.table in BITS

    @property
    def numbered_by(self) -> frozenset[str]:
        """What stands in braces in its path (`vebus/{vebus}/State`)."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.path or "") if name)

    @property
    def nothing(self) -> tuple[int, ...]:
        """Every raw pattern that means "no value"; a listed code is one whatever its pattern."""
        own = NOTHING.get(self.type)
        return self.invalid if own is None or own in self.invalid else (*self.invalid, own)

    @property
    def writable(self) -> bool:
        return "w" in self.access

    @property
    def readable(self) -> bool:
        return "r" in self.access

    @property
    def registers(self) -> tuple[int, ...]:
        """What must be read to know the value: its own registers and that of its exponent."""
        return self.addresses if self.exponent_address is None else (*self.addresses, self.exponent_address)

    @model_validator(mode="before")
    @classmethod
    def _has_the_type_of_its_place(cls, given: Any) -> Any:
        """What JSON carries has no width, and a SunSpec model says itself how its points are written."""
        if not isinstance(given, dict):
            return given
        if "path" in given:
            return {"type": "f32", **given}
        if given.get("table") in BITS and given.get("codes") is None:
            return {"range": (0, 1), **given}
        return sunspec_point(given) if "model" in given or "point" in given else given

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        if [self.address is None, self.path is None, not self.model].count(False) != 1:
            raise ValueError("give one of `address` (a register), `path` (an HTTP value) and `model` (SunSpec)")
        if self.is_bit:
            self._is_a_bit()
        if self.path is None and (self.field or self.true_field or self.set_path or self.words or self.written_as):
            raise ValueError(
                "field, true_field, set_path, words and written_as are of HTTP, a register has none; remove them"
            )
        if self.set_path is not None and (self.set_path.count("{value}"), self.set_path.count("{")) != (1, 1):
            raise ValueError(f"set_path {self.set_path!r} must have {{value}} in it once, and nothing else in braces")
        if self.unit_id is not None and (self.address is None or self.exponent_address is not None):
            raise ValueError("unit_id is for a register without an exponent of its own; remove one")
        if self.type == "ascii" and self.path is not None:
            raise ValueError("type ascii is for registers; only numbers are read over HTTP")
        if self.high_address is not None and self.type not in ("u32", "s32"):
            raise ValueError(f"high_address is for u32 and s32, not {self.type}; remove it or change the type")
        if self.exponent_address is not None and (self.address is None or self.type not in SCALED):
            raise ValueError(f"exponent_address scales a register of {', '.join(SCALED)}; remove it or change the type")
        if self.codes is not None and self.type != "enum":
            raise ValueError(f"codes are for type enum, not {self.type}; change the type or remove codes")
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"range {list(self.range)} is empty; write [lowest, highest]")
        return self._can_be_written()._is_renewed()._fits_the_site()._speaks_the_vocabulary()

    def _is_a_bit(self) -> None:
        if self.address is None:
            raise ValueError(f"table {self.table} is of Modbus: give the `address` of the bit, or remove it")
        if self.type not in ("u16", "enum"):
            raise ValueError(f"type {self.type} is for registers, a {self.table} is 0 or 1; remove it")
        if given := [n for n in OF_REGISTERS if getattr(self, n) != type(self).model_fields[n].default]:
            raise ValueError(
                f"{given[0]} is for registers, a {self.table} is 0 or 1; remove it (`codes` may turn it round)"
            )
        if self.codes is not None and not set(self.codes) <= {0, 1}:
            raise ValueError(f"codes {sorted(self.codes)} of a {self.table} must be of 0 and 1; remove the others")
        if self.codes is None and self.range is not None and self.range != (0, 1):
            raise ValueError(f"range {list(self.range)} of a {self.table} must be [0, 1]; remove it")
        if self.writable and self.table == "discrete-input":
            raise ValueError("a discrete input cannot be written; remove `access`, or let `table` be coil")

    def _can_be_written(self) -> Self:
        if self.writable and self.range is None and self.codes is None:
            raise ValueError("a writable point needs a `range`: without one nothing stops a wrong set-point")
        if self.writable and self.codes is not None and len(set(self.codes.values())) < len(self.codes):
            raise ValueError("a writable enum needs one raw number per code; which of two to write would be a guess")
        for model in self.model if self.writable else ():
            if not point_of(model, self.point or "").may_be_written:
                raise ValueError(
                    f"model {model} {self.point} must not be written: it is read-only, wears or touches the grid code; "
                    "remove `access`"
                )
        return self

    def _is_renewed(self) -> Self:
        if self.heartbeat and self.expires_s is None:
            raise ValueError("a heartbeat needs `expires_s`: after how long without one the device is on its own")
        if self.heartbeat and (self.range is None or not all(end.is_integer() for end in self.range)):
            raise ValueError("a heartbeat counts up within its range; write [lowest, highest] in whole numbers")
        if self.access == "w" and self.proved_by is None:
            raise ValueError("what cannot be read back must be `proved_by` another point, or by its `effect`")
        if self.access != "w" and self.proved_by is not None:
            raise ValueError("proved_by is for what cannot be read back (`access: w`); remove it")
        if self.only_while and not self.writable:
            raise ValueError("only_while is for what is written; remove it, or let `access` be rw")
        if self.expires_s is not None and not self.writable:
            raise ValueError("expires_s is for what is written and forgotten; remove it, or let `access` be rw")
        if self.expires_s is not None and self.writes_per_day is not None:
            raise ValueError("what expires is written all day long; remove `writes_per_day`, or `expires_s`")
        return self

    def _fits_the_site(self) -> Self:
        if self.site_per is not None and self.site_per not in QUANTITIES:
            raise ValueError(f"site_per {self.site_per!r} is not in the vocabulary: {', '.join(sorted(QUANTITIES))}")
        for side, name in (("site_most", self.site_most), ("site_least", self.site_least)):
            if name is None:
                continue
            if name not in SITE_LIMITS:
                raise ValueError(f"{side} {name!r} is no limit of a site; there are {', '.join(SITE_LIMITS)}")
            unit = SITE_LIMITS[name]
            if self.site_per is not None:
                unit = QUOTIENTS.get((unit, QUANTITIES[self.site_per].unit), "?")
            if unit != self.unit:
                raise ValueError(f"{side} {name} is in {unit!r}, the point in {self.unit!r}; name another, or site_per")
        return self

    def _speaks_the_vocabulary(self) -> Self:
        if self.quantity is None:
            return self
        if self.quantity not in QUANTITIES:
            raise ValueError(f"quantity {self.quantity!r} is not in the vocabulary: {', '.join(sorted(QUANTITIES))}")
        if self.unit != QUANTITIES[self.quantity].unit:
            wanted = QUANTITIES[self.quantity].unit
            raise ValueError(f"{self.quantity} is measured in {wanted!r}, the point says {self.unit!r}; change scale")
        return self


def sunspec_point(given: dict[str, Any]) -> dict[str, Any]:
    """A SunSpec point as written, with the type its (first) model gives it; a device that has another model of the list
    may give it another one, which is found on connecting.

    Raises:
        ValueError: an unknown model or point, or a property that the model decides.
    """
    own = [name for name in ("type", "length", "word_order", "invalid", "high_address") if name in given]
    if own:
        raise ValueError(f"{own[0]} is decided by the SunSpec model; remove it")
    models = given.get("model")
    models = tuple(models) if isinstance(models, list | tuple) else (models,)
    if not models or not all(isinstance(m, int) for m in models) or not isinstance(given.get("point"), str):
        raise ValueError("a SunSpec point needs `model` (a number, or a list of them) and `point` (its name there)")
    forms = [point_of(model, given["point"]).format for model in models]
    return {**given, "model": models, "type": point_type(forms[0], given.get("codes")), "length": forms[0].words}


def point_type(form: Format, codes: object) -> str:
    """The type of a point in a SunSpec format; an enumeration without codes is a number."""
    return "u16" if form.type == "enum" and codes is None else form.type
