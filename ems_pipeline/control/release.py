"""Hand a site back to itself: on disarm, at shutdown, or because somebody wants it."""

from __future__ import annotations

from datetime import datetime

from ems_pipeline import time_grid
from ems_pipeline.control import runner
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.control.session import SiteSession
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import Warehouse

PATIENCE_S = 60.0


def release_site(
    warehouse: Warehouse, site: Site, now: datetime, clock: Clock, reason: str, *, every_device: bool = False
) -> list[Outcome]:
    """Release the devices of a site that may hold anything of ours.

    Args:
        every_device: also those of which the journal knows nothing, as after the loss of a database.
    """
    slot = time_grid.floor_slot(now)

    async def let_go(session: SiteSession) -> list[Outcome]:
        await session.read_journal(lambda _: None)
        if every_device:
            session.journal.steered |= dict.fromkeys(session.drivers, slot)
        return await session.release(dict.fromkeys(session.drivers, reason))

    outcomes = runner.run(warehouse, [site], slot, clock, let_go, PATIENCE_S, ask_the_dead=True)
    return outcomes or [Outcome(site.key, "", "skipped", "no device holds anything of ours")]
