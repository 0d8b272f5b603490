"""A controller map as a whole, and the laws of its parts together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from ems_pipeline.devices.points.link import MapRecord
from ems_pipeline.gensets.map import allowed
from ems_pipeline.gensets.map.record import AlarmTable, Bit, Coil, Command, Defaults, Name, Register, Terms
from ems_pipeline.gensets.states import BreakerState, EngineState

FORMAT = "smartgen-map/1"
STATES: Mapping[str, type[EngineState] | type[BreakerState]] = {
    "engine_state": EngineState,
    "generator_breaker": BreakerState,
    "busbar_breaker": BreakerState,
    "mains_breaker": BreakerState,
}
"""Values whose words alarms, sequences and pages look at."""


class ControllerMap(MapRecord):
    """One model of controller."""

    format: Literal["smartgen-map/1"]
    model: str = Field(pattern=r"^[A-Z][A-Z0-9-]*$", max_length=20)
    revision: str = ""
    provenance: str = ""
    verified: bool = False
    """Its owner has compared it with the manual; a part may say otherwise of itself."""
    defaults: Defaults = Defaults()
    link: Terms = Terms()
    registers: tuple[Register, ...] = Field(min_length=1)
    bits: tuple[Bit, ...] = ()
    coils: tuple[Coil, ...] = ()
    alarms: AlarmTable | None = None
    enums: dict[Name, dict[int, Name]] = Field(default_factory=dict)
    commands: tuple[Command, ...] = ()

    @cached_property
    def status_bits(self) -> tuple[Bit, ...]:
        """Bits that are no alarms."""
        return tuple(bit for bit in self.bits if bit.severity is None)

    @cached_property
    def alarm_bits(self) -> tuple[Bit, ...]:
        """All alarms, those of the table first."""
        table = () if self.alarms is None else tuple(self.alarms.bits())
        return (*table, *(bit for bit in self.bits if bit.severity is not None))

    @cached_property
    def by_command(self) -> dict[str, Command]:
        """Commands by their names."""
        return {command.name: command for command in self.commands}

    def is_verified(self, part: Register | Bit | Coil | Command) -> bool:
        """Whether its owner confirmed a part."""
        return self.verified if part.verified is None else part.verified

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        faults = [*self._named(), *self._worded(), *self._placed(), *self._offered()]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _named(self) -> Iterator[str]:
        for what, names in (
            (
                "registers, bits and coils",
                [r.name for r in self.registers] + [b.name for b in self.status_bits] + [c.name for c in self.coils],
            ),
            ("alarms", [f"{bit.severity}/{bit.name}" for bit in self.alarm_bits]),
            ("commands", [command.name for command in self.commands]),
        ):
            twice = [name for name, times in Counter(names).items() if times > 1]
            yield from (f"{what}: {name!r} is there twice; keep one" for name in twice)

    def _worded(self) -> Iterator[str]:
        for register in self.registers:
            where = f"registers[{register.name}]"
            words = self.enums.get(register.enum or "", {})
            if register.enum is not None and not words:
                yield f"{where}: enum {register.enum!r} is not in `enums`; add it"
            states = STATES.get(register.name)
            if states is not None and (strange := sorted(set(words.values()) - set(states))):
                yield f"{where}: {strange} are no states of it; there are {', '.join(states)}"
            if strange := sorted(register.only_while.keys() - {one.name for one in self.registers}):
                yield f"{where}: only_while names {strange}, which is no register; correct it"
        for name, words in self.enums.items():
            if sorted(words) != list(range(len(words))):
                yield f"enums[{name}]: numbers are {sorted(words)}; name every one from 0 on, without a hole"
            if len(set(words.values())) < len(words):
                yield f"enums[{name}]: a word stands for two numbers; give each its own"

    def _placed(self) -> Iterator[str]:
        taken: dict[int, Register] = {}
        for register in sorted(self.registers, key=lambda one: (one.address, -one.size)):
            for address in range(register.address, register.address + register.size):
                other = taken.setdefault(address, register)
                if other is not register and other.size + register.size > 2:
                    yield (
                        f"registers[{register.name}]: register {address} is half of {other.name!r} "
                        f"({other.type} at {other.address}); correct one address or type"
                    )
        shortest = min(self.defaults.max_block, self.link.rtu_max_block)
        if shortest < max(register.size for register in self.registers):
            yield f"defaults: max_block {shortest} would tear a value of two registers; write 2 or more"

    def _offered(self) -> Iterator[str]:
        bits, places = {bit.name for bit in self.status_bits}, {one.address for one in self.registers}
        for command in self.commands:
            where = f"commands[{command.name}]"
            if fault := allowed.refused(self.model, command.name, command.kind, command.address):
                yield f"{where}: {fault}"
            if command.verify is None:
                continue
            if command.verify.bit is not None and command.verify.bit not in bits:
                yield f"{where}: verify names bit {command.verify.bit!r}, which is not in `bits`; add it"
            if command.verify.register_at is not None and command.verify.register_at not in places:
                yield f"{where}: verify names register {command.verify.register_at}, which is not read; add it"
