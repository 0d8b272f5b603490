"""Bitemporal rules: what was known when. A correction is a new row; a read says "as known at".

Two kinds of table: facts from outside (`append`: only what is new or different becomes a row) and what we compute
(`issue`: every forecast or derived price is kept under its `known_at`, and computing it again replaces it).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import query, stage, upsert

FOREVER = "infinity"


def append(
    connection: Connection,
    table: str,
    frame: pl.DataFrame,
    *,
    keys: Sequence[str],
    values: Sequence[str],
    received_at: datetime,
) -> int:
    """Store facts, each with its ``known_at``; rows that say what was already known by then are left out.

    A row that contradicts one of the same keys and the same ``known_at`` is a correction: it counts as known from
    ``received_at``, so that decisions already made keep what they knew.

    Args:
        keys: what identifies a fact, without ``known_at``.
        values: columns that make two rows different; all others are remarks (source, basis).

    Returns:
        Number of rows added.
    """
    if frame.is_empty():
        return 0
    stage(connection, table, frame)
    names = [name for name in frame.columns if name != "known_at"]
    listed = ", ".join(f'"{n}"' for n in names)
    chosen = ", ".join(f'i."{n}"' for n in names)
    same_key = " AND ".join(f't."{k}" = i."{k}"' for k in keys)
    differs = " OR ".join(f'then_known."{v}" IS DISTINCT FROM i."{v}"' for v in values)
    result = connection.execute(
        sa.text(f"""
        INSERT INTO {table} ({listed}, known_at)
        SELECT {chosen}, CASE WHEN then_known.known_at = i.known_at THEN :received_at ELSE i.known_at END
        FROM incoming i
        LEFT JOIN LATERAL (
            SELECT t.* FROM {table} t WHERE {same_key} AND t.known_at <= i.known_at ORDER BY t.known_at DESC LIMIT 1
        ) then_known ON true
        WHERE then_known.known_at IS NULL OR {differs}
        ON CONFLICT DO NOTHING"""),
        {"received_at": received_at},
    )
    return int(result.rowcount)


def issue(connection: Connection, table: str, frame: pl.DataFrame, *, keys: Sequence[str]) -> int:
    """Store one issue of a forecast; the frame carries ``known_at``. The same issue made again replaces itself."""
    return upsert(connection, table, frame, [*keys, "known_at"])


def as_known(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    *,
    keys: Sequence[str],
    where: str,
    as_known_at: datetime | None = None,
    **parameters: Any,
) -> pl.DataFrame:
    """Newest row per key among those known at an instant (None: everything known by now), ordered by keys."""
    listed, ordered = ", ".join(columns), ", ".join(keys)
    sql = f"""
        SELECT DISTINCT ON ({ordered}) {listed}, known_at FROM {table}
        WHERE {where} AND known_at <= :as_known_at
        ORDER BY {ordered}, known_at DESC"""
    return query(connection, sql, as_known_at=as_known_at or FOREVER, **parameters)
