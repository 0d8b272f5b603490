"""Drafts of maintenance templates: regulations as they were read, until a person confirms or puts them away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import query


def put(
    connection: Connection, source: str, digest: str, document: Mapping[str, Any], at: datetime, by: str
) -> tuple[int, bool]:
    """Keep a draft; its number, and whether it is new: a document whose draft is open is read anew into that one."""
    number, is_new = connection.execute(
        sa.text("""INSERT INTO ems.maintenance_draft (source, digest, document, imported_at, imported_by)
                   VALUES (:source, :digest, CAST(:document AS jsonb), :at, :by)
                   ON CONFLICT (digest) WHERE ended_at IS NULL
                   DO UPDATE SET document = excluded.document, source = excluded.source,
                                 imported_at = excluded.imported_at
                   RETURNING draft_id, xmax = 0"""),
        {
            "source": source, "digest": digest, "document": json.dumps(dict(document), ensure_ascii=False), "at": at,
            "by": by,
        },
    ).one()  # fmt: skip
    return int(number), bool(is_new)


def of_number(connection: Connection, number: int) -> dict[str, Any]:
    """The document of an open draft; LookupError: there is none."""
    found = connection.execute(
        sa.text("SELECT document FROM ems.maintenance_draft WHERE draft_id = :number AND ended_at IS NULL"),
        {"number": number},
    ).scalar_one_or_none()
    if found is None:
        raise LookupError(f"there is no open draft {number}; `ems maintenance drafts` lists them")
    return dict(found)


def end(connection: Connection, number: int, template_id: int | None) -> None:
    """It became a template, or was put away."""
    connection.execute(
        sa.text("SELECT ems.fn_maintenance_draft_end(:number, :template)"), {"number": number, "template": template_id}
    )


def listing(connection: Connection) -> pl.DataFrame:
    """Open drafts. Columns: draft_id, source, imported_at, imported_by, levels, tasks, unread (how many of each)."""
    return query(
        connection,
        """SELECT draft_id, source, imported_at, imported_by, jsonb_array_length(document -> 'levels') AS levels,
                  jsonb_array_length(document -> 'tasks') AS tasks, jsonb_array_length(document -> 'unread') AS unread
           FROM ems.maintenance_draft WHERE ended_at IS NULL ORDER BY draft_id""",
    )
