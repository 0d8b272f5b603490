"""The records of a site file. Units are part of the names; ranges refuse the usual unit mistakes (kW for W).

Every record is frozen and refuses unknown keys, so a misspelt option is an error and never silently a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ems_pipeline import time_grid
from ems_pipeline.sites import schedule
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, GensetMode, HeatPumpMode, PvMode
from ems_pipeline.sites.record import Key, Record, WallClock
from ems_pipeline.sites.schedule import Schedule
from ems_pipeline.sites.tariff import Tariff

Pct = Annotated[float, Field(ge=0, le=100)]
Efficiency = Annotated[float, Field(gt=0.5, le=1.0)]
# Lower bounds catch kW and kWh written where W and Wh are asked for: nobody plans an 11 W inverter.
PowerW = Annotated[float, Field(ge=100, le=20_000_000)]
LimitW = Annotated[float, Field(ge=0, le=20_000_000)]
EnergyWh = Annotated[float, Field(ge=200, le=100_000_000)]


class GridConnection(Record):
    """The point where the site meets the grid."""

    import_limit_w: PowerW
    export_limit_w: LimitW
    phases: Literal[1, 3] = 3
    nominal_voltage_v: float = Field(230.0, ge=100, le=500)
    peak_price_per_kw: float = Field(0.0, ge=0)
    """Capacity charge: money per kW of the month's highest quarter-hour import, site currency."""


class Asset(Record):
    """A planned part of the site; `device` names the hardware that measures and obeys for it."""

    modes: ClassVar[type[StrEnum] | None] = None
    """What it can be asked; None: nothing, no device obeys for its kind."""
    limit_names: ClassVar[frozenset[str]] = frozenset()
    """Limits that go with a mode; units are part of the names."""

    key: Key
    device: Key | None = None

    def cannot(self, mode: str, limits: Mapping[str, Any]) -> str:
        """Why it cannot be asked this, with what there is; empty when it can."""
        if self.modes is None:
            return f"names {self.key!r}, and no device obeys for a {type(self).__name__}"
        if self.device is None:
            return f"names {self.key!r}, which has no device that could obey; name one in the site file"
        if mode not in set(self.modes):
            return f"asks {self.key!r} for mode {mode!r}, which is none of {', '.join(self.modes)}"
        if unknown := sorted(set(limits) - self.limit_names):
            return f"asks {self.key!r} for limits {unknown}; it has {sorted(self.limit_names)}"
        if mode == PvMode.CURTAIL and "pv_limit_w" not in limits:
            return f"asks {self.key!r} to curtail; to what? name the limit pv_limit_w"
        return ""


class PvArray(Asset):
    """One plane of modules. `azimuth_deg` counts clockwise from north: 90 east, 180 south, 270 west."""

    modes = PvMode
    limit_names = frozenset({"pv_limit_w"})

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
    wear_per_kwh: float = Field(0.0, ge=0, le=5)
    """Money per kWh of throughput (charged or discharged), site currency."""
    efficiency_steps: tuple[EfficiencyStep, ...] = ()
    """Efficiency by power, instead of the two constant ones."""
    efficiency_bands: tuple[EfficiencyBand, ...] = ()
    """Efficiency by state of charge, instead of the two constant ones; bands rise to 100 %."""
    taper: ChargeTaper | None = None

    @model_validator(mode="after")
    def _window_is_open(self) -> Self:
        if not self.min_soc_pct <= self.reserve_soc_pct < self.max_soc_pct:
            raise ValueError(
                f"min_soc_pct {self.min_soc_pct} <= reserve_soc_pct {self.reserve_soc_pct} < max_soc_pct "
                f"{self.max_soc_pct} must hold; widen the window"
            )
        return self

    @model_validator(mode="after")
    def _bands_cover_every_charge(self) -> Self:
        edges = [band.upto_soc_pct for band in self.efficiency_bands]
        if edges and (edges[-1] != 100 or sorted(set(edges)) != edges):
            raise ValueError(f"efficiency_bands end at {edges} %; let them rise and end at 100")
        if edges and self.efficiency_steps:
            raise ValueError("efficiency_steps and efficiency_bands both stand; keep one of the two")
        return self


class Charger(Asset):
    """A wallbox and the habits of the car on it (used until sessions are measured)."""

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
    usual_weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """Days of arrival, 0 = Monday."""
    unmet_price_per_kwh: float = Field(20.0, gt=0)
    """What a kWh missing at departure is worth avoiding, site currency: priced, never infeasible."""
    min_on_minutes: int = Field(0, ge=0, le=600)
    charge_efficiency: Efficiency = 0.9
    """Share of the wall's energy that reaches the car's cells."""

    @property
    def max_power_w(self) -> float:
        """Power at full current, W."""
        return self.phases * self.voltage_v * self.max_current_a

    @property
    def min_power_w(self) -> float:
        """Power at the least current the car accepts (IEC 61851: 6 A), W."""
        return self.phases * self.voltage_v * self.min_current_a


class House(Record):
    """The building as one heat store; first-order model of EN ISO 13790 (5R1C reduced to 1R1C)."""

    heat_loss_w_per_k: float = Field(ge=20, le=50_000)
    heat_capacity_wh_per_k: float = Field(ge=500, le=5_000_000)
    comfort_min_c: float = Field(20.0, ge=5, le=30)
    comfort_max_c: float = Field(23.0, ge=6, le=35)
    discomfort_price_per_kh: float = Field(5.0, gt=0)
    """Money per kelvin-hour outside the comfort band."""


class HotWater(Record):
    """A tank heated by the heat pump at a hotter supply. ``daily_wh`` is the heat drawn as hot water on a day."""

    key: Key
    volume_l: float = Field(ge=20, le=5000)
    loss_w_per_k: float = Field(2.0, gt=0, le=100)
    min_c: float = Field(42.0, ge=20, le=70)
    max_c: float = Field(55.0, ge=25, le=90)
    flow_temp_c: float = Field(55.0, ge=25, le=75)
    room_c: float = Field(20.0, ge=0, le=40)
    daily_wh: float = Field(6000.0, ge=0, le=1_000_000)
    too_cold_price_per_kh: float = Field(2.0, gt=0)

    @property
    def heat_capacity_wh_per_k(self) -> float:
        """Water holds 1.163 Wh per litre and kelvin."""
        return 1.163 * self.volume_l


class HeatPump(Asset):
    """An air-to-water heat pump heating one house."""

    modes = HeatPumpMode
    limit_names = frozenset({"power_limit_w"})

    min_power_w: PowerW
    max_power_w: PowerW
    flow_temp_c: float = Field(38.0, ge=20, le=70)
    carnot_efficiency: float = Field(0.42, ge=0.2, le=0.7)
    min_run_minutes: int = Field(30, ge=0, le=600)
    min_pause_minutes: int = Field(15, ge=0, le=600)
    house: House
    hot_water: HotWater | None = None


class DailyWindow(Record):
    """Local wall-clock time ``[start, end)`` on every day; an end before the start is on the next day."""

    start: WallClock
    end: WallClock


class Genset(Asset):
    """A generating set on the site's bus."""

    modes = GensetMode

    min_power_w: PowerW
    max_power_w: PowerW
    start_cost: float = Field(ge=0)
    fuel_per_kwh: float = Field(ge=0)
    min_run_minutes: int = Field(30, ge=0)
    min_pause_minutes: int = Field(30, ge=0)
    idle_fuel_per_h: float = Field(0.0, ge=0)
    """Money per hour of turning without load; `fuel_per_kwh` comes on top (straight fuel curve)."""
    warm_up_minutes: int = Field(0, ge=0, le=60)
    max_starts_per_day: int | None = Field(None, ge=0)
    run_hours_left: float | None = Field(None, ge=0)
    """Hours to the next service when this number first stands in the registered file; hours run since are taken off.

    After a service write the new number: the same again is taken for the old one.
    """
    locked_out: bool = False
    """Not to be started at all (alarm, service)."""
    quiet_hours: tuple[DailyWindow, ...] = ()


class DeferrableLoad(Asset):
    """A machine that runs once a day inside a window: constant power, or a profile of quarter-hours."""

    power_w: PowerW = 1000.0
    run_minutes: int = Field(60, ge=15, le=1440)
    profile_w: tuple[LimitW, ...] = ()
    """Power per quarter-hour of the run, instead of `power_w` for `run_minutes`."""
    window: DailyWindow
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """Days on which the window begins, 0 = Monday."""
    skip_price: float = Field(100.0, gt=0)
    """What a run that finds no room is worth avoiding, site currency."""


class FuseGroup(Record):
    """Chargers behind one fuse."""

    key: Key
    limit_w: PowerW
    chargers: tuple[Key, ...]


class HybridInverter(Record):
    """PV arrays and batteries on one inverter share its AC connection."""

    key: Key
    ac_limit_w: PowerW
    pv: tuple[Key, ...] = ()
    batteries: tuple[Key, ...] = ()


class Gateway(Record):
    """One network address; all devices behind it share one connection and one lock."""

    key: Key
    transport: Literal["modbus-tcp", "rtu-over-tcp", "http"]
    host: str
    port: int = Field(ge=1, le=65535)
    timeout_s: float = Field(2.0, gt=0, le=30)
    gap_s: float = Field(0.0, ge=0, le=2)
    """Silence after each answer before the next request (RS485 buses need 20-50 ms)."""
    user: str | None = None
    password_env: str | None = None
    """Name of the environment variable that holds the password; a secret never stands in a site file."""


class Device(Record):
    """One piece of hardware: which point map describes it and where it answers."""

    key: Key
    map: str
    gateway: Key
    unit_id: int = Field(1, ge=1, le=247)
    options: dict[str, float | str | bool] = Field(default_factory=dict)


class PlanningPolicy(Record):
    """How much a plan says about itself."""

    resolved_slots: int = Field(8, ge=0, le=96)
    """Quarter-hours from now whose other battery actions are solved again; beyond, their cost is a lower bound."""


class ControlPolicy(Record):
    """The first of the two opt-ins and the age limits the controller insists on."""

    enabled: bool = False
    max_plan_age_minutes: int = Field(40, ge=15, le=240)
    max_state_age_minutes: int = Field(5, ge=1, le=60)
    setpoint_ttl_minutes: int = Field(20, ge=16, le=120)


class Site(Record):
    """An installation: everything the planner and the controller may assume about it."""

    key: Key
    name: str
    timezone: str
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    active: bool = True
    market_zone: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    grid: GridConnection
    tariff: Tariff
    usual_load_w: PowerW = 400.0
    """Mean house load assumed until a week of it has been measured."""
    pv: tuple[PvArray, ...] = ()
    batteries: tuple[Battery, ...] = ()
    chargers: tuple[Charger, ...] = ()
    heat_pumps: tuple[HeatPump, ...] = ()
    gensets: tuple[Genset, ...] = ()
    deferrables: tuple[DeferrableLoad, ...] = ()
    fuses: tuple[FuseGroup, ...] = ()
    inverters: tuple[HybridInverter, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    devices: tuple[Device, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    planning: PlanningPolicy = PlanningPolicy()
    control: ControlPolicy = ControlPolicy()

    @model_validator(mode="after")
    def _references_resolve(self) -> Self:
        time_grid.zone(self.timezone)
        gateways = {g.key for g in self.gateways}
        devices = {d.key for d in self.devices}
        faults = [
            f"device {d.key!r} names gateway {d.gateway!r}; known gateways: {sorted(gateways)}"
            for d in self.devices
            if d.gateway not in gateways
        ]
        assets = self.assets
        faults += self._unknown_members()
        faults += [
            f"{type(a).__name__} {a.key!r} names device {a.device!r}; known devices: {sorted(devices)}"
            for a in assets
            if a.device is not None and a.device not in devices
        ]
        for kind, keys in (("asset", [a.key for a in assets]), ("device", [d.key for d in self.devices])):
            faults += [f"{kind} key {k!r} is used twice; keys are unique" for k in keys if keys.count(k) > 1]
        faults += schedule.faults(self.schedules, {a.key: a for a in assets})
        if faults:
            raise ValueError("; ".join(dict.fromkeys(faults)))
        return self

    @property
    def assets(self) -> tuple[Asset, ...]:
        """All assets, in the order of the site file."""
        steered = (*self.batteries, *self.pv, *self.chargers, *self.heat_pumps, *self.gensets)
        return (*steered, *self.deferrables)

    def _unknown_members(self) -> list[str]:
        """Fuses and inverters that name an asset the site does not have."""
        known = {"charger": self.chargers, "PV array": self.pv, "battery": self.batteries}
        named = [(f"fuse {f.key!r}", "charger", f.chargers) for f in self.fuses]
        for inverter in self.inverters:
            named += [(f"inverter {inverter.key!r}", "PV array", inverter.pv)]
            named += [(f"inverter {inverter.key!r}", "battery", inverter.batteries)]
        return [
            f"{who} names {kind} {key!r}; known: {sorted(a.key for a in known[kind])}"
            for who, kind, keys in named
            for key in keys
            if key not in {a.key for a in known[kind]}
        ]

    def device(self, key: str) -> Device:
        """The device named ``key``; KeyError names what exists."""
        for device in self.devices:
            if device.key == key:
                return device
        raise KeyError(f"site {self.key} has no device {key!r}; it has {[d.key for d in self.devices]}")

    def gateway_of(self, device: Device) -> Gateway:
        """The gateway a device answers behind."""
        return next(g for g in self.gateways if g.key == device.gateway)
