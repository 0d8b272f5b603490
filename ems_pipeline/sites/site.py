"""The installation as a whole; its parts have modules of their own.

Units are part of the names; ranges refuse the usual unit mistakes (kW for W).
Every record is frozen and refuses unknown keys, so a misspelt option is an error and never silently a default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from ems_pipeline import time_grid
from ems_pipeline.sites import fleet, market_zones, place, schedule
from ems_pipeline.sites.asset import Asset
from ems_pipeline.sites.demand import DemandInput
from ems_pipeline.sites.electric import Battery, Charger, PvArray
from ems_pipeline.sites.fleet import Fleet
from ems_pipeline.sites.machines import DeferrableLoad, Genset, Switchboard, board_faults
from ems_pipeline.sites.planner import Planner, PlanningPolicy
from ems_pipeline.sites.record import Key, PowerW, Record, known_as
from ems_pipeline.sites.schedule import Schedule
from ems_pipeline.sites.tariff import FixedTariff, Tariff
from ems_pipeline.sites.thermal import HeatPump
from ems_pipeline.sites.wiring import Device, FuseGroup, Gateway, GridConnection, HybridInverter, LoadGroup
from ems_pipeline.sites.wish import Unfit, Wish, in_words


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
    first_day: date | None = None
    """Civil day before which nothing is made for the site; without it: when it was first measured, priced or known."""
    market_zone: Annotated[str, known_as("market_zone")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    grid: GridConnection
    tariff: Tariff
    fixed_tariff: FixedTariff | None = None
    """Contract of one price with which settled days are compared; without it they are not."""
    usual_load_w: PowerW = 400.0
    """Mean house load assumed until a week of it has been measured."""
    pv: tuple[PvArray, ...] = ()
    batteries: tuple[Battery, ...] = ()
    chargers: tuple[Charger, ...] = ()
    heat_pumps: tuple[HeatPump, ...] = ()
    gensets: tuple[Genset, ...] = ()
    switchboards: tuple[Switchboard, ...] = ()
    """Of gensets that share load; each set stands behind one at most."""
    deferrables: tuple[DeferrableLoad, ...] = ()
    fleets: tuple[Fleet, ...] = ()
    """Batteries that are planned and told as one."""
    fuses: tuple[FuseGroup, ...] = ()
    load_groups: tuple[LoadGroup, ...] = ()
    """Of deferrable loads of which only so many run at once."""
    inverters: tuple[HybridInverter, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    devices: tuple[Device, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    demand_inputs: tuple[DemandInput, ...] = ()
    planning: PlanningPolicy = PlanningPolicy()
    control: ControlPolicy = ControlPolicy()

    @field_validator("timezone")
    @classmethod
    def _is_a_place(cls, name: str) -> str:
        time_grid.civil_zone(name)
        return name

    @model_validator(mode="after")
    def _references_resolve(self) -> Self:
        gateways = {g.key for g in self.gateways}
        devices = {d.key for d in self.devices}
        faults = self._disagreements()
        faults += [
            f"device {d.key!r} names gateway {d.gateway!r}; known gateways: {sorted(gateways)}"
            for d in self.devices
            if d.gateway not in gateways
        ]
        assets = self.assets
        faults += [*self._unknown_members(), *board_faults(self.switchboards, self.gensets)]
        faults += [
            f"{type(a).__name__} {a.key!r} names device {a.device!r}; known devices: {sorted(devices)}"
            for a in assets
            if a.device is not None and a.device not in devices
        ]
        for kind, keys in (
            ("asset", [a.key for a in assets]),
            ("device", [d.key for d in self.devices]),
            ("switchboard", [b.key for b in self.switchboards]),
            ("load group", [g.key for g in self.load_groups]),
            ("genset of a switchboard", [key for b in self.switchboards for key in b.gensets]),
        ):
            faults += [f"{kind} key {k!r} is used twice; keys are unique" for k in keys if keys.count(k) > 1]
        wrong = list(fleet.faults(self.fleets, self.batteries, self.pv, self.inverters, [a.key for a in assets]))
        faults += wrong
        faults += schedule.faults(self.schedules, {a.key: a for a in (assets if wrong else self.asked)})
        faults += self._unreachable_first()
        switches = [m.device for m in self.deferrables if m.device is not None]
        faults += [
            f"deferrables {sorted(m.key for m in self.deferrables if m.device == key)} are told by the one switch "
            f"{key!r}; give one load with the power of all"
            for key in dict.fromkeys(switches)
            if switches.count(key) > 1
        ]
        faults += [
            f"load group {g.key!r} names {key!r} twice; name it once"
            for g in self.load_groups
            for key in g.loads
            if g.loads.count(key) > 1
        ]
        if self.planning.co2 is not None:
            faults += [
                f"planning.co2 stands and genset {g.key!r} states no co2_kg_per_kwh; state it, or leave co2 out"
                for g in self.gensets
                if g.co2 is None
            ]
        if self.market_zone == market_zones.NONE and self.tariff.needs_market:
            faults.append(f"market_zone is {self.market_zone!r} and the tariff has a market price; name the zone")
        if faults:
            raise ValueError("; ".join(dict.fromkeys(faults)))
        return self

    @property
    def assets(self) -> tuple[Asset, ...]:
        """All assets, in the order of the site file."""
        steered = (*self.batteries, *self.pv, *self.chargers, *self.heat_pumps, *self.gensets)
        return (*steered, *self.deferrables)

    @property
    def asked(self) -> tuple[Asset, ...]:
        """What can be asked something by its key: the assets, and each fleet as one battery."""
        return (*self.assets, *(f.whole(self.batteries) for f in self.fleets))

    def _disagreements(self) -> list[str]:
        """Facts of which one must be wrong, because the other stands there, too."""
        faults = [place.swapped(self.latitude, self.longitude, self.timezone)]
        if self.tariff.currency != self.currency:
            faults.append(
                f"currency is {self.currency} and tariff.currency {self.tariff.currency}; a site has one, its bill's"
            )
        return [fault for fault in faults if fault]

    def _unreachable_first(self) -> list[str]:
        """Chargers that come after batteries which never hold so much."""
        full_wh = sum(b.capacity_wh * b.max_soc_pct / 100 for b in self.batteries)
        reach_pct = 100 * full_wh / sum(b.capacity_wh for b in self.batteries) if self.batteries else 0.0
        return [
            f"charger {c.key!r} has batteries_first_pct {c.batteries_first_pct:g}, and the site's batteries hold "
            f"{reach_pct:.0f} % at most; lower it"
            for c in self.chargers
            if c.batteries_first_pct > reach_pct + 1e-9
        ]

    def _unknown_members(self) -> list[str]:
        """Fuses, inverters, switchboards and demand inputs that name what the site does not have."""
        known: dict[str, Sequence[Asset | Device]] = {
            "charger": self.chargers, "PV array": self.pv, "battery": self.batteries, "device": self.devices,
            "asset": (*self.chargers, *self.heat_pumps, *self.batteries), "genset": self.gensets,
            "deferrable": self.deferrables,
        }  # fmt: skip
        named = [(f"fuse {f.key!r}", "charger", f.chargers) for f in self.fuses]
        named += [(f"load group {g.key!r}", "deferrable", g.loads) for g in self.load_groups]
        for inverter in self.inverters:
            named += [(f"inverter {inverter.key!r}", "PV array", inverter.pv)]
            named += [(f"inverter {inverter.key!r}", "battery", inverter.batteries)]
        for board in self.switchboards:
            named += [(f"switchboard {board.key!r}", "device", (board.device,))]
            named += [(f"switchboard {board.key!r}", "genset", board.gensets)]
        for one in self.demand_inputs:
            named += [(f"demand input {one.key!r}", "device", (one.device,))]
            named += [(f"demand input {one.key!r}", "asset", one.assets)]
        return [
            f"{who} names {kind} {key!r}; known: {sorted(a.key for a in known[kind])}"
            for who, kind, keys in named
            for key in keys
            if key not in {a.key for a in known[kind]}
        ]

    def planned_by(self, planner: Planner) -> Site:
        """The site with the options of one of its planners."""
        return self.model_copy(update={"planning": self.planning.changed(planner.options)}) if planner.options else self

    def wish(self, asset_key: str, mode: str, limits: Mapping[str, Any]) -> Wish | Unfit:
        """As `Asset.wish`, for whoever names the asset by its key."""
        asset = next((a for a in self.asked if a.key == asset_key), None)
        if asset is None:
            fault = f"names {asset_key!r}: site {self.key} has no such asset; it has {[a.key for a in self.asked]}"
            return Unfit(in_words(mode, limits), fault)
        return asset.wish(mode, limits)

    def device(self, key: str) -> Device:
        """The device named ``key``; KeyError names what exists."""
        for device in self.devices:
            if device.key == key:
                return device
        raise KeyError(f"site {self.key} has no device {key!r}; it has {[d.key for d in self.devices]}")

    def gateway_of(self, device: Device) -> Gateway:
        """The gateway a device answers behind."""
        return next(g for g in self.gateways if g.key == device.gateway)
