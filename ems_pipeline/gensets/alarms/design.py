"""What is suppressed by design: what says nothing while the engine rests, and all of a controller that is not heard.

A shutdown is never hidden: the engine rests *because* of it. Suppressed is not ended: the alarm lives on, and is shown
again when what suppresses it is over.
"""

from __future__ import annotations

from ems_pipeline.gensets.alarms.alarm import Alarm, Source
from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.gensets.states import AlarmGroup, EngineState

LINK, RESTING = "link", "resting"
"""What suppresses."""
AT_REST = frozenset(
    {
        EngineState.STANDBY, EngineState.PREHEAT, EngineState.FUEL_ON, EngineState.CRANKING, EngineState.CRANK_REST,
        EngineState.ENERGISED_TO_STOP, EngineState.WAIT_STOP, EngineState.POST_STOP,
    }
)  # fmt: skip
"""No oil pressure, speed or voltage is to be expected: the engine stands, or is not up to speed yet."""
OF_RUNNING = frozenset(
    {
        "low_oil_pressure", "low_oil_pressure_input", "underspeed", "speed_signal_lost", "charging_failure",
        "gen_underfrequency", "gen_undervoltage", "loss_of_excitation", "low_temperature",
    }
)  # fmt: skip
"""Alarms of the controllers that say something only while the engine runs."""


def is_resting(seen: Snapshot) -> bool | None:
    """Whether the engine rests; None: nobody knows."""
    state = seen.values.get("engine_state")
    if seen.link is not Link.GOOD or not isinstance(state, str):
        return None
    return state in AT_REST


def suppressed_by(alarm: Alarm, seen: Snapshot) -> str | None:
    """What suppresses an alarm of this controller now; what nobody knows leaves it as it is."""
    if seen.link is Link.DOWN:
        return None if alarm.condition.source is Source.LINK else LINK
    if alarm.condition.group is not AlarmGroup.WARNING or alarm.condition.name not in OF_RUNNING:
        return None
    resting = is_resting(seen)
    if resting is None:
        return RESTING if alarm.suppressed_by == RESTING else None
    return RESTING if resting else None
