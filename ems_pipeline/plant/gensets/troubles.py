"""What a fault does as it begins and ends, and in each step while it is there; the rest is asked of ``faults``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ems_pipeline.gensets.states import AlarmGroup, EngineState
from ems_pipeline.plant.gensets.board import Board
from ems_pipeline.plant.gensets.genset import Genset, Mode
from ems_pipeline.plant.gensets.hall import Hall
from ems_pipeline.plant.gensets.panel import Alarm
from ems_pipeline.plant.gensets.running import Running
from ems_pipeline.plant.gensets.set_alarms import EMERGENCY_STOP, GAS_LEAK, TEMP_SENSOR_OPEN, alarm

Controlled = Genset | Board
HOUR_S, MINUTE_S = 3600.0, 60.0
LAST_MINUTE_S = 65_535 * HOUR_S + 59 * MINUTE_S
"""Of an hour meter in a register of 16 bits."""
STORM_STANDS = 20
"""So many alarms of a storm stand at once."""
STORM = [alarm(AlarmGroup.WARNING, word, bit) for bit in range(14) for word in range(5)]
"""The bits that a storm plays with."""
FLICKER_S = 20.0


def _stick(_hall: Hall, of: Controlled, is_stuck: bool) -> None:
    for switch in (of.breaker,) if isinstance(of, Genset) else (of.mains, of.busbar):
        switch.is_stuck = is_stuck


def _allow_reset(_hall: Hall, of: Controlled, may: bool) -> None:
    of.panel.takes_reset = may


def _take_away(hall: Hall, _of: Controlled, is_there: bool) -> None:
    hall.is_mains_ok = is_there


def _cause(cause: Alarm) -> Callable[[Hall, Controlled, bool], None]:
    def say(_hall: Hall, of: Controlled, is_there: bool) -> None:
        of.panel.cause(cause, is_there)

    return say


def _lock_out(_hall: Hall, of: Controlled) -> None:
    of.mode, of.is_started = Mode.STOP, False
    of.panel.cause(EMERGENCY_STOP, True)


def _go_manual(_hall: Hall, of: Controlled) -> None:
    """An engine that turns goes on turning."""
    of.is_started = of.state is not EngineState.STANDBY if isinstance(of, Genset) else of.is_requesting
    of.mode = Mode.MANUAL


def _go_auto(_hall: Hall, of: Controlled) -> None:
    if of.mode is Mode.MANUAL:
        of.mode, of.is_started = Mode.AUTO, False


def _jump(_hall: Hall, of: Controlled) -> None:
    if isinstance(of, Genset):
        of.running.run_s += HOUR_S * (of.faults["meter-jump"] or 0.0)


def _replace(_hall: Hall, of: Controlled) -> None:
    """The controller's counters are new, the engine's temperatures are not."""
    if isinstance(of, Genset):
        now = of.running
        of.running = Running(now.rpm, now.coolant_c, now.oil_kpa, gas_m3=now.gas_m3)


def _wrap(_hall: Hall, of: Controlled) -> None:
    if isinstance(of, Genset):
        of.running.run_s = LAST_MINUTE_S


class _Storm:
    """Warnings come and go at an even pace."""

    def __init__(self, of: Controlled) -> None:
        self.of, self.due, self.nth = of, 0.0, 0
        self.standing: deque[Alarm] = deque()

    def __call__(self, dt_s: float) -> None:
        self.due += (self.of.faults["alarm-storm"] or 0.0) * dt_s / MINUTE_S
        while self.due >= 1:
            self.due -= 1
            if len(self.standing) >= STORM_STANDS:
                self.of.panel.cause(self.standing.popleft(), False)
            else:
                self.standing.append(STORM[self.nth % len(STORM)])
                self.nth += 1
                self.of.panel.cause(self.standing[-1], True)

    def over(self) -> None:
        for one in self.standing:
            self.of.panel.cause(one, False)


def _storm(hall: Hall, of: Controlled) -> None:
    hall.at_work["alarm-storm", id(of)] = _Storm(of)


def _calm(hall: Hall, of: Controlled) -> None:
    storm = hall.at_work.pop(("alarm-storm", id(of)))
    if isinstance(storm, _Storm):
        storm.over()


def _flicker(hall: Hall, of: Controlled) -> None:
    begun_s = hall.now_s

    def flicker(_: float) -> None:
        hall.is_mains_ok = (hall.now_s - begun_s) % FLICKER_S >= (of.faults["flicker"] or 0.0)

    hall.at_work["flicker", id(of)] = flicker


def _steady(hall: Hall, of: Controlled) -> None:
    del hall.at_work["flicker", id(of)]
    hall.is_mains_ok = "blackout" not in of.faults


def _on(change: Callable[[Hall, Controlled, bool], None], value: bool) -> Callable[[Hall, Controlled], None]:
    return lambda hall, of: change(hall, of, value)


BEGINS: dict[str, Callable[[Hall, Controlled], None]] = {
    "breaker-stuck": _on(_stick, True),
    "reset-ignored": _on(_allow_reset, False),
    "gas-leak": _on(_cause(GAS_LEAK), True),
    "open-sensor": _on(_cause(TEMP_SENSOR_OPEN), True),
    "loto": _lock_out,
    "local-manual": _go_manual,
    "meter-jump": _jump,
    "meter-replaced": _replace,
    "wrap": _wrap,
    "alarm-storm": _storm,
    "blackout": _on(_take_away, False),
    "flicker": _flicker,
}
ENDS: dict[str, Callable[[Hall, Controlled], None]] = {
    "breaker-stuck": _on(_stick, False),
    "reset-ignored": _on(_allow_reset, True),
    "gas-leak": _on(_cause(GAS_LEAK), False),
    "open-sensor": _on(_cause(TEMP_SENSOR_OPEN), False),
    "loto": _on(_cause(EMERGENCY_STOP), False),
    "local-manual": _go_auto,
    "alarm-storm": _calm,
    "blackout": _on(_take_away, True),
    "flicker": _steady,
}
