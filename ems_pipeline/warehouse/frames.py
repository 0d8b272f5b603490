"""Polars frames in and out of PostgreSQL: COPY in, typed frames out.

Frames go in as CSV through COPY: polars writes it at memory speed and PostgreSQL parses it in C, which measured faster
than binary rows built in Python. Strings are quoted, so an empty string and a NULL stay different.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.local_time import INSTANT


def query(connection: Connection, sql: str, **parameters: Any) -> pl.DataFrame:
    """Run a select; named parameters as ``:name``. Instants come out as UTC microseconds, also from an empty answer."""
    result = connection.execute(sa.text(sql), parameters)
    cursor: Any = result.cursor
    schema = [(column.name, _KINDS.get(column.type_code)) for column in cursor.description]
    columns = [list(column) for column in zip(*result.all(), strict=True)] or [[] for _ in schema]
    return pl.DataFrame(columns, schema=schema, orient="col", strict=False)


# PostgreSQL type numbers (pg_type.oid) that a frame should keep typed even when it is empty.
_KINDS: dict[int, Any] = {
    16: pl.Boolean, 20: pl.Int64, 21: pl.Int64, 23: pl.Int64, 25: pl.String, 700: pl.Float64, 701: pl.Float64,
    1042: pl.String, 1043: pl.String, 1082: pl.Date, 1184: INSTANT, 1700: pl.Float64,
}  # fmt: skip


def copy_into(connection: Connection, table: str, frame: pl.DataFrame) -> int:
    """COPY a frame into a table; column names are the frame's. Returns the rows written."""
    if frame.is_empty():
        return 0
    columns = ", ".join(f'"{name}"' for name in frame.columns)
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(_csv(frame))
    return frame.height


def _csv(frame: pl.DataFrame) -> bytes:
    instants = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    naive = [name for name in instants if getattr(frame.schema[name], "time_zone", None) is None]
    if naive:
        raise ValueError(f"columns {naive} have no time zone; make them UTC before they are written")
    as_text = [pl.col(name).dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6f+00") for name in instants]
    return frame.with_columns(as_text).write_csv(include_header=False, quote_style="non_numeric").encode()


def upsert(connection: Connection, table: str, frame: pl.DataFrame, keys: Sequence[str]) -> int:
    """Insert rows, replacing those with the same keys, in one statement. Returns the rows written."""
    if frame.is_empty():
        return 0
    stage(connection, table, frame)
    upsert_staged(connection, table, frame.columns, keys)
    return frame.height


def upsert_staged(connection: Connection, table: str, columns: Sequence[str], keys: Sequence[str]) -> None:
    """`upsert` of what stands in ``incoming`` already, see `stage`."""
    names = ", ".join(f'"{name}"' for name in columns)
    values = [name for name in columns if name not in keys]
    action = "UPDATE SET " + ", ".join(f'"{v}" = excluded."{v}"' for v in values) if values else "NOTHING"
    connection.exec_driver_sql(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM incoming ON CONFLICT ({', '.join(keys)}) DO {action}"
    )


def stage(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """COPY a frame into the temporary table ``incoming``, shaped like ``table``."""
    names = ", ".join(f'"{name}"' for name in frame.columns)
    connection.exec_driver_sql("DROP TABLE IF EXISTS incoming")
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT {names} FROM {table} WITH NO DATA"
    )
    copy_into(connection, "incoming", frame)
