"""What every table, view, column and function means: the database's comments, and a copy of them.

Names are those of schema `ems`; what stands in another schema is called `study.day`.

The words stand in `sql/comments/` and nowhere else. `catalogue.json` is what a migrated database says of itself, for
those who have none (a code location loads without); `make dictionary` writes it, and docs/data-dictionary.md.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

COPY = Path(__file__).with_name("catalogue.json")


class Column(NamedTuple):
    """A column, its type as PostgreSQL calls it, whether it may be NULL, and what it means."""

    name: str
    type: str
    is_nullable: bool
    meaning: str | None


@dataclass(frozen=True)
class Relation:
    """A table or view; partitions are their parent."""

    meaning: str | None
    columns: tuple[Column, ...]


RELATIONS = sa.text("""
    SELECT CASE n.nspname WHEN 'ems' THEN '' ELSE n.nspname || '.' END || c.relname,
           obj_description(c.oid, 'pg_class'), a.attname, format_type(a.atttypid, a.atttypmod),
           NOT a.attnotnull, col_description(c.oid, a.attnum)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname IN ('ems', 'study') AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
    ORDER BY n.nspname, c.relname, a.attnum""")
ROUTINES = sa.text("""
    SELECT p.proname, obj_description(p.oid, 'pg_proc') AS meaning FROM pg_proc p
    WHERE p.pronamespace = 'ems'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY p.proname""")
SCHEMA = "SELECT obj_description('ems'::regnamespace, 'pg_namespace')"


def relations(connection: Connection) -> dict[str, Relation]:
    """Tables and views as the database describes them, by name; columns in their order."""
    meanings: dict[str, str | None] = {}
    columns: dict[str, list[Column]] = {}
    for name, meaning, *column in connection.execute(RELATIONS):
        meanings[name] = meaning
        columns.setdefault(name, []).append(Column(*column))
    return {name: Relation(meaning, tuple(columns[name])) for name, meaning in meanings.items()}


def routines(connection: Connection) -> dict[str, str | None]:
    """What each function does, by name."""
    return {row.proname: row.meaning for row in connection.execute(ROUTINES)}


def schema(connection: Connection) -> str | None:
    """What holds for all of them."""
    return connection.exec_driver_sql(SCHEMA).scalar()


def copied(described: Mapping[str, Relation]) -> str:
    """The text of `catalogue.json`: a line for each column."""

    def lines(columns: Iterable[Column]) -> str:
        return ",\n".join(f"   {json.dumps(column, ensure_ascii=False)}" for column in columns)

    each = [
        f' {json.dumps(name)}: {{"meaning": {json.dumps(told.meaning, ensure_ascii=False)}, "columns": [\n'
        f"{lines(told.columns)}]}}"
        for name, told in described.items()
    ]
    return "{\n" + ",\n".join(each) + "\n}\n"


@functools.cache
def known() -> dict[str, Relation]:
    """Tables and views as `catalogue.json` has them: needs no database."""
    told = json.loads(COPY.read_text(encoding="utf-8"))
    return {
        name: Relation(relation["meaning"], tuple(Column(*column) for column in relation["columns"]))
        for name, relation in told.items()
    }
