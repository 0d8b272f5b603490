"""What is to be planned: prices, needs and devices over consecutive quarter-hours, as plain arrays.

Arrays have one value per slot. Powers in W on the AC side, energies in Wh, temperatures in degrees Celsius, money in
the site's currency. Slot indices count from the horizon's first slot; windows are half open, ``[first, end)``.
Every wish that physics can refuse carries a price instead of being a hard demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.plan.record import Array, Record


@dataclass(frozen=True, eq=False)
class DemandEvent(Record):
    """A demand-response event over ``[first, end)``.

    ``limit_w`` is a firm import limit; ``price_per_kwh`` is paid for every kWh imported less than ``baseline_w``.
    """

    key: str
    first: int
    end: int
    limit_w: float | None = None
    baseline_w: float = 0.0
    price_per_kwh: float = 0.0


@dataclass(frozen=True, eq=False)
class GridLimits(Record):
    """The meter: limits per slot, and what a kW of the month's highest quarter-hour costs beyond ``peak_so_far_w``."""

    import_limit_w: Array
    export_limit_w: Array
    peak_price_per_kw: float = 0.0
    peak_so_far_w: float = 0.0
    events: tuple[DemandEvent, ...] = ()
    over_limit_price_per_kwh: float = 1_000.0
    """Price of a kWh beyond a limit; possible only where the fixed load alone exceeds it."""


@dataclass(frozen=True, eq=False)
class PvSource(Record):
    """A PV array: what the sky offers; a curtailable one may use less."""

    key: str
    available_w: Array
    curtailable: bool = True


@dataclass(frozen=True, eq=False)
class BatteryStore(Record):
    """A battery: AC-side powers, energy in the cells."""

    key: str
    capacity_wh: float
    charge_limit_w: float
    discharge_limit_w: float
    charge_efficiency: float
    discharge_efficiency: float
    floor_wh: float
    """Never planned below (the larger of minimum and reserve); a battery that starts below recovers first."""
    ceiling_wh: float
    initial_wh: float
    wear_per_kwh: float = 0.0
    """Money per kWh charged or discharged on the AC side."""
    end_value_per_kwh: float = 0.0
    """What a kWh in the cells at the end of the horizon is worth."""
    end_floor_wh: float = 0.0
    """Energy wanted at the end of the horizon."""
    outside_price_per_kwh: float = 1_000.0
    """Price per kWh and hour outside the window ``[floor, ceiling]``, and per kWh missing at the end."""


@dataclass(frozen=True, eq=False)
class HybridInverter(Record):
    """PV arrays and batteries behind one AC connection: ``|sum of their AC powers| <= ac_limit_w``."""

    key: str
    ac_limit_w: float
    pv: tuple[str, ...]
    batteries: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ChargingSession(Record):
    """A car at a charger during ``[first, end)`` that wants ``energy_wh`` (wall side); 0 or ``[min_w, max_w]``."""

    key: str
    """Name of the session, unique in the problem."""
    charger: str
    first: int
    end: int
    energy_wh: float
    min_w: float
    max_w: float
    phases: int = 3
    voltage_v: float = 230.0
    unmet_price_per_kwh: float = 20.0
    later_wh: float = 0.0
    """Of ``energy_wh``, what can wait until after the horizon; done before, it is worth ``later_value_per_kwh``."""
    later_value_per_kwh: float = 0.0
    min_run_slots: int = 1


@dataclass(frozen=True, eq=False)
class HeatStore(Record):
    """A house or a tank, first-order: ``C dT/dt = heat + gains - UA (T - ambient)``, solved exactly per slot."""

    key: str
    loss_w_per_k: float
    capacity_wh_per_k: float
    ambient_c: Array
    gains_w: Array
    """Heat nobody plans (people, sun), less heat drawn (hot water), W."""
    initial_c: float
    min_c: float
    max_c: float
    outside_price_per_kh: float
    """Money per kelvin-hour outside ``[min_c, max_c]``, and per kelvin missing to ``end_floor_c`` at the end."""
    end_floor_c: float = -273.15
    end_value_per_k: float = 0.0
    """What a kelvin within the band is worth at the end of the horizon."""


@dataclass(frozen=True, eq=False)
class HeatPumpUnit(Record):
    """A heat pump: off or ``[min_w, max_w]`` electric, giving ``cop`` times its power to one store."""

    key: str
    min_w: float
    max_w: float
    cop: Array
    store: HeatStore
    min_run_slots: int = 1
    min_pause_slots: int = 1
    was_on: bool | None = None
    """Whether it ran before the first slot; None when unknown (then the first start is free)."""


@dataclass(frozen=True, eq=False)
class Problem(Record):
    """One planning problem; `exclusive` False relaxes the exclusivity laws (a lower bound, for comparison only)."""

    site: str
    currency: str
    start_at: datetime
    buy_per_kwh: Array
    sell_per_kwh: Array
    load_w: Array
    grid: GridLimits
    pv: tuple[PvSource, ...] = ()
    batteries: tuple[BatteryStore, ...] = ()
    inverters: tuple[HybridInverter, ...] = ()
    sessions: tuple[ChargingSession, ...] = ()
    heat_pumps: tuple[HeatPumpUnit, ...] = ()
    exclusive: bool = True

    @property
    def slots(self) -> int:
        """Number of quarter-hours."""
        return len(self.buy_per_kwh)

    @property
    def starts(self) -> list[datetime]:
        """Slot starts, UTC."""
        return [self.start_at + time_grid.SLOT * i for i in range(self.slots)]

    @property
    def pv_available_w(self) -> Array:
        """What all PV arrays together could give, W."""
        return np.sum([p.available_w for p in self.pv], axis=0) if self.pv else np.zeros(self.slots)
