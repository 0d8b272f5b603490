"""The fault catalogue: what hardware and wires do wrong in the field, to be switched on while a plant runs.

A fault of a device changes what its twin answers, takes or obeys (`Trouble`); a fault of a line changes what a
gateway's connections do with bytes (`modbus_server`). Each has a stated outcome; the scenario tests hold it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.decoding import interpret
from ems_pipeline.devices.points.point import Point
from ems_pipeline.plant.gensets.switches import SWITCHES
from ems_pipeline.plant.refusals import BUSY, DEVICE_FAILURE, Refused, Silent
from ems_pipeline.plant.twin import Trouble, Twin

REVERT_AFTER_S = 77.0
REBOOT_S = 90.0
SLOW_S = 0.4


@dataclass(frozen=True, slots=True)
class Kind:
    """Where a fault sits, what happens, and what drivers and control are to make of it."""

    where: Literal["device", "line"]
    happens: str
    outcome: str
    of_datagrams: bool = False
    """Whether only a gateway of datagrams or messages can have it."""


FAULTS: dict[str, Kind] = {
    "freeze": Kind("device", "measured values stand still, settings still answer", "good readings that never change"),
    "busy": Kind("device", "every request gets exception 6", "refused; the circuit opens after three sweeps"),
    "exception": Kind("device", "every request gets exception 4", "refused; the circuit opens after three sweeps"),
    "zero": Kind("device", "measured registers are all 0", "out of range where 0 is impossible, e.g. grid frequency"),
    "out-of-range": Kind("device", "measured registers hold their largest number", "out of range, never good"),
    "ignored-write": Kind("device", "writes are acknowledged and dropped", "the echo differs: failed"),
    "no-effect": Kind("device", "writes are kept and echoed, the hardware does not follow", "echoed, never effective"),
    "revert": Kind("device", f"a write is undone after {REVERT_AFTER_S:g} s", "reverted at the second look"),
    "side-effect": Kind("device", "a write zeroes the writable register next to it", "drift of a setting never sent"),
    "reboot": Kind("device", f"silent for {REBOOT_S:g} s, then volatile settings are lost", "no answer; then drift"),
    "clock-jump": Kind("device", "the device's own clock is three hours ahead", "nothing: recipes hold at any hour"),
    "single-client": Kind("line", "a second connection is closed at once", "no answer for whoever came second"),
    "slow": Kind("line", f"every answer comes {SLOW_S:g} s late", "good within the timeout, no answer beyond"),
    "dropped": Kind("line", "the connection is closed at each request", "no answer; the next request reconnects"),
    "half-open": Kind("line", "connections are accepted and bytes swallowed", "no answer after the timeout"),
    "garbage": Kind("line", "random bytes instead of answers", "no answer or garbage, never good"),
    "foreign": Kind("line", "a frame of another unit and transaction comes first", "no answer or the right one"),
    "other-unit": Kind("line", "answers carry another unit's number", "no answer, never good"),
    "fragment": Kind("line", "answers come in pieces of 1 to 20 bytes", "good: a piece is no answer"),
    "missing": Kind("line", "every third answer does not arrive", "no answer or good, at its turn"),
    "chatter": Kind("line", "other units of a serial line talk by themselves", "good or no answer, never theirs"),
    "serial-pace": Kind("line", "answers come after 140 to 230 ms", "good within the timeout"),
    "lost": Kind(
        "line",
        "every other answer does not arrive (UDP, MQTT)",
        "good: what is only read is asked for again",
        of_datagrams=True,
    ),
    "duplicate": Kind(
        "line", "every answer arrives twice (UDP, MQTT)", "good: an answer counts once", of_datagrams=True
    ),
    "reordered": Kind(
        "line",
        "answers arrive in pairs, the later one first (UDP)",
        "good: an answer counts by its id",
        of_datagrams=True,
    ),
    "truncated": Kind(
        "line",
        "every other answer is cut off in the middle (UDP, MQTT)",
        "good: it is asked for again",
        of_datagrams=True,
    ),
    "broadcast": Kind("line", "every client hears all answers", "good while one master talks at a time"),
}
"""Kind by name. `ems_pipeline_tests/plant/test_faults.py` has one scenario per name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to inject: its kind and the device or gateway that has it."""

    kind: str
    key: str
    """Device key for a device fault, gateway key for a line fault."""
    number: float | None = None
    """How much of it, for those of gensets that have a number; None: the usual."""

    def __post_init__(self) -> None:
        if self.kind not in FAULTS and self.kind not in SWITCHES:
            raise ValueError(f"fault {self.kind!r} is unknown; known are {', '.join((*FAULTS, *SWITCHES))}")


def measured(point: Point) -> bool:
    """Whether a point shows a measurement (settings and identity stay right under the value faults)."""
    return point.group in ("live", "slow") and not point.writable and point.type != "ascii"


class Freeze(Trouble):
    def __init__(self, twin: Twin) -> None:
        super().__init__(twin)
        now = twin.registers()
        self._still = {a: now[a] for p in twin.point_map.points if measured(p) for a in p.addresses if a in now}

    def shown(self, words: Mapping[int, int]) -> Mapping[int, int]:
        return {**words, **self._still}


class Answers(Trouble):
    """Every request is answered with one exception."""

    code = DEVICE_FAILURE

    def before(self) -> None:
        raise Refused(self.code)


class Busy(Answers):
    code = BUSY


class Zero(Trouble):
    def shown(self, words: Mapping[int, int]) -> Mapping[int, int]:
        nothing = dict.fromkeys((a for p in self.twin.point_map.points if measured(p) for a in p.addresses), 0)
        return {**words, **nothing}


class OutOfRange(Trouble):
    def shown(self, words: Mapping[int, int]) -> Mapping[int, int]:
        changed = dict(words)
        for point in self.twin.point_map.points:
            if measured(point) and point.range is not None and point.type != "f32" and not point.is_bit:
                extreme = dict.fromkeys(point.addresses, 0xFFFE)  # all ones would say "no value"
                if point.type in codec.SIGNED:
                    extreme[point.high_address or point.addresses[-1 if point.word_order == "low-first" else 0]] = (
                        0x7FFF
                    )
                if interpret(point, {**words, **extreme})[1]:  # a range as wide as its register cannot be left
                    changed |= extreme
        return changed


class IgnoredWrite(Trouble):
    def taken(self, wanted: Mapping[str, float]) -> Mapping[str, float]:
        return {n: v for n, v in self.twin.held.items() if n in wanted}


class NoEffect(Trouble):
    @property
    def obeys(self) -> bool:
        return False

    def cleared(self) -> None:
        self.twin.hold({})


class Revert(Trouble):
    def taken(self, wanted: Mapping[str, float]) -> Mapping[str, float]:
        world, before = self.twin.world, {name: self.twin.held[name] for name in wanted}
        world.schedule(world.at + timedelta(seconds=REVERT_AFTER_S), lambda: self.twin.hold(before))
        return wanted


class SideEffect(Trouble):
    """The victim is the next writable point above the write, in the order of addresses, else the last below."""

    def taken(self, wanted: Mapping[str, float]) -> Mapping[str, float]:
        writable = sorted((p for p in self.twin.point_map.points if p.writable), key=lambda p: (p.addresses, p.name))
        names = [p.name for p in writable]
        last = max(names.index(name) for name in wanted)
        others = [n for n in names[last + 1 :] + names[last::-1] if n not in wanted]
        return {**wanted, **({others[0]: 0.0} if others else {})}


class Reboot(Trouble):
    def __init__(self, twin: Twin) -> None:
        super().__init__(twin)
        self._over = False
        twin.world.schedule(twin.world.at + timedelta(seconds=REBOOT_S), self._up)

    def before(self) -> None:
        if not self._over:
            raise Silent

    def _up(self) -> None:
        self._over = True
        factory = self.twin.factory_settings()
        self.twin.hold({name: factory.get(name, 0.0) for name in self.twin.volatile})


class ClockJump(Trouble):
    AHEAD_MIN = 180

    def __init__(self, twin: Twin) -> None:
        super().__init__(twin)
        self._shift(self.AHEAD_MIN)

    def cleared(self) -> None:
        self._shift(-self.AHEAD_MIN)

    def _shift(self, minutes: int) -> None:
        hybrid = self.twin.world.hybrids.get(self.twin.device)
        if hybrid is not None:
            hybrid.clock_ahead_min += minutes
            self.twin.world.decide_again()


TROUBLES: dict[str, type[Trouble]] = {
    "freeze": Freeze,
    "busy": Busy,
    "exception": Answers,
    "zero": Zero,
    "out-of-range": OutOfRange,
    "ignored-write": IgnoredWrite,
    "no-effect": NoEffect,
    "revert": Revert,
    "side-effect": SideEffect,
    "reboot": Reboot,
    "clock-jump": ClockJump,
}
"""Device faults by name."""
