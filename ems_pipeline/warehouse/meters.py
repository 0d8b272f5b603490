"""Hour meters of gensets: readings become hours of running, and what is planned is known to whoever expects a due date.

Each is one statement to read and one or two to write, for all sets together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.maintenance.meter import Reading, added
from ems_pipeline.time_grid import floor_slot, local_day, zone

SEEN_EVERY = timedelta(minutes=10)
"""A meter that stands still is written so seldom; what it may go on by is reckoned from then."""
NEWS = """
    SELECT h.site_key, h.asset_key, s.timezone, h.run_hours, h.taken_at, m.register_h, m.read_at,
           m.doubted_h, m.doubted_at
    FROM ems.vw_genset_hours h JOIN ems.site s USING (site_key)
    LEFT JOIN ems.genset_meter m USING (site_key, asset_key)
    WHERE h.run_hours IS NOT NULL AND h.taken_at <= :at
      AND (m.site_key IS NULL OR (h.taken_at > m.read_at AND h.taken_at IS DISTINCT FROM m.doubted_at))"""
BEGUN = """
    WITH news AS (
        SELECT * FROM unnest(CAST(:sites AS text[]), CAST(:assets AS text[]), CAST(:registers AS float8[]),
                             CAST(:at AS timestamptz[])) AS n (site_key, asset_key, register_h, taken_at)
    ), told AS (
        INSERT INTO ems.genset_meter_event (site_key, asset_key, kind, at, register_after, hours_after, entered_at,
                                            entered_by)
        SELECT site_key, asset_key, 'begun', taken_at, register_h, register_h, taken_at, 'meter' FROM news
        RETURNING site_key, asset_key, meter_event_id
    )
    INSERT INTO ems.genset_meter (site_key, asset_key, hours, register_h, read_at, began_at, meter_event_id)
    SELECT n.site_key, n.asset_key, n.register_h, n.register_h, n.taken_at, n.taken_at, t.meter_event_id
    FROM news n JOIN told t USING (site_key, asset_key)
    ON CONFLICT DO NOTHING"""
BELIEVED = """
    WITH news AS (
        SELECT * FROM unnest(CAST(:sites AS text[]), CAST(:assets AS text[]), CAST(:registers AS float8[]),
                             CAST(:at AS timestamptz[]), CAST(:hours AS float8[]), CAST(:days AS date[]))
                      AS n (site_key, asset_key, register_h, taken_at, hours, day)
    ), days AS (
        INSERT INTO ems.genset_meter_day AS d (site_key, asset_key, day, hours)
        SELECT site_key, asset_key, day, hours FROM news WHERE hours > 0
        ON CONFLICT (site_key, asset_key, day) DO UPDATE SET hours = d.hours + excluded.hours
    )
    UPDATE ems.genset_meter m SET hours = m.hours + n.hours, register_h = n.register_h, read_at = n.taken_at,
                                  doubted_h = NULL, doubted_at = NULL, doubt = NULL
    FROM news n WHERE m.site_key = n.site_key AND m.asset_key = n.asset_key"""
DOUBTED = """
    UPDATE ems.genset_meter m SET doubted_h = n.register_h, doubted_at = n.taken_at, doubt = n.doubt
    FROM unnest(CAST(:sites AS text[]), CAST(:assets AS text[]), CAST(:registers AS float8[]),
                CAST(:at AS timestamptz[]), CAST(:doubts AS text[]))
         AS n (site_key, asset_key, register_h, taken_at, doubt)
    WHERE m.site_key = n.site_key AND m.asset_key = n.asset_key"""
PLANNED = """
    UPDATE ems.genset_meter m SET planned_h = n.hours, planned_until = n.until_at
    FROM ems.fn_genset_planned_hours(:slot, :at) n
    WHERE m.site_key = n.site_key AND m.asset_key = n.asset_key
      AND (m.planned_h, m.planned_until) IS DISTINCT FROM (n.hours, n.until_at)"""

LOADED = """
    UPDATE ems.genset_meter m SET loaded_h = n.hours
    FROM (SELECT m.site_key, m.asset_key, 0.25 * count(*) FILTER (WHERE t.mean_value > :least_w) AS hours
          FROM ems.genset_meter m
          CROSS JOIN LATERAL (SELECT config FROM ems.site_config c WHERE c.site_key = m.site_key
                              ORDER BY c.known_at DESC LIMIT 1) c
          CROSS JOIN LATERAL jsonb_array_elements(c.config -> 'gensets') AS g (part)
          JOIN ems.telemetry_15m t ON t.site_key = m.site_key AND t.device_key = g.part ->> 'device'
               AND t.quantity = 'genset_power_w' AND t.starts_at >= CAST(:at AS timestamptz) - interval '1 day'
               AND t.starts_at < :at
          WHERE g.part ->> 'key' = m.asset_key GROUP BY m.site_key, m.asset_key) n
    WHERE m.site_key = n.site_key AND m.asset_key = n.asset_key AND m.loaded_h IS DISTINCT FROM n.hours"""
LEAST_W = 1000.0
"""A set that gives more carries load; less is what an instrument shows at rest."""


class _News(NamedTuple):
    """A reading with what is known of its meter."""

    site_key: str
    asset_key: str
    timezone: str
    run_hours: float
    taken_at: datetime
    register_h: float | None
    read_at: datetime | None
    doubted_h: float | None
    doubted_at: datetime | None

    @property
    def doubted(self) -> Reading | None:
        """The reading that is held."""
        if self.doubted_h is None or self.doubted_at is None:
            return None
        return Reading(self.doubted_h, self.doubted_at)


def advance(connection: Connection, at: datetime) -> int:
    """Add what every set has run since its meter was believed last; how many meters have a new state.

    A first reading begins the sum. One that no running explains is held: the sum stands until a person says what it
    is, or a later reading is possible and does not go on from it.
    """
    news = [_News(*row) for row in connection.execute(sa.text(NEWS), {"at": at})]
    begun, believed, doubted = [], list[tuple[_News, float]](), list[tuple[_News, str]]()
    for one in news:
        if one.register_h is None or one.read_at is None:
            begun.append(one)
            continue
        hours, doubt = added(Reading(one.register_h, one.read_at), Reading(one.run_hours, one.taken_at), one.doubted)
        if hours is None:
            doubted.append((one, doubt))
        elif hours > 0 or one.doubted_h is not None or one.taken_at - one.read_at >= SEEN_EVERY:
            believed.append((one, hours))
    if begun:
        connection.execute(sa.text(BEGUN), _columns(begun))
    if believed:
        days = [local_day(one.taken_at, zone(one.timezone)) for one, _ in believed]
        more = {"hours": [hours for _, hours in believed], "days": days}
        connection.execute(sa.text(BELIEVED), _columns(one for one, _ in believed) | more)
    if doubted:
        doubts = {"doubts": [doubt for _, doubt in doubted]}
        connection.execute(sa.text(DOUBTED), _columns(one for one, _ in doubted) | doubts)
    return len(begun) + len(believed) + len(doubted)


def _columns(news: Iterable[_News]) -> dict[str, list[Any]]:
    listed = list(news)
    return {
        "sites": [one.site_key for one in listed],
        "assets": [one.asset_key for one in listed],
        "registers": [one.run_hours for one in listed],
        "at": [one.taken_at for one in listed],
    }


def look_around(connection: Connection, at: datetime) -> int:
    """Note for every set how long the plan in force will run it, and how long it carried load in the last day.

    Once a quarter-hour: both change no oftener. Returns how many notes have changed.
    """
    planned = connection.execute(sa.text(PLANNED), {"at": at, "slot": floor_slot(at)}).rowcount
    return planned + connection.execute(sa.text(LOADED), {"at": at, "least_w": LEAST_W}).rowcount
