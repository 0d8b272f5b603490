"""What people should know about a site's arm: it ends soon, it has ended, or it was given for something else."""

from __future__ import annotations

from datetime import datetime, timedelta

from ems_pipeline.control.permit import unarmed
from ems_pipeline.control.session import SiteSession
from ems_pipeline.plain_text import paragraph
from ems_pipeline.warehouse import alarms
from ems_pipeline.warehouse.arming import Arm, holds
from ems_pipeline.warehouse.engine import Connection

ENDS, ENDED, OTHER = "arm-ends", "arm-ended", "arm-for-other"
EARLIEST = timedelta(days=3)
PART = 10
"""People are told in the last of so many parts of an arm, and not before `EARLIEST`."""
SHORT = timedelta(days=1)
"""Whoever arms a site for less knows when it ends."""


def ends_soon(arm: Arm | None, now: datetime) -> bool:
    """Whether an arm for long is about to end: in proportion to how long it was given for."""
    if arm is None or not holds(arm, now):
        return False
    length = arm.until_at - arm.armed_at
    return length >= SHORT and arm.until_at - now <= min(EARLIEST, length / PART)


async def note(session: SiteSession, now: datetime) -> None:
    """Raise, word anew and clear the alarms of a site's arm, as the session has read it."""
    if session.footing.former:
        return
    wanted = {kind: paragraph(text) for kind, text in _wanted(session, now).items()}
    open_now = session.journal.alarms
    known = {kind: open_now["", kind] for kind in (ENDS, ENDED, OTHER) if ("", kind) in open_now}
    if wanted == known:  # the text, too: what differs from the arm may have become something else
        return

    def settle(connection: Connection) -> None:
        for kind in known.keys() - wanted.keys():
            alarms.clear(connection, session.site.key, kind, now)
        for kind, text in wanted.items() - known.items():
            alarms.raise_alarm(connection, session.site.key, kind, "warning", text, now)

    await session.transact(settle)


def _wanted(session: SiteSession, now: datetime) -> dict[str, str]:
    site, standing = session.site, session.standing
    if standing is None or standing.arm is None or not site.control.enabled or not standing.is_active:
        return {}
    arm, again = standing.arm, f"ems control arm {site.key}"
    if not holds(arm, now):
        was_long = arm.until_at - arm.armed_at >= SHORT or not arm.bound_to
        text = f"the arm by {arm.armed_by} ended at {arm.until_at:%Y-%m-%d %H:%M} UTC; the site is in shadow. {again}"
        return {ENDED: text} if was_long and arm.until_at <= now else {}
    if why := unarmed(session.footing, standing, now):
        return {OTHER: f"{why}; the site is in shadow. If that is right: {again}"}
    if ends_soon(arm, now):
        return {ENDS: f"the arm ends at {arm.until_at:%Y-%m-%d %H:%M} UTC, then the site is in shadow. {again}"}
    return {}
