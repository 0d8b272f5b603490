"""Devices in memory for the fuzz of control: registers behind addresses, and the laws every value is held against.

Everything above the wire is the program's own; a `Wire` stands in the place of a Modbus connection. `Truth` is what the
fuzz itself did to a site, so that the program is judged by something else than its own permits.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ems_pipeline.control.session import SiteSession
from ems_pipeline.devices.driver.contract import DeviceFault, MayGo, always
from ems_pipeline.devices.installed.address import at_address, socket_of
from ems_pipeline.devices.modbus.wire import Connection, Endpoint
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.decoding import interpret
from ems_pipeline.devices.points.map_file import known_maps, load_map
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse.intents import Intent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
INVERTER, WALLBOX, PUMP = "deye-sun-20k-hp3", "teltonika-teltocharge", "samsung-ehs-mim-b19n"
STATE: dict[str, dict[str, float]] = {
    INVERTER: {"battery_voltage": 400, "battery_soc": 50, "bms_charge_current_limit": 100,
               "bms_discharge_current_limit": 100, "battery_temperature": 20},
    WALLBOX: {"evse_status": 1, "current_limit": 16},
    PUMP: {"unit_status": 7, "zone1_room_temperature": 21, "outdoor_temperature": 5, "flow_setpoint": 38},
}  # fmt: skip
"""What a device's registers hold at first, by map; the rest is 0."""
LOWEST_PACK_V = 300.0


@dataclass
class Truth:
    """What people have done to a site, as the fuzz did it."""

    site: Site
    config_hash: str
    armed_at: datetime | None = None
    until_at: datetime = NOON
    armed_for: Site | None = None
    """The site as it was when it was armed."""
    armed_most_a: float = 0.0
    """What the wallbox's map allowed then."""
    is_active: bool = True
    is_readable: bool = True
    cancelled: set[int] = field(default_factory=set)

    def may_be_told(self, now: datetime, most_a: float) -> bool:
        """Whether set-points may reach the site's devices, whose wallbox's map allows so many amperes."""
        armed = self.armed_at is not None and self.armed_at <= now < self.until_at and most_a <= self.armed_most_a
        return armed and self.is_as_armed and self.is_active and self.is_readable and self.site.control.enabled

    @property
    def is_as_armed(self) -> bool:
        """Nothing of what the fuzz changes is wider than when the site was armed; it may have been meanwhile."""
        return (
            self.armed_for is not None
            and hardware(self.armed_for) == hardware(self.site)
            and (self.site.batteries[0].charge_limit_w <= self.armed_for.batteries[0].charge_limit_w)
        )


def hardware(site: Site) -> object:
    """Which devices there are, and where."""
    return [(g.host, g.port) for g in site.gateways], [(d.key, d.unit_id) for d in site.devices]


@dataclass
class Work:
    """What a session is about to tell a device."""

    site_key: str
    config_hash: str
    hands_back: bool
    valid_until: datetime
    override_id: int | None
    limits: Site


class Shelf:
    """A folder of own maps with the wallbox's, which people edit while set-points made with it stand."""

    def __init__(self) -> None:
        self._kept = tempfile.TemporaryDirectory(prefix="ems-fuzz-maps-")
        self.folder = Path(self._kept.name)
        self.document = yaml.safe_load(known_maps({})[WALLBOX].read_text(encoding="utf-8"))
        self.most_a = self.document["points"]["current_limit"]["range"][1]
        self._versions = 0
        self._write()

    def allow(self, most_a: float) -> None:
        """Have the map allow so many amperes, narrower or wider."""
        self.most_a = most_a
        self.document["points"]["current_limit"]["range"][1] = most_a
        self._write()

    def _write(self) -> None:
        path = self.folder / f"{WALLBOX}.yaml"
        path.write_text(yaml.safe_dump(self.document, sort_keys=False), encoding="utf-8")
        self._versions += 1
        os.utime(
            path, ns=(self._versions, self._versions)
        )  # written twice within the clock's grain, it is another file


class World:
    """All devices there ever were, by address and unit, and what was told them against the laws."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.clock = SimulatedClock(NOON)
        self.truths: dict[str, Truth] = {}
        self.words: dict[tuple[str, int], dict[int, int]] = {}
        self.maps: dict[tuple[str, int], str] = {}
        self.work: dict[tuple[str, int], Work] = {}
        self.silent: set[tuple[str, int]] = set()
        self.breaches: list[str] = []
        self.told = 0
        """Values that arrived."""
        self.meanwhile: Callable[[str], None] = lambda _: None
        """Called with an address right before each request there."""
        self.shelf = Shelf()
        self._talking: set[str] = set()

    def place(self, site: Site) -> None:
        """Have the devices of a site where its file says, as new where nobody was yet."""
        for device in site.devices:
            gateway = site.gateway_of(device)
            at = (socket_of(gateway.host, gateway.port), device.unit_id)
            if at not in self.words or self.maps[at] != device.map:
                self.maps[at], self.words[at] = device.map, {}
                for point, value in STATE[device.map].items():
                    self.words[at] |= codec.encode(load_map(device.map).point(point), value)

    def value(self, at: tuple[str, int], name: str) -> float | None:
        """What stands in a point of a device."""
        point = load_map(self.maps[at]).point(name)
        return interpret(point, {a: self.words[at].get(a, 0) for a in point.addresses})[0]

    def watched(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """`SiteSession._write`, with what it is about to tell noted for the laws."""

        async def noting(session: SiteSession, prepared: dict[str, Intent]) -> Any:
            for device, one in prepared.items():
                wire = session.footing.wires[device]
                at = (at_address(wire), session.site.device(device).unit_id)
                self.work[at] = Work(
                    session.site.key, session.footing.config_hash, one.hands_back, one.valid_until, one.override_id,
                    session.site,
                )  # fmt: skip
            return await write(session, prepared)

        return noting

    async def exchange(self, at: tuple[str, int]) -> None:
        """One request: one master at a time, and whatever happens meanwhile."""
        if at[0] in self._talking:
            self.breaches.append(f"two masters at {at[0]}")
        self._talking.add(at[0])
        await asyncio.sleep(0)
        self.meanwhile(at[0])
        self._talking.discard(at[0])
        if at in self.silent or at not in self.words:
            raise DeviceFault(Quality.NO_ANSWER, "no usable answer", device_wide=True)

    def take(self, at: tuple[str, int], start: int, words: Sequence[int]) -> None:
        """Values arrive."""
        self.words[at] |= {start + i: word for i, word in enumerate(words)}
        work = self.work[at]
        for address in range(start, start + len(words)):
            self.told += 1
            name = writable(self.maps[at])[address]
            value = self.value(at, name)
            if value is None or beyond(work.limits, self.maps[at], name, value):
                self.breaches.append(f"{work.site_key} {at}: {name} = {value} is beyond a limit")
        if not work.hands_back:
            self.breaches += [f"{work.site_key} {at}: {why}" for why in self.unasked(work)]

    def unasked(self, work: Work) -> list[str]:
        """Why a set-point should not have been told now."""
        truth, now = self.truths[work.site_key], self.clock.now()
        laws = {
            "told without both opt-ins": truth.may_be_told(now, self.shelf.most_a),
            "told by a configuration that is no longer the newest": truth.config_hash == work.config_hash,
            "told after its end": now < work.valid_until,
            "told for an override that was taken back": work.override_id not in truth.cancelled,
            "told without an end": work.valid_until - now < timedelta(hours=2, minutes=30),
        }
        return [law for law, holds in laws.items() if not holds]


class Wire(Connection):
    """A connection to the world instead of to a gateway."""

    world: World

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._address = socket_of(endpoint.host, endpoint.port)

    async def read(self, unit_id: int, function: int, start: int, count: int, gap_s: float = 0.0) -> list[int]:
        await self.world.exchange((self._address, unit_id))
        words = self.world.words[self._address, unit_id]
        return [words.get(start + i, 0) for i in range(count)]

    async def write(
        self,
        unit_id: int,
        function: int,
        start: int,
        words: Sequence[int],
        gap_s: float = 0.0,
        may_go: MayGo = always,
    ) -> None:
        await self.world.exchange((self._address, unit_id))
        if halted := await may_go():
            raise DeviceFault(Quality.REFUSED, halted)
        self.world.take((self._address, unit_id), start, words)

    async def connect(self) -> None:
        pass

    async def close(self) -> None:
        pass


@cache
def writable(name: str) -> dict[int, str]:
    """Point by register."""
    return {address: p.name for p in load_map(name).points if p.writable for address in p.addresses}


def beyond(site: Site, name: str, point: str, value: float) -> bool:
    """Whether a value is more than the site's file allows of the device, or than its map does."""
    allowed = load_map(name).point(point).range
    if allowed is not None and not allowed[0] <= value <= allowed[1]:
        return True
    battery, charger = site.batteries[0], site.chargers[0]
    match point:
        case "current_limit":
            return not (value == 0 or charger.min_current_a <= value <= charger.max_current_a)
        case "max_charge_current" | "grid_charge_current":
            return value * LOWEST_PACK_V > battery.charge_limit_w
        case "max_discharge_current":
            return value * LOWEST_PACK_V > battery.discharge_limit_w
        case "max_sell_power":
            return value > site.grid.export_limit_w
        case "max_solar_power":
            return value > sum(a.inverter_limit_w or a.peak_power_w for a in site.pv)
        case str(soc) if soc.endswith("_soc"):
            return not battery.min_soc_pct <= value <= 100
    return False
