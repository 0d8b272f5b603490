"""Plans, runs and journal entries for the tests of control."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from ems_pipeline import control as controller
from ems_pipeline import time_grid
from ems_pipeline.cli.app import app
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.plant.faults import Fault
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT, SimulatedClock
from ems_pipeline.warehouse import Warehouse, plans
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.claims import Claim, Source
from ems_pipeline.warehouse.frames import query

SLOTS = 8
TABLES = """point_map control_miss gateway_lease gateway_party setpoint_event setpoint
            point_write_count control_override control_arm alarm device_health planning_run
            telemetry control_decision supervisor"""
Row = tuple[str, str, str, float, Mapping[str, Any]]
"""Asset, kind, mode, power, limits."""


def without_gaps(site: Site) -> Site:
    """The site's devices asked without the silences of a real bus, which would make a test take seconds."""
    return site.model_copy(
        update={"devices": tuple(d.model_copy(update={"options": {"gap_s": 0.0}}) for d in site.devices)}
    )


def store_plan(
    warehouse: Warehouse, site: Site, decided_at: datetime, rows: Iterable[Row], *, is_verified: bool = True
) -> str:
    """A plan whose rows hold in every slot from the running one; returns its number."""
    start = time_grid.floor_slot(decided_at)
    starts = [start + SLOT * i for i in range(SLOTS)]
    run = plans.PlanningRun(
        site.key,
        "rolling",
        decided_at.date(),
        decided_at,
        start,
        starts[-1] + SLOT,
        "optimal",
        is_verified,
        {},
        "x",
        "0",
        recorded_at=decided_at,
    )
    devices = pl.DataFrame(
        [
            (at, key, kind, w, mode, json.dumps(limits), f"{key} {mode}")
            for at in starts
            for key, kind, mode, w, limits in rows
        ],
        schema=["starts_at", "asset_key", "kind", "power_w", "mode", "limits", "reason"],
        orient="row",
    )
    bus = ["grid_w", "pv_w", "pv_available_w", "battery_w", "genset_w", "load_w", "ev_w", "heat_pump_w"]
    slots = pl.DataFrame({"starts_at": starts}).with_columns(
        *(pl.lit(0.0).alias(c) for c in [*bus, "buy_per_kwh", "sell_per_kwh", "cost"]),
        mode=pl.lit("test"),
        reason=pl.lit("test"),
    )
    with warehouse.begin() as connection:
        return str(plans.store(connection, run, slots, devices))


def control(warehouse: Warehouse, site: Site, clock: SimulatedClock) -> dict[str, Outcome]:
    now = clock.now()
    known(warehouse, site, now)
    return {o.device: o for o in controller.run_control(warehouse, [site], time_grid.floor_slot(now), now, clock)}


def known(warehouse: Warehouse, site: Site, now: datetime) -> None:
    """What a test made of a site is what is registered."""
    with warehouse.begin() as connection:
        registry.register(connection, [site], now)


def verify(warehouse: Warehouse, site: Site, clock: SimulatedClock) -> dict[str, Outcome]:
    known(warehouse, site, clock.now())
    return {o.device: o for o in controller.run_verification(warehouse, [site], clock.now(), clock)}


def overriding(site: Site, asset: str, mode: str, limits: Mapping[str, Any] = {}) -> Claim:
    """What somebody's override number 7 wants of an asset; it has no end within the slot."""
    wish = site.wish(asset, mode, limits)
    return Claim(asset, wish, wish.expected_w, "override 7 by anna", Source.OVERRIDE, 7)


def advance(clock: SimulatedClock, **delta: float) -> None:
    clock.advance_to(clock.now() + timedelta(**delta))


def states(warehouse: Warehouse, site: Site, device: str) -> list[str]:
    with warehouse.begin() as connection:
        return query(
            connection,
            "SELECT state FROM ems.setpoint WHERE site_key = :s AND device_key = :d ORDER BY setpoint_id",
            s=site.key,
            d=device,
        )["state"].to_list()


def wanted(warehouse: Warehouse, site: Site, device: str, point: str) -> float | None:
    point_map = load_map(site.device(device).map)
    with warehouse.begin() as connection:
        found = query(
            connection,
            """SELECT writes::text AS writes FROM ems.setpoint WHERE site_key = :s AND device_key = :d
               ORDER BY setpoint_id DESC LIMIT 1""",
            s=site.key,
            d=device,
        )
    named = {point_map.point(name).name: value for name, value in json.loads(found["writes"][0])}
    return named.get(point)


def line_fault(gateway: str) -> Fault:
    """Nobody answers behind a gateway."""
    return Fault("dropped", gateway)


def wait_for_locks(warehouse: Warehouse) -> None:
    """Until the server has noticed that a killed process is gone, which takes it some milliseconds."""
    for _ in range(200):
        with warehouse.begin() as connection:
            parties = query(connection, "SELECT count(*) AS n FROM ems.gateway_party")["n"][0]
            gone = query(connection, "SELECT party_id FROM ems.gateway_party FOR UPDATE SKIP LOCKED")
        if gone.height == parties:
            return
        time.sleep(0.02)
    raise AssertionError("the killed controller still holds its gateways")


def empty(warehouse: Warehouse) -> None:
    """Forget everything but the sites."""
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE " + ", ".join(f"ems.{table}" for table in TABLES.split()) + " CASCADE"))


async def write(site: Site, device: str, point: str, value: float) -> None:
    """One write past the controller, as an app or a second master does it."""
    opened = fleet.open_site(site)
    try:
        answer = await opened.drivers[device].write([PointWrite(point, value)])
        assert answer.accepted, answer.reason
    finally:
        await opened.close()


def ems(*arguments: str, input: str | None = None) -> Result:
    """The command line in this process; ``input`` is what a person types."""
    return CliRunner().invoke(app, list(arguments), input=input)
