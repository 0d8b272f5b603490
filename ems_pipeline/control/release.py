"""Hand a site back to itself: on disarm, at shutdown, or because somebody wants it."""

from __future__ import annotations

from datetime import datetime

from ems_pipeline import time_grid
from ems_pipeline.control import lifecycle, runner
from ems_pipeline.control.outcome import Aside, Outcome
from ems_pipeline.control.session import SiteSession
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import Warehouse, alarms, setpoints
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.intents import Intent, Setpoint, State

PATIENCE_S = 60.0


def release_site(
    warehouse: Warehouse, site: Site | str, now: datetime, clock: Clock, reason: str, *, every_device: bool = False
) -> list[Outcome]:
    """Release the devices of a site that may hold anything of ours, wherever they were told it.

    Args:
        site: as registered, or the key of one, which may be out of service.
        every_device: also those of which the journal knows nothing, as after the loss of a database.

    Raises:
        LookupError: no such site was ever registered.
    """
    slot = time_grid.floor_slot(now)
    key = site if isinstance(site, str) else site.key
    with warehouse.begin(runner.JOURNAL_PATIENCE_S) as connection:
        registry.newest(connection, key)

    async def let_go(session: SiteSession) -> list[Outcome]:
        await session.read_journal(lambda _: None)
        if every_device and not session.footing.former:
            session.journal.steered |= dict.fromkeys(session.drivers, slot)
        return await session.release(dict.fromkeys(session.drivers, reason))

    sites = [] if isinstance(site, str) else [site]
    outcomes = _run(warehouse, sites, [key], slot, clock, let_go)
    return outcomes or [Outcome(key, "", Aside.SKIPPED, "no device holds anything of ours")]


def release_all(warehouse: Warehouse, now: datetime, clock: Clock, reason: str) -> list[Outcome]:
    """Release every device of every site that may hold anything of ours, be the site active, changed or removed."""
    with warehouse.begin(runner.JOURNAL_PATIENCE_S) as connection:
        holding = sorted({held.site_key for held in setpoints.held(connection)})

    async def let_go(session: SiteSession) -> list[Outcome]:
        await session.read_journal(lambda _: None)
        return await session.release(dict.fromkeys(session.drivers, reason))

    return _run(warehouse, [], holding, time_grid.floor_slot(now), clock, let_go)


def declare_gone(warehouse: Warehouse, site_key: str, device: str, now: datetime, who: str) -> list[Outcome]:
    """Nobody will answer there any more, or somebody has set the device right by hand: the journal says it is let go.

    Raises:
        LookupError: the device holds nothing of ours.
    """
    reason = f"declared gone by {who}"

    def journal(connection: Connection) -> list[Outcome]:
        rows = [s for s in setpoints.steered(connection, site_key) if s.device == device]
        if not rows:
            raise LookupError(f"{site_key}/{device} holds nothing of ours; `ems control setpoints {site_key}`")
        open_rows = [s for s in setpoints.open_setpoints(connection, site_key) if s.device == device]
        for row in open_rows:
            setpoints.take(connection, lifecycle.path(row, State.SUPERSEDED, at=now, reason=reason))
        for row in rows:
            let_go = Setpoint(
                site_key,
                time_grid.floor_slot(now),
                Intent(device, None, Source.RELEASE, reason, now + time_grid.SLOT, asset_keys=row.intent.asset_keys),
                row.is_shadow,
                row.config_hash,
                row.wire,
            )
            (intent,) = setpoints.intend(connection, [let_go], now)
            setpoints.take(connection, lifecycle.path(intent, State.ECHOED, State.RELEASED, at=now, reason=reason))
        alarms.clear(connection, site_key, "release-failed", now, device)
        return [Outcome(site_key, device, State.RELEASED, f"{reason}, it was at {row.wire}") for row in rows]

    with warehouse.begin(runner.JOURNAL_PATIENCE_S) as connection:
        return journal(connection)


def _run(
    warehouse: Warehouse, sites: list[Site], left: list[str], slot: datetime, clock: Clock, work: runner.Work
) -> list[Outcome]:
    return runner.run(
        warehouse, sites, slot, clock, work, PATIENCE_S, name="release", left=left, ask_the_dead=True, insists=True
    )
