"""Rows that are never changed: what says something else than its newest version is a version more."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import stage

DIGITS = 6
"""Of money, Wh and per cent: less is no correction."""


def put(connection: Connection, table: str, rows: pl.DataFrame, keys: Sequence[str], said: Sequence[str]) -> int:
    """Store rows that say something else than their newest version; how many those are.

    Args:
        table: with a column ``version``, 1 and up, besides the ``keys``.
        said: columns that are compared.
    """
    stage(connection, table, rows)
    numbers = {name for name in said if rows.schema[name].is_float()}

    def of(row: str) -> str:
        return ", ".join(
            f"round({row}.{name}::numeric, {DIGITS})" if name in numbers else f"{row}.{name}" for name in said
        )

    stored = connection.exec_driver_sql(f"""
        INSERT INTO {table} ({", ".join(rows.columns)}, version)
        SELECT {", ".join(f"i.{name}" for name in rows.columns)}, coalesce(o.version, 0) + 1
        FROM incoming i
        LEFT JOIN LATERAL (SELECT * FROM {table} b
                           WHERE {" AND ".join(f"b.{key} = i.{key}" for key in keys)}
                           ORDER BY b.version DESC LIMIT 1) o ON true
        WHERE o.version IS NULL OR ({of("i")}) IS DISTINCT FROM ({of("o")})""")
    return stored.rowcount
