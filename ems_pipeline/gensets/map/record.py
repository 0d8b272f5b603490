"""A controller map as validated data; the schema of `smartgen-map/1`. value = (raw * scale + offset) * sign, in `unit`.

Names end in the unit of the value; whoever reads one scales nothing again. `whole` has the laws of parts together.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ems_pipeline.devices.points.link import MapRecord
from ems_pipeline.gensets.states import AlarmGroup

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Address = Annotated[int, Field(ge=0, le=65_535)]
Raw = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]
Poll = Literal["fast", "slow", "alarm", "once"]
"""In every cycle; in every fifth; while something is wrong; when the connection is new."""
Tag = Literal["field", "script", "inferred", "manual"]
"""How a register is known: polled on a real machine, of a tested script, concluded, of the maker's manual."""
LONGEST_BLOCK = 125


class Defaults(MapRecord):
    """What holds where a register says nothing else."""

    fc_read: Literal[3, 4] = 3
    word_order: Literal["low_first", "high_first"] = "low_first"
    invalid_raw: tuple[Raw, ...] = (32766, 32767)
    """"No sensor"; looked for in the raw word, of 32 bits in the whole and in the low word."""
    max_block: int = Field(40, ge=2, le=LONGEST_BLOCK)
    join_gap: int = Field(8, ge=0, le=100)
    """Registers that nobody wants and a request may run over."""


class Terms(MapRecord):
    """How the controller wants to be asked; its `serial` is for whoever installs it, software cannot see it."""

    mode: Literal["tcp", "rtu_over_tcp"] = "tcp"
    slave: int = Field(1, ge=1, le=254)
    timeout_s: float = Field(2.0, ge=0.1, le=30)
    silence_ms: int = Field(400, ge=0, le=5000)
    serial: str = ""
    rtu_max_block: int = Field(40, ge=2, le=LONGEST_BLOCK)
    rtu_join_gap: int = Field(8, ge=0, le=100)
    """The same two behind a serial converter, where a byte takes a millisecond."""
    renew_polls: int = Field(0, ge=0, le=100_000)
    """After so many polls the connection is opened anew, for a gateway that needs it; 0: it stays open."""


class Register(MapRecord):
    """One number, or one state by its number."""

    name: Name
    address: Address
    type: Literal["u16", "s16", "u32", "s32", "enum", "bits"] = "u16"
    scale: float = Field(1.0, gt=0)
    offset: float = 0.0
    sign: Literal[1, -1] = 1
    turns: bool = False
    """Its sign depends on how current transformers of the mains were put in: `mains_sign` of the switchboard."""
    unit: str = ""
    poll: Poll = "fast"
    valid: tuple[float, float] | None = None
    """Beyond is no value: plausibility, not an alarm."""
    invalid_raw: tuple[Raw, ...] | None = None
    enum: Name | None = None
    only_while: dict[Name, tuple[str, ...]] = Field(default_factory=dict)
    """States in which it means something; it is no value in all others."""
    wrap: float | None = Field(None, gt=0)
    """An angle's full turn: what is more than half of it is negative."""
    tag: Tag | None = None
    verified: bool | None = None
    source: str = ""

    @property
    def size(self) -> int:
        """Registers it takes."""
        return 2 if self.type in ("u32", "s32") else 1

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        if (self.type == "enum") != (self.enum is not None):
            raise ValueError("`enum` goes with type enum, and that type with an `enum`; give both or neither")
        if self.valid is not None and self.valid[0] >= self.valid[1]:
            raise ValueError(f"valid {list(self.valid)} is no range; write the lower end first")
        return self


class Bit(MapRecord):
    """One bit: a status, or with `severity` an alarm of that group."""

    name: Name
    address: Address
    bit: int = Field(ge=0, le=15)
    poll: Poll = "fast"
    severity: AlarmGroup | None = None
    tag: Tag | None = None
    verified: bool | None = None
    source: str = ""


class Coil(MapRecord):
    """One bit that is read as a coil (function 1): a key, and whether it is down, or an output. Never an alarm."""

    name: Name
    address: Address
    poll: Literal["fast", "slow", "once"] = "slow"
    tag: Tag | None = None
    verified: bool | None = None
    source: str = ""


class AlarmTable(MapRecord):
    """Alarm words whose layout repeats in each group: the word `i` of a group stands at its first register + `i`."""

    groups: dict[AlarmGroup, Address] = Field(min_length=1)
    words: tuple[tuple[Name | None, ...], ...] = Field(min_length=1)
    """Names of the bits of each word from bit 0 on; null: not known."""
    poll: Poll = "alarm"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(len(word) > 16 for word in self.words):
            raise ValueError("a word has 16 bits; take the names that are too many to the next one")
        return self

    def bits(self) -> list[Bit]:
        """Every bit of every group, by the table's layout."""
        return [
            Bit(name=name, address=first + i, bit=n, poll=self.poll, severity=group)
            for group, first in self.groups.items()
            for i, word in enumerate(self.words)
            for n, name in enumerate(word)
            if name is not None
        ]


class Verify(MapRecord):
    """How a command is proven: a bit or a register (by its address) that is to say something in time."""

    bit: Name | None = None
    register_at: Address | None = Field(None, alias="register")
    equals: int | str | tuple[str, ...] | None = None
    """None: what was written. Several: any of these states."""
    within_s: float = Field(gt=0, le=600)

    @model_validator(mode="after")
    def _looks_at_one(self) -> Self:
        if (self.bit is None) == (self.register_at is None):
            raise ValueError("give one of `bit` and `register`")
        return self


class Command(MapRecord):
    """A key that is pressed, or a number that is written."""

    name: Name
    kind: Literal["pulse_coil", "write_register"]
    address: Address
    fc: Literal[5, 6] | None = None
    on_ms: int = Field(600, ge=50, le=3000)
    off_before_ms: int = Field(100, ge=0, le=2000)
    scale: float = Field(1.0, gt=0)
    range: tuple[float, float] | None = None
    unit: str = ""
    verify: Verify | None = None
    """None: what became of it is unconfirmed."""
    requires_verified: bool = True
    """Refused while nobody has compared the map with the manual."""
    tag: Tag | None = None
    verified: bool | None = None
    source: str = ""

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        wanted = 5 if self.kind == "pulse_coil" else 6
        if self.fc not in (None, wanted):
            raise ValueError(f"fc {self.fc} does not go with {self.kind}, which is function {wanted}; remove it")
        if self.kind == "write_register" and self.range is None:
            raise ValueError("a number that is written needs its `range`; add it")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError(f"range {list(self.range)} is no range; write the lower end first")
        return self
