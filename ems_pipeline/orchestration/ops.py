"""Ops that touch the outside on the clock: telemetry, control, verification, the site registry, Bitrix24.

One op serves all sites of its run's shard; a dead device or site is rows with reasons, never a failed run. None has a
retry policy: for anything that writes to hardware the next slot is the retry.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

import dagster as dg

from ems_pipeline import control, time_grid
from ems_pipeline.control.gateways import reading
from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.turns import Turns
from ems_pipeline.devices.fleet.health import Health
from ems_pipeline.devices.points.reading import Readings
from ems_pipeline.orchestration.beats import VERIFICATION, slot_of, stamp
from ems_pipeline.orchestration.machinery import logs
from ems_pipeline.orchestration.machinery.coordinator import ASKED_TAG, SLOT_TAG
from ems_pipeline.orchestration.partitions import site_partitions
from ems_pipeline.sites import Site
from ems_pipeline.steps import batteries, bitrix, demand, device_faults, shards
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.registration import follow_files, let_go_unreadable
from ems_pipeline.time_grid import MINUTE, Clock
from ems_pipeline.warehouse import alarms, health, served, telemetry
from ems_pipeline.warehouse.alarms import Trouble

STALE = timedelta(minutes=5)
"""A control run that starts later than this after it was asked for was meant for a world that has gone."""


UNTIL_THE_NEXT = timedelta(seconds=108)
"""How long a run goes on renewing what expires before the next verification, which comes after 120 s at most."""
CLOSED = "site-devices"
"""Kind of the alarm of a site for whose devices there are no drivers."""
Sweeper = Callable[[dict[fleet.DeviceId, Health], datetime], fleet.Sweep]


class TelemetryConfig(dg.Config):
    """How many minutes one run reads; more than one saves runs, and what was read is stored at the end of the run."""

    sweeps: int = 1


@dg.op(out=dg.Out(dg.Nothing))
def read_devices(context: dg.OpExecutionContext, config: TelemetryConfig, ems: dg.ResourceParam[Platform]) -> None:
    """Read all due points of all devices of the shard's sites and store them by one COPY."""
    sites = ems.sites(shards.of_run(context.run.tags))
    with ems.warehouse.begin() as connection:
        known = health.load(connection)
        sites = batteries.where_they_are(connection, sites)
    answers: list[tuple[str, Readings]] = []
    heard: dict[fleet.DeviceId, Health] = {}
    first = time_grid.floor_minute(ems.clock.now())
    with reading(ems.warehouse, "telemetry") as turns, _opened(sites, ems.clock, turns) as (read_all, closed):
        for sweep_at in (first + MINUTE * i for i in range(config.sweeps)):
            ems.clock.wait_until(sweep_at)
            sweep = read_all(known | heard, sweep_at)
            heard |= sweep.health
            answers += [(site, readings) for site, found in sweep.readings.items() for readings in found]
    with ems.warehouse.begin() as connection:
        rows = telemetry.store(connection, answers)
        health.save(connection, heard)
        device_faults.file(connection, answers, ems.clock.now())
        demand.follow(connection, sites, ems.clock.now())
        alarms.settle(connection, CLOSED, closed, ems.clock.now())
    for fault in batteries.look_for_lost(ems, sites, heard, first):
        context.log.warning(fault)
    good = sum(len(readings) - len(readings.samples.faults) for _, readings in answers)
    dead = [f"{site}/{device}: {h.last_error}" for (site, device), h in heard.items() if h.error_streak]
    told = logs.fields({"rows": rows, "good": good, "sites": len(sites), "silent_devices": len(dead)})
    text = f"{rows} rows, {good} good, {len(sites)} sites" + "".join(f"\n{line}" for line in dead)
    context.log.info(text, extra=told)


@contextmanager
def _opened(sites: list[Site], clock: Clock, turns: Turns) -> Iterator[tuple[Sweeper, list[Trouble]]]:
    """A function that sweeps all sites, and what is wrong with those that have no drivers."""
    opened, closed = [], []
    for site in sites:
        try:
            opened.append(fleet.open_site(site, clock))
        except ValueError as error:  # a map that is gone or wrong by now costs its site alone
            closed.append(Trouble(site.key, CLOSED, "critical", f"no device of {site.key} is read: {error}"))
    with fleet.runner() as loop:
        try:
            yield lambda known, at: loop.run(fleet.read_all(opened, known, fleet.due_groups(at), clock, turns)), closed
        finally:
            loop.run(fleet.close_all(opened))


@dg.op(out=dg.Out(dg.Nothing))
def write_setpoints(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Bring every device of every site to what the newest verified plan, an override or safety asks for this slot."""
    now = ems.clock.now()
    slot = time_grid.floor_slot(now)
    if fault := _too_late(context.run.tags, slot, now):
        raise dg.Failure(fault)
    sites = ems.sites(shards.of_run(context.run.tags))
    with ems.warehouse.begin() as connection:
        served.decide(connection, sites, slot, now)
    for outcome in control.run_control(ems.warehouse, sites, slot, now, ems.clock):
        context.log.info(str(outcome), extra=logs.fields(outcome))
    control.keep_alive(ems.warehouse, sites, min(VERIFICATION.next_due(now), now + UNTIL_THE_NEXT), ems.clock)


def _too_late(tags: Mapping[str, str], slot: datetime, now: datetime) -> str:
    """Why a control run must not act now; empty when it may. One begun by hand has the first minutes of its slot."""
    if SLOT_TAG in tags and tags[SLOT_TAG] != stamp(slot):
        return f"asked for quarter-hour {slot_of(tags[SLOT_TAG])}, and now it is {slot}: too late to act on it"
    asked_at = datetime.fromisoformat(tags[ASKED_TAG]) if ASKED_TAG in tags else slot
    if now - asked_at > STALE:
        return f"quarter-hour {slot} was to be served at {asked_at}, {now - asked_at} ago: too late to act on it"
    return ""


@dg.op(out=dg.Out(dg.Nothing))
def check_setpoints(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Look again at what was written: did the power move, did the device forget, has a set-point expired?"""
    shard = shards.of_run(context.run.tags)
    sites, now = ems.sites(shard), ems.clock.now()
    for outcome in control.run_verification(ems.warehouse, sites, now, ems.clock, shard.holds):
        context.log.info(str(outcome), extra=logs.fields(outcome))
    for outcome in let_go_unreadable(ems, shard):
        context.log.warning(str(outcome), extra=logs.fields(outcome))
    control.keep_alive(ems.warehouse, sites, now + UNTIL_THE_NEXT, ems.clock)


@dg.op(out=dg.Out(dg.Nothing))
def register_sites(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Make the database and the partitions say what the site files say; nothing is ever removed here."""
    found = follow_files(ems)
    context.instance.add_dynamic_partitions(str(site_partitions.name), [site.key for site in found.sites])
    for fault in found.faults:
        context.log.warning(fault)
    context.log.info(f"{len(found.sites)} sites, {found.changed} configuration(s) changed")


@dg.op(out=dg.Out(dg.Nothing))
def tell_bitrix(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Say to the portal what is to be said, and look at what people did; what it refuses is an alarm, no failed run."""
    found = bitrix.office(ems.clock)
    if found is None:
        context.log.info("no portal is named: EMS_BITRIX_WEBHOOK is unset (docs/bitrix24.md)")
        return
    for line in bitrix.synchronise(ems.warehouse, ems.clock, found):
        context.log.info(line)
