"""The controller's keys by the names of its map, and what is never offered (facts: genset-operation section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ems_pipeline.sentence import gensets as say


class Key(StrEnum):
    """Keys that a sequence may press. A map names each as a command; what is not here is pressed by nobody."""

    START = "start"
    STOP = "stop"
    AUTO = "auto"
    MANUAL = "manual"
    MUTE = "mute"
    RESET = "reset"


POWER = "power_setpoint_pct"
"""The one number that is written: the target of active power, % of rated (9520N: 4368, 9560: 4352)."""


@dataclass(frozen=True, slots=True)
class Press:
    """Press a key, once."""

    key: Key

    def __str__(self) -> str:
        return say.PRESS(key=self.key)


@dataclass(frozen=True, slots=True)
class Write:
    """Write the target of active power, % of rated."""

    power_pct: float

    def __str__(self) -> str:
        return say.WRITE(power=f"{self.power_pct:g}")


Action = Press | Write

NEVER = {
    "breaker": "breakers are closed and opened by the controller alone, which synchronises and unloads: use start or "
    "stop",
    "emergency-stop": "an emergency stop is pressed at the set: from afar nobody sees whom it hurts",
    "test": "the mode TEST is for whoever stands at the set",
}
"""What may never be done from afar, and why; a command of such a name is refused with it."""
