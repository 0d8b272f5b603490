"""Ops that touch the outside on the clock: telemetry, control, verification, the site registry, housekeeping.

One op serves all sites of its run's shard; a dead device or site is rows with reasons, never a failed run. None has a
retry policy: for anything that writes to hardware the next slot is the retry.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import dagster as dg

from ems_pipeline import control, time_grid
from ems_pipeline.devices import fleet
from ems_pipeline.devices.health import Health
from ems_pipeline.devices.reading import Readings
from ems_pipeline.orchestration import logs, shards
from ems_pipeline.orchestration.partitions import site_partitions
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import MINUTE, Clock
from ems_pipeline.warehouse import health, telemetry
from ems_pipeline.warehouse import sites as registry

STALE = timedelta(minutes=5)
"""A control run that starts later than this after its quarter-hour would act on the wrong slot."""


class TelemetryConfig(dg.Config):
    """How many minutes one run reads; more than one saves runs, and what was read is stored at the end of the run."""

    sweeps: int = 1


@dg.op(out=dg.Out(dg.Nothing))
def read_devices(context: dg.OpExecutionContext, config: TelemetryConfig, ems: dg.ResourceParam[Platform]) -> None:
    """Read all due points of all devices of the shard's sites and store them by one COPY."""
    sites = ems.sites(shards.of_run(context.run.tags))
    with ems.warehouse.begin() as connection:
        known = health.load(connection)
    answers: list[tuple[str, Readings]] = []
    heard: dict[fleet.DeviceId, Health] = {}
    first = time_grid.floor_minute(ems.clock.now())
    with _opened(sites, ems.clock) as read_all:
        for sweep_at in (first + MINUTE * i for i in range(config.sweeps)):
            ems.clock.wait_until(sweep_at)
            sweep = read_all(known | heard, sweep_at)
            heard |= sweep.health
            answers += [(site, readings) for site, found in sweep.readings.items() for readings in found]
    with ems.warehouse.begin() as connection:
        rows = telemetry.store(connection, answers)
        health.save(connection, heard)
    good = sum(len(readings) - len(readings.samples.faults) for _, readings in answers)
    dead = [f"{site}/{device}: {h.last_error}" for (site, device), h in heard.items() if h.error_streak]
    told = logs.fields({"rows": rows, "good": good, "sites": len(sites), "silent_devices": len(dead)})
    text = f"{rows} rows, {good} good, {len(sites)} sites" + "".join(f"\n{line}" for line in dead)
    context.log.info(text, extra=told)


@contextmanager
def _opened(
    sites: list[Site], clock: Clock
) -> Iterator[Callable[[dict[fleet.DeviceId, Health], datetime], fleet.Sweep]]:
    """A function that sweeps all sites; their connections stay open from one sweep to the next."""
    opened = [fleet.open_site(site, clock) for site in sites]
    with fleet.runner() as loop:
        try:
            yield lambda known, at: loop.run(fleet.read_all(opened, known, fleet.due_groups(at), clock))
        finally:
            for site in opened:
                loop.run(site.close())


@dg.op(out=dg.Out(dg.Nothing))
def write_setpoints(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Bring every device of every site to what the newest verified plan, an override or safety asks for this slot."""
    now = ems.clock.now()
    slot = time_grid.floor_slot(now)
    if now - slot > STALE:
        raise dg.Failure(f"quarter-hour {slot} began {now - slot} ago: too late to act on it; the next one will")
    sites = ems.sites(shards.of_run(context.run.tags))
    for outcome in control.run_control(ems.warehouse, sites, slot, now, ems.clock):
        context.log.info(str(outcome), extra=logs.fields(outcome))


@dg.op(out=dg.Out(dg.Nothing))
def check_setpoints(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Look again at what was written: did the power move, did the device forget, has a set-point expired?"""
    sites = ems.sites(shards.of_run(context.run.tags))
    for outcome in control.run_verification(ems.warehouse, sites, ems.clock.now(), ems.clock):
        context.log.info(str(outcome), extra=logs.fields(outcome))


@dg.op(out=dg.Out(dg.Nothing))
def register_sites(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Make the database and the partitions say what the site files say; nothing is ever removed here."""
    sites = ems.read_sites()
    with ems.warehouse.begin() as connection:
        changed = registry.register(connection, sites, ems.clock.now())
    context.instance.add_dynamic_partitions(str(site_partitions.name), [site.key for site in sites])
    context.log.info(f"{len(sites)} sites, {changed} configuration(s) changed")
