"""A battery by its few numbers: what it takes, gives and keeps in a quarter-hour. No arrays: pages reckon with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ems_pipeline import units
from ems_pipeline.sites import Battery


@dataclass(frozen=True)
class Storage:
    """All batteries of a site as one: powers on the AC side, energy in the cells, charge between floor and ceiling."""

    capacity_wh: float
    charge_limit_w: float
    discharge_limit_w: float
    charge_efficiency: float
    discharge_efficiency: float
    floor_pct: float
    ceiling_pct: float

    @classmethod
    def of(cls, batteries: Sequence[Battery]) -> Storage | None:
        """Limits added, efficiencies and the charge window weighted by capacity; None without a battery.

        The floor is the minimum, where an inverter left alone stops; the reserve binds only who trades.
        """
        if not batteries:
            return None
        capacity_wh = sum(b.capacity_wh for b in batteries)

        def mean(values: Sequence[float]) -> float:
            return sum(v * b.capacity_wh for v, b in zip(values, batteries, strict=True)) / capacity_wh

        return cls(
            capacity_wh=capacity_wh,
            charge_limit_w=sum(b.charge_limit_w for b in batteries),
            discharge_limit_w=sum(b.discharge_limit_w for b in batteries),
            charge_efficiency=mean([b.charge_efficiency for b in batteries]),
            discharge_efficiency=mean([b.discharge_efficiency for b in batteries]),
            floor_pct=mean([b.min_soc_pct for b in batteries]),
            ceiling_pct=mean([b.max_soc_pct for b in batteries]),
        )

    def charge_w(self, stored_wh: float, offered_w: float) -> float:
        """Power taken from an offer for one slot, W >= 0: the offer, the limit, or what still fits."""
        room_wh = max(0.0, self.ceiling_pct / 100 * self.capacity_wh - stored_wh)
        return min(offered_w, self.charge_limit_w, units.slot_power_w(room_wh) / self.charge_efficiency)

    def discharge_w(self, stored_wh: float, wanted_w: float) -> float:
        """Power given towards a want for one slot, W >= 0: the want, the limit, or what lies above the floor."""
        above_wh = max(0.0, stored_wh - self.floor_pct / 100 * self.capacity_wh)
        return min(wanted_w, self.discharge_limit_w, units.slot_power_w(above_wh) * self.discharge_efficiency)

    def stored_change_wh(self, battery_w: float) -> float:
        """Change of the energy in the cells over one slot at a bus power (> 0 discharges), Wh."""
        factor = 1 / self.discharge_efficiency if battery_w > 0 else self.charge_efficiency
        return -units.slot_energy_wh(battery_w) * factor
