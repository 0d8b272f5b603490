"""What can be followed: a topic's right, its messages, and how things stand when somebody begins to follow it.

``site:KEY``   the newest readings of a site's points, once a minute as the devices are asked: never more often
``gensets``    live values of controllers, as they change
``devices``    steps of set-points      ``plans``  decided plans
``events``     alarms                   ``requests``  what became of what was asked for
``genset_alarms``  steps of alarms of generating sets, as their controllers are polled
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

from ems_pipeline.api.database import Connection
from ems_pipeline.api.live import gensets
from ems_pipeline.api.live.told import Told, stamp
from ems_pipeline.api.rights import Caller

SITE = "site:"
RIGHTS = {
    "gensets": "telemetry:read",
    "devices": "control:read",
    "plans": "plans:read",
    "events": "alarms:read",
    "requests": "requests:read",
    "genset_alarms": "alarms:read",
}
TELEMETRY = "telemetry:read"
GENSETS = "gensets"
READINGS = """
    SELECT l.site_key, l.device_key, l.quantity, l.unit, l.value, l.quality, l.reason, l.reported_at
    FROM ems.vw_latest_telemetry l WHERE l.site_key = ANY(%(keys)s) ORDER BY l.site_key, l.device_key, l.quantity"""
STEPS = """
    SELECT s.site_key, s.setpoint_id, s.device_key, s.source, s.is_shadow, s.command, e.state, e.reason, e.at
    FROM ems.setpoint_event e JOIN ems.setpoint s USING (setpoint_id)"""
PLANS = """
    SELECT site_key, planning_run_id, kind, decided_at, horizon_start, horizon_end, status, is_verified
    FROM ems.planning_run WHERE NOT is_shadow"""
ALARMS = """
    SELECT site_key, alarm_id, device_key, kind, severity, text, raised_at, last_at, times, acknowledged_at,
        acknowledged_by, cleared_at
    FROM ems.alarm"""
REQUESTS = """
    SELECT site_key, request_id, kind, state, requested_by, requested_at, started_at, ended_at, problem
    FROM ems.request"""
GENSET_STEPS = """
    SELECT e.site_key, e.genset_alarm_event_id, e.genset_alarm_id, e.at, e.what, e.state, e.by_whom, e.reason,
        a.device_key, a.group_name, a.name, a.place
    FROM ems.genset_alarm_event e JOIN ems.genset_alarm a USING (genset_alarm_id)"""
CHANGED = {
    "telemetry": READINGS,
    "devices": f"{STEPS} WHERE e.setpoint_event_id = ANY(%(keys)s::bigint[]) ORDER BY e.setpoint_event_id",
    "plans": f"{PLANS} AND planning_run_id = ANY(%(keys)s::uuid[]) ORDER BY recorded_at",
    "events": f"{ALARMS} WHERE alarm_id = ANY(%(keys)s::bigint[]) ORDER BY last_at, alarm_id",
    "requests": f"{REQUESTS} WHERE request_id = ANY(%(keys)s::uuid[]) ORDER BY requested_at",
    "genset_alarms": f"""
        {GENSET_STEPS} WHERE e.genset_alarm_event_id = ANY(%(keys)s::bigint[]) ORDER BY e.genset_alarm_event_id""",
}
"""What is read when the database says that rows with these keys are new; of telemetry the keys are sites."""
_SEEN = "(%(sites)s::text[] IS NULL OR site_key = ANY(%(sites)s::text[]))"
STANDING = {
    "devices": f"""
        SELECT site_key, setpoint_id, device_key, source, is_shadow, command, state, state_reason AS reason,
            coalesce(effective_at, echoed_at, sent_at, intended_at) AS at
        FROM ems.setpoint WHERE state IN ('intended', 'sent', 'echoed', 'effective') AND {_SEEN}
        ORDER BY setpoint_id""",
    "plans": f"""
        SELECT DISTINCT ON (site_key) * FROM ({PLANS} AND {_SEEN} AND decided_at > now() - interval '8 days') p
        ORDER BY site_key, decided_at DESC""",
    "events": f"{ALARMS} WHERE cleared_at IS NULL AND {_SEEN} ORDER BY last_at",
    "requests": f"{REQUESTS} WHERE state IN ('queued', 'running') AND {_SEEN} ORDER BY requested_at",
    "genset_alarms": f"""
        SELECT DISTINCT ON (genset_alarm_id) * FROM ({GENSET_STEPS} WHERE a.ended_at IS NULL) s WHERE {_SEEN}
        ORDER BY genset_alarm_id, genset_alarm_event_id DESC""",
}


def fault(topic: str, caller: Caller) -> str | None:
    """Why somebody may not follow it: a code; None: they may. A foreign site is as unknown as one that is not there."""
    if topic.startswith(SITE):
        if not caller.sees(topic.removeprefix(SITE)):
            return "topic_unknown"
        return None if caller.may(TELEMETRY) else "permission_missing"
    if topic not in RIGHTS:
        return "topic_unknown"
    return None if caller.may(RIGHTS[topic]) else "permission_missing"


async def changed(connection: Connection, heard: str, keys: Iterable[str]) -> list[Told]:
    """Messages about rows of which the database said that they are new."""
    rows = await (await connection.execute(CHANGED[heard], {"keys": list(keys)})).fetchall()
    if heard == "telemetry":
        return _readings(rows)
    return [MESSAGES[heard](row) for row in rows]


async def standing(connection: Connection, wanted: list[str], caller: Caller) -> dict[str, list[dict[str, Any]]]:
    """How things stand, by topic: the messages that would have brought a client there. All sites are one question."""
    sites = caller.listed_sites
    said = dict[str, list[Told]]((topic, []) for topic in wanted)
    keys = [topic.removeprefix(SITE) for topic in wanted if topic.startswith(SITE)]
    for one in await changed(connection, "telemetry", keys) if keys else ():
        said[one.topic].append(one)
    if GENSETS in said:
        said[GENSETS] = await gensets.standing(connection, sites)
    for topic in said.keys() & STANDING.keys():
        rows = await (await connection.execute(STANDING[topic], {"sites": sites})).fetchall()
        said[topic] = [MESSAGES[topic](row) for row in rows]
    return {topic: [{"type": one.kind, **one.body} for one in all_of_it] for topic, all_of_it in said.items()}


def _readings(rows: list[dict[str, Any]]) -> list[Told]:
    by_site = dict[str, list[dict[str, Any]]]()
    for row in rows:
        by_site.setdefault(row["site_key"], []).append(
            {
                "sensor_id": f"{row['device_key']}/{row['quantity']}",
                "value": row["value"] if row["value"] is not None and isfinite(row["value"]) else None,
                "unit": row["unit"],
                "quality": row["quality"],
                "reason": row["reason"],
                "measured_at": stamp(row["reported_at"]),
            }
        )
    return [
        Told(f"{SITE}{site}", site, "readings", {"site": site, "readings": readings}, site)
        for site, readings in by_site.items()
    ]


def _step(row: dict[str, Any]) -> Told:
    body = {
        "site": row["site_key"],
        "id": row["setpoint_id"],
        "device": row["device_key"],
        "source": row["source"],
        "is_shadow": row["is_shadow"],
        "command": row["command"],
        "state": row["state"],
        "reason": row["reason"],
        "at": stamp(row["at"]),
    }
    return Told("devices", row["site_key"], "setpoint", body)


def _plan(row: dict[str, Any]) -> Told:
    body = {
        "site": row["site_key"],
        "run_id": str(row["planning_run_id"]),
        "kind": row["kind"],
        "decided_at": stamp(row["decided_at"]),
        "horizon": {"start": stamp(row["horizon_start"]), "end": stamp(row["horizon_end"])},
        "status": row["status"],
        "is_verified": row["is_verified"],
    }
    return Told("plans", row["site_key"], "plan_changed", body, (row["site_key"], row["kind"]))


def _alarm(row: dict[str, Any]) -> Told:
    is_open, is_seen = row["cleared_at"] is None, row["acknowledged_at"] is not None
    body = {
        "site": row["site_key"],
        "id": row["alarm_id"],
        "ts": stamp(row["raised_at"]),
        "last_at": stamp(row["last_at"]),
        "times": row["times"],
        "kind": row["kind"],
        "severity": row["severity"],
        "subject": {"kind": "device", "id": row["device_key"]}
        if row["device_key"]
        else {"kind": "site", "id": row["site_key"]},
        "text": row["text"],
        "acknowledged_by": row["acknowledged_by"],
        "cleared_at": None if is_open else stamp(row["cleared_at"]),
    }
    return Told("events", row["site_key"], "event_acknowledged" if is_open and is_seen else "event", {"event": body})


def _genset_step(row: dict[str, Any]) -> Told:
    body = {
        "site": row["site_key"],
        "id": row["genset_alarm_id"],
        "step_id": row["genset_alarm_event_id"],
        "device": row["device_key"],
        "group": row["group_name"],
        "name": row["name"],
        "what": row["what"],
        "state": row["state"],
        "is_first": row["place"] == 1,
        "by_whom": row["by_whom"],
        "reason": row["reason"],
        "at": stamp(row["at"]),
    }
    return Told("genset_alarms", row["site_key"], "genset_alarm", body)


def _request(row: dict[str, Any]) -> Told:
    ended = row["ended_at"] or row["started_at"] or row["requested_at"]
    body = {
        "site": row["site_key"],
        "request_id": str(row["request_id"]),
        "kind": row["kind"],
        "state": row["state"],
        "problem": row["problem"],
        "at": stamp(ended),
    }
    return Told("requests", row["site_key"], "request", body)


MESSAGES: dict[str, Callable[[dict[str, Any]], Told]] = {
    "devices": _step,
    "plans": _plan,
    "events": _alarm,
    "requests": _request,
    "genset_alarms": _genset_step,
}
