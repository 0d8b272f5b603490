"""A running plant: world, twins, servers and documents together, started and stopped as one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.plant.documents import Documents, environ
from ems_pipeline.plant.log import Logger
from ems_pipeline.plant.market import Exchange
from ems_pipeline.plant.modbus_server import Bus, serving_modbus
from ems_pipeline.plant.replay import Replay
from ems_pipeline.plant.twin import Twin
from ems_pipeline.plant.twins import LoxoneTwin, build_twin
from ems_pipeline.plant.web_server import loxone_service, serving_http
from ems_pipeline.plant.world import World
from ems_pipeline.sites import Gateway, Site
from ems_pipeline.time_grid import Clock

BURN_IN_DAYS = 2
"""The site runs by itself at least so long before anybody looks: its battery and rooms then stand where they would."""
LOOPBACK = "127.0.0.1"
ONE_DAY = timedelta(days=1)


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
    start: datetime
    logger: Logger
    logged_days: int
    environ: dict[str, str] = field(default_factory=dict)

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
        _, earlier = _lived(self.world, begin - ONE_DAY, seam)
        return pl.concat([earlier.frame(begin, seam), recent])


@contextmanager
def running_plant(
    site: Site,
    clock: Clock,
    seed: int = 1,
    replay: Replay | None = None,
    start: datetime | None = None,
    history_days: int = BURN_IN_DAYS,
    watchdog_s: float | None = None,
) -> Iterator[Plant]:
    """A plant on free ports of this machine.

    Args:
        start: when the plant is handed over to us; the clock's now when None.
        history_days: days the plant runs by itself before that.
        watchdog_s: the wallboxes' own watchdog; None: off.
    """
    moved = site.model_copy(
        update={"gateways": tuple(g.model_copy(update={"host": LOOPBACK, "port": 0}) for g in site.gateways)}
    )
    with _running(moved, clock, seed, replay, start, history_days, watchdog_s) as plant:
        yield plant


@contextmanager
def serving(site: Site, clock: Clock, history_days: int = 7, seed: int = 1) -> Iterator[Plant]:
    """A plant at the addresses of the site file. Raises OSError when one of its ports is taken."""
    with _running(site, clock, seed, None, None, max(history_days, BURN_IN_DAYS), None) as plant:
        plant.logged_days = history_days
        yield plant


@contextmanager
def _running(
    site: Site,
    clock: Clock,
    seed: int,
    replay: Replay | None,
    start: datetime | None,
    history_days: int,
    watchdog_s: float | None,
) -> Iterator[Plant]:
    start = time_grid.utc(start or clock.now())
    begin = time_grid.floor_slot(start) - max(history_days, 0) * ONE_DAY
    world = World(site, clock, seed, begin, replay, watchdog_s)
    logger = _logged(world, start)
    twins = {d.key: build_twin(world, d) for d in site.devices}
    plant = Plant(site, world, twins, start, logger, history_days)
    documents = Documents(Exchange(seed, world.sky, replay), world.sky, clock)
    with ExitStack() as stack:
        plant.site, passwords = _serve(site, twins, stack)
        port = stack.enter_context(serving_http(LOOPBACK, 0, documents.answer))
        plant.environ = environ(f"http://{LOOPBACK}:{port}") | passwords
        yield plant


def _lived(like: World, begin: datetime, end: datetime) -> tuple[World, Logger]:
    """An identical plant that ran by itself from ``begin`` to ``end``."""
    world = World(like.site, like.clock, like.seed, begin, like.replay)
    return world, _logged(world, end)


def _logged(world: World, end: datetime) -> Logger:
    logger = Logger(world)
    logger(world)
    world.on_minute = logger
    world.advance(end)
    world.on_minute = None
    return logger


def _serve(site: Site, twins: Mapping[str, Twin], stack: ExitStack) -> tuple[Site, dict[str, str]]:
    """Start a server per gateway; the site as served, and the passwords its devices ask for."""
    serial = [g for g in site.gateways if g.transport != "http"]
    ports = dict(
        zip(
            (g.key for g in serial),
            stack.enter_context(serving_modbus([_bus(site, g, twins) for g in serial])),
            strict=True,
        )
    )
    passwords: dict[str, str] = {}
    for gateway in site.gateways:
        if gateway.transport == "http":
            own = {
                d.key: t for d in site.devices if d.gateway == gateway.key and isinstance(t := twins[d.key], LoxoneTwin)
            }
            password = secrets.token_hex(8)
            if gateway.password_env:
                passwords[gateway.password_env] = password
            login = (gateway.user, password) if gateway.user else None
            ports[gateway.key] = stack.enter_context(
                serving_http(gateway.host, gateway.port, loxone_service(own), login)
            )
    served = tuple(g.model_copy(update={"port": ports[g.key]}) for g in site.gateways)
    return site.model_copy(update={"gateways": served}), passwords


def _bus(site: Site, gateway: Gateway, twins: Mapping[str, Twin]) -> Bus:
    return Bus(gateway, {d.unit_id: twins[d.key] for d in site.devices if d.gateway == gateway.key})
