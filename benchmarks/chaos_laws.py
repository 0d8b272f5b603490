"""What must hold after faults: slots, rows, writes and recovery, each judged from what the installation left.

Sources: Dagster's runs, the tables, and what the virtual plant noted of every value it was told (`noted_up.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from chaos_kills import Kill
from chaos_recovery import alarms_nobody_ends, daemons_down, runs_left
from chaos_rows import QUERIES, impossible_lives, torn_sweeps
from living import Living
from noted_up import Written, written

from ems_pipeline.devices.driver.translation import tolerance
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.orchestration import beats
from ems_pipeline.orchestration.beats import Beat
from ems_pipeline.orchestration.installation import cadence
from ems_pipeline.orchestration.installation.cadence import Cadence
from ems_pipeline.orchestration.machinery.coordinator import SLOT_TAG
from ems_pipeline.orchestration.sensors import LOOK_AHEAD
from ems_pipeline.sites import Site, load_site
from ems_pipeline.warehouse import inventory
from ems_pipeline.warehouse.frames import query

LEEWAY_S = 2.0
"""Clocks of different processes, and runs that begin a moment before they say so."""
WIRE_S = 30.0
"""A value reaches its device within this after its set-point was journalled."""


@dataclass
class Verdict:
    """A law, what breaks it, and what is worth knowing all the same."""

    law: str
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge(live: Living, kills: list[Kill], start: datetime, end: datetime, notes: Path) -> list[Verdict]:
    """All laws over the slots due in ``[start, end)``."""
    with live.warehouse.snapshot() as connection:
        rows = {law: query(connection, sql)["what"].to_list() for law, sql in QUERIES.items()}
        torn = torn_sweeps(connection, start)
        lives = impossible_lives(connection)
        doubled = inventory.doubled_setpoints(connection, start - timedelta(hours=1), end + timedelta(hours=1))
    slots = Verdict("every slot was served once, or was lost to a stated outage")
    for one in cadence.of(live.instance, live.warehouse, start, end):
        _judge_beat(live.instance, one, kills, slots)
    partial = Verdict(
        "no rows without those they belong to", [f"{law}: {w}" for law, found in rows.items() for w in found]
    )
    partial.broken += torn + lives
    partial.notes = [f"{len(QUERIES) + 2} rules over the tables"]
    recovery = Verdict("everything works again without hands", runs_left(live.instance) + daemons_down(live.instance))
    stuck, standing = alarms_nobody_ends(live.warehouse, live.instance)
    recovery.broken += stuck
    recovery.broken += [f"nothing served again after {kill.label}" for kill in kills if kill.back_at is None]
    recovery.notes = standing
    return [slots, partial, _writes(live, kills, notes, doubled), recovery]


def _judge_beat(instance: dg.DagsterInstance, one: Cadence, kills: list[Kill], verdict: Verdict) -> None:
    beat = one.beat
    verdict.notes.append(
        f"{beat.job}: {len(one.served)} slots, {len(one.served) - len(one.missed) - len(one.twice)} served once, "
        f"{len(one.missed)} lost, {len(one.twice)} more than once; {one.failed} failed runs"
    )
    for slot in one.missed:
        why, kill = _lost_to(instance, beat, slot, kills)
        text = f"{beat.job} of {slot:%H:%M} UTC lost: {why}"
        if kill is None:
            verdict.broken.append(f"{text}, in no outage")
        else:
            verdict.notes.append(f"{text}, {kill.label}")
    verdict.broken += [f"{beat.job} of {slot:%H:%M} UTC served {one.served[slot]} times" for slot in one.twice]
    verdict.broken += list(one.doubled)


def _lost_to(instance: dg.DagsterInstance, beat: Beat, slot: datetime, kills: list[Kill]) -> tuple[str, Kill | None]:
    """Why a slot was lost, and the kill in whose outage its run was at work or should have been asked for."""
    tags = {SLOT_TAG: beats.stamp(slot)}
    runs = instance.get_run_records(dg.RunsFilter(job_name=beat.job, tags=tags))
    due = beat.due(slot).timestamp()
    if not runs:
        span, why = (due, due), "never asked for"
    else:
        began = runs[0].start_time or runs[0].create_timestamp.timestamp()
        span, why = (began, runs[0].end_time or float("inf")), f"its run ended {runs[0].dagster_run.status.value}"
    overlapping = [kill for kill in kills if kill.at - LEEWAY_S <= span[1] and _until(kill) >= span[0]]
    within = [kill for kill in overlapping if kill.at >= span[0] - LEEWAY_S]  # the first of them ended it
    return why, next(iter(within or overlapping[::-1]), None)


def _until(kill: Kill) -> float:
    """The end of its outage, with what a sensor then needs to be asked."""
    return float("inf") if kill.back_at is None else kill.back_at + LOOK_AHEAD.total_seconds()


def _writes(live: Living, kills: list[Kill], notes: Path, doubled: list[str]) -> Verdict:
    """Each value that reached a device belongs to one set-point, and a set-point told each point once at most.

    Without a journal devices are let go all the same: those values belong to an outage of the database.
    """
    verdict = Verdict("each set-point told a point at most once, and nobody else told it anything", list(doubled))
    (file,) = (live.home.parent / "sites").glob("*.yaml")
    site = load_site(file, environ={})
    noted = written(notes)
    told = [one for one in noted if one.point != "ems_heartbeat"]
    spent: set[tuple[int, str]] = set()
    unjournalled = 0
    setpoints = _setpoints(live, site)
    for one in told:
        owner = next((n for n, s in setpoints if _is_of(one, s) and (n, one.point) not in spent), None)
        if owner is not None:
            spent.add((owner, one.point))
        elif any(_was_down(kill, one.at) for kill in kills):
            unjournalled += 1
        else:
            verdict.broken.append(f"{one.device}/{one.point} = {one.value:g} at {_clock(one.at)} by no set-point")
    tellers = {number for number, _ in spent}
    verdict.notes.append(
        f"{len(told)} values reached devices: {len(spent)} by {len(tellers)} of {len(setpoints)} set-points, "
        f"{unjournalled} let go without a journal; {len(noted) - len(told)} heartbeats"
    )
    return verdict


def _setpoints(live: Living, site: Site) -> list[tuple[int, dict[str, object]]]:
    """Set-points meant for hardware: number, and device, when, and values by point (of those that had to change)."""
    with live.warehouse.begin() as connection:
        found = query(
            connection,
            """SELECT setpoint_id, device_key, intended_at, writes::text AS writes,
                      array_to_json(changes)::text AS changes FROM ems.setpoint WHERE NOT is_shadow ORDER BY 1""",
        )
    made = []
    for row in found.iter_rows(named=True):
        point_map = load_map(site.device(row["device_key"]).map)
        changes = json.loads(row["changes"])
        points = [(point_map.point(name), value) for name, value in json.loads(row["writes"]) if name in changes]
        values = {point.name: (value, tolerance(point)) for point, value in points}
        made.append((row["setpoint_id"], {"device": row["device_key"], "at": row["intended_at"], "values": values}))
    return made


def _is_of(one: Written, setpoint: dict[str, object]) -> bool:
    values, at = setpoint["values"], setpoint["at"]
    if setpoint["device"] != one.device or one.point not in values:  # type: ignore[operator]
        return False
    wanted, within = values[one.point]  # type: ignore[index]
    since_s = one.at - at.timestamp()  # type: ignore[attr-defined]
    return -LEEWAY_S <= since_s <= WIRE_S and abs(one.value - wanted) <= within


def _was_down(kill: Kill, at: float) -> bool:
    """Whether a database was away or had just come back; who lost it has its time-outs to wait for."""
    return kill.database_back_at is not None and kill.what in ("database", "backend") and (
        kill.at - LEEWAY_S <= at <= kill.database_back_at + WIRE_S
    )  # fmt: skip


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"
