"""The registers of a HGM9560: smartgen-hgm9560.md. RTU frames, slave 3 here; 32 bits low word first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from ems_pipeline import time_grid
from ems_pipeline.gensets.states import AlarmGroup, EngineState
from ems_pipeline.plant.gensets.board import Board, LoadMode, MainsState
from ems_pipeline.plant.gensets.controller import (
    MOST_PART,
    READ,
    READ_COILS,
    WRITE,
    WRITE_COIL,
    Controller,
    Place,
    bits,
    pair,
    single,
    within,
)  # fmt: skip
from ems_pipeline.plant.gensets.hall import NOMINAL_HZ, Hall
from ems_pipeline.plant.gensets.hgm9520n import BREAKERS, POWER_FACTOR, STATES, TANGENT, VOLTAGE_V
from ems_pipeline.plant.gensets.keys import CONTACT
from ems_pipeline.plant.gensets.running import Running

PHASE_V = 231
BATTERY_V = 27.5
STOP_FAILURE = 14
"""Where a 9520N says 15; a 9560 has no post-stop."""
LOAD_MODE, P_OUTPUT, Q_OUTPUT = 4351, 4352, 4354
PROGRESS = [
    EngineState.STANDBY, EngineState.POST_STOP, EngineState.WAIT_STOP, EngineState.ENERGISED_TO_STOP,
    EngineState.STOP_IDLE, EngineState.COOLING, EngineState.STOP_FAILURE, EngineState.PREHEAT, EngineState.FUEL_ON,
    EngineState.CRANK_REST, EngineState.CRANKING, EngineState.SAFETY_RUN, EngineState.START_IDLE,
    EngineState.WARMING_UP, EngineState.WAIT_LOAD, EngineState.RUNNING,
]  # fmt: skip
"""The switchboard shows the state of the set that has come farthest."""
MAINTENANCE_H = 250


class Hgm9560(Controller):
    """The controller of the switchboard."""

    functions = frozenset({READ_COILS, READ, WRITE_COIL, WRITE})
    readable = (range(300), range(4351, 4355))
    coils = range(32)
    last_address = 4354

    def __init__(self, place: Place, hall: Hall) -> None:
        super().__init__(place, hall, hall.board)
        self.board: Board = hall.board

    def settings(self) -> Mapping[int, Callable[[int], None]]:
        return {LOAD_MODE: self._take_mode, P_OUTPUT: self._take_power, Q_OUTPUT: self._take_reactive}

    def key(self, coil: int, is_down: bool) -> None:
        if coil == CONTACT:
            self.board.is_contact_made = is_down
        super().key(coil, is_down)

    def measured_words(self) -> range:
        return range(40, 225)

    def encode(self) -> dict[int, int]:
        words = self._status() | self._mains() | self._busbar() | self._counters() | self._clock()
        board = self.board
        told = {LOAD_MODE: board.load_mode.value, P_OUTPUT: single(10 * board.power_pct)}
        return words | told | {Q_OUTPUT: single(10 * board.reactive_pct)}

    def _is_deaf(self) -> bool:
        return "old-fw" in self.of.faults

    def _take_mode(self, value: int) -> None:
        value = within(value, max(LoadMode))
        if not self._is_deaf():
            self.board.load_mode = LoadMode(value)

    def _take_power(self, value: int) -> None:
        """What it is told it passes on to the sets."""
        value = within(value, MOST_PART)
        if not self._is_deaf():
            self.board.power_pct = min(value, self.most()) / 10
            if self.board.load_mode is LoadMode.GENERATORS:
                for genset in self.hall.sets.values():
                    genset.target_pct = self.board.power_pct

    def _take_reactive(self, value: int) -> None:
        value = within(value, MOST_PART)
        if not self._is_deaf():
            self.board.reactive_pct = value / 10

    def _status(self) -> dict[int, int]:
        board, panel = self.board, self.board.panel
        words = dict.fromkeys(range(1, 45), 0)
        for alarm in panel.shown:
            words[alarm.address] |= 1 << alarm.bit
        words[0] = bits(
            (0, bool(panel.shown)), (1, panel.has((AlarmGroup.SHUTDOWN,))), (2, panel.has((AlarmGroup.WARNING,))),
            (3, panel.has((AlarmGroup.TRIP_STOP,))), (4, panel.has((AlarmGroup.TRIP,))),
            (6, panel.has((AlarmGroup.MAINS_TRIP,))), (board.mode.value, True),
        )  # fmt: skip
        words[40] = self._state()
        is_gone = board.mains_state is MainsState.ABNORMAL
        words[44] = bits((0, is_gone), (2, is_gone), (7, is_gone))
        return words | {
            193: BREAKERS[board.busbar.state], 197: BREAKERS[board.mains.state], 195: board.mains_state.value,
        }  # fmt: skip

    def _state(self) -> int:
        farthest = max((s.state for s in self.hall.sets.values()), key=PROGRESS.index, default=EngineState.STANDBY)
        if farthest is EngineState.STOP_FAILURE:
            return STOP_FAILURE
        return STATES[EngineState.WAIT_STOP if farthest is EngineState.POST_STOP else farthest]

    def _mains(self) -> dict[int, int]:
        hall, there = self.hall, self.hall.is_mains_ok
        words = dict.fromkeys(range(55, 58), int(VOLTAGE_V) * there) | dict.fromkeys(range(58, 61), PHASE_V * there)
        words |= {64: single(100 * NOMINAL_HZ * there)}
        phase_w = hall.mains_w / 3
        words |= {a: single(10 * abs(phase_w) / (PHASE_V * POWER_FACTOR)) for a in (95, 96, 97)}
        for i, watt in enumerate((phase_w, phase_w, phase_w, hall.mains_w)):
            words[103 + 2 * i], words[104 + 2 * i] = pair(watt / 100)
            words[111 + 2 * i], words[112 + 2 * i] = pair(watt * TANGENT / 100)
        return words | dict.fromkeys(range(127, 131), single(100 * POWER_FACTOR * there))

    def _busbar(self) -> dict[int, int]:
        hall, there = self.hall, self.hall.has_busbar_voltage
        through_w = hall.sets_w if hall.board.busbar.is_made else 0.0
        words = dict.fromkeys(range(75, 78), int(VOLTAGE_V) * there) | dict.fromkeys(range(78, 81), PHASE_V * there)
        words |= {84: single(100 * hall.frequency_hz * there), 142: single(10 * BATTERY_V)}
        words |= {134: single(10 * through_w / (3 * PHASE_V * POWER_FACTOR))}
        for first, value in ((182, through_w), (184, through_w * TANGENT), (235, hall.sets_w)):
            words[first], words[first + 1] = pair(value / 100)
        return words

    def _counters(self) -> dict[int, int]:
        hall = self.hall
        energy_wh = hall.mains_import_wh - hall.mains_export_wh
        words = {211: max(MAINTENANCE_H - int(hall.now_s // 3600), 0)}
        for first, factor in ((203, 1.0), (205, TANGENT), (207, 1 / POWER_FACTOR)):
            words[first], words[first + 1] = pair(energy_wh * factor / 100)
        lead = max((s.running for s in self.hall.sets.values()), key=lambda r: r.run_s, default=Running())
        minutes, seconds = divmod(int(lead.run_s), 60)
        return words | {270: minutes // 60 & 0xFFFF, 271: minutes % 60, 272: seconds, 273: lead.starts & 0xFFFF}

    def _clock(self) -> dict[int, int]:
        """Its own clock, which somebody set to the site's time; Sunday is 0."""
        begun_at, passed_s = self.hall.begun_at, self.hall.now_s + (self.of.faults.get("clock-skew") or 0.0)
        at = (time_grid.utc(begun_at) + timedelta(seconds=passed_s)).astimezone(begun_at.tzinfo)
        return {
            225: at.second, 226: at.minute, 227: at.hour, 228: at.day, 229: at.month, 230: at.year % 100,
            231: at.isoweekday() % 7,
        }  # fmt: skip
