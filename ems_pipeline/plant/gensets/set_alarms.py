"""Where a HGM9520N shows its alarms: seven groups of fifteen registers, the same bits in each (smartgen-hgm9520n.md
section 4), and those that a set brings about itself."""

from __future__ import annotations

from collections.abc import Mapping

from ems_pipeline.gensets.states import AlarmGroup
from ems_pipeline.plant.gensets.panel import Alarm

BASES: Mapping[AlarmGroup, int] = {
    AlarmGroup.SHUTDOWN: 1, AlarmGroup.TRIP_STOP: 16, AlarmGroup.TRIP: 31, AlarmGroup.SAFETY_TRIP_STOP: 46,
    AlarmGroup.SAFETY_TRIP: 61, AlarmGroup.BLOCK: 76, AlarmGroup.WARNING: 91,
}  # fmt: skip
"""First register of each group; the same bits repeat in all (smartgen-hgm9520n.md section 4)."""
STOPPING = frozenset({AlarmGroup.SHUTDOWN, AlarmGroup.TRIP_STOP, AlarmGroup.SAFETY_TRIP_STOP})
OPENING = frozenset({AlarmGroup.TRIP, AlarmGroup.SAFETY_TRIP})


def alarm(group: AlarmGroup, word: int, bit: int) -> Alarm:
    """A bit of the table that repeats in each group."""
    return Alarm(group, BASES[group] + word, bit)


EMERGENCY_STOP = alarm(AlarmGroup.SHUTDOWN, 0, 0)
CRANK_FAILURE = alarm(AlarmGroup.SHUTDOWN, 0, 8)
OVER_POWER = alarm(AlarmGroup.TRIP, 0, 13)
TEMP_SENSOR_OPEN = alarm(AlarmGroup.WARNING, 1, 7)
TOO_HOT, HOT = alarm(AlarmGroup.SHUTDOWN, 1, 8), alarm(AlarmGroup.WARNING, 1, 8)
LOW_OIL = alarm(AlarmGroup.SHUTDOWN, 1, 13)
STOP_FAILURE = alarm(AlarmGroup.WARNING, 2, 11)
SYNC_FAILURE = alarm(AlarmGroup.SHUTDOWN, 2, 15)
CLOSE_FAILURE, OPEN_FAILURE = alarm(AlarmGroup.WARNING, 3, 9), alarm(AlarmGroup.WARNING, 3, 11)
GAS_LEAK = alarm(AlarmGroup.SHUTDOWN, 4, 9)
