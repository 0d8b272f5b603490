"""What turns, warms, burns and counts in a genset: values that follow its state. 160 kW, 1500 rpm, gas."""

from __future__ import annotations

import math
from dataclasses import dataclass

NOMINAL_RPM, CRANK_RPM, HELD_RPM = 1500.0, 250.0, 600.0
"""Running, cranking, and what a valve that does not close keeps it at."""
SPIN_UP_RPM_S, RUN_DOWN_RPM_S = 500.0, 150.0
COUNTS_FROM_RPM = 300.0
"""Above it the hour meter runs."""
JACKET_C, WORKING_C, WORKING_LOAD_C, OVERHEATED_C = 40.0, 82.0, 6.0, 115.0
WARMS_C_S, COOLS_S = 0.5, 1800.0
"""Warming is as steep as 0.5 K/s; at rest it cools down to the jacket's heater with this time constant."""
STEADY_C = 0.05
OIL_KPA, CRANK_OIL_KPA, LEAKING_OIL_KPA = 400.0, 60.0, 60.0
OIL_RISES_KPA_S, OIL_FALLS_KPA_S = 200.0, 60.0
BATTERY_V, CHARGED_V, CRANK_DROP_V = 26.4, 27.8, 4.0
GAS_KWH_PER_M3, GAS_IDLE_M3_H = 9.5, 5.0
GAS_BASE_KW, GAS_PER_KW = 47.0, 2.52
"""Fuel power is affine in electric power for 160 kW; the base scales with the rated power."""
FITTED_W = 160_000.0


@dataclass(slots=True)
class Running:
    """Values of an engine. Counters only grow: seconds, starts, Wh, m3."""

    rpm: float = 0.0
    coolant_c: float = JACKET_C
    oil_kpa: float = 0.0
    run_s: float = 0.0
    starts: int = 0
    energy_wh: float = 0.0
    gas_m3: float = 0.0

    def turn(self, goal_rpm: float, dt: float) -> None:
        """Speed follows what the fuel valve and the starter want."""
        self.rpm += min(max(goal_rpm - self.rpm, -RUN_DOWN_RPM_S * dt), SPIN_UP_RPM_S * dt)

    def warm(self, load: float, is_overheating: bool, dt: float) -> None:
        """Coolant, from load as a part of 1."""
        if self.rpm <= COUNTS_FROM_RPM:
            self.coolant_c = JACKET_C + (self.coolant_c - JACKET_C) * math.exp(-dt / COOLS_S)
            return
        goal_c = OVERHEATED_C if is_overheating else WORKING_C + WORKING_LOAD_C * load
        self.coolant_c += min(max(goal_c - self.coolant_c, -WARMS_C_S * dt), WARMS_C_S * dt)

    def is_warm(self, load: float) -> bool:
        """Whether it stands where it stays."""
        return self.rpm <= COUNTS_FROM_RPM or abs(self.coolant_c - WORKING_C - WORKING_LOAD_C * load) < STEADY_C

    def press(self, is_leaking: bool, dt: float) -> None:
        """Oil pressure, by speed."""
        whole = LEAKING_OIL_KPA if is_leaking else OIL_KPA
        goal = 0.0 if self.rpm == 0 else CRANK_OIL_KPA if self.rpm <= CRANK_RPM else whole
        self.oil_kpa += min(max(goal - self.oil_kpa, -OIL_FALLS_KPA_S * dt), OIL_RISES_KPA_S * dt)

    def count(self, power_w: float, rated_w: float, dt: float, has_meter: bool) -> None:
        """Hours (where the meter turns), energy, gas."""
        if self.rpm > COUNTS_FROM_RPM:
            self.run_s += dt if has_meter else 0.0
            self.gas_m3 += gas_m3_h(power_w, rated_w) * dt / 3600
        self.energy_wh += power_w * dt / 3600


def gas_m3_h(power_w: float, rated_w: float) -> float:
    """Gas that a turning engine burns, m3/h."""
    if power_w <= 0:
        return GAS_IDLE_M3_H
    return (GAS_BASE_KW * rated_w / FITTED_W + GAS_PER_KW * power_w / 1000) / GAS_KWH_PER_M3
