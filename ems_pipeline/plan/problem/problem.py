"""What is to be planned: prices, needs and devices over consecutive quarter-hours, as plain arrays.

Arrays have one value per slot. Powers in W on the AC side, energies in Wh, temperatures in degrees Celsius, money in
the site's currency. Slot indices count from the horizon's first slot; windows are half open, ``[first, end)``.
Every wish that physics can refuse carries a price instead of being a hard demand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem.batteries import BatteryStore
from ems_pipeline.plan.problem.devices import (
    ChargingSession,
    DeferrableRun,
    Fuse,
    HeatPumpUnit,
    HybridInverter,
    PvSource,
    Window,
)
from ems_pipeline.plan.problem.gensets import GensetUnit, Switchboard
from ems_pipeline.plan.record import WHERE_GIVEN, Record


@dataclass(frozen=True, eq=False)
class DemandEvent(Record):
    """A demand-response event over ``[first, end)``.

    ``limit_w`` is a firm limit of what is imported, net: below 0 so much is to be exported. ``price_per_kwh`` is paid
    for every kWh imported less than ``baseline_w``, and where it ``is_net`` for what is exported as well.
    """

    key: str
    first: int
    end: int
    limit_w: float | None = None
    baseline_w: float = 0.0
    price_per_kwh: float = 0.0
    is_net: bool = False


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
    no_battery_to_grid: tuple[Window, ...] = ()
    """There no battery gives while anything is exported."""
    no_grid_to_battery: tuple[Window, ...] = ()
    """There no battery takes while anything is imported."""

    unbilled_per_kwh: Array | None = field(default=None, metadata=WHERE_GIVEN)
    """What each kWh imported counts besides its price and no bill has, >= 0: its CO2, or being independent."""

    peak_slots: int = field(default=0, metadata=WHERE_GIVEN)
    """Quarter-hours over whose mean a peak is billed, counted from `peak_gone_slots` on; 0: each by itself."""
    peak_gone_slots: int = field(default=0, metadata=WHERE_GIVEN)
    """Of the interval under way at the first slot, those that are over."""
    peak_gone_wh: float | None = field(default=None, metadata=WHERE_GIVEN)
    """What was imported in them; None: not known, and the rest of the interval stands for all of it."""
    peak_breaks: tuple[int, ...] = field(default=(), metadata=WHERE_GIVEN)
    """Slots that begin a new period of billing, whose peak counts beyond `peak_floor_w`."""
    peak_floor_w: float = field(default=0.0, metadata=WHERE_GIVEN)

    @property
    def is_plain(self) -> bool:
        """Energy at its price and its limits alone: no price of a peak, no event, no way that is forbidden."""
        priced = self.peak_price_per_kw or self.events or self.unbilled_per_kwh is not None
        return not (priced or self.no_battery_to_grid or self.no_grid_to_battery)


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
class Course(Record):
    """One way in which things may go, as a day before went against its forecast: the horizon, and hours after it.

    ``deficit_w`` is load less what the sun could give, per slot and then per hour after the horizon; prices are those
    of the hours after it.
    """

    deficit_w: Array
    buy_per_kwh: Array
    sell_per_kwh: Array


TIES = ("early", "level", "order", "quiet")
"""Drawn early, lowest peaks, batteries in their order, least change from slot to slot."""


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
    switchboards: tuple[Switchboard, ...] = ()
    fuses: tuple[Fuse, ...] = ()
    previous: tuple[PreviousPower, ...] = ()
    day_breaks: tuple[int, ...] = ()
    """Slots that begin a new local day."""
    exclusive: bool = True
    left_out: tuple[Unmet, ...] = ()
    """Wishes of the site that no slot can serve (a car that leaves within the quarter-hour, a window too short)."""
    ties: tuple[str, ...] = field(default=(), metadata=WHERE_GIVEN)
    """What an owner chooses among plans that cost the same and are as safe, the first before the next (`TIES`)."""
    courses: tuple[Course, ...] = field(default=(), metadata=WHERE_GIVEN)
    """Ways in which load, sun and later prices may go, all as likely; none: as forecast."""

    @property
    def slots(self) -> int:
        """Number of quarter-hours."""
        return len(self.buy_per_kwh)

    @property
    def import_per_kwh(self) -> Array:
        """What a kWh imported counts for in the plan: its price, and what no bill has."""
        unbilled = self.grid.unbilled_per_kwh
        return self.buy_per_kwh if unbilled is None else self.buy_per_kwh + unbilled

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
