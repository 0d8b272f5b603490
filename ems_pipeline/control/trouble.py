"""Which step of a set-point is worth an alarm, and which one ends it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ems_pipeline.sentence import setpoints as say
from ems_pipeline.warehouse import alarms
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.intents import Setpoint, State

OpenAlarm = tuple[str, str]
"""Device and kind."""
ENDED_BY = {
    State.ECHOED: ("setpoint-failed", "release-failed"),
    State.EFFECTIVE: ("setpoint-failed", "release-failed", "reverted", "no-effect"),
    State.RELEASED: ("release-failed",),
}
TROUBLES = {State.FAILED: "setpoint-failed", State.EXPIRED: "setpoint-failed", State.REVERTED: "reverted"}


def file(
    connection: Connection, setpoint: Setpoint, after: State, reason: str, at: datetime, is_open: Collection[OpenAlarm]
) -> None:
    """File or clear alarms for a step of a real set-point from its state to ``after``.

    A device that cannot be released is critical: it may go on with what nobody stands for. One that held its values
    and did otherwise (`no-effect`) stays under alarm until its power is seen to obey.
    """
    for kind in ENDED_BY.get(after, ()):
        if (setpoint.device, kind) in is_open:
            alarms.clear(connection, setpoint.site_key, kind, at, setpoint.device)
    if after not in TROUBLES:
        return
    kind, severity = TROUBLES[after], "warning"
    if setpoint.intent.is_release:
        kind, severity = "release-failed", "critical"
    elif after is State.FAILED and setpoint.state is State.ECHOED:
        kind = "no-effect"
    text = say.ENDED(number=str(setpoint.setpoint_id), outcome=after, why=reason)
    alarms.raise_alarm(connection, setpoint.site_key, kind, severity, text, at, setpoint.device)
