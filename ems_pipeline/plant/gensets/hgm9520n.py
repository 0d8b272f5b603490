"""The registers of a HGM9520N: smartgen-hgm9520n.md. Modbus TCP, unit 1; 32 bits low word first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from ems_pipeline.gensets.states import AlarmGroup, BreakerState, EngineState
from ems_pipeline.plant.gensets.controller import (
    MOST_PART,
    NO_SENSOR,
    READ,
    UNUSED,
    WRITE,
    WRITE_COIL,
    Controller,
    Place,
    bits,
    pair,
    single,
    within,
)  # fmt: skip
from ems_pipeline.plant.gensets.genset import Genset
from ems_pipeline.plant.gensets.hall import NOMINAL_HZ, Hall
from ems_pipeline.plant.gensets.running import (
    BATTERY_V,
    CHARGED_V,
    CRANK_DROP_V,
    NOMINAL_RPM,
    gas_m3_h,
)  # fmt: skip

VOLTAGE_V, POWER_FACTOR = 400.0, 0.95
TANGENT = math.tan(math.acos(POWER_FACTOR))
STATES: Mapping[EngineState, int] = {
    EngineState.STANDBY: 0, EngineState.PREHEAT: 1, EngineState.FUEL_ON: 2, EngineState.CRANKING: 3,
    EngineState.CRANK_REST: 4, EngineState.SAFETY_RUN: 5, EngineState.START_IDLE: 6, EngineState.WARMING_UP: 7,
    EngineState.WAIT_LOAD: 8, EngineState.RUNNING: 9, EngineState.COOLING: 10, EngineState.STOP_IDLE: 11,
    EngineState.ENERGISED_TO_STOP: 12, EngineState.WAIT_STOP: 13, EngineState.POST_STOP: 14,
    EngineState.STOP_FAILURE: 15,
}  # fmt: skip
"""Table A."""
BREAKERS: Mapping[BreakerState, int] = {
    BreakerState.SYNCHRONISING: 0, BreakerState.CLOSE_DELAY: 1, BreakerState.WAIT_CLOSE: 2, BreakerState.CLOSED: 3,
    BreakerState.UNLOADING: 4, BreakerState.OPEN_DELAY: 5, BreakerState.WAIT_OPEN: 6, BreakerState.OPEN: 7,
}  # fmt: skip
"""Table B."""
TORN_S = 5.0
HOUR_S = 3600
P_TARGET, Q_TARGET = 4368, 4370
TRIPS = (AlarmGroup.TRIP, AlarmGroup.SAFETY_TRIP)
TRIPS_AND_STOPS = (AlarmGroup.TRIP_STOP, AlarmGroup.SAFETY_TRIP_STOP)
GARBAGE = {156: single(-4000), 157: single(-5000), 158: 3599}
"""What is left of a comparison with nothing: the engine is at rest."""


class Hgm9520n(Controller):
    """The controller of one set."""

    functions = frozenset({READ, WRITE_COIL, WRITE})
    readable = (range(512), range(4096, 4416), range(4800, 4880))
    coils = range(32)
    last_address = 4879

    def __init__(self, place: Place, hall: Hall, of: Genset) -> None:
        super().__init__(place, hall, of)
        self.genset = of
        self.phase_parts = (1 / 3, 1 / 3, 1 / 3)
        """Of the power, by phase."""
        self.reactive_target = 0

    def settings(self) -> Mapping[int, Callable[[int], None]]:
        return {P_TARGET: self._take_power, Q_TARGET: self._take_reactive}

    def measured_words(self) -> range:
        return range(114, 275)

    def encode(self) -> dict[int, int]:
        words = self._status() | self._alarms() | self._mains() | self._generator() | self._powers() | self._engine()
        return words | self._counters()

    def _take_power(self, value: int) -> None:
        value = within(value, MOST_PART)
        if "echo-no-effect" not in self.of.faults:
            self.genset.target_pct = min(value, self.most()) / 10

    def _take_reactive(self, value: int) -> None:
        self.reactive_target = within(value, MOST_PART)

    def _status(self) -> dict[int, int]:
        genset, hall, panel = self.genset, self.hall, self.genset.panel
        shown = bits(
            (0, bool(panel.shown)), (1, panel.has((AlarmGroup.SHUTDOWN,))), (2, panel.has((AlarmGroup.WARNING,))),
            (3, panel.has(TRIPS_AND_STOPS)), (4, panel.has(TRIPS)), (7, panel.has((AlarmGroup.BLOCK,))),
            (genset.mode.value, True),
        )  # fmt: skip
        breakers = bits(
            (0, hall.is_mains_ok), (1, hall.board.mains.is_made), (2, genset.makes_voltage), (3, genset.breaker.is_made)
        )
        return {0: shown, 114: breakers, 511: len(panel.shown)}

    def _alarms(self) -> dict[int, int]:
        words = dict.fromkeys(range(1, 106), 0)
        for alarm in self.genset.panel.shown:
            words[alarm.address] |= 1 << alarm.bit
        return words

    def _mains(self) -> dict[int, int]:
        there = self.hall.is_mains_ok
        volts = pair(10 * VOLTAGE_V if there else 0)
        words = {135: single(100 * NOMINAL_HZ if there else 0), 268: BREAKERS[self.hall.board.mains.state]}
        return words | {a + i: volts[i] for a in (120, 122, 124) for i in (0, 1)}

    def _generator(self) -> dict[int, int]:
        genset = self.genset
        volts = pair(10 * VOLTAGE_V if genset.makes_voltage else 0)
        hertz = self.hall.frequency_hz if genset.breaker.is_made else NOMINAL_HZ
        words = {155: single(100 * hertz if genset.makes_voltage else 0), 264: BREAKERS[genset.breaker.state]}
        words |= {a + i: volts[i] for a in (140, 142, 144) for i in (0, 1)}
        return words | (GARBAGE if not genset.makes_voltage else self._sync_window())

    def _sync_window(self) -> dict[int, int]:
        """Differences that close to nothing while it synchronises; the phase runs round and comes from below 360."""
        breaker = self.genset.breaker
        if breaker.state is not BreakerState.SYNCHRONISING:
            return {156: 0, 157: 0, 158: 0}
        left = max(1 - breaker.for_s / breaker.sync_s, 0.0) if not breaker.never_syncs else 1.0
        phase = 3600 * (breaker.for_s * 0.4 * left % 1)
        return {156: single(80 * left), 157: single(30 * left), 158: single(phase)}

    def _powers(self) -> dict[int, int]:
        genset = self.genset
        watts = [genset.power_w * part for part in self.phase_parts]
        amps = [10 * w / (VOLTAGE_V / math.sqrt(3) * POWER_FACTOR) for w in watts]
        goal = genset.goal_part if genset.goal_part is not None else genset.target_pct / 100
        words = {159: single(1000 * genset.load), 160: single(1000 * goal), 232: single(100 * genset.load)}
        words |= {161: single(1000 * genset.load * TANGENT), 162: self.reactive_target, 169: 0}
        words |= {166 + i: single(a) for i, a in enumerate(amps)}
        all_watts = [*watts, genset.power_w]
        for i, watt in enumerate(all_watts):
            for first, factor in ((174, 1.0), (182, TANGENT), (190, 1 / POWER_FACTOR)):
                words[first + 2 * i], words[first + 2 * i + 1] = pair(watt * factor / 100)
        factor = single(1000 * POWER_FACTOR if genset.power_w > 0 else 0)
        return words | dict.fromkeys(range(198, 202), factor)

    def _engine(self) -> dict[int, int]:
        genset, running = self.genset, self.genset.running
        turns, cranks = running.rpm == NOMINAL_RPM, genset.state is EngineState.CRANKING
        battery_v = CHARGED_V if turns else BATTERY_V - (CRANK_DROP_V if cranks else 0)
        gas = gas_m3_h(genset.power_w, genset.rated_w) if running.rpm > 0 else 0
        return {
            212: single(running.rpm), 213: single(10 * battery_v), 214: single(10 * CHARGED_V if turns else 0),
            220: NO_SENSOR if "open-sensor" in genset.faults else single(running.coolant_c),
            222: single(running.oil_kpa), 224: NO_SENSOR, 234: single(running.coolant_c + 4), 240: NO_SENSOR,
            236: 20 if genset.state not in (EngineState.STANDBY, EngineState.PREHEAT) else 0, 241: single(10 * gas),
            225: UNUSED, 226: UNUSED, 227: 32767, 260: STATES[genset.state],
        }  # fmt: skip

    def _counters(self) -> dict[int, int]:
        genset, running = self.genset, self.genset.running
        hours, seconds = divmod(int(running.run_s), HOUR_S)
        if "torn-hours" in genset.faults and seconds < TORN_S:
            hours -= 1
        tenths = running.energy_wh / 100 * (10 if "scale-x10" in genset.faults else 1)
        low, high = pair(tenths)
        return {
            270: hours & 0xFFFF, 271: seconds // 60, 272: seconds % 60, 273: running.starts & 0xFFFF,
            274: low, 275: high,
        }  # fmt: skip
