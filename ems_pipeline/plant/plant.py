"""A running plant: world, twins, servers and documents together, started and stopped as one."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.devices.installed.options import stated
from ems_pipeline.devices.ocpp.admission import Door, terms
from ems_pipeline.devices.ocpp.central import Entrance
from ems_pipeline.plant import shelly_rpc
from ems_pipeline.plant.documents import Documents, environ
from ems_pipeline.plant.faults import FAULTS, TROUBLES, Fault
from ems_pipeline.plant.genset_twin import ControllerTwin
from ems_pipeline.plant.gensets import SWITCHES, Hall, switch_all_off, switch_on, switched_on
from ems_pipeline.plant.gx_server import Gx, serving_gx
from ems_pipeline.plant.home_assistant import HomeAssistantTwin, home_assistant
from ems_pipeline.plant.log import Logger
from ems_pipeline.plant.market import Exchange
from ems_pipeline.plant.marstek_twin import MarstekTwin
from ems_pipeline.plant.modbus_server import FRAMERS, SERIAL, Bus, serving_modbus
from ems_pipeline.plant.mqtt_broker import free_port
from ems_pipeline.plant.ocpp_calls import SPEAKERS, Caller, Switchboard
from ems_pipeline.plant.ocpp_twin import Cabinet, OcppTwin
from ems_pipeline.plant.replay import Replay
from ems_pipeline.plant.twin import OtherUnit, Twin
from ems_pipeline.plant.twins import NotSimulated, build_twin, twin_of
from ems_pipeline.plant.udp_server import Battery, serving_udp
from ems_pipeline.plant.web_login import Basic, Bearer, Digest
from ems_pipeline.plant.web_server import serving_http
from ems_pipeline.plant.web_service import web_service
from ems_pipeline.plant.world import World
from ems_pipeline.sites import Device, Gateway, Site
from ems_pipeline.sites.protocol import TransportName
from ems_pipeline.time_grid import Clock

BURN_IN_DAYS = 2
"""The site runs by itself at least so long before anybody looks: its battery and rooms then stand where they would."""
LOOPBACK = "127.0.0.1"
ONE_DAY = timedelta(days=1)
SWITCH_S = 0.0005
"""The plant answers from threads of the process that asks; Python's 5 ms turns made a simulated day a tenth longer."""


@dataclass
class Plant:
    """Handle of a running plant.

    Attributes:
        site: the site with its gateways' hosts and ports as served.
        environ: variables that send every price, rate and weather source here, with the devices' passwords.
    """

    site: Site
    world: World
    twins: Mapping[str, Twin]
    begun_at: datetime
    start: datetime
    logger: Logger
    logged_days: int
    environ: dict[str, str] = field(default_factory=dict)
    lines: dict[str, set[str]] = field(default_factory=dict)
    """Line faults at work, by gateway."""
    speaks: tuple[str, ...] = tuple(SPEAKERS)
    gxs: dict[str, Gx] = field(default_factory=dict)
    """The GX devices with their brokers, by gateway."""
    chargers: Switchboard | None = None
    """Where the chargers that call in are at work."""

    def inject(self, fault: Fault) -> None:
        """Switch a fault on, from now until `clear`.

        Raises:
            KeyError: the plant has no such device or no such Modbus gateway.
            ValueError: a set or a switchboard cannot have it.
        """
        if fault.kind in SWITCHES and self._has_controller(fault.key):
            with self.world.lock:
                self.world.advance()
                switch_on(self.hall, fault.kind, fault.key, fault.number)
            return
        if fault.kind not in FAULTS:
            raise KeyError(f"{fault.kind} is a fault of gensets; {fault.key!r} is no controller of one")
        known = self.twins if FAULTS[fault.kind].where == "device" else self.lines
        if fault.key not in known:
            raise KeyError(
                f"{fault.kind} is a {FAULTS[fault.kind].where} fault; the plant has {sorted(known)}, not {fault.key!r}"
            )
        if FAULTS[fault.kind].where == "device":
            self.twins[fault.key].trouble(fault.kind, TROUBLES[fault.kind])
        else:
            self.lines[fault.key].add(fault.kind)

    def clear(self) -> None:
        """Switch all faults off."""
        if self.world.hall is not None:
            with self.world.lock:
                self.world.advance()
                switch_all_off(self.hall)
        for twin in self.twins.values():
            twin.clear()
        for faults in self.lines.values():
            faults.clear()

    def troubles(self) -> list[tuple[str, str, float | None]]:
        """Faults that are on: kind, the device or gateway that has it, its number where it has one."""
        found: list[tuple[str, str, float | None]] = [
            (kind, key, None) for key, twin in self.twins.items() for kind in twin.troubles
        ]
        found += [(kind, key, None) for key, faults in self.lines.items() for kind in sorted(faults)]
        if self.world.hall is not None:
            found += switched_on(self.world.hall)
        return found

    @property
    def hall(self) -> Hall:
        """The site's generating sets.

        Raises:
            KeyError: it has none.
        """
        if self.world.hall is None:
            raise KeyError(f"site {self.site.key!r} has no controller of a genset")
        return self.world.hall

    def _has_controller(self, key: str) -> bool:
        return isinstance(self.twins.get(key), ControllerTwin)

    def history(self, days: int | None = None) -> pl.DataFrame:
        """What the site's own logger wrote in the ``days`` before the start (all it has when None).

        Columns as `warehouse.telemetry.import_15m` takes them. Days further back than this plant has lived are those of
        an identical plant begun earlier; at the seam its battery may stand elsewhere.
        """
        days = self.logged_days if days is None else days
        end = time_grid.floor_slot(self.start)
        begin = end - days * ONE_DAY
        seam = max(begin, end - self.logged_days * ONE_DAY)
        recent = self.logger.frame(seam, end)
        if days <= self.logged_days:
            return recent
        return pl.concat([_lived(self.world, begin - ONE_DAY, seam).frame(begin, seam), recent])

    def left_alone(self, until: datetime) -> pl.DataFrame:
        """What the site's logger would have written from the start to ``until`` if nobody had steered anything.

        The counterfactual that no real site has: the same people, sun and prices, every device by its own logic. What
        moving cars and heat was worth shows here, where the audit's rules must take consumption as it was.
        """
        begin = time_grid.floor_slot(self.start)
        return _lived(self.world, self.begun_at, until).frame(begin, until)


@contextmanager
def running_plant(
    site: Site,
    clock: Clock,
    seed: int = 1,
    replay: Replay | None = None,
    faults: Iterable[Fault] = (),
    start: datetime | None = None,
    history_days: int = BURN_IN_DAYS,
    watchdog_s: float | None = None,
    speaks: tuple[str, ...] = tuple(SPEAKERS),
) -> Iterator[Plant]:
    """A plant on free ports of this machine.

    Args:
        faults: at work from the start.
        start: when the plant is handed over to us; the clock's now when None.
        history_days: days the plant runs by itself before that.
        watchdog_s: the chargers' own watchdog; None: off.
        speaks: versions of OCPP that its chargers speak, in turn.

    Raises:
        NotSimulated: the plant cannot be one of the site's devices, or does not serve the transport of a gateway.
    """
    _can_be(site)
    moved = site.model_copy(
        update={
            "gateways": tuple(g.model_copy(update={"host": LOOPBACK, "port": 0}) for g in site.gateways),
            # No serial line lies behind these sockets: keeping its silences would cost simulated days real minutes.
            "devices": tuple(d.model_copy(update={"options": d.options | {"gap_s": 0.0}}) for d in site.devices),
        }
    )
    plant = _begun(
        World(moved, clock, seed, _days_before(start or clock.now(), history_days), replay, watchdog_s), start
    )
    plant.speaks = speaks
    with _served(plant), _turns_of(SWITCH_S):
        for fault in faults:
            plant.inject(fault)
        yield plant


@contextmanager
def serving(site: Site, clock: Clock, history_days: int = 7, seed: int = 1) -> Iterator[Plant]:
    """A plant at the addresses of the site file.

    Raises:
        NotSimulated: as of `running_plant`.
        OSError: one of its ports is taken.
    """
    _can_be(site)
    lived_days = max(history_days, BURN_IN_DAYS)
    plant = _begun(World(site, clock, seed, _days_before(clock.now(), lived_days)), None)
    plant.logged_days = history_days
    with _served(plant):
        yield plant


def _can_be(site: Site) -> None:
    """Told before the plant lives its first days, which take a while."""
    for gateway in site.gateways:
        if gateway.transport not in SERVERS:
            raise NotSimulated(
                f"gateway {gateway.key!r}: the virtual plant does not serve transport {gateway.transport}, only "
                f"{', '.join(SERVERS)}",
                "leave the gateway and its devices out of the simulated site, or add a server to plant/plant.py",
            )
    for device in site.devices:
        twin_of(device)


@contextmanager
def _turns_of(seconds: float) -> Iterator[None]:
    """How long a thread of this process may keep the interpreter while another waits for it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _days_before(start: datetime, days: int) -> datetime:
    return time_grid.floor_slot(start) - days * ONE_DAY


def _begun(world: World, start: datetime | None) -> Plant:
    """The plant after it has lived by itself up to ``start``, not yet served."""
    begun_at, start = world.at, time_grid.utc(start or world.clock.now())
    logger = _logged(world, start)
    twins = {d.key: build_twin(world, d) for d in world.site.devices}
    return Plant(world.site, world, twins, begun_at, start, logger, (start - begun_at) // ONE_DAY)


@contextmanager
def _served(plant: Plant) -> Iterator[None]:
    """Real servers for the plant's devices and documents, while the block runs."""
    world = plant.world
    documents = Documents(Exchange(world.seed, world.sky, world.replay), world.sky, world.clock)
    with ExitStack() as stack:
        ports: dict[str, int] = {}
        for serve in dict.fromkeys(SERVERS.values()):
            ports |= serve(plant, [g for g in plant.site.gateways if SERVERS[g.transport] is serve], stack)
        served = tuple(g.model_copy(update={"port": ports[g.key]}) for g in plant.site.gateways)
        plant.site = plant.site.model_copy(update={"gateways": served})
        port = stack.enter_context(serving_http(LOOPBACK, 0, documents.answer))
        plant.environ |= environ(f"http://{LOOPBACK}:{port}")
        yield


def _serve_modbus(plant: Plant, gateways: Sequence[Gateway], stack: ExitStack) -> dict[str, int]:
    """Ports by gateway."""
    buses = [_bus(plant, g) for g in gateways]
    plant.lines |= {b.gateway.key: b.faults for b in buses}
    return dict(zip((b.gateway.key for b in buses), stack.enter_context(serving_modbus(buses)), strict=True))


def _bus(plant: Plant, gateway: Gateway) -> Bus:
    behind = {d.unit_id: plant.twins[d.key] for d in plant.site.devices if d.gateway == gateway.key}
    others = {unit: OtherUnit(twin, unit) for twin in behind.values() for unit in twin.other_units}
    is_line = gateway.transport in SERIAL and any(isinstance(t, ControllerTwin) for t in behind.values())
    return Bus(gateway, {**others, **behind}, is_transparent=is_line)


def _serve_web(plant: Plant, gateways: Sequence[Gateway], stack: ExitStack) -> dict[str, int]:
    """Ports by gateway; their passwords, as set in the environment or made up, go into the plant's."""
    ports = {}
    for gateway in gateways:
        behind = [plant.twins[d.key] for d in plant.site.devices if d.gateway == gateway.key]
        password = _password(plant, gateway.password_env) if gateway.password_env else secrets.token_hex(8)
        scheme = Digest if any(t.point_map.link.login == "digest" for t in behind) else Basic
        login = scheme(gateway.user, password) if gateway.user else None
        service = web_service(behind, has_login=login is not None)
        served = serving_http(gateway.host, gateway.port, service, login, shelly_rpc.OPEN)
        ports[gateway.key] = stack.enter_context(served)
    return ports


def _serve_home_assistant(plant: Plant, gateways: Sequence[Gateway], stack: ExitStack) -> dict[str, int]:
    """Ports by gateway; their tokens go where passwords go."""
    ports = {}
    for gateway in gateways:
        of = [plant.twins[d.key] for d in plant.site.devices if d.gateway == gateway.key]
        token = _password(plant, gateway.password_env) if gateway.password_env else secrets.token_hex(8)
        service = home_assistant([twin for twin in of if isinstance(twin, HomeAssistantTwin)])
        served = serving_http(gateway.host, gateway.port, service, Bearer(token), now=plant.world.clock.now)
        ports[gateway.key] = stack.enter_context(served)
    return ports


def _serve_calls(plant: Plant, gateways: Sequence[Gateway], stack: ExitStack) -> dict[str, int]:
    """Ports by gateway at which the chargers behind it call in: where the site file says, or where nobody said it and
    so nobody listens, at a server of the plant's own."""
    if not gateways:
        return {}
    board = plant.chargers = Switchboard()
    stack.callback(board.end)
    ports = {}
    for gateway in gateways:
        password = _password(plant, gateway.password_env) if gateway.password_env else None
        devices = [d for d in plant.site.devices if d.gateway == gateway.key]
        port = gateway.port
        if not port:
            entrance = Entrance(Door(LOOPBACK, 0, gateway.password_env), plant.world.clock)
            entrance.expect({d.key: terms(stated(plant.site, d)) for d in devices})
            port = board.do(entrance.open(None))
            board.serves(entrance)
        ports[gateway.key] = port
        versions, callers = plant.speaks, dict[str, Caller]()
        for name, cabinet in _cabinets(plant, devices).items():
            version = versions[len(callers) % len(versions)]
            callers[name] = Caller(name, cabinet, f"ws://{LOOPBACK}:{port}", version, password)
        board.call_in(callers)
    return ports


def _cabinets(plant: Plant, devices: Sequence[Device]) -> dict[str, Cabinet]:
    """Stations by the name they call, each with its connectors."""
    found: dict[str, Cabinet] = {}
    for device in devices:
        own, twin = terms(stated(plant.site, device)), plant.twins[device.key]
        assert isinstance(twin, OcppTwin)
        found.setdefault(own.station or device.key, Cabinet()).hold(twin, own.connector)
    return found


def _password(plant: Plant, variable: str) -> str:
    """As the environment sets it, or made up; it goes into the plant's own."""
    return plant.environ.setdefault(variable, os.environ.get(variable) or secrets.token_hex(8))


def _serve_batteries(plant: Plant, gateways: Sequence[Gateway], stack: ExitStack) -> dict[str, int]:
    """Ports by gateway."""
    behind = {d.gateway: plant.twins[d.key] for d in plant.site.devices}
    found = [(g, behind.get(g.key)) for g in gateways]
    batteries = [Battery(g, twin) for g, twin in found if isinstance(twin, MarstekTwin)]
    plant.lines |= {b.gateway.key: b.faults for b in batteries}
    return {g.key: g.port for g in gateways} | stack.enter_context(serving_udp(batteries))


def _serve_gx(plant: Plant, gateways: Sequence[Gateway], stack: ExitStack) -> dict[str, int]:
    """Ports by gateway of the brokers, one for each GX; one without a device has nothing to say."""
    ports = {}
    for gateway in gateways:
        twins = [plant.twins[d.key] for d in plant.site.devices if d.gateway == gateway.key]
        ports[gateway.key] = gateway.port or free_port(gateway.host)
        password = _password(plant, gateway.password_env) if gateway.password_env else None
        if twins:
            gx = stack.enter_context(serving_gx(gateway, ports[gateway.key], password, twins))
            plant.lines[gateway.key], plant.gxs[gateway.key] = gx.faults, gx
    return ports


Serve = Callable[[Plant, Sequence[Gateway], ExitStack], dict[str, int]]
SERVERS: Mapping[TransportName, Serve] = {
    **dict.fromkeys(FRAMERS, _serve_modbus),
    "http": _serve_web,
    "home-assistant": _serve_home_assistant,
    "ocpp": _serve_calls,
    "marstek-udp": _serve_batteries,
    "victron-mqtt": _serve_gx,
}
"""By `transport:` of a gateway, who answers for its devices while the stack is open; gives the ports by gateway."""


def _lived(like: World, begin: datetime, end: datetime) -> Logger:
    """The log of an identical plant that ran by itself from ``begin`` to ``end``."""
    return _logged(World(like.site, like.clock, like.seed, begin, like.replay), end)


def _logged(world: World, end: datetime) -> Logger:
    logger = Logger(world)
    logger(world)
    world.on_minute = logger
    world.advance(end)
    world.on_minute = None
    return logger
