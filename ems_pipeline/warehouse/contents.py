"""What a database holds, table by table, so that two can be compared: rows and a checksum that knows no order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from sqlalchemy.engine import Connection

Progress = Callable[[str, int], None]
"""Told about each table and how many rows of it are done."""


@dataclass(frozen=True)
class Contents:
    """Rows of a table, and the sum of 60 bits of each row's MD5: equal for equal rows in any order."""

    rows: int
    checksum: str


def tables(connection: Connection) -> list[str]:
    """Tables of schema `ems`, each after those it refers to; a partition counts as part of its parent."""
    found = connection.exec_driver_sql(
        """SELECT c.relname, f.relname FROM pg_class c
           LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid
           LEFT JOIN pg_class f ON f.oid = k.confrelid
           WHERE c.relnamespace = 'ems'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           ORDER BY 1, 2"""
    )
    refers: dict[str, set[str]] = {}
    for name, referred in found:
        refers.setdefault(name, set()).update([referred] if referred else [])
    return list(TopologicalSorter(refers).static_order())


def contents(connection: Connection, progress: Progress = lambda *_: None) -> dict[str, Contents]:
    """Rows and checksum of every table of schema `ems`."""
    connection.exec_driver_sql("SET LOCAL datestyle = 'ISO'")  # rows are compared as text, wherever they are
    found = {}
    for name in tables(connection):
        rows, checksum = connection.exec_driver_sql(
            f"""SELECT count(*), coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0)::text
                FROM ems."{name}" t"""
        ).one()
        found[name] = Contents(rows, checksum)
        progress(name, rows)
    return found


def differences(left: Mapping[str, Contents], right: Mapping[str, Contents]) -> list[str]:
    """One line per table that is not the same on both sides."""
    nothing = Contents(0, "0")
    pairs = {name: (left.get(name, nothing), right.get(name, nothing)) for name in sorted({*left, *right})}
    return [
        f"{name}: {a.rows:,} and {b.rows:,} rows" if a.rows != b.rows else f"{name}: {a.rows:,} rows, not the same ones"
        for name, (a, b) in pairs.items()
        if a != b
    ]
