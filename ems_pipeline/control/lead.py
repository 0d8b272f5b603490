"""A set is started before its quarter-hour, by its `lead_s`, so that it carries load when that begins.

Verification comes every two minutes, and the last look that is early enough starts it: with what the highest authority
wants of it in the next quarter-hour, through the same envelope, at its least power until that begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from ems_pipeline.control import authority
from ems_pipeline.control.authority import Mandate
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.control.session import SiteSession
from ems_pipeline.devices.driver.command import GensetCommand
from ems_pipeline.sites import Genset, Site
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.intents import Intent

LOOKS = timedelta(minutes=2)
"""Between two verifications."""
MandateOf = Callable[[Connection, Site, datetime, datetime], Mandate]


async def start_early(session: SiteSession, now: datetime, mandate_of: MandateOf) -> list[Outcome]:
    """Start the sets whose next quarter-hour wants them and whose lead has come; most looks find none and read nothing.

    Args:
        mandate_of: what may be asked of a site in a slot, as known at an instant.
    """
    begins, site = session.slot + SLOT, session.site
    due = [genset.device for genset in site.gensets if genset.device and _is_due(genset, begins, now)]
    running = {s.device for s in session.journal.open if _runs(s.intent.command) and not s.is_shadow}
    waiting = [device for device in due if device not in running]
    if not waiting:
        return []
    live = await session.know()
    mandate = await session.transact(lambda connection: mandate_of(connection, site, begins, now))
    intents = authority.resolve(site, mandate, live, {}, now)
    early = [one for one in intents if one.device in waiting and _runs(one.command) and not one.is_release]
    return await session.carry_out([_at_least(site, one) for one in early], live)


def _at_least(site: Site, intent: Intent) -> Intent:
    """The same at the least power: until the quarter-hour begins nobody has asked for what it gives."""
    genset = next(genset for genset in site.gensets if genset.device == intent.device)
    assert isinstance(intent.command, GensetCommand)
    return replace(intent, command=replace(intent.command, power_w=genset.min_power_w))


def _is_due(genset: Genset, begins: datetime, now: datetime) -> bool:
    """Whether this is the last look that is early enough for its lead; a start that failed is not tried again in it."""
    starts_at = begins - timedelta(seconds=genset.lead_s)
    return bool(genset.lead_s) and now <= starts_at < now + LOOKS


def _runs(command: object) -> bool:
    return isinstance(command, GensetCommand) and command.run
