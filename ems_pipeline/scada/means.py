"""Means of minutes and changes of states, from snapshots. Pure.

A poll counts once, however often it is shown; what was not read is no part of a mean. A minute in which nothing moved
since the last one is not written, for a quarter of an hour: a set at rest says the same a thousand times a day. Mains
that it measures meanwhile have moved when they did so beyond what they waver by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.warehouse.gensets import Change, Key, Minute

MEANS: Mapping[str, tuple[str, ...]] = {
    "power_w": ("power_w", "busbar_power_w"),
    "power_target_pct": ("power_target_pct",),
    "reactive_var": ("reactive_var", "busbar_reactive_var"),
    "power_factor": ("power_factor",),
    "voltage_v": ("generator_l12_v", "busbar_l12_v"),
    "frequency_hz": ("generator_hz", "busbar_hz"),
    "current_a": ("current_l1_a", "busbar_current_a"),
    "speed_rpm": ("rpm",),
    "coolant_c": ("coolant_c",),
    "oil_kpa": ("oil_kpa",),
    "oil_c": ("oil_c",),
    "fuel_pct": ("fuel_pct",),
    "fuel_per_h": ("fuel_per_h",),
    "battery_v": ("battery_v",),
    "grid_w": ("mains_power_w",),
    "grid_voltage_v": ("mains_l12_v",),
    "grid_hz": ("mains_hz",),
}
"""Column -> the value it is the mean of, that of a set or that of a switchboard."""
LASTS = ("energy_wh", "run_hours")
STATES = ("engine_state", "generator_breaker", "busbar_breaker", "mains_breaker", "mains_state", "load_mode")
DIGITS: Mapping[str, int] = {"power_factor": 3, "frequency_hz": 2, "grid_hz": 2, "run_hours": 2}
"""Of a mean; all others have one, powers none."""
UNMOVED = timedelta(minutes=15)
STEADY: Mapping[str, float] = {
    "grid_voltage_v": 0.01, "grid_hz": 0.001, "battery_v": 0.01, "coolant_c": 0.03, "oil_c": 0.03,
}  # fmt: skip
"""Part of a value by which it wavers without having moved: 4 V of 400, 0.05 Hz, 1 °C of a warm engine."""


@dataclass(slots=True)
class _Sum:
    """One controller's running minute."""

    minute_at: datetime
    sources: tuple[tuple[str, str], ...]
    """Column, and the value of this controller that it is the mean of."""
    taken_at: datetime | None = None
    samples: int = 0
    sums: dict[str, tuple[float, int]] = field(default_factory=dict)
    lasts: dict[str, float] = field(default_factory=dict)


class Means:
    """All controllers' running minutes, and the states they were in."""

    def __init__(self) -> None:
        self._running: dict[Key, _Sum] = {}
        self._written: dict[Key, Minute] = {}
        self._states: dict[Key, dict[str, str | None]] = {}

    def take(self, seen: Snapshot, now_at: datetime) -> tuple[list[Minute], list[Change]]:
        """What a snapshot of a round completes: the minute before its own, and the states it changes."""
        key, changes = (seen.site, seen.device), self._changed(seen, now_at)
        if seen.taken_at is None or seen.link is Link.DOWN:
            return self._ended(key), changes
        minute_at = seen.taken_at.replace(second=0, microsecond=0)
        running, ended = self._running.get(key), list[Minute]()
        if running is not None and running.minute_at != minute_at:
            ended = self._ended(key)
        if (running := self._running.get(key)) is None:
            running = self._running[key] = _Sum(minute_at, _sources(seen.values))
        if running.taken_at != seen.taken_at:
            running.taken_at = seen.taken_at
            _add(running, seen.values)
        return ended, changes

    def _ended(self, key: Key) -> list[Minute]:
        """The running minute as it is written; nothing where nothing moved."""
        running = self._running.pop(key, None)
        if running is None or not running.samples:
            return []
        means = {name: _rounded(name, total / count) for name, (total, count) in running.sums.items()}
        lasts = {name: _rounded(name, value) for name, value in running.lasts.items()}
        minute = Minute(*key, running.minute_at, running.samples, means | lasts)
        before = self._written.get(key)
        if before is not None and _is_unmoved(before, minute):
            return []
        self._written[key] = minute
        return [minute]

    def _changed(self, seen: Snapshot, now_at: datetime) -> list[Change]:
        """States and mode that are others than before; the first ones of a process are none.

        A link turns when nobody answers, which is later than what was read last.
        """
        at = seen.taken_at
        states: dict[str, str | None] = {"link": str(seen.link)}
        if seen.link is not Link.DOWN:
            states |= {name: _word(seen.values[name]) for name in STATES if name in seen.values}
            states["mode"] = next(
                (name.removeprefix("mode_") for name, on in seen.bits.items() if on and "mode_" in name), None
            )
        before = self._states.setdefault((seen.site, seen.device), {})
        changed = {
            name: (before[name], word) for name, word in states.items() if name in before and before[name] != word
        }
        before |= states
        if at is None:
            return []
        return [
            Change(seen.site, seen.device, now_at if name == "link" else at, name, was, became)
            for name, (was, became) in changed.items()
        ]


def _sources(values: Collection[str]) -> tuple[tuple[str, str], ...]:
    found = ((name, next((source for source in sources if source in values), None)) for name, sources in MEANS.items())
    return tuple((name, source) for name, source in found if source is not None)


def _add(running: _Sum, values: Mapping[str, float | str | None]) -> None:
    running.samples += 1
    for name, source in running.sources:
        value = values.get(source)
        if isinstance(value, float | int):
            total, count = running.sums.get(name, (0.0, 0))
            running.sums[name] = total + value, count + 1
    for name in LASTS:
        value = values.get(name)
        if isinstance(value, float | int):
            running.lasts[name] = float(value)


def _rounded(name: str, value: float) -> float:
    return round(value, DIGITS.get(name, 0 if name.endswith(("_w", "_var", "_wh", "_rpm", "_kpa")) else 1))


def _word(value: float | str | None) -> str | None:
    return None if value is None else str(value)


def _is_unmoved(before: Minute, now: Minute) -> bool:
    """Whether a minute says what the last one that was written says."""
    if now.minute_at - before.minute_at >= UNMOVED or before.values.keys() != now.values.keys():
        return False
    return all(abs(value - was) <= STEADY.get(name, 0.0) * abs(was) for name, value, was in _pairs(before, now))


def _pairs(before: Minute, now: Minute) -> Iterable[tuple[str, float, float]]:
    return ((name, value, before.values[name]) for name, value in now.values.items())
