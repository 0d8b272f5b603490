"""The heat pump and its house: water temperature, emitters, thermostat, one heat store.

``C dT/dt = Q + G - UA (T - T_out)``, exact for a minute of constant heat. Emitters give ``Q = K (T_flow - 2.5 K - T)``
and are sized for the stated flow temperature at -12 °C. The machine is a little worse than its data sheet and worse
still where it frosts, so that there is something to learn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ems_pipeline.devices.points.quantities import SgReadyState
from ems_pipeline.devices.vendors.samsung import FORCED_SHIFT_K, RECOMMENDED_SHIFT_K
from ems_pipeline.heat.cop import CopCurve
from ems_pipeline.heat.measured import WATER_W_PER_L_MIN_K
from ems_pipeline.plant.tank import Tank
from ems_pipeline.sites import HeatPump

DESIGN_OUTDOOR_C = -12.0
SPREAD_K = 5.0
"""Flow minus return at which the circulation pump keeps the water."""
NORMAL_ROOM_K = 0.8
"""The thermostat's wish above the comfort band's lower end."""
ROOM_K_PER_FLOW_K = 0.25
"""A warmer flow overrides the thermostatic valves by this much."""
HYSTERESIS_K = 0.2
FROSTING_C = (-4.0, 4.0)
DEFROST_LOSS = 0.92
RATED_HZ = 90.0
CONTACT_SHIFT_K = {
    SgReadyState.BLOCKED: -math.inf,
    SgReadyState.NORMAL: 0.0,
    SgReadyState.RECOMMENDED: RECOMMENDED_SHIFT_K,
    SgReadyState.FORCED: FORCED_SHIFT_K,
}
"""What the SG Ready contacts add to the flow set-point, K."""


@dataclass
class Heating:
    """State of one heat pump and its house. ``flow_setpoint_c``, ``ratio`` and ``enabled`` are what registers say."""

    pump: HeatPump
    flow_setpoint_c: float = field(init=False)
    indoor_c: float = field(init=False)
    ratio: float | None = None
    """Limit of the compressor as part of its rating, None: its own choice."""
    enabled: bool = True
    contact_shift_k: float = 0.0
    """What the SG Ready contacts add to the flow set-point; -inf blocks."""
    running: bool = False
    on_tank: bool = False
    """Whether the machine heats the tank now; the rooms wait."""
    minutes_in_state: float = 1e6
    power_w: float = 0.0
    heat_w: float = 0.0
    gains_w: float = 0.0
    outdoor_c: float = 5.0
    tank: Tank | None = None

    def __post_init__(self) -> None:
        if self.pump.hot_water is not None:
            self.tank = Tank(self.pump.hot_water)
        house = self.pump.house
        self.flow_setpoint_c = self.pump.flow_temp_c
        self.indoor_c = house.comfort_min_c + NORMAL_ROOM_K
        self.curve = CopCurve(0.96 * self.pump.carnot_efficiency, -0.0005)
        design_k = self.indoor_c - DESIGN_OUTDOOR_C
        self.emitter_w_per_k = house.heat_loss_w_per_k * design_k / (self.pump.flow_temp_c - 2.5 - self.indoor_c)

    @property
    def flow_wish_c(self) -> float:
        """Flow set-point with the contacts' shift."""
        return self.flow_setpoint_c + self.contact_shift_k

    @property
    def flow_c(self) -> float:
        """Water leaving the machine: what its heat asks of the emitters; standing water has cooled to the room."""
        if self.on_tank and self.tank is not None:
            return self.tank.water.flow_temp_c
        return self.indoor_c + self.heat_w / self.emitter_w_per_k + (SPREAD_K / 2 if self.running else 0.0)

    @property
    def return_c(self) -> float:
        return self.flow_c - (SPREAD_K if self.running or self.on_tank else 0.0)

    @property
    def flow_rate_l_min(self) -> float:
        heat_w = self.tank.heat_w if self.on_tank and self.tank is not None else self.heat_w
        return heat_w / (WATER_W_PER_L_MIN_K * SPREAD_K)

    @property
    def compressor_hz(self) -> float:
        """Speed, by the share of its rating the machine works with."""
        return RATED_HZ * self.power_w / self.pump.max_power_w

    @property
    def defrosting(self) -> bool:
        """The model spreads defrosting over time (`DEFROST_LOSS`) and never shows one."""
        return False

    def decide(self, outdoor_c: float, gains_w: float, drawn_w: float = 0.0) -> float:
        """Electric power from now on, W; to be asked each minute and after every write. Hot water goes first.

        Args:
            drawn_w: heat that people draw from the tank.
        """
        self.outdoor_c, self.gains_w = outdoor_c, gains_w
        self._thermostat()
        allowed = self.enabled and self.contact_shift_k > -math.inf
        self.on_tank = self.tank is not None and self.tank.decide(drawn_w) and allowed
        if self.tank is not None:
            self.power_w, self.tank.heat_w = self._work_on(self.tank) if self.on_tank else (0.0, 0.0)
            self.heat_w = 0.0
        if not self.on_tank:
            self.power_w, self.heat_w = self._work() if self.running else (0.0, 0.0)
        return self.power_w

    def integrate(self, seconds: float) -> None:
        """Let time pass at the decided heat: the exact solution of the store's equation."""
        house = self.pump.house
        keep = math.exp(-seconds / 3600 * house.heat_loss_w_per_k / house.heat_capacity_wh_per_k)
        settled_c = self.outdoor_c + (self.heat_w + self.gains_w) / house.heat_loss_w_per_k
        self.indoor_c = settled_c + (self.indoor_c - settled_c) * keep
        self.minutes_in_state += seconds / 60
        if self.tank is not None:
            self.tank.integrate(seconds)

    def _thermostat(self) -> None:
        """On below the wish, off above it; never against the machine's least running and standing times."""
        warm_k = max(0.0, self.flow_wish_c - self.pump.flow_temp_c)
        wish_c = self.pump.house.comfort_min_c + NORMAL_ROOM_K + ROOM_K_PER_FLOW_K * warm_k
        wish_c = min(wish_c, self.pump.house.comfort_max_c)
        possible = self.enabled and self.flow_wish_c > self.indoor_c + 3.0
        wanted = possible and self.indoor_c < wish_c + (HYSTERESIS_K if self.running else -HYSTERESIS_K)
        least = self.pump.min_run_minutes if self.running else self.pump.min_pause_minutes
        if wanted != self.running and self.minutes_in_state >= least:
            self.running, self.minutes_in_state = wanted, 0.0

    def _work(self) -> tuple[float, float]:
        """Electric power and heat at the flow temperature the emitters need, within the compressor's range."""
        flow_c = max(self.flow_wish_c, self.indoor_c + 5.0)
        cop = self._cop(flow_c)
        wanted_w = self.emitter_w_per_k * (flow_c - SPREAD_K / 2 - self.indoor_c) / cop
        power_w = min(max(wanted_w, self.pump.min_power_w), self._highest_w())
        return power_w, power_w * cop

    def _work_on(self, tank: Tank) -> tuple[float, float]:
        """Electric power and heat into the tank: all the machine may give."""
        power_w = self._highest_w()
        return power_w, power_w * self._cop(tank.water.flow_temp_c)

    def _highest_w(self) -> float:
        limit_w = self.pump.max_power_w * (1.0 if self.ratio is None else min(1.0, self.ratio))
        return max(limit_w, self.pump.min_power_w)

    def _cop(self, flow_c: float) -> float:
        cop = float(self.curve.cop(self.outdoor_c, flow_c))
        return cop * DEFROST_LOSS if FROSTING_C[0] < self.outdoor_c < FROSTING_C[1] else cop
