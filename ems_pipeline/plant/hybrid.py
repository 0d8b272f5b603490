"""A hybrid inverter with its battery, obeying its settings by its own logic: self-use, time of use, selling first.

`dispatch` is that logic as one pure function of settings and instant; `Cells` keeps the energy. The logic follows the
Deye manual's working modes as far as `devices.deye` uses them; see docs/plant.md for what is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ems_pipeline.sites import Battery

ALWAYS = 0xFF


@dataclass(frozen=True, slots=True)
class TouSlot:
    """One of the six time-of-use slots; ``start_min`` counts minutes from local midnight."""

    start_min: int
    power_w: float
    soc_pct: float
    grid_charge: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """What the registers ask of the inverter, in site units; currents are battery amperes."""

    max_charge_current_a: float
    max_discharge_current_a: float
    grid_charge_start_soc_pct: float
    grid_charge_current_a: float
    grid_charge_enable: bool
    load_first: bool
    selling_first: bool
    max_sell_power_w: float
    solar_sell: bool
    zero_export_power_w: float
    low_soc_pct: float
    tou_days: int
    """Bit 0: active; bits 1 to 7: Monday to Sunday."""
    slots: tuple[TouSlot, ...]
    max_solar_power_w: float
    rated_power_w: float

    @classmethod
    def self_use(cls, rated_power_w: float, min_soc_pct: float, export_limit_w: float) -> Settings:
        """As an installer leaves it: time of use on with one floor all day, surplus is sold, the battery stays home."""
        slots = tuple(TouSlot(240 * i, rated_power_w, min_soc_pct, grid_charge=False) for i in range(6))
        return cls(
            max_charge_current_a=240.0,
            max_discharge_current_a=240.0,
            grid_charge_start_soc_pct=min_soc_pct,
            grid_charge_current_a=0.0,
            grid_charge_enable=False,
            load_first=True,
            selling_first=False,
            max_sell_power_w=min(export_limit_w, rated_power_w),
            solar_sell=True,
            zero_export_power_w=20.0,
            low_soc_pct=min_soc_pct,
            tou_days=ALWAYS,
            slots=slots,
            max_solar_power_w=1e9,
            rated_power_w=rated_power_w,
        )

    def slot(self, minute_of_day: int, weekday: int) -> TouSlot:
        """The settings that count now; without time of use the whole day is one slot."""
        if not (self.tou_days & 1 and self.tou_days >> (1 + weekday) & 1) or not self.slots:
            return TouSlot(0, self.rated_power_w, self.low_soc_pct, self.grid_charge_enable)
        begun = [s for s in self.slots if s.start_min <= minute_of_day]
        return begun[-1] if begun else self.slots[-1]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the battery itself allows in this minute, W >= 0 at the bus, and its voltage."""

    charge_w: float
    discharge_w: float
    voltage_v: float
    soc_pct: float


def dispatch(
    settings: Settings, slot: TouSlot, limits: Limits, pv_available_w: float, load_w: float
) -> tuple[float, float]:
    """PV taken and battery power (> 0 discharge) for one instant.

    Args:
        pv_available_w: what the modules could give.
        load_w: everything the connection point feeds, less what other sources give.

    Returns:
        ``(pv_w, battery_w)``; the grid takes the rest: ``grid_w = load_w - pv_w - battery_w``.
    """
    pv_w = min(pv_available_w, settings.max_solar_power_w)
    charge_w = min(limits.charge_w, settings.max_charge_current_a * limits.voltage_v)
    discharge_w = min(limits.discharge_w, settings.max_discharge_current_a * limits.voltage_v, slot.power_w)
    discharge_w = min(discharge_w, max(0.0, settings.rated_power_w - pv_w))
    battery_w = _wish(settings, slot, limits, pv_w, load_w)
    battery_w = min(max(battery_w, -charge_w), discharge_w)
    sell_w = settings.max_sell_power_w if settings.solar_sell or settings.selling_first else 0.0
    too_much_w = pv_w + battery_w - load_w - sell_w
    if too_much_w > 0:
        pv_w = max(0.0, pv_w - too_much_w)
    return pv_w, battery_w


def _wish(settings: Settings, slot: TouSlot, limits: Limits, pv_w: float, load_w: float) -> float:
    """Battery power by the working mode, before limits."""
    if settings.grid_charge_enable and slot.grid_charge and limits.soc_pct < slot.soc_pct:
        from_grid_w = min(settings.grid_charge_current_a * limits.voltage_v, slot.power_w)
        return -(from_grid_w + max(0.0, pv_w - load_w))
    if settings.selling_first:
        return load_w + settings.max_sell_power_w - pv_w
    if not settings.load_first and pv_w > 0:
        return min(-pv_w, load_w - pv_w)
    return load_w - settings.zero_export_power_w - pv_w


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
