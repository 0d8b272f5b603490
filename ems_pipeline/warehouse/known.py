"""Bitemporal rules: what was known when. A correction is a new row; a read says "as known at".

Two kinds of table: facts from outside and prices that follow from them (`append`: only what is new or different becomes
a row) and what we expect (`issue`: every forecast is kept under its `known_at`, and making it again replaces it).
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
    """Store facts, or what follows from facts, each with its ``known_at``; no answer of an earlier moment changes.

    A key of which nothing is known yet gets all its rows, as a past day filled later has a history of its own. Of any
    other key only the newest row counts: it is left out where it says what is known by ``received_at``, also when it
    was something else in between, and is known from ``received_at`` on where it contradicts that.

    Args:
        keys: what identifies a fact, without ``known_at``.
        values: columns that make two rows different; all others are remarks (source, basis).
        received_at: now, by the clock that decides.

    Returns:
        Number of rows added.
    """
    if frame.is_empty():
        return 0
    stage(connection, table, frame)
    names = [name for name in frame.columns if name != "known_at"]
    listed = ", ".join(f'"{n}"' for n in names)
    chosen = ", ".join(f'i."{n}"' for n in names)
    key = ", ".join(f'"{k}"' for k in keys)
    same_key = " AND ".join(f't."{k}" = i."{k}"' for k in keys)
    differs = " OR ".join(f'newest."{v}" IS DISTINCT FROM i."{v}"' for v in values)
    said = ", ".join(f'"{n}" = excluded."{n}"' for n in names if n not in keys)
    # A conflict is with a row of the same instant or of one to come: neither is history.
    result = connection.execute(
        sa.text(f"""
        INSERT INTO {table} ({listed}, known_at)
        SELECT {chosen}, CASE WHEN newest.known_at IS NULL THEN i.known_at ELSE greatest(i.known_at, :received_at) END
        FROM (SELECT *, known_at = max(known_at) OVER (PARTITION BY {key}) AS is_newest FROM incoming) i
        LEFT JOIN LATERAL (
            SELECT t.* FROM {table} t WHERE {same_key} AND t.known_at <= greatest(i.known_at, :received_at)
            ORDER BY t.known_at DESC LIMIT 1
        ) newest ON true
        WHERE newest.known_at IS NULL OR i.is_newest AND ({differs})
        ON CONFLICT ({key}, known_at) DO UPDATE SET {said}"""),
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
