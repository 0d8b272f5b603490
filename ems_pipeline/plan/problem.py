"""What is to be planned: prices, needs and devices over consecutive quarter-hours, as plain arrays.

Arrays have one value per slot. Powers in W on the AC side, energies in Wh, temperatures in degrees Celsius, money in
the site's currency. Slot indices count from the horizon's first slot; windows are half open, ``[first, end)``.
Every wish that physics can refuse carries a price instead of being a hard demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.plan.record import Array, Record


@dataclass(frozen=True, eq=False)
class Window(Record):
    """Slots ``[first, end)``."""

    first: int
    end: int


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
class PowerStep(Record):
    """Efficiency of what flows between the previous step's power and ``upto_w``, charging and discharging (marginal).

    Falling efficiencies need no binaries; rising ones (a converter that wakes up) do.
    """

    upto_w: float
    charge_efficiency: float
    discharge_efficiency: float


@dataclass(frozen=True, eq=False)
class ChargeBand(Record):
    """Efficiency of a slot that begins with the cells below ``upto_wh`` and not below the band before.

    An energy at most half a Wh below an edge counts as at it, in the band above: measured and rounded states meet edges
    exactly.
    """

    upto_wh: float
    charge_efficiency: float
    discharge_efficiency: float


@dataclass(frozen=True, eq=False)
class Taper(Record):
    """Charging at most ``limit_w - slope_w_per_wh * (energy - from_wh)`` at the energy before the slot."""

    from_wh: float
    limit_w: float
    slope_w_per_wh: float


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
    steps: tuple[PowerStep, ...] = ()
    """Efficiency by power in place of the constant one, from 0 W up to the limits; empty: constant."""
    bands: tuple[ChargeBand, ...] = ()
    """Efficiency by state of charge in place of the constant one, from 0 Wh up to the capacity; not with `steps`."""
    tapers: tuple[Taper, ...] = ()
    """How a nearly full battery limits its charging."""


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
    blocked: tuple[Window, ...] = ()
    """A schedule keeps the charger off there."""


@dataclass(frozen=True, eq=False)
class Fuse(Record):
    """Chargers that share a fuse: the sum of their powers stays below ``limit_w``."""

    key: str
    limit_w: float
    chargers: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class DeferrableRun(Record):
    """A machine that runs its ``profile_w`` once, without a break, inside ``[first, end)``; or not, at a price."""

    key: str
    profile_w: Array
    first: int
    end: int
    skip_price: float = 100.0


@dataclass(frozen=True, eq=False)
class GensetUnit(Record):
    """A generating set: off, warming up (fuel, no power) or within ``[min_w, max_w]``.

    Fuel costs ``idle_fuel_per_h`` while it turns plus ``fuel_per_kwh`` (the straight fuel curve of a diesel set).
    """

    key: str
    min_w: float
    max_w: float
    fuel_per_kwh: float
    idle_fuel_per_h: float = 0.0
    start_cost: float = 0.0
    min_run_slots: int = 1
    min_pause_slots: int = 1
    warm_up_slots: int = 0
    starts_per_day: int | None = None
    run_hours_left: float | None = None
    """Until the next service; not exceeded within the horizon."""
    blocked: tuple[Window, ...] = ()
    """Quiet hours and lock-outs: it does not turn there."""
    was_on: bool = False
    state_slots: int | None = None
    """For how many slots it has been on (off) before the first; None: longer than any rule asks."""
    starts_before: int = 0
    """Starts already made on the first local day."""


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
    """A heat pump: off or ``[min_w, max_w]`` electric, giving ``cop`` times its power to its store.

    With a hot-water ``tank`` it heats house or tank in a slot, never both, the tank at ``tank_cop`` (hotter supply).
    """

    key: str
    min_w: float
    max_w: float
    cop: Array
    store: HeatStore
    min_run_slots: int = 1
    min_pause_slots: int = 1
    was_on: bool | None = None
    """Whether it ran before the first slot; None when unknown (then the first start is free)."""
    state_slots: int | None = None
    """For how many slots it has been on (off) before the first; None: longer than any rule asks."""
    tank: HeatStore | None = None
    tank_cop: Array | None = None


@dataclass(frozen=True, eq=False)
class PreviousPower(Record):
    """What the plan before this one wanted of an asset, from this horizon's first slot on (may be shorter).

    A battery > 0 discharges; chargers, heat pumps, gensets and machines have their power, W.
    """

    key: str
    power_w: Array


@dataclass(frozen=True, eq=False)
class Unmet(Record):
    """A wish that physics or price refused: of whom, what, how much."""

    key: str
    what: str
    amount: float
    unit: str

    def __str__(self) -> str:
        return f"{self.key}: {self.what} {self.amount:.4g} {self.unit}"


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
    deferrables: tuple[DeferrableRun, ...] = ()
    gensets: tuple[GensetUnit, ...] = ()
    fuses: tuple[Fuse, ...] = ()
    previous: tuple[PreviousPower, ...] = ()
    day_breaks: tuple[int, ...] = ()
    """Slots that begin a new local day."""
    exclusive: bool = True
    left_out: tuple[Unmet, ...] = ()
    """Wishes of the site that no slot can serve (a car that leaves within the quarter-hour, a window too short)."""

    @property
    def slots(self) -> int:
        """Number of quarter-hours."""
        return len(self.buy_per_kwh)

    @property
    def starts(self) -> list[datetime]:
        """Slot starts, UTC."""
        return [self.start_at + time_grid.SLOT * i for i in range(self.slots)]

    @property
    def days(self) -> list[tuple[int, int]]:
        """Local days as slot windows ``[first, end)``."""
        edges = [0, *self.day_breaks, self.slots]
        return [(a, b) for a, b in pairwise(edges) if a < b]

    @property
    def pv_available_w(self) -> Array:
        """What all PV arrays together could give, W."""
        return np.sum([p.available_w for p in self.pv], axis=0) if self.pv else np.zeros(self.slots)
