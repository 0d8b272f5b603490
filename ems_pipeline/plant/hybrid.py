"""A hybrid inverter with its battery, obeying its settings by its own logic: self-use, time of use, selling first.

`dispatch` is that logic as one pure function of settings and instant. The logic follows the
Deye manual's working modes as far as `devices.deye` uses them; see docs/plant.md for what is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf

from ems_pipeline.plant.cells import Cells, Limits
from ems_pipeline.plant.household import MINUTES_PER_DAY
from ems_pipeline.sites import Battery, PvArray, Site

ALWAYS = 0xFF
RATED_POWER_W = 20_000.0
NOMINAL_VOLTAGE_V = 400.0


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

    def following_the_meter(self) -> Settings:
        """Without the few watts a hybrid goes on buying: what an AC-coupled battery does with its own meter."""
        return replace(self, zero_export_power_w=0.0)

    def slot(self, minute_of_day: int, weekday: int) -> TouSlot:
        """The settings that count now; without time of use the whole day is one slot."""
        if not (self.tou_days & 1 and self.tou_days >> (1 + weekday) & 1) or not self.slots:
            return TouSlot(0, self.rated_power_w, self.low_soc_pct, self.grid_charge_enable)
        begun = [s for s in self.slots if s.start_min <= minute_of_day]
        return begun[-1] if begun else self.slots[-1]


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
    wish_w = min(_wish(settings, slot, limits, pv_w, load_w), settings.rated_power_w - pv_w)
    battery_w = min(max(wish_w, -charge_w), discharge_w)
    sell_w = settings.max_sell_power_w if settings.solar_sell or settings.selling_first else 0.0
    too_much_w = pv_w + battery_w - min(load_w + sell_w, settings.rated_power_w)
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


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody outside wants of the battery, past the inverter's own settings; W at the bus.

    ``power_w``: > 0 discharge, whatever the house draws; None: by its own logic, within the limits.
    """

    power_w: float | None = None
    charge_w: float = inf
    discharge_w: float = inf

    def within(self, limits: Limits) -> Limits:
        """What the battery allows, and no more than what is wanted."""
        charge_w, discharge_w = min(limits.charge_w, self.charge_w), min(limits.discharge_w, self.discharge_w)
        return replace(limits, charge_w=charge_w, discharge_w=discharge_w)


@dataclass
class Hybrid:
    """One inverter: its modules, its cells, its settings; a part without a device is its own inverter."""

    key: str
    arrays: tuple[PvArray, ...]
    cells: Cells | None
    settings: Settings
    nominal_voltage_v: float = NOMINAL_VOLTAGE_V
    order: Order = Order()
    clock_ahead_min: int = 0
    """How wrong the inverter's own clock is."""
    pv_available_w: float = 0.0
    pv_w: float = 0.0
    battery_w: float = 0.0
    limits: Limits = field(default_factory=lambda: Limits(0.0, 0.0, NOMINAL_VOLTAGE_V, 0.0))
    pv_wh: float = 0.0
    charge_wh: float = 0.0
    discharge_wh: float = 0.0

    def decide(self, load_w: float, local_minute: int, weekday: int, seconds: float) -> float:
        """Power this inverter feeds the bus from now on, W."""
        shown = local_minute + self.clock_ahead_min
        slot = self.settings.slot(shown % MINUTES_PER_DAY, (weekday + shown // MINUTES_PER_DAY) % 7)
        if self.cells is not None:
            self.limits = self.cells.limits(seconds, self.nominal_voltage_v, slot.soc_pct)
        limits = self.order.within(self.limits)
        self.pv_w, self.battery_w = dispatch(self.settings, slot, limits, self.pv_available_w, load_w)
        if self.order.power_w is not None:
            self.battery_w = min(max(self.order.power_w, -limits.charge_w), limits.discharge_w)
        if self.cells is not None:
            self.battery_w = self.cells.able_w(self.battery_w)
        return self.pv_w + self.battery_w

    def integrate(self, seconds: float) -> None:
        """Let time pass at the decided powers."""
        self.pv_wh += self.pv_w * seconds / 3600
        if self.battery_w > 0:
            self.discharge_wh += self.battery_w * seconds / 3600
        else:
            self.charge_wh -= self.battery_w * seconds / 3600
        if self.cells is not None:
            self.cells.integrate(self.battery_w, seconds)


def inverters_of(site: Site) -> list[Hybrid]:
    """Inverters of a site: modules and batteries that name the same device share one."""
    parts: list[PvArray | Battery] = [*site.pv, *site.batteries]
    found = []
    for key in dict.fromkeys(p.device or p.key for p in parts):
        own = [p for p in parts if (p.device or p.key) == key]
        arrays = tuple(p for p in own if isinstance(p, PvArray))
        batteries = [p for p in own if isinstance(p, Battery)]
        floor_pct = max((b.min_soc_pct for b in batteries), default=0.0)
        members = {p.key for p in own}
        rated = [i.ac_limit_w for i in site.inverters if members & {*i.pv, *i.batteries}]
        settings = Settings.self_use(min(rated, default=RATED_POWER_W), floor_pct, site.grid.export_limit_w)
        found.append(Hybrid(key, arrays, Cells(batteries) if batteries else None, settings))
    return found
