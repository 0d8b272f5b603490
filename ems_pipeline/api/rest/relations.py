"""What may be asked at all, read from PostgreSQL's catalogue: relations, columns, foreign keys, functions.

A name that stands in a question becomes SQL only by way of a name found here. Read by whoever the database says the
caller is; renewed after `RENEWED_S`, because an upgrade makes views and functions anew.

A caller bound to sites sees of each relation the rows of these sites: by its own ``site_key``, or by that of the
relation it belongs to (`PARENTS`). What belongs to no site is open to all (`OF_ALL`); all else is not there for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncConnection

from ems_pipeline import plain_text

RENEWED_S = 60.0
SITE = "site_key"
OF_ALL = frozenset(
    {"market_interval_price", "fx_rate", "tempo_colour", "zone_offset", "maintenance_template", "maintenance_level",
     "maintenance_task", "maintenance_draft", "bitrix_portal"}
)  # fmt: skip
"""Relations that say nothing of a home."""
PARENTS = {
    "planning_interval": ("planning_run", "planning_run_id"),
    "planning_device_interval": ("planning_run", "planning_run_id"),
    "setpoint_event": ("setpoint", "setpoint_id"),
    "genset_command_step": ("genset_command", "genset_command_id"),
    "telemetry": ("point", "point_id"),
    "bitrix_outbox": ("bitrix_task", "order_id"),
}
"""Relations without a ``site_key``: the one that has it, and the column that both have."""
OF_NO_SITE = frozenset(
    {"fn_slot_cost", "fn_override_cancel", "fn_goal_cancel", "fn_genset_command_confirm", "fn_genset_unlock"}
)
"""Functions without a ``p_site_key`` that a caller bound to sites may call: arithmetic, and what only the owner may."""
SITE_ARGUMENT = "p_site_key"


@dataclass(frozen=True)
class Relation:
    """A table or view; types by column, as PostgreSQL prints them."""

    name: str
    columns: dict[str, str]

    def is_open(self, sites: frozenset[str] | None) -> bool:
        """Whether it is there for a caller of these sites (None: of all)."""
        return sites is None or SITE in self.columns or self.name in PARENTS or self.name in OF_ALL


@dataclass(frozen=True)
class ForeignKey:
    """``columns`` of ``table`` name a row of ``target`` by its ``target_columns``; unique: at most one row names it."""

    name: str
    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    is_unique: bool


@dataclass(frozen=True)
class Function:
    """A function with named arguments; ``columns`` of a table it returns (None: one value, or nothing if void)."""

    name: str
    arguments: dict[str, str]
    required: frozenset[str]
    columns: dict[str, str] | None
    is_void: bool
    is_volatile: bool
    by_reader: bool
    """Whether an analyst may call it; else only a writer may."""

    def takes(self, given: Iterable[str]) -> bool:
        """Whether it can be called with these arguments and no others."""
        names = set(given)
        return self.required <= names <= self.arguments.keys()


@dataclass(frozen=True)
class Catalogue:
    """All of it at one instant."""

    relations: dict[str, Relation] = field(default_factory=dict)
    keys: tuple[ForeignKey, ...] = ()
    functions: dict[str, Function] = field(default_factory=dict)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name most like it, if one is."""
    return plain_text.nearest(name, names, 0.75)


RELATIONS = """
    SELECT c.relname AS relation, a.attname AS name, format_type(a.atttypid, NULL) AS type
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'ems'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND has_table_privilege('ems_analyst', c.oid, 'SELECT')
    ORDER BY c.relname, a.attnum"""
KEYS = """
    SELECT k.conname AS name, t.relname AS relation, f.relname AS target,
        ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u (n, i)
              JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i) AS columns,
        ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u (n, i)
              JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i) AS target_columns,
        EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisunique AND i.indpred IS NULL
                AND i.indkey::int2[] @> k.conkey AND i.indkey::int2[] <@ k.conkey) AS is_unique
    FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
    WHERE k.contype = 'f' AND k.conparentid = 0 AND t.relnamespace = 'ems'::regnamespace
      AND f.relnamespace = 'ems'::regnamespace
    ORDER BY k.conname"""
FUNCTIONS = """
    SELECT p.proname AS name, coalesce(p.proargnames, '{}') AS names,
        coalesce(p.proargmodes::text[], array_fill('i'::text, ARRAY[p.pronargs::int])) AS modes,
        ARRAY(SELECT format_type(t, NULL) FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
              WITH ORDINALITY u (t, i) ORDER BY i) AS types,
        p.pronargs - p.pronargdefaults AS required, p.proretset AS is_set,
        p.prorettype = 'void'::regtype AS is_void, p.provolatile = 'v' AS is_volatile,
        has_function_privilege('ems_analyst', p.oid, 'EXECUTE') AS by_reader
    FROM pg_proc p
    WHERE p.pronamespace = 'ems'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
      AND (has_function_privilege('ems_analyst', p.oid, 'EXECUTE')
           OR has_function_privilege('ems_writer', p.oid, 'EXECUTE'))
    ORDER BY p.proname"""


async def read(connection: AsyncConnection[dict[str, Any]]) -> Catalogue:
    """The catalogue as it is now."""
    relations = dict[str, Relation]()
    async for row in await connection.execute(RELATIONS):
        relations.setdefault(row["relation"], Relation(row["relation"], {})).columns[row["name"]] = row["type"]
    keys = [
        ForeignKey(
            row["name"], row["relation"], tuple(row["columns"]), row["target"], tuple(row["target_columns"]),
            row["is_unique"],
        )
        async for row in await connection.execute(KEYS)
        if row["relation"] in relations and row["target"] in relations
    ]  # fmt: skip
    functions = {row["name"]: _function(row) async for row in await connection.execute(FUNCTIONS)}
    return Catalogue(relations, tuple(keys), functions)


def _function(row: dict[str, Any]) -> Function:
    parts = list(zip(row["names"], row["modes"], row["types"], strict=True))
    inputs = {name: kind for name, mode, kind in parts if mode in "ib"}
    columns = {name: kind for name, mode, kind in parts if mode in "tob"}
    return Function(
        row["name"], inputs, frozenset(list(inputs)[: row["required"]]), columns or None,
        row["is_void"], row["is_volatile"], row["by_reader"],
    )  # fmt: skip


class Known:
    """The catalogue, read when it is first needed and again when it is old."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._lock = monotonic, asyncio.Lock()
        self._read_at, self._known = 0.0, Catalogue()

    async def now(self, connection: AsyncConnection[dict[str, Any]]) -> Catalogue:
        """Not older than `RENEWED_S`; asked for by many at once it is read once."""
        async with self._lock:
            if not self._known.relations or self._monotonic() - self._read_at > RENEWED_S:
                self._known, self._read_at = await read(connection), self._monotonic()
        return self._known
