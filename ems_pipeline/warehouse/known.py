"""Bitemporal rules: what was known when. A correction is a new row; a read says "as known at".

Two kinds of table: facts from outside and prices that follow from them (`append`: only what is new or different becomes
a row) and what we expect (`issue`: every forecast is kept, with the instant it was made for, `known_at`, and the one
it was made at, `recorded_at`). A forecast that was recorded later, whatever instant it was made for, is hindsight: it
stands in where nothing was known, and changes nothing where something was (`issue_order`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import query, stage, upsert_staged

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


def issue(
    connection: Connection, table: str, frame: pl.DataFrame, *, keys: Sequence[str], whole: Sequence[str] = ()
) -> int:
    """Store one issue of a forecast; the frame carries ``known_at`` and ``recorded_at`` (absent: made right then).

    Made again later it is rows of its own, whole, unless it says the same again.

    Args:
        whole: of what an issue says everything, where it is read so: to leave a row out is to say something else.

    Returns:
        Number of rows of the issue.
    """
    if frame.is_empty():
        return 0
    if "recorded_at" not in frame.columns:
        frame = frame.with_columns(recorded_at="known_at")
    stage(connection, table, frame)
    said_again = _is_said_again(connection, table, frame.columns, [*keys, "known_at"])
    if not said_again or (whole and _leaves_out(connection, table, [*keys, "known_at"], [*whole, "known_at"])):
        upsert_staged(connection, table, frame.columns, [*keys, "known_at", "recorded_at"])
    return frame.height


def _is_said_again(connection: Connection, table: str, columns: Sequence[str], keys: Sequence[str]) -> bool:
    """Whether every row of ``incoming`` says what the last one recorded for the same keys does."""
    same_key = " AND ".join(f't."{k}" = i."{k}"' for k in keys)
    values = [name for name in columns if name not in (*keys, "recorded_at")]
    differs = " OR ".join(f'last."{v}" IS DISTINCT FROM i."{v}"' for v in values)
    found = connection.exec_driver_sql(f"""
        SELECT FROM incoming i LEFT JOIN LATERAL (
            SELECT t.* FROM {table} t WHERE {same_key} ORDER BY t.recorded_at DESC LIMIT 1
        ) last ON true
        WHERE last.recorded_at IS NULL OR {differs} LIMIT 1""")
    return found.first() is None


def _leaves_out(connection: Connection, table: str, keys: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether ``incoming`` lacks a row of the last issue recorded for the same whole."""
    same_key = " AND ".join(f'i."{k}" = t."{k}"' for k in keys)
    listed = ", ".join(f'"{k}"' for k in whole)
    found = connection.exec_driver_sql(f"""
        SELECT FROM (
            SELECT t.*, rank() OVER (PARTITION BY {listed} ORDER BY recorded_at DESC) AS age FROM {table} t
            WHERE ({listed}) IN (SELECT {listed} FROM incoming)
        ) t WHERE age = 1 AND NOT EXISTS (SELECT FROM incoming i WHERE {same_key}) LIMIT 1""")
    return found.first() is not None


def issue_order(instant: str, table: str = "") -> str:
    """How the issues of one key that are known at an instant (a term of SQL) are ordered, the one that counts first.

    What was recorded by then comes before hindsight. ``fn_cop_estimate`` says the same.
    """
    column = f"{table}." if table else ""
    return f"({column}recorded_at <= {instant}) DESC, {column}known_at DESC, {column}recorded_at DESC"


ISSUES = issue_order(":as_known_at")


def as_known(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    *,
    keys: Sequence[str],
    where: str,
    as_known_at: datetime | None = None,
    order: str = "known_at DESC",
    **parameters: Any,
) -> pl.DataFrame:
    """Newest row per key among those known at an instant (None: everything known by now), ordered by keys.

    Args:
        order: which row of a key comes first; `ISSUES` for what we expect.
    """
    listed, ordered = ", ".join(columns), ", ".join(keys)
    sql = f"""
        SELECT DISTINCT ON ({ordered}) {listed}, known_at FROM {table}
        WHERE {where} AND known_at <= :as_known_at
        ORDER BY {ordered}, {order}"""
    return query(connection, sql, as_known_at=as_known_at or FOREVER, **parameters)
