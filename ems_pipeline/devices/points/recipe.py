"""How a device obeys, as data: the `recipe` of a point map: each mode's writes in their order, and what hands it back.

What code would have to promise is refused where it is missing: a mode, a stop, a heartbeat in one of the modes, a
register that nobody has verified. Who makes writes of it is `vendors.by_recipe`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from ems_pipeline.devices.points.link import MapRecord
from ems_pipeline.devices.points.point import Point, PointName
from ems_pipeline.sites.modes import BatteryMode, HeatPumpMode, MachineMode

Value = Literal[
    "power_w", "charge_w", "discharge_w", "target_soc_pct", "min_soc_pct", "export_limit_w", "pv_limit_w", "watchdog_s"
]
"""What a command brings: `power_w` signed as the site has it (> 0 discharge), limits in W >= 0, `watchdog_s` the
shortest life of what the map writes."""
OF_COMMAND = frozenset({"power_w", "charge_w", "discharge_w", "target_soc_pct"})
MODES: Mapping[str, tuple[str, ...]] = {
    "battery": tuple(BatteryMode),
    "heat-pump": tuple(HeatPumpMode),
    "machine": tuple(MachineMode),
}
"""What a device of each kind is asked, and so what its recipe must know."""


class Step(MapRecord):
    """One write: a number, or what the command brings, times a factor; in percent of what another point says."""

    point: PointName
    to: float | Value | None = None
    """None is for a heartbeat alone, which says its next value itself."""
    times: float = 1.0
    percent_of: PointName | None = None
    """The point that says what 100 % is."""
    step: Annotated[float, Field(gt=0)] | None = None
    """How fine the device is set; rounded towards zero. None: as fine as its register."""


class Recipe(MapRecord):
    """Writes in the order they are sent; after one that is refused, nothing goes out but what also hands back."""

    asset: Literal["battery", "heat-pump", "machine"] = "battery"
    modes: dict[str, tuple[Step, ...]]
    release: tuple[Step, ...] = Field(min_length=1)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All of them, whatever the mode."""
        return (*(step for steps in self.modes.values() for step in steps), *self.release)

    def brings(self, value: Value) -> bool:
        """Whether the device is told this by itself, so that nobody has to keep it."""
        return any(step.to == value for step in self.steps)

    def faults(self, points: Mapping[str, Point]) -> Iterator[str]:
        """What is missing or must not be, each with its remedy; what it is about comes first."""
        wanted = MODES[self.asset]
        yield from (
            f"recipe: mode {str(mode)!r} is missing; a {self.asset} is asked for it"
            for mode in wanted
            if mode not in self.modes
        )
        yield from (
            f"recipe {mode!r}: no mode of a {self.asset}, which has {', '.join(wanted)}"
            for mode in self.modes
            if mode not in wanted
        )
        for mode, steps in {**self.modes, "release": self.release}.items():
            for step in steps:
                yield from (f"recipe {mode!r}: {fault}" for fault in _wrong(step, points))
        known = {name: p for name, p in points.items() if any(step.point == name for step in self.steps)}
        for point in known.values():
            yield from self._not_undone(point)
        if not any(isinstance(step.to, float) for step in self.release):
            yield "recipe 'release': hands nothing back; write what the device is left with"
        yield from self._unheard(points)
        if self.brings("watchdog_s") and not any(p.expires_s for p in known.values()):
            yield "recipe: watchdog_s is told and nothing that is written expires; give those points `expires_s`"

    def _not_undone(self, point: Point) -> Iterator[str]:
        """A point that is only ever a constant decides what the device does: every mode and release say it."""
        written = {mode: [s for s in steps if s.point == point.name] for mode, steps in self.modes.items()}
        is_told = any(s.to in OF_COMMAND for steps in written.values() for s in steps)
        released = [s for s in self.release if s.point == point.name]
        if any(s.to in OF_COMMAND for s in released):
            yield f"recipe 'release': {point.name} is to become what no command says then; give a number"
        if point.heartbeat or not any(written.values()):
            return
        is_watchdog = all(s.to == "watchdog_s" for steps in written.values() for s in steps)
        if not is_told:
            yield from (
                f"recipe {mode!r}: says nothing of {point.name}, so what another mode has left goes on; write it"
                for mode, steps in written.items()
                if not steps
            )
        if not (released or is_watchdog or point.expires_s or (is_told and point.only_while)):
            yield f"recipe 'release': leaves {point.name} as it is: nothing stops it; write it, or give it `expires_s`"
        if released and point.only_while:
            yield f"recipe 'release': {point.name} is taken at times only (`only_while`); what lets go must always go"

    def _unheard(self, points: Mapping[str, Point]) -> Iterator[str]:
        for point in points.values():
            if point.heartbeat:
                yield from (
                    f"recipe {mode!r}: has no heartbeat {point.name}, without which the device gives up; write it"
                    for mode, steps in self.modes.items()
                    if all(step.point != point.name for step in steps)
                )


def _wrong(step: Step, points: Mapping[str, Point]) -> Iterator[str]:
    """What is wrong with one step by itself."""
    point = points.get(step.point)
    if point is None:
        yield f"{step.point!r} is no point; define it"
        return
    if not point.writable:
        yield f"{step.point} is read-only; let its `access` be rw"
    if (step.to is None) != point.heartbeat:
        yield f"{step.point}: `to` says what it becomes, but for a heartbeat; give it, or remove it"
    others = [*point.only_while, *([step.percent_of] if step.percent_of else [])]
    named = [point, *(points[n] for n in others if n in points)]
    for used in named:
        if not used.verified:
            yield f"{used.name} is unverified and would steer; verify it, or leave it out"
    if step.percent_of is not None and step.percent_of not in points:
        yield f"{step.percent_of!r} is no point; define it"
    if isinstance(step.to, float) and not _can_be(point, step.to * step.times):
        yield f"{step.point} cannot be {step.to * step.times:g}; give a value of its `range` or `codes`"


def _can_be(point: Point, value: float) -> bool:
    if point.codes is not None:
        return value in point.codes.values()
    return point.range is None or point.range[0] <= value <= point.range[1]
