"""The life of a set-point: which step may follow which, and the one function that takes it.

    intended -> sent -> echoed -> effective        and from any of them to one of the ends:
    failed, reverted, superseded, expired, released

`intended` is committed before the wire is touched. `released` is the end of the set-point that hands a device back; a
set-point that merely stood until then is `superseded` by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ems_pipeline.warehouse.intents import Setpoint, State, Step


class IllegalStep(RuntimeError):
    """A step the life of a set-point does not have; a fault of the program, nothing was journalled."""


S = State
ENDS = frozenset({S.FAILED, S.REVERTED, S.SUPERSEDED, S.EXPIRED, S.RELEASED})
OPEN = frozenset(State) - ENDS
NEXT: Mapping[State, frozenset[State]] = {
    S.INTENDED: frozenset({S.SENT, S.ECHOED, S.FAILED, S.SUPERSEDED, S.EXPIRED}),
    S.SENT: frozenset({S.ECHOED, S.FAILED, S.SUPERSEDED, S.EXPIRED}),
    S.ECHOED: frozenset({S.EFFECTIVE, S.FAILED, S.REVERTED, S.SUPERSEDED, S.EXPIRED, S.RELEASED}),
    S.EFFECTIVE: frozenset({S.FAILED, S.REVERTED, S.SUPERSEDED, S.EXPIRED}),
    **dict.fromkeys(ENDS, frozenset()),
}
"""From `intended` straight to `echoed` goes what stood in the device already; a shadow never gets beyond `intended`
but to an end."""


def step(
    setpoint_id: int, before: State, after: State, at: datetime, reason: str = "", measured: Mapping[str, Any] = {}
) -> Step:
    """The step from one state to the next.

    Raises:
        IllegalStep: there is no such step.
    """
    if after not in NEXT[before]:
        allowed = ", ".join(sorted(NEXT[before])) or "nothing, it has ended"
        raise IllegalStep(f"set-point {setpoint_id} cannot go from {before} to {after}; it may go to {allowed}")
    return Step(setpoint_id, before, after, at, reason, measured)


def path(
    setpoint: Setpoint, *states: State, at: datetime, reason: str = "", measured: Mapping[str, Any] = {}
) -> list[Step]:
    """Several steps of one set-point taken together; reason and measured values belong to the last."""
    steps, before = [], setpoint.state
    for after in states:
        last = after is states[-1]
        steps.append(step(setpoint.setpoint_id, before, after, at, reason if last else "", measured if last else {}))
        before = after
    return steps
