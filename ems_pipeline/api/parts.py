"""The parts of an installation as this process can see them: by what each of them leaves in the database."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field

from ems_pipeline.api.database import Connection
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import READS, Caller
from ems_pipeline.api.web import Web

Status = Literal["ok", "degraded", "down"]
ORDER: tuple[Status, ...] = ("ok", "degraded", "down")
ITSELF = Caller("ems-web", "program", "program", READS, None)
"""Who asks when the process looks at its own installation."""
NEWEST = """
    SELECT (SELECT count(*) FROM ems.site WHERE is_active) AS sites,
           (SELECT max(last_attempt_at) FROM ems.device_health) AS telemetry,
           (SELECT max(decided_at) FROM ems.planning_run
            WHERE decided_at > now() - interval '1 day' AND NOT is_shadow) AS planning,
           (SELECT max(decided_at) FROM ems.control_decision) AS control,
           (SELECT started_at FROM ems.supervisor) AS supervisor,
           (SELECT count(*) FROM ems.alarm WHERE cleared_at IS NULL AND severity = 'critical') AS critical"""
PATIENCE_S = 3.0
"""Whoever asks whether it works wants to know soon."""
LATE = {"telemetry": timedelta(minutes=5), "planning": timedelta(minutes=40), "control": timedelta(minutes=40)}
"""What comes each minute, or each quarter-hour, is late when two of them are missing."""


class Part(BaseModel):
    """One part."""

    name: str = Field(description="which part", examples=["planning"])
    status: Status = Field(description="how it is", examples=["ok"])
    since: datetime | None = Field(
        description="its newest work, or its start; null: none is known", examples=["2026-03-29T12:00:10Z"]
    )
    detail: str = Field(description="what is wrong, and the remedy; empty when nothing is", examples=[""])
    latency_ms: float | None = Field(
        None, description="of one question to it, ms; null: it is not asked", examples=[0.8]
    )


async def parts(web: Web) -> list[Part]:
    """All of them, the database first; without it nothing is known of the others."""
    began = time.perf_counter()
    try:
        async with web.database.reading(ITSELF, PATIENCE_S) as connection:
            row = await _row(connection)
    except Problem as problem:
        return [Part(name="database", status="down", since=None, detail=f"{problem.detail}; {problem.remedy}")]
    took = round((time.perf_counter() - began) * 1000, 3)
    now = web.clock.now()
    found = [Part(name="database", status="ok", since=now, detail="", latency_ms=took)]
    if row["sites"]:
        found += [_clock_work(name, row[name], now) for name in LATE]
    return [*found, Part(name="alarms", **_of_alarms(row["critical"]), since=None)]


async def _row(connection: Connection) -> dict[str, Any]:
    row = await (await connection.execute(NEWEST)).fetchone()
    assert row is not None
    return row


def _clock_work(name: str, newest: datetime | None, now: datetime) -> Part:
    if newest is None:
        detail = f"no {name} yet; start `ems up`, or wait for its first quarter-hour"
        return Part(name=name, status="degraded", since=None, detail=detail)
    if (late := now - newest) > LATE[name]:
        minutes = int(late.total_seconds() // 60)
        detail = f"nothing for {minutes} min; see whether `ems up` runs, and what `ems doctor` says"
        return Part(name=name, status="degraded", since=newest, detail=detail)
    return Part(name=name, status="ok", since=newest, detail="")


def _of_alarms(critical: int) -> dict[str, Any]:
    if critical:
        return {"status": "degraded", "detail": f"{critical} critical alarms are open; see GET /api/v1/alarms"}
    return {"status": "ok", "detail": ""}


def worst(found: list[Part]) -> Status:
    """The status of the whole."""
    return max((part.status for part in found), key=ORDER.index)
