"""A hot-water tank heated by a heat pump: one store of water, drawn from by people, with a thermostat of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ems_pipeline.sites import HotWater

ON_ABOVE_MIN_K, OFF_ABOVE_MIN_K = 2.0, 7.0
"""The thermostat keeps the tank between these above the least temperature, never beyond the greatest."""


@dataclass
class Tank:
    """State of one tank. ``C dT/dt = Q - draw - UA (T - T_room)``, exact for a minute of constant powers."""

    water: HotWater
    temp_c: float = field(init=False)
    heating: bool = False
    heat_w: float = 0.0
    drawn_w: float = 0.0

    def __post_init__(self) -> None:
        self.temp_c = self.water.min_c + OFF_ABOVE_MIN_K

    @property
    def wish_c(self) -> float:
        """Where the thermostat stops heating."""
        return min(self.water.min_c + OFF_ABOVE_MIN_K, self.water.max_c)

    def decide(self, drawn_w: float) -> bool:
        """Whether the tank wants heat from now on."""
        self.drawn_w = drawn_w
        if self.temp_c <= self.water.min_c + ON_ABOVE_MIN_K:
            self.heating = True
        elif self.temp_c >= self.wish_c:
            self.heating = False
        return self.heating

    def integrate(self, seconds: float) -> None:
        """Let time pass at the decided heat and draw."""
        water = self.water
        keep = math.exp(-seconds / 3600 * water.loss_w_per_k / water.heat_capacity_wh_per_k)
        settled_c = water.room_c + (self.heat_w - self.drawn_w) / water.loss_w_per_k
        self.temp_c = settled_c + (self.temp_c - settled_c) * keep
