"""What a set, a breaker and an alarm group can be. The words are ours, the numbers those of a controller's map."""

from __future__ import annotations

from enum import StrEnum


class EngineState(StrEnum):
    """Where a set is between standstill and load."""

    STANDBY = "standby"
    PREHEAT = "preheat"
    FUEL_ON = "fuel_on"
    CRANKING = "cranking"
    CRANK_REST = "crank_rest"
    SAFETY_RUN = "safety_run"
    START_IDLE = "start_idle"
    WARMING_UP = "warming_up"
    WAIT_LOAD = "wait_load"
    RUNNING = "running"
    COOLING = "cooling"
    STOP_IDLE = "stop_idle"
    ENERGISED_TO_STOP = "energised_to_stop"
    WAIT_STOP = "wait_stop"
    POST_STOP = "post_stop"
    STOP_FAILURE = "stop_failure"


class BreakerState(StrEnum):
    """Where a switch is between open and closed."""

    SYNCHRONISING = "synchronising"
    CLOSE_DELAY = "close_delay"
    WAIT_CLOSE = "wait_close"
    CLOSED = "closed"
    UNLOADING = "unloading"
    OPEN_DELAY = "open_delay"
    WAIT_OPEN = "wait_open"
    OPEN = "open"


class AlarmGroup(StrEnum):
    """What the controller does about an alarm: the worst first."""

    SHUTDOWN = "shutdown"
    TRIP_STOP = "trip_stop"
    SAFETY_TRIP_STOP = "safety_trip_stop"
    TRIP = "trip"
    SAFETY_TRIP = "safety_trip"
    MAINS_TRIP = "mains_trip"
    BLOCK = "block"
    WARNING = "warning"
