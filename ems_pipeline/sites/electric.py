"""What makes, keeps and loads electricity: PV, batteries, chargers. Powers are those of the AC side."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from ems_pipeline.sites.asset import Asset
from ems_pipeline.sites.hours import Hours
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, PvMode
from ems_pipeline.sites.record import Efficiency, EnergyWh, LimitW, Pct, PowerW, Record, WallClock, Weekday

TIMED = ("charge_limit_w", "discharge_limit_w", "reserve_soc_pct", "max_soc_pct")
"""What of a battery may be narrower at some hours."""
GIVING = frozenset({"bidirectional", "v2g", "v2h", "v2x", "discharge_limit_w", "discharge_power_w"})
"""How people would say that a charger takes energy out of a car."""


class PvArray(Asset):
    """One plane of modules. `azimuth_deg` counts clockwise from north: 90 east, 180 south, 270 west."""

    modes = PvMode
    limit_names = frozenset({"pv_limit_w", "export_limit_w"})

    peak_power_w: PowerW
    tilt_deg: float = Field(ge=0, le=90)
    azimuth_deg: float = Field(ge=0, lt=360)
    loss_pct: Pct = 10.0
    inverter_limit_w: PowerW | None = None
    curtailable: bool = True


class EfficiencyStep(Record):
    """Efficiency of what flows between the step below and ``upto_w`` (marginal, not of the total)."""

    upto_w: PowerW
    charge_efficiency: Efficiency
    discharge_efficiency: Efficiency


class EfficiencyBand(Record):
    """Efficiency of a quarter-hour that begins with a state of charge below ``upto_soc_pct``, above the band before."""

    upto_soc_pct: Pct
    charge_efficiency: Efficiency
    discharge_efficiency: Efficiency


class ChargeTaper(Record):
    """From ``from_soc_pct`` up, charging falls in a straight line from its limit to ``full_limit_w`` when full."""

    from_soc_pct: Pct
    full_limit_w: LimitW = 0.0


class EmptyTaper(Record):
    """From ``from_soc_pct`` down, discharging falls in a straight line from its limit to ``empty_limit_w`` at the least
    charge."""

    from_soc_pct: Pct
    empty_limit_w: LimitW = 0.0


class BatteryTerms(Hours):
    """What holds of a battery in its hours besides what always does; of several the tightest counts."""

    charge_limit_w: LimitW | None = None
    discharge_limit_w: LimitW | None = None
    reserve_soc_pct: Pct | None = None
    max_soc_pct: Pct | None = None

    @model_validator(mode="after")
    def _narrows_something(self) -> Self:
        if not any(getattr(self, name) is not None for name in TIMED):
            raise ValueError(f"these hours change nothing; write {', '.join(TIMED)}, or leave them out")
        return self


class SpareBand(Record):
    """States of charge that spare a battery; each kWh outside and hour costs so much, in the plan and in no bill."""

    low_soc_pct: Pct = 0.0
    high_soc_pct: Pct = 100.0
    price_per_kwh_h: float = Field(gt=0, le=100)

    @model_validator(mode="after")
    def _is_a_band(self) -> Self:
        if self.low_soc_pct >= self.high_soc_pct:
            raise ValueError(f"low_soc_pct {self.low_soc_pct:g} is not below high_soc_pct {self.high_soc_pct:g}")
        return self


class Battery(Asset):
    """A battery as the bus sees it: AC-side powers, energy in the cells."""

    modes = BatteryMode
    limit_names = frozenset({"charge_limit_w", "discharge_limit_w", "target_soc_pct", "export_limit_w"})

    capacity_wh: EnergyWh
    charge_limit_w: PowerW
    discharge_limit_w: PowerW
    charge_efficiency: Efficiency = 0.95
    discharge_efficiency: Efficiency = 0.95
    min_soc_pct: Pct = 10.0
    max_soc_pct: Pct = 100.0
    reserve_soc_pct: Pct = 10.0
    keep_at_end_pct: Pct = 0.0
    """What every plan leaves at its end, for what comes after it; within the plan it may be used. 0: what pays."""
    wear_per_kwh: float = Field(0.0, ge=0, le=5)
    """Money per kWh of throughput (charged or discharged), site currency."""
    discharge_wear_per_kwh: float | None = Field(None, ge=0, le=5)
    """Money per kWh discharged, where that differs; `wear_per_kwh` is then that of charging."""
    spare_band: SpareBand | None = None
    at_times: tuple[BatteryTerms, ...] = ()
    efficiency_steps: tuple[EfficiencyStep, ...] = ()
    """Efficiency by power, instead of the two constant ones."""
    efficiency_bands: tuple[EfficiencyBand, ...] = ()
    """Efficiency by state of charge, instead of the two constant ones; bands rise to 100 %."""
    taper: ChargeTaper | None = None
    empty_taper: EmptyTaper | None = None
    least_charge_w: LimitW = 0.0
    """Below it the battery takes nothing; its converter does not start for less."""
    least_discharge_w: LimitW = 0.0
    """Below it the battery gives nothing."""
    self_discharge_pct_per_day: float = Field(0.0, ge=0, le=20)
    """What the cells lose by themselves in a day, percent of what is in them."""
    standby_w: float = Field(0.0, ge=0, le=500)
    """What battery and converter draw from the cells, always."""

    @model_validator(mode="after")
    def _window_is_open(self) -> Self:
        if not self.min_soc_pct <= self.reserve_soc_pct < self.max_soc_pct:
            raise ValueError(
                f"min_soc_pct {self.min_soc_pct} <= reserve_soc_pct {self.reserve_soc_pct} < max_soc_pct "
                f"{self.max_soc_pct} must hold; widen the window"
            )
        if self.keep_at_end_pct > self.max_soc_pct:
            raise ValueError(
                f"keep_at_end_pct {self.keep_at_end_pct} is above max_soc_pct {self.max_soc_pct}; lower it"
            )
        return self

    @model_validator(mode="after")
    def _times_narrow(self) -> Self:
        for i, terms in enumerate(self.at_times):
            for name in TIMED:
                asked, always = getattr(terms, name), getattr(self, name)
                if asked is not None and (asked <= always if name == "reserve_soc_pct" else asked >= always):
                    raise ValueError(f"at_times[{i}].{name} is {asked:g} and {always:g} always holds; narrow it")
        return self

    @model_validator(mode="after")
    def _least_is_below_most(self) -> Self:
        for side in ("charge", "discharge"):
            least_w, most_w = getattr(self, f"least_{side}_w"), getattr(self, f"{side}_limit_w")
            if least_w >= most_w:
                raise ValueError(
                    f"least_{side}_w {least_w:g} is not below {side}_limit_w {most_w:g}; lower it, or leave it out"
                )
        if self.empty_taper is not None and not self.min_soc_pct < self.empty_taper.from_soc_pct <= self.max_soc_pct:
            raise ValueError(
                f"empty_taper begins at {self.empty_taper.from_soc_pct:g} %; give a charge above min_soc_pct "
                f"{self.min_soc_pct:g} and up to max_soc_pct {self.max_soc_pct:g}"
            )
        return self

    @property
    def loses(self) -> bool:
        """Whether the cells lose energy by themselves."""
        return bool(self.self_discharge_pct_per_day or self.standby_w)

    @property
    def wear_out_per_kwh(self) -> float:
        """Money per kWh discharged, site currency."""
        return self.wear_per_kwh if self.discharge_wear_per_kwh is None else self.discharge_wear_per_kwh

    def at(self, slot: datetime, zone: ZoneInfo) -> Battery:
        """The battery as it is in the quarter-hour that begins at ``slot``; a reserve goes before a lower ceiling."""
        acting = [terms for terms in self.at_times if terms.covers(slot, zone)]
        found = {name: [getattr(self, name), *(getattr(terms, name) for terms in acting)] for name in TIMED}
        held = {name: min(v for v in values if v is not None) for name, values in found.items()}
        held["reserve_soc_pct"] = max(v for v in found["reserve_soc_pct"] if v is not None)
        held["max_soc_pct"] = max(held["max_soc_pct"], held["reserve_soc_pct"])
        return self.model_copy(update=held | {"at_times": ()})

    @model_validator(mode="after")
    def _bands_cover_every_charge(self) -> Self:
        edges = [band.upto_soc_pct for band in self.efficiency_bands]
        if edges and (edges[-1] != 100 or sorted(set(edges)) != edges):
            raise ValueError(f"efficiency_bands end at {edges} %; let them rise and end at 100")
        if edges and self.efficiency_steps:
            raise ValueError("efficiency_steps and efficiency_bands both stand; keep one of the two")
        return self


class EnergyByTime(Record):
    """Energy a car should have had since it came by a time of the day, ``energy_wh`` at the wall."""

    by: WallClock
    energy_wh: EnergyWh


class Charger(Asset):
    """A charger and the habits of the car on it (used until sessions are measured)."""

    modes = ChargerMode
    limit_names = frozenset({"current_a", "phases"})

    phases: Literal[1, 3] = 3
    voltage_v: float = Field(230.0, ge=100, le=500)
    min_current_a: float = Field(6.0, ge=6, le=32)
    max_current_a: float = Field(16.0, ge=6, le=80)
    car_capacity_wh: EnergyWh = 60_000.0
    usual_arrival: WallClock = time(17, 30)
    usual_departure: WallClock = time(7, 0)
    usual_energy_wh: EnergyWh = 12_000.0
    usual_weekdays: tuple[Weekday, ...] = (0, 1, 2, 3, 4, 5, 6)
    """Days of arrival, 0 = Monday."""
    unmet_price_per_kwh: float = Field(20.0, gt=0, le=100_000)
    """What a kWh missing at departure is worth avoiding, site currency: priced, never infeasible."""
    min_on_minutes: int = Field(0, ge=0, le=600)
    charge_efficiency: Efficiency = 0.9
    """Share of the wall's energy that reaches the car's cells."""
    at_once_wh: float = Field(0.0, ge=0, le=1_000_000)
    """What a car is charged with at once when it has come, whatever that costs; for the way nobody planned."""
    on_the_way: tuple[EnergyByTime, ...] = ()
    """What it should have earlier than at its departure, every day."""
    charge_on_wh: float = Field(0.0, ge=0, le=1_000_000)
    """What it takes beyond what it wants, where a kWh costs `charge_on_below_per_kwh` at most."""
    charge_on_below_per_kwh: float | None = Field(None, ge=-20, le=50)
    battery_to_car: bool = True
    """Whether batteries may give while it charges."""
    batteries_first_pct: Pct = 0.0
    """State of charge of all batteries together below which what the sun leaves is theirs, not the car's."""
    most_price_per_kwh: float | None = Field(None, ge=-20, le=50)
    """Buying price above which only what the sun leaves charges it, site currency; none: it charges as it pays."""
    switches_phases: bool = False
    """Whether it can be told to charge by one of its three phases: less than 6 A by three, where the plan wants it."""

    @model_validator(mode="before")
    @classmethod
    def _takes_and_never_gives(cls, given: Any) -> Any:
        """No driver can tell a charger to take energy out of a car."""
        named = sorted(GIVING & set(given)) if isinstance(given, Mapping) else []
        if named:
            raise ValueError(
                f"{named[0]}: no charger is told to discharge a car here (V2G, V2H); remove it: the car is charged only"
            )
        return given

    @model_validator(mode="after")
    def _charges_on_below_a_price(self) -> Self:
        if (self.charge_on_wh > 0) != (self.charge_on_below_per_kwh is not None):
            raise ValueError("charge_on_wh and charge_on_below_per_kwh belong together; give both or neither")
        return self

    @model_validator(mode="after")
    def _has_phases_to_switch(self) -> Self:
        if self.switches_phases and self.phases == 1:
            raise ValueError("switches_phases means nothing to a charger of one phase; remove it, or write phases: 3")
        return self

    @property
    def max_power_w(self) -> float:
        """Power at full current, W."""
        return self.phases * self.voltage_v * self.max_current_a

    @property
    def min_power_w(self) -> float:
        """Power at the least current the car accepts (IEC 61851: 6 A), by as few phases as may be, W."""
        return min(self.choices) * self.voltage_v * self.min_current_a

    @property
    def choices(self) -> tuple[Literal[1, 3], ...]:
        """Numbers of phases by which it may be told to charge."""
        return (1, 3) if self.switches_phases else (self.phases,)
