"""How a device has behaved lately, and whether to ask it now: a circuit breaker as a pure state machine.

A dead slave on a serial bus costs its timeout in every sweep and makes its neighbours late. After three failures in a
row it is asked only at probes that get rarer; one answer closes the circuit. Health is stored between runs, so it holds
nothing but instants and a count.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

OPENS_AFTER = 3
FIRST_PAUSE = timedelta(seconds=45)
"""Just under a minute: the first probe rides on the next telemetry tick."""
LONGEST_PAUSE = timedelta(minutes=15)


class HealthState(StrEnum):
    """As stored in `device_health.state`."""

    UNKNOWN = "unknown"
    OK = "ok"
    DEGRADED = "degraded"
    """Failed lately, still asked every time."""
    OPEN = "open"
    """Not asked until the next probe."""
    HALF_OPEN = "half-open"
    """A probe is under way or due."""


@dataclass(frozen=True, slots=True)
class Health:
    """State of one device; instants are aware UTC."""

    state: HealthState = HealthState.UNKNOWN
    last_attempt_at: datetime | None = None
    last_seen_at: datetime | None = None
    last_changed_at: datetime | None = None
    error_streak: int = 0
    last_error: str | None = None


def succeeded(health: Health, now: datetime) -> Health:
    """After an answer: the circuit is closed, whatever was before."""
    return _moved(health, HealthState.OK, now, last_seen_at=now, error_streak=0, last_error=None)


def failed(health: Health, now: datetime, reason: str) -> Health:
    """After no usable answer: degraded, from the third in a row on open."""
    streak = health.error_streak + 1
    state = HealthState.OPEN if streak >= OPENS_AFTER else HealthState.DEGRADED
    return _moved(health, state, now, last_seen_at=health.last_seen_at, error_streak=streak, last_error=reason)


def before_attempt(health: Health, device: str, now: datetime) -> Health:
    """Health as it stands when ``now`` has come: an open circuit whose pause is over is half-open."""
    if health.state is HealthState.OPEN and now >= next_probe_at(health, device):
        return replace(health, state=HealthState.HALF_OPEN, last_changed_at=now)
    return health


def may_attempt(health: Health) -> bool:
    """Whether to ask the device: always, except while its circuit is open."""
    return health.state is not HealthState.OPEN


def next_probe_at(health: Health, device: str) -> datetime:
    """When an open circuit may be probed: the pause doubles with each failure and differs by up to a fifth per device.

    The difference comes from the device's name, so that a hundred devices behind one failed switch do not come back in
    step, and the answer is the same in every process.

    Raises:
        ValueError: the device was never asked.
    """
    if health.last_attempt_at is None:
        raise ValueError(f"{device} was never asked, so it has no next probe; ask it")
    doublings = min(max(0, health.error_streak - OPENS_AFTER), 10)
    pause = min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
    return health.last_attempt_at + pause * (1 - 0.2 * (zlib.crc32(device.encode()) % 1000) / 1000)


def _moved(
    health: Health,
    state: HealthState,
    now: datetime,
    *,
    last_seen_at: datetime | None,
    error_streak: int,
    last_error: str | None,
) -> Health:
    changed_at = health.last_changed_at if state is health.state else now
    return Health(state, now, last_seen_at, changed_at, error_streak, last_error)
