"""What the charger sees now corrects what habit expects: a car that is there, late, or not coming.

Pure: expected sessions and the charger's own words in, the sessions a planner should count on out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ems_pipeline import time_grid
from ems_pipeline.forecast.sessions import ExpectedSession
from ems_pipeline.sites import Charger

EARLY = timedelta(hours=4)
"""A car that comes so much before its habit is taken for the expected one; earlier it is an extra visit, unless that
would last until the expected car comes: it is there already."""
LATE = timedelta(hours=3)
"""So long an absent car is still expected any minute; after that the session is given up."""
DONE_WH = 100.0


def sessions_now(
    charger: Charger,
    expected: Sequence[ExpectedSession],
    is_plugged_in: bool | None,
    delivered_wh: float | None,
    now: datetime,
    site_zone: ZoneInfo,
    as_wanted: Callable[[ExpectedSession], ExpectedSession] = lambda session: session,
) -> list[ExpectedSession]:
    """Sessions to plan with: one car at a time, in order of arrival.

    Args:
        expected: from habits, in order of arrival, overlapping the horizon.
        is_plugged_in: what the charger reports; None when it does not answer (then habit is all there is).
        delivered_wh: energy already given in the running session, None when unknown.
        as_wanted: a session with what somebody wants of it in place of the habit. A car that has it stays in the plan
            and wants nothing more, as does one whose charger charges on where it is cheap; one whose habit is served is
            left to its charger, for habit is a guess, and a guess that is held to would be all that is ever measured.
    """
    if is_plugged_in is None:
        return one_at_a_time(list(map(as_wanted, expected)))
    if not is_plugged_in:
        late = [_late(session, now) for session in expected if session.arrival_at > now - LATE]
        return one_at_a_time(list(map(as_wanted, late)))
    running = [session for session in expected if session.arrival_at <= now + EARLY]
    later = [session for session in expected if session.arrival_at > now + EARLY]
    current = running[-1] if running else _visit(charger, now, site_zone)
    if not running and later and later[0].arrival_at < current.departure_at:
        current = later.pop(0)  # it would have to come while it is there: it came early
    arrived = min(current.arrival_at, time_grid.floor_slot(now))
    habit = replace(current, arrival_at=arrived, probability=1.0)
    there = as_wanted(habit)
    is_wanted = there is not habit or charger.charge_on_wh > 0
    stays = time_grid.floor_slot(now) + 2 * time_grid.SLOT  # whatever was wanted of it, it is not gone before it is
    there = replace(there, departure_at=max(there.departure_at, stays))
    missing_wh = max(there.energy_wh - (delivered_wh or 0.0), 0.0)
    is_kept = is_wanted and missing_wh < DONE_WH  # a charger of which no plan speaks charges as it likes
    there = replace(there, energy_wh=0.0 if is_kept else missing_wh)
    found = one_at_a_time([there, *map(as_wanted, later)])
    return [one for i, one in enumerate(found) if one.energy_wh >= DONE_WH or (is_kept and i == 0)]


def one_at_a_time(sessions: Sequence[ExpectedSession]) -> list[ExpectedSession]:
    """Sessions of one charger in order of arrival: who stays until after the next arrival has left by then."""
    found: list[ExpectedSession] = []
    for session in sorted(sessions, key=lambda s: s.arrival_at):
        if found and session.arrival_at < found[-1].departure_at:
            earlier = found.pop()
            if earlier.arrival_at < session.arrival_at:
                found.append(replace(earlier, departure_at=session.arrival_at))
        found.append(session)
    return found


def _late(session: ExpectedSession, now: datetime) -> ExpectedSession:
    """An absent car cannot charge in the running slot, whatever its habit."""
    earliest = time_grid.floor_slot(now) + time_grid.SLOT
    if session.arrival_at >= earliest:
        return session
    return replace(session, arrival_at=earliest, departure_at=max(session.departure_at, earliest + time_grid.SLOT))


def _visit(charger: Charger, now: datetime, site_zone: ZoneInfo) -> ExpectedSession:
    """A car nobody expected: it wants the usual energy by the next usual departure."""
    today = time_grid.local_day(now, site_zone)
    departures = [
        time_grid.ceil_slot(time_grid.local_instant(day, charger.usual_departure, site_zone))
        for day in time_grid.days(today, today + timedelta(days=1))
    ]
    departure = next(at for at in departures if at > time_grid.floor_slot(now) + time_grid.SLOT)
    return ExpectedSession(charger.key, time_grid.floor_slot(now), departure, charger.usual_energy_wh, 1.0)
