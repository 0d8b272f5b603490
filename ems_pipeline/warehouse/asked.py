"""Requests: what a person or a program asked for over HTTP, from the row that files it to the answer that ends it.

A row is filed by ``fn_request_add`` and ends once: ``done`` with a result, ``failed`` or ``refused`` with a problem
that ends with its remedy. What has ended stays as it ended.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import paragraph, plain, told
from ems_pipeline.warehouse.frames import query

OPEN = ("queued", "running")
COLUMNS = "request_id::text AS request_id, kind, site_key, parameters::text AS parameters, requested_by, requested_at"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that has not ended; ``site_key`` is empty where it is about the installation."""

    request_id: str
    kind: str
    site_key: str
    parameters: Mapping[str, Any]
    requested_by: str
    requested_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request came to nothing, and what mends it."""

    detail: str
    remedy: str

    @classmethod
    def of(cls, fault: Exception) -> Refusal:
        """What an error says; one that is not of ours tells no remedy."""
        if isinstance(fault, EmsError):
            return cls(fault.what, fault.remedy)
        return cls(str(fault) or told(fault), "ask for what there is")

    def __str__(self) -> str:
        return f"{paragraph(self.detail)}; {plain(self.remedy)}" if self.remedy else paragraph(self.detail)


class NotAnswered(EmsError):
    """A request that was tried and came to nothing; ``remedy`` says what mends it."""


def standing(connection: Connection) -> list[Asked]:
    """Requests that have not ended, oldest first."""
    found = query(
        connection,
        f"SELECT {COLUMNS}, state FROM ems.request WHERE state = ANY(:open) ORDER BY requested_at, request_id",
        open=list(OPEN),
    )
    return [_asked(row) for row in found.iter_rows(named=True)]


def begin(connection: Connection, request_id: str, run_id: str, at: datetime) -> Asked | None:
    """A run begins to work on a request; None: it has ended already, or never was."""
    row = connection.execute(
        sa.text(f"""UPDATE ems.request SET state = 'running', run_id = :run, started_at = coalesce(started_at, :at)
                    WHERE request_id::text = :id AND state = ANY(:open) RETURNING {COLUMNS}, state"""),
        {"id": request_id, "run": run_id, "at": at, "open": list(OPEN)},
    ).mappings()
    found = row.first()
    return _asked(dict(found)) if found is not None else None


def finish(connection: Connection, request_id: str, result: Mapping[str, Any], at: datetime) -> bool:
    """A request ends with what it brought; False when it had ended before."""
    return _end(connection, request_id, "done", at, result=json.dumps(result, default=str))


def fail(connection: Connection, request_id: str, why: Refusal, at: datetime) -> bool:
    """A request was tried and came to nothing; False when it had ended before."""
    return _end(connection, request_id, "failed", at, problem=str(why))


def refuse(connection: Connection, request_id: str, why: Refusal, at: datetime) -> bool:
    """A request was never tried; False when it had ended before."""
    return _end(connection, request_id, "refused", at, problem=str(why))


def plans_of_run(connection: Connection, site_key: str, run_id: str) -> pl.DataFrame:
    """Plans that a run has made for a site, oldest first: number, kind, when decided, status, is_verified."""
    return query(
        connection,
        """SELECT planning_run_id::text AS planning_run_id, kind, decided_at, status, is_verified
           FROM ems.planning_run WHERE site_key = :site AND dagster_run_id = :run ORDER BY recorded_at""",
        site=site_key,
        run=run_id,
    )


def _end(
    connection: Connection, request_id: str, state: str, at: datetime, result: str | None = None,
    problem: str = "",
) -> bool:  # fmt: skip
    ended = connection.execute(
        sa.text("""UPDATE ems.request SET state = :state, ended_at = :at, result = CAST(:result AS jsonb),
                          problem = :problem
                   WHERE request_id::text = :id AND state = ANY(:open)"""),
        {"id": request_id, "state": state, "at": at, "result": result, "problem": problem, "open": list(OPEN)},
    )
    return bool(ended.rowcount)


def _asked(row: Mapping[str, Any]) -> Asked:
    return Asked(
        row["request_id"],
        row["kind"],
        row["site_key"] or "",
        json.loads(row["parameters"]),
        row["requested_by"],
        row["requested_at"],
        row["state"],
    )
