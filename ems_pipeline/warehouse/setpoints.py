"""The journal of set-points: intents before the wire, every step after it, and what a device has cost in writes.

Which steps are allowed is `control.lifecycle`'s business; here a step is taken only from the state it was decided in,
so two writers of the journal can never take the same step twice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.intents import Held, Intent, Setpoint, State, Step, command_of

OPEN = "('intended', 'sent', 'echoed', 'effective')"
TOUCHED = "NOT is_shadow AND (sent_at IS NOT NULL OR echoed_at IS NOT NULL OR state = 'intended')"
"""Rows after which the device may hold something of ours; one refused before the wire is not among them."""
FIELDS = """setpoint_id, site_key, device_key, slot, source, command::text AS command, writes::text AS writes,
            array_to_json(changes)::text AS changes, planning_run_id::text AS planning_run_id, plan_decided_at,
            array_to_json(asset_keys)::text AS asset_keys, control_override_id, reason, is_shadow, state, valid_until,
            intended_at, sent_at, echoed_at, config_hash, wire"""


class StaleStep(RuntimeError):
    """A step that somebody else has taken meanwhile; nothing of the transaction is kept."""


INTEND = """
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(position int, site_key text, device_key text,
            slot timestamptz, source text, command jsonb, writes jsonb, changes text[], planning_run_id uuid,
            plan_decided_at timestamptz, asset_keys text[], control_override_id bigint, reason text, is_shadow boolean,
            valid_until timestamptz, config_hash text, wire text, before jsonb)
    ), added AS (
        INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, writes, changes, planning_run_id,
            plan_decided_at, asset_keys, control_override_id, reason, is_shadow, state, valid_until, intended_at,
            config_hash, wire)
        SELECT site_key, device_key, slot, source, command, writes, changes, planning_run_id, plan_decided_at,
               asset_keys, control_override_id, reason, is_shadow, 'intended', valid_until, :at, config_hash, wire
        FROM given ORDER BY position
        RETURNING setpoint_id, site_key, device_key
    ), logged AS (
        INSERT INTO ems.setpoint_event (setpoint_id, at, state, reason, measured)
        SELECT setpoint_id, :at, 'intended', reason, before FROM added JOIN given USING (site_key, device_key)
    )
    SELECT setpoint_id, site_key, device_key FROM added"""


def intend(connection: Connection, drafts: Sequence[Setpoint], at: datetime) -> list[Setpoint]:
    """Journal intents (one per device) and count their writes; the same set-points with their numbers, in order.

    The caller commits before it touches the wire.
    """
    if not drafts:
        return []
    rows = [_row(draft) | {"position": i} for i, draft in enumerate(drafts)]
    found = connection.execute(sa.text(INTEND), {"rows": json.dumps(rows, default=str), "at": at}).all()
    numbers = {(site, device): number for number, site, device in found}
    _count_writes(connection, drafts, at.date())
    return [replace(draft, setpoint_id=numbers[draft.site_key, draft.device], intended_at=at) for draft in drafts]


TAKE = """
    WITH steps AS (
        SELECT * FROM jsonb_to_recordset(CAST(:steps AS jsonb))
            AS s(position int, id bigint, before text, after text, at timestamptz, reason text, measured jsonb)
    ), lives AS (
        SELECT id, (array_agg(before ORDER BY position))[1] AS before,
               (array_agg(after ORDER BY position DESC))[1] AS after,
               (array_agg(reason ORDER BY position DESC))[1] AS reason, max(at) AS at,
               max(at) FILTER (WHERE after = 'sent') AS sent_at,
               max(at) FILTER (WHERE after = 'echoed') AS echoed_at,
               max(at) FILTER (WHERE after = 'effective') AS effective_at
        FROM steps GROUP BY id
    ), moved AS (
        UPDATE ems.setpoint p SET state = l.after, state_reason = l.reason,
            sent_at = coalesce(l.sent_at, p.sent_at), echoed_at = coalesce(l.echoed_at, p.echoed_at),
            effective_at = coalesce(l.effective_at, p.effective_at),
            ended_at = CASE WHEN l.after IN ('intended', 'sent', 'echoed', 'effective') THEN NULL ELSE l.at END
        FROM lives l WHERE p.setpoint_id = l.id AND p.state = l.before
        RETURNING p.setpoint_id
    ), logged AS (
        INSERT INTO ems.setpoint_event (setpoint_id, at, state, reason, measured)
        SELECT id, at, after, reason, measured FROM steps ORDER BY position
    )
    SELECT setpoint_id FROM moved"""


def take(connection: Connection, steps: Sequence[Step]) -> None:
    """Take steps, in order; those of one set-point follow each other.

    Raises:
        StaleStep: a set-point is no longer in the state its first step begins with.
    """
    if not steps:
        return
    rows = [
        {
            "position": i, "id": s.setpoint_id, "before": s.before, "after": s.after, "at": s.at, "reason": s.reason,
            "measured": dict(s.measured),
        }
        for i, s in enumerate(steps)
    ]  # fmt: skip
    moved = set(connection.execute(sa.text(TAKE), {"steps": json.dumps(rows, default=str)}).scalars())
    for step in steps:
        if step.setpoint_id not in moved:
            raise StaleStep(f"set-point {step.setpoint_id} is no longer {step.before}: another controller moved it")


def open_setpoints(connection: Connection, site_key: str) -> list[Setpoint]:
    """Set-points of a site that have not ended, oldest first."""
    return _setpoints(
        query(
            connection,
            f"SELECT {FIELDS} FROM ems.setpoint WHERE site_key = :site AND state IN {OPEN} ORDER BY setpoint_id",
            site=site_key,
        )
    )


STEERED = f"""
    WITH RECURSIVE newest AS (
        (SELECT * FROM ems.setpoint WHERE site_key = :site AND {TOUCHED}
         ORDER BY device_key, wire, setpoint_id DESC LIMIT 1)
        UNION ALL
        SELECT following.* FROM newest CROSS JOIN LATERAL (
            SELECT * FROM ems.setpoint p WHERE p.site_key = :site AND {TOUCHED}
                AND (p.device_key, p.wire) > (newest.device_key, newest.wire)
            ORDER BY p.device_key, p.wire, p.setpoint_id DESC LIMIT 1) following
    )
    SELECT {FIELDS} FROM newest n WHERE state <> 'released' AND (wire <> '' OR NOT EXISTS (
        SELECT FROM newest later WHERE later.device_key = n.device_key AND later.setpoint_id > n.setpoint_id))"""
"""One step along the index per wire (V019): every control run and every look asks, however long the journal."""


def steered(connection: Connection, site_key: str) -> list[Setpoint]:
    """What may still hold something of ours: the newest set-point of each device and wire, if it is no release.

    A device that was told at one place and is at another by now may be among them twice.
    """
    return _setpoints(query(connection, STEERED, site=site_key))


HELD = f"""
    SELECT s.site_key, h.device_key, h.wire, h.config_hash FROM ems.site s
    CROSS JOIN LATERAL ({STEERED.replace(":site", "s.site_key")}) h
    UNION
    SELECT site_key, device_key, wire, config_hash FROM ems.setpoint WHERE state IN {OPEN} AND NOT is_shadow"""


def held(connection: Connection, site_keys: Collection[str] | None = None) -> list[Held]:
    """What stands in the devices of some sites, or of all, for all their wires."""
    found = query(
        connection,
        f"SELECT * FROM ({HELD}) held WHERE CAST(:sites AS text[]) IS NULL OR site_key = ANY(:sites) ORDER BY 1, 2, 3",
        sites=None if site_keys is None else list(site_keys),
    )
    return [Held(*row) for row in found.iter_rows()]


def unfinished_sites(connection: Connection) -> set[str]:
    """Keys of sites in which something stands still, or a set-point, be it a shadow, has not ended."""
    open_rows = query(connection, f"SELECT DISTINCT site_key FROM ems.setpoint WHERE state IN {OPEN}")["site_key"]
    return {one.site_key for one in held(connection)} | set(open_rows)


def lived_before(connection: Connection, site_key: str, slot: datetime, latest: datetime) -> datetime | None:
    """When a slot that a clock has gone back over was served the first time; None: it was not, or this is that time.

    It shows in the journal: something was told for the slot, and either a later slot has been served (after ``latest``)
    or what was told ended before it began. Releases and shadows do not count.
    """
    return connection.execute(
        sa.text("""SELECT max(intended_at) FILTER (WHERE slot = :slot) FROM ems.setpoint
                   WHERE site_key = :site AND slot >= :slot AND NOT is_shadow AND source <> 'release'
                   HAVING bool_or(intended_at > :latest) OR bool_or(ended_at < intended_at AND slot = :slot)"""),
        {"site": site_key, "slot": slot, "latest": latest},
    ).scalar()


def writes_on(connection: Connection, site_key: str, day: date) -> dict[tuple[str, str], int]:
    """Writes of a UTC day by device and point."""
    found = query(
        connection,
        "SELECT device_key, point, writes FROM ems.point_write_count WHERE site_key = :site AND day = :day",
        site=site_key,
        day=day,
    )
    return {(device, point): writes for device, point, writes in found.iter_rows()}


def _count_writes(connection: Connection, drafts: Sequence[Setpoint], day: date) -> None:
    rows = [
        {"site": d.site_key, "device": d.device, "points": [w.point for w in d.intent.changes], "day": day}
        for d in drafts
        if d.intent.changes and not d.is_shadow
    ]
    if rows:
        connection.execute(
            sa.text("""INSERT INTO ems.point_write_count (site_key, device_key, point, day, writes)
                       SELECT :site, :device, unnest(CAST(:points AS text[])), :day, 1
                       ON CONFLICT (site_key, device_key, day, point)
                       DO UPDATE SET writes = point_write_count.writes + 1"""),
            rows,
        )


def _row(draft: Setpoint) -> dict[str, Any]:
    intent = draft.intent
    return {
        "site_key": draft.site_key, "device_key": intent.device, "slot": draft.slot, "source": intent.source.value,
        "command": intent.document, "writes": [(w.point, w.value) for w in intent.writes],
        "changes": [w.point for w in intent.changes], "planning_run_id": intent.planning_run_id,
        "plan_decided_at": intent.plan_decided_at, "asset_keys": intent.asset_keys,
        "control_override_id": intent.override_id, "reason": intent.reason, "is_shadow": draft.is_shadow,
        "valid_until": intent.valid_until, "config_hash": draft.config_hash, "wire": draft.wire,
        "before": intent.before,
    }  # fmt: skip


def _setpoints(frame: pl.DataFrame) -> list[Setpoint]:
    return [_setpoint(row) for row in frame.iter_rows(named=True)]


def _setpoint(row: Mapping[str, Any]) -> Setpoint:
    """A row as a record; a command that cannot be understood says so (`Unreadable`) and hides no other row."""
    writes, changes = json.loads(row["writes"]), set(json.loads(row["changes"]))
    intent = Intent(
        row["device_key"],
        command_of(json.loads(row["command"])),
        Source(row["source"]),
        row["reason"],
        row["valid_until"],
        asset_keys=tuple(json.loads(row["asset_keys"])),
        planning_run_id=row["planning_run_id"],
        plan_decided_at=row["plan_decided_at"],
        override_id=row["control_override_id"],
        writes=tuple(PointWrite(point, value) for point, value in writes),
        changes=tuple(PointWrite(point, value) for point, value in writes if point in changes),
    )
    lived = {name: row[name] for name in ("setpoint_id", "intended_at", "sent_at", "echoed_at", "config_hash", "wire")}
    return Setpoint(row["site_key"], row["slot"], intent, row["is_shadow"], state=State(row["state"]), **lived)
