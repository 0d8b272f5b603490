"""The batteries behind one inverter: how much is in them, and what they take and give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ems_pipeline.sites import Battery


@dataclass(frozen=True, slots=True)
class Limits:
    """What the battery itself allows in this minute, W >= 0 at the bus, and its voltage."""

    charge_w: float
    discharge_w: float
    voltage_v: float
    soc_pct: float


class Cells:
    """Energy of the batteries behind one inverter; losses fall on the way in and on the way out."""

    def __init__(self, batteries: Sequence[Battery], soc_pct: float = 50.0) -> None:
        self.capacity_wh = sum(b.capacity_wh for b in batteries)
        self.charge_limit_w = sum(b.charge_limit_w for b in batteries)
        self.discharge_limit_w = sum(b.discharge_limit_w for b in batteries)
        share = [b.capacity_wh / self.capacity_wh for b in batteries]
        self.charge_efficiency = sum(s * b.charge_efficiency for s, b in zip(share, batteries, strict=True))
        self.discharge_efficiency = sum(s * b.discharge_efficiency for s, b in zip(share, batteries, strict=True))
        self.min_wh = sum(b.min_soc_pct / 100 * b.capacity_wh for b in batteries)
        self.max_wh = sum(b.max_soc_pct / 100 * b.capacity_wh for b in batteries)
        self.energy_wh = min(max(soc_pct / 100 * self.capacity_wh, self.min_wh), self.max_wh)

    @property
    def soc_pct(self) -> float:
        return 100 * self.energy_wh / self.capacity_wh

    def limits(self, seconds: float, nominal_v: float, floor_pct: float) -> Limits:
        """What the cells take and give at a constant power for ``seconds`` without leaving their window.

        Args:
            floor_pct: where discharging is to stop, if above the battery's own floor.
        """
        floor_wh = max(self.min_wh, floor_pct / 100 * self.capacity_wh)
        room_w = (self.max_wh - self.energy_wh) * 3600 / seconds / self.charge_efficiency
        left_w = (self.energy_wh - floor_wh) * 3600 / seconds * self.discharge_efficiency
        charge_w = max(0.0, min(self.charge_limit_w, room_w))
        discharge_w = max(0.0, min(self.discharge_limit_w, left_w))
        voltage_v = nominal_v * (0.96 + 0.08 * self.energy_wh / self.capacity_wh)
        return Limits(charge_w, discharge_w, voltage_v, self.soc_pct)

    def integrate(self, battery_w: float, seconds: float) -> None:
        """Let time pass at ``battery_w`` (> 0 discharge)."""
        per_hour = battery_w / self.discharge_efficiency if battery_w > 0 else battery_w * self.charge_efficiency
        self.energy_wh -= per_hour * seconds / 3600
