"""One quarter-hour of control: read, resolve, journal, write, read back, for all sites at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ems_pipeline.control import authority, runner
from ems_pipeline.control.authority import Mandate
from ems_pipeline.control.outcome import Aside, Outcome
from ems_pipeline.control.permit import OVERTAKEN
from ems_pipeline.control.session import SiteSession
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import CLOCK_SLACK, SLOT, Clock
from ems_pipeline.warehouse import Warehouse, alarms, goals, market, overrides, plans, setpoints
from ems_pipeline.warehouse.engine import Connection

PATIENCE_S = 20.0
"""A verification that happens to be under way lets go within seconds."""
CLOCK_ALARM = "clock-went-back"


def run_control(
    warehouse: Warehouse, sites: Iterable[Site], slot: datetime, now: datetime, clock: Clock
) -> list[Outcome]:
    """Bring every device of every site to what its highest authority asks for ``slot``.

    Sites without both opt-ins are journalled as shadows, and what they may still hold of ours is released.

    Args:
        slot: start of the quarter-hour.
        now: the decision's instant: newest plan, overrides and arms known then.
    """

    async def control(session: SiteSession) -> list[Outcome]:
        site = session.site
        asked_of, told_at = await session.read_journal(
            lambda connection: (
                mandate(connection, site, slot, now),
                setpoints.lived_before(connection, site.key, slot, now + CLOCK_SLACK),
            )
        )
        why = session.not_steered
        if why == OVERTAKEN:
            return [Outcome(site.key, "", Aside.SKIPPED, why)]
        if session.footing.former:
            return await session.release(dict.fromkeys(session.drivers, why))
        if not why and (lived := await _lived_already(session, told_at, now)):
            return await session.release(dict.fromkeys(session.drivers, lived))
        live = await session.know()
        intents = authority.resolve(site, asked_of, live, _signals(session), now)
        asked = [one for one in intents if not one.is_release]
        if not why:
            left = {one.device: one.reason for one in intents if one.is_release}
            return await session.carry_out(asked, live) + await session.release(left)
        held = await session.release(dict.fromkeys(session.drivers, why))
        return held + await session.carry_out(asked, live, is_shadow=True)

    return runner.run(warehouse, sites, slot, clock, control, PATIENCE_S, name="control")


async def _lived_already(session: SiteSession, told_at: datetime | None, now: datetime) -> str:
    """Why this slot is not steered a second time: the clock went back over it. Empty when it did not.

    What stood for the slot was decided on what was known then and has been superseded since; telling it again, or
    something else, would make two truths of one quarter-hour. The devices are on their own until a new one begins.

    Args:
        told_at: when the slot was served before, if it was.
    """
    site = session.site
    if told_at is None:
        if ("", CLOCK_ALARM) in session.journal.alarms:
            await session.transact(lambda connection: alarms.clear(connection, site.key, CLOCK_ALARM, now))
        return ""
    text = (
        f"the clock went back: quarter-hour {session.slot:%H:%M} was served at {told_at:%d.%m. %H:%M:%S} UTC, now it "
        f"is {now:%H:%M:%S}; the devices are left alone until a new one begins. Make sure that NTP runs"
    )
    await session.transact(
        lambda connection: alarms.raise_alarm(connection, site.key, CLOCK_ALARM, "critical", text, now)
    )
    return text


def mandate(connection: Connection, site: Site, slot: datetime, now: datetime) -> Mandate:
    """What may be asked of a site in a slot, as known at ``now``."""
    price = market.effective_prices(connection, [site.key], slot, slot + SLOT, now)
    return Mandate(
        slot,
        plans.planned(connection, site, slot, now),
        overrides.active(connection, site, now),
        None if price.is_empty() else float(price["buy_per_kwh"][0]),
        goals.holding(goals.of(goals.listing(connection, [site.key], now)), now),
    )


def _signals(session: SiteSession) -> dict[str, frozenset[str]]:
    """Home controllers of the site, and what the plan can tell them."""
    known = {d: frozenset(authority.SIGNALS) & set(driver.point_map.by_name) for d, driver in session.drivers.items()}
    return {device: frozenset(points) for device, points in known.items() if points}
