"""What carries power and words: the grid connection, fuses, shared inverters, gateways, devices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from ems_pipeline.sites.hours import Hours
from ems_pipeline.sites.protocol import TransportName, has_portal, keeps_address
from ems_pipeline.sites.record import Key, LimitW, PowerW, Record, known_as


class GridTerms(Hours):
    """What holds at the grid connection in its hours besides what always does; of several the tightest counts."""

    import_limit_w: LimitW | None = None
    export_limit_w: LimitW | None = None
    battery_to_grid: bool = True
    grid_to_battery: bool = True

    @model_validator(mode="after")
    def _narrows_something(self) -> Self:
        if self.battery_to_grid and self.grid_to_battery and self.import_limit_w is None is self.export_limit_w:
            raise ValueError(
                "these hours change nothing; write import_limit_w, export_limit_w, battery_to_grid: false or "
                "grid_to_battery: false, or leave them out"
            )
        return self


class GridConnection(Record):
    """The point where the site meets the grid."""

    import_limit_w: PowerW
    export_limit_w: LimitW
    phases: Literal[1, 3] = 3
    nominal_voltage_v: float = Field(230.0, ge=100, le=500)
    battery_to_grid: bool = True
    """Whether batteries may discharge while anything is exported; some feed-in contracts forbid it."""
    grid_to_battery: bool = True
    """Whether batteries may charge while anything is imported."""
    at_times: tuple[GridTerms, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _has_no_price(cls, given: Any) -> Any:
        """A peak's price is a term of the contract; stored configurations still say that there is none."""
        if not isinstance(given, Mapping) or "peak_price_per_kw" not in given:
            return given
        if given["peak_price_per_kw"]:
            raise ValueError(
                "peak_price_per_kw is a term of the contract; write tariff.periods[].capacity: "
                "{price_per_kw_month: ...}, without VAT"
            )
        return {key: value for key, value in given.items() if key != "peak_price_per_kw"}

    @model_validator(mode="after")
    def _times_narrow(self) -> Self:
        for i, terms in enumerate(self.at_times):
            for name in ("import_limit_w", "export_limit_w"):
                asked_w, always_w = getattr(terms, name), getattr(self, name)
                if asked_w is not None and asked_w >= always_w:
                    raise ValueError(
                        f"at_times[{i}].{name} is {asked_w:g}, no less than the {always_w:g} that always hold; lower "
                        f"it, or raise grid.{name} and limit the other hours"
                    )
        return self

    def at(self, slot: datetime, zone: ZoneInfo) -> GridConnection:
        """The connection as it is in the quarter-hour that begins at ``slot``."""
        acting = [terms for terms in self.at_times if terms.covers(slot, zone)]
        import_w = [terms.import_limit_w for terms in acting if terms.import_limit_w is not None]
        export_w = [terms.export_limit_w for terms in acting if terms.export_limit_w is not None]
        return self.model_copy(
            update={
                "import_limit_w": min([self.import_limit_w, *import_w]),
                "export_limit_w": min([self.export_limit_w, *export_w]),
                "battery_to_grid": self.battery_to_grid and all(terms.battery_to_grid for terms in acting),
                "grid_to_battery": self.grid_to_battery and all(terms.grid_to_battery for terms in acting),
                "at_times": (),
            }
        )


class FuseTerms(Hours):
    """What a fuse carries in its hours."""

    limit_w: LimitW


class LoadGroup(Record):
    """Deferrable loads behind one actuator: a changeover switch, a valve, one supply."""

    key: Key
    loads: tuple[Key, ...] = Field(min_length=1)
    most_at_once: int = Field(1, ge=1, le=100)
    """So many of them run at the same time at most."""


class FuseGroup(Record):
    """Chargers behind one fuse."""

    key: Key
    limit_w: PowerW
    chargers: tuple[Key, ...]
    at_times: tuple[FuseTerms, ...] = ()
    """Less at some hours; of several the least."""

    @model_validator(mode="after")
    def _times_narrow(self) -> Self:
        for i, terms in enumerate(self.at_times):
            if terms.limit_w >= self.limit_w:
                raise ValueError(
                    f"at_times[{i}].limit_w is {terms.limit_w:g}, no less than the {self.limit_w:g} that always hold; "
                    "lower it"
                )
        return self

    def at(self, slot: datetime, zone: ZoneInfo) -> FuseGroup:
        """The fuse as it is in the quarter-hour that begins at ``slot``."""
        acting = [terms.limit_w for terms in self.at_times if terms.covers(slot, zone)]
        return self.model_copy(update={"limit_w": min([self.limit_w, *acting]), "at_times": ()})


class HybridInverter(Record):
    """PV arrays and batteries on one inverter share its AC connection."""

    key: Key
    ac_limit_w: PowerW
    pv: tuple[Key, ...] = ()
    batteries: tuple[Key, ...] = ()


LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that are this machine, whatever its name."""


class Gateway(Record):
    """One network address; all devices behind it share one connection and one lock."""

    key: Key
    transport: TransportName
    host: str
    port: int = Field(ge=1, le=65535)
    timeout_s: float = Field(2.0, gt=0, le=30)
    gap_s: float = Field(0.0, ge=0, le=2)
    """Silence after each answer before the next request (RS485 buses need 20-50 ms)."""
    user: str | None = None
    password_env: str | None = None
    """Name of the environment variable that holds the password; a secret never stands in a site file."""
    mac: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] | None = None
    """Marstek: the BLE address of the battery, twelve digits in lower case. It is the battery, wherever it is found;
    host and port are where to look for it first."""
    local_port: int | None = Field(None, ge=1, le=65535)
    """Marstek: the port to ask from, where the firmware answers no other than its own."""
    portal: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] | None = None
    """Victron over MQTT: the VRM portal id of the GX. It stands in every topic: no other is told anything."""

    @model_validator(mode="after")
    def _is_known_as_its_transport_allows(self) -> Self:
        if (self.mac is not None or self.local_port is not None) and not keeps_address(self.transport):
            raise ValueError(f"mac and local_port mean nothing to a gateway that speaks {self.transport}; remove them")
        if (self.portal is not None) != has_portal(self.transport):
            raise ValueError(
                "a gateway that speaks victron-mqtt needs its portal; see the GX, VRM online portal: twelve digits"
                if self.portal is None
                else f"portal means nothing to a gateway that speaks {self.transport}; remove it"
            )
        return self


LARGEST_OPTION = 1e9


def _usable(value: object) -> object:
    """A number that a driver can work with, also where it is written as text: ``float("nan")`` is a float."""
    try:
        number = float(value) if isinstance(value, int | float | str) else 0.0
    except OverflowError:
        number = math.inf
    except ValueError:  # a text that is no number
        return value
    if not abs(number) <= LARGEST_OPTION:
        raise ValueError(f"is no usable number; write one from {-LARGEST_OPTION:g} to {LARGEST_OPTION:g}")
    return value


Option = Annotated[float | str | bool, BeforeValidator(_usable)]


class Device(Record):
    """One piece of hardware: which point map describes it and where it answers."""

    key: Key
    map: Annotated[str, known_as("map")]
    gateway: Key
    unit_id: int = Field(1, ge=1, le=247)
    options: dict[str, Option] = Field(default_factory=dict)
