"""Alarms of generating sets as stored: what stands is read back, and a round is written in one statement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.gensets.alarms import titles
from ems_pipeline.gensets.alarms.alarm import Alarm, Condition, Controller, Source, Step
from ems_pipeline.gensets.alarms.life import State
from ems_pipeline.gensets.alarms.telling import Told
from ems_pipeline.gensets.alarms.watch import Persons
from ems_pipeline.gensets.states import AlarmGroup

KIND, FLOOD = "genset:", "genset-flood"
"""How the kinds of the alarms by which people are told begin; group and name follow."""
STANDING = """
    SELECT genset_alarm_id AS number, site_key AS site, coalesce(device_key, '') AS device, source, group_name AS group,
           name, state, raised_at, returned_at, times, trouble_at, place, suppressed_by, removed_for, shelved_until,
           alarm_id AS notice
    FROM ems.genset_alarm WHERE ended_at IS NULL ORDER BY genset_alarm_id"""
NUMBERS = """
    SELECT nextval(pg_get_serial_sequence('ems.genset_alarm', 'genset_alarm_id')) FROM generate_series(1, :count)"""
STORE = """
    WITH stored AS (
        INSERT INTO ems.genset_alarm AS a
            (genset_alarm_id, site_key, device_key, source, group_name, name, state, first_raised_at, raised_at,
             returned_at, times, trouble_at, place, suppressed_by, removed_for, shelved_until, ended_at)
        SELECT s.number, s.site, nullif(s.device, ''), s.source, s.group_name, s.name, s.state, s.raised_at,
               s.raised_at, s.returned_at, s.times, s.trouble_at, s.place, s.suppressed_by, s.removed_for,
               s.shelved_until, s.ended_at
        FROM jsonb_to_recordset(CAST(:alarms AS jsonb)) AS s
            (number bigint, site text, device text, source text, group_name text, name text, state text,
             raised_at timestamptz, returned_at timestamptz, times integer, trouble_at timestamptz, place integer,
             suppressed_by text, removed_for text, shelved_until timestamptz, ended_at timestamptz)
        ON CONFLICT (genset_alarm_id) DO UPDATE
        SET state = excluded.state, raised_at = excluded.raised_at, returned_at = excluded.returned_at,
            times = excluded.times, trouble_at = excluded.trouble_at, place = excluded.place,
            suppressed_by = excluded.suppressed_by, removed_for = excluded.removed_for,
            shelved_until = excluded.shelved_until, ended_at = excluded.ended_at,
            acknowledged_at = CASE excluded.state WHEN 'unacknowledged' THEN NULL ELSE a.acknowledged_at END,
            acknowledged_by = CASE excluded.state WHEN 'unacknowledged' THEN NULL ELSE a.acknowledged_by END)
    INSERT INTO ems.genset_alarm_event (genset_alarm_id, site_key, at, what, state, is_hidden, reason)
    SELECT e.number, e.site, e.at, e.what, e.state, e.is_hidden, e.reason
    FROM jsonb_to_recordset(CAST(:steps AS jsonb)) AS e
        (number bigint, site text, at timestamptz, what text, state text, is_hidden boolean, reason text)"""
TELL = """
    WITH said AS (
        SELECT * FROM jsonb_to_recordset(CAST(:new AS jsonb)) AS s
            (number bigint, site text, device text, kind text, severity text, text text)),
    over AS (
        UPDATE ems.alarm a SET cleared_at = :at
        WHERE a.alarm_id = ANY(:over) AND a.cleared_at IS NULL),
    filed AS (
        INSERT INTO ems.alarm (site_key, device_key, kind, severity, text, raised_at, last_at)
        SELECT site, nullif(device, ''), kind, severity, text, :at, :at FROM said
        ON CONFLICT (coalesce(site_key, ''), coalesce(device_key, ''), kind) WHERE cleared_at IS NULL
        DO UPDATE SET times = alarm.times + 1, last_at = excluded.last_at, text = excluded.text
        RETURNING alarm_id, site_key, coalesce(device_key, '') AS device, kind),
    quiet AS (
        UPDATE ems.genset_alarm g SET alarm_id = NULL WHERE g.alarm_id = ANY(:over))
    UPDATE ems.genset_alarm g SET alarm_id = f.alarm_id
    FROM said s JOIN filed f ON (f.site_key, f.device, f.kind) = (s.site, s.device, s.kind)
    WHERE g.genset_alarm_id = s.number
    RETURNING g.genset_alarm_id, f.alarm_id"""
CALM = "UPDATE ems.alarm SET cleared_at = :at WHERE kind = :kind AND site_key = ANY(:sites) AND cleared_at IS NULL"
DIGEST = """
    INSERT INTO ems.alarm (site_key, kind, severity, text, raised_at, last_at)
    SELECT s.site, :kind, s.severity, s.text, :at, :at
    FROM jsonb_to_recordset(CAST(:said AS jsonb)) AS s (site text, severity text, text text)"""


def lock(connection: Connection) -> None:
    """Until the end of the transaction no person does anything to an alarm, and no other process makes a round."""
    connection.execute(sa.text("SELECT ems.fn_genset_alarm_lock()"))


def standing(connection: Connection) -> list[Alarm]:
    """Every alarm that is not over, of all sites."""
    return [_alarm(**row) for row in connection.execute(sa.text(STANDING)).mappings()]


def _alarm(*, site: str, device: str, source: str, group: str, name: str, state: str, **known: Any) -> Alarm:
    """A row of `STANDING`."""
    return Alarm(
        controller=Controller(site, device), condition=Condition(Source(source), AlarmGroup(group), name),
        state=State(state), **known,
    )  # fmt: skip


def persons(connection: Connection) -> dict[int, Persons]:
    """What people have made of what stands, by number."""
    found = connection.execute(
        sa.text("SELECT genset_alarm_id, state, shelved_until FROM ems.genset_alarm WHERE ended_at IS NULL")
    )
    return {number: Persons(State(state), shelved_until) for number, state, shelved_until in found}


def sites(connection: Connection) -> tuple[set[str], dict[Controller, str]]:
    """Sites that alarms can be stored of (a new file may be polled before it is registered), and which controllers
    are out of service, and why."""
    found = connection.execute(
        sa.text("""SELECT s.site_key, r.device_key, r.reason FROM ems.site s
                   LEFT JOIN ems.genset_removal r ON r.site_key = s.site_key AND r.restored_at IS NULL""")
    ).all()
    removed = {Controller(site, device): reason for site, device, reason in found if device is not None}
    return {site for site, *_ in found}, removed


def came_since(connection: Connection, at: datetime) -> dict[str, list[datetime]]:
    """Instants at which alarms came that were not hidden, by site, in order."""
    found = connection.execute(
        sa.text("""SELECT site_key, array_agg(at ORDER BY at) FROM ems.genset_alarm_event
                   WHERE what = 'raised' AND NOT is_hidden AND at > :at GROUP BY site_key"""),
        {"at": at},
    )
    return {site: list(came) for site, came in found}


def store(connection: Connection, steps: Sequence[Step]) -> None:
    """Write the steps of a round with what they made of their alarms, however many; new alarms get their numbers."""
    alarms = list({id(step.alarm): step.alarm for step in steps}.values())
    if not alarms:
        return
    new = [alarm for alarm in alarms if alarm.number is None]
    if new:
        numbers = connection.execute(sa.text(NUMBERS), {"count": len(new)}).scalars()
        for alarm, number in zip(new, numbers, strict=True):
            alarm.number = number
    ends = {id(step.alarm): step.at for step in steps}
    rows = [_row(alarm, ends[id(alarm)]) for alarm in alarms]
    connection.execute(sa.text(STORE), {"alarms": json.dumps(rows), "steps": json.dumps([_event(s) for s in steps])})


def keep_around(connection: Connection, kept: Sequence[tuple[Alarm, dict[str, Any]]]) -> None:
    """Keep the values around shutdowns with their alarms."""
    if kept:
        connection.execute(
            sa.text("""UPDATE ems.genset_alarm g SET around = k.values
                       FROM jsonb_to_recordset(CAST(:kept AS jsonb)) AS k (number bigint, values jsonb)
                       WHERE g.genset_alarm_id = k.number"""),
            {"kept": json.dumps([{"number": alarm.number, "values": values} for alarm, values in kept])},
        )


def tell(connection: Connection, told: Told, at: datetime) -> None:
    """Make what people are told what it ought to be: alarms of the system, which go by everybody's own ways."""
    if told.new or told.over:
        said = [
            {
                "number": alarm.number, "site": alarm.controller.site, "device": alarm.controller.device,
                "kind": f"{KIND}{alarm.condition.group}:{alarm.condition.name}",
                "severity": titles.severity(alarm.condition), "text": titles.words(alarm.condition),
            }
            for alarm in told.new
        ]  # fmt: skip
        over = [alarm.notice for alarm in told.over]
        found = dict(map(tuple, connection.execute(sa.text(TELL), {"new": json.dumps(said), "over": over, "at": at})))
        for alarm in told.over:
            alarm.notice = None
        for alarm in told.new:
            alarm.notice = found.get(alarm.number)
    if sites := [*told.calm, *(digest.site for digest in told.digests)]:
        connection.execute(sa.text(CALM), {"at": at, "kind": FLOOD, "sites": sites})
    if told.digests:
        digests = [{"site": d.site, "severity": d.severity, "text": d.text} for d in told.digests]
        connection.execute(sa.text(DIGEST), {"said": json.dumps(digests), "at": at, "kind": FLOOD})


def _row(alarm: Alarm, last_at: datetime) -> Mapping[str, Any]:
    controller, condition = alarm.controller, alarm.condition
    return {
        "number": alarm.number, "site": controller.site, "device": controller.device, "source": condition.source,
        "group_name": condition.group, "name": condition.name, "state": alarm.state,
        "raised_at": alarm.raised_at.isoformat(), "returned_at": _iso(alarm.returned_at), "times": alarm.times,
        "trouble_at": _iso(alarm.trouble_at), "place": alarm.place, "suppressed_by": alarm.suppressed_by,
        "removed_for": alarm.removed_for, "shelved_until": _iso(alarm.shelved_until),
        "ended_at": _iso(last_at if alarm.state is State.NORMAL else None),
    }  # fmt: skip


def _event(step: Step) -> Mapping[str, Any]:
    return {
        "number": step.alarm.number, "site": step.alarm.controller.site, "at": step.at.isoformat(), "what": step.what,
        "state": step.state, "is_hidden": step.alarm.is_hidden, "reason": step.reason,
    }  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
