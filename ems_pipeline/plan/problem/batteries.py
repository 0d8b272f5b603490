"""Batteries of a problem: powers of the AC side, energy in the cells, what is lost on the way and meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.record import WHERE_GIVEN, Record

HOURS_PER_DAY = 24.0


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
class EmptyTaper(Record):
    """Discharging at most ``limit_w - slope_w_per_wh * (from - energy)`` at the energy before the slot."""

    from_wh: float
    limit_w: float
    slope_w_per_wh: float


@dataclass(frozen=True, eq=False)
class KeptWithin(Record):
    """Energy a battery should have at the end of each slot of ``[first, end)``; each kWh outside and hour is priced."""

    first: int
    end: int
    low_wh: float
    high_wh: float
    price_per_kwh: float


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
    discharge_wear_per_kwh: float | None = None
    """Money per kWh discharged, where it is not that of charging."""
    charge_most_w: Array | None = None
    discharge_most_w: Array | None = None
    """Less than the limits of power in some slots, W."""
    kept_within: tuple[KeptWithin, ...] = ()
    """Where it should stand in some slots: a reserve of some hours, a band that spares it unless leaving it pays."""
    empty_tapers: tuple[EmptyTaper, ...] = field(default=(), metadata=WHERE_GIVEN)
    """How a nearly empty battery limits its discharging."""
    least_charge_w: float = field(default=0.0, metadata=WHERE_GIVEN)
    """It charges with nothing or with at least so much."""
    least_discharge_w: float = field(default=0.0, metadata=WHERE_GIVEN)
    """It discharges with nothing or with at least so much."""
    lost_per_day: float = field(default=0.0, metadata=WHERE_GIVEN)
    """Share of the energy in the cells that is lost in a day, whatever the battery does."""
    standby_w: float = field(default=0.0, metadata=WHERE_GIVEN)
    """What the battery itself draws from its cells, always."""

    @property
    def loses(self) -> bool:
        """Whether the cells lose energy by themselves."""
        return bool(self.lost_per_day or self.standby_w)

    @property
    def kept_share(self) -> float:
        """Of the energy in the cells, what a quarter-hour leaves of it by itself."""
        return float((1.0 - self.lost_per_day) ** (units.SLOT_HOURS / HOURS_PER_DAY))

    @property
    def standby_wh(self) -> float:
        """What the battery itself draws in a quarter-hour."""
        return float(units.slot_energy_wh(self.standby_w))

    def alone_wh(self, slots: int) -> Array:
        """Energy in the cells at the end of each slot when nobody charges or discharges them."""
        path, here = np.empty(slots), self.initial_wh
        for t in range(slots):
            here = self.kept_share * here - self.standby_wh
            path[t] = here
        return path

    def lowest_wh(self, slots: int) -> float:
        """Least energy at which the cells can stand."""
        alone = float(self.alone_wh(slots)[-1]) if self.loses else self.initial_wh
        return min(self.floor_wh, alone)

    def charging_w(self, slots: int) -> Array:
        """Most charging in each slot, W."""
        return within_w(self.charge_limit_w, self.charge_most_w, slots)

    def discharging_w(self, slots: int) -> Array:
        """Most discharging in each slot, W."""
        return within_w(self.discharge_limit_w, self.discharge_most_w, slots)

    @property
    def is_plain(self) -> bool:
        """One efficiency, one wear, one power each way and one window in all slots; nothing asked of its end."""
        by_state = any((self.steps, self.bands, self.tapers, self.empty_tapers, self.kept_within))
        by_state |= self.loses or self.least_charge_w > 0 or self.least_discharge_w > 0
        by_time = self.charge_most_w is not None or self.discharge_most_w is not None
        return not (
            by_state or by_time or self.end_floor_wh > self.floor_wh or self.wear_out_per_kwh != self.wear_per_kwh
        )

    @property
    def wear_out_per_kwh(self) -> float:
        """Money per kWh discharged."""
        return self.wear_per_kwh if self.discharge_wear_per_kwh is None else self.discharge_wear_per_kwh


def within_w(limit_w: float, most_w: Array | None, slots: int) -> Array:
    """A limit in each slot, where some have a lower one, W."""
    always = np.full(slots, limit_w)
    return always if most_w is None else np.minimum(always, most_w)
