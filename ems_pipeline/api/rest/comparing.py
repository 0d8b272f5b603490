"""Columns, documents and conditions as SQL: operators from a list, everything the asker wrote as a parameter."""

from __future__ import annotations

from typing import TypeAlias

from psycopg import sql

from ems_pipeline.api.rest.query import Condition, Field
from ems_pipeline.api.rest.refusals import Refused
from ems_pipeline.api.rest.relations import Relation, nearest

SQL: TypeAlias = sql.Composable
COMPARED = {
    "eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "LIKE", "ilike": "ILIKE",
    "match": "~", "imatch": "~*", "cs": "@>", "cd": "<@", "ov": "&&", "sl": "<<", "sr": ">>", "nxr": "&<", "nxl": "&>",
    "adj": "-|-", "isdistinct": "IS DISTINCT FROM",
}  # fmt: skip
TRUTHS = {"null": "NULL", "not_null": "NOT NULL", "true": "TRUE", "false": "FALSE", "unknown": "UNKNOWN"}
SEARCHED = {
    "fts": "to_tsquery",
    "plfts": "plainto_tsquery",
    "phfts": "phraseto_tsquery",
    "wfts": "websearch_to_tsquery",
}
CASTS = (
    "text", "varchar", "date", "time", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb", "numeric",
    "decimal", "bool", "boolean", "int", "integer", "int2", "int4", "int8", "smallint", "bigint", "real", "float4",
    "float8", "double precision",
)  # fmt: skip
"""Types a column may be cast to."""
DOCUMENTS = ("json", "jsonb")


class Values:
    """Parameters of one statement by name."""

    def __init__(self) -> None:
        self.given = dict[str, object]()

    def add(self, value: object) -> SQL:
        """The placeholder that stands for it."""
        name = f"p{len(self.given)}"
        self.given[name] = value
        return sql.Placeholder(name)


def field(values: Values, alias: str, relation: Relation, one: Field) -> SQL:
    """A column, or the place in its document."""
    found: SQL = sql.Identifier(alias, one.name)
    if one.path and relation.columns[one.name] not in DOCUMENTS:
        found = sql.SQL("to_jsonb({})").format(found)
    for step in one.path:
        arrow = sql.SQL("->>" if step.as_text else "->")
        kind = sql.SQL("int" if isinstance(step.key, int) else "text")
        found = sql.SQL("({} {} {}::{})").format(found, arrow, values.add(step.key), kind)
    return found


def cast(found: SQL, wanted: str | None) -> SQL:
    """The value as another type.

    Raises:
        Refused: no type of this name is offered.
    """
    if wanted is None:
        return found
    if wanted.lower() not in CASTS:
        hint = f"offered are {', '.join(CASTS)}" if (like := nearest(wanted, CASTS)) is None else f"Perhaps {like}?"
        raise Refused(400, "42704", f'type "{wanted}" does not exist', None, hint)
    return sql.SQL("CAST({} AS {})").format(found, sql.SQL(wanted.lower()))


def condition(values: Values, alias: str, relation: Relation, one: Condition) -> SQL:
    """``field operator value``, negated or not."""
    compared = _compared(values, alias, relation, one)
    return sql.SQL("NOT ({})").format(compared) if one.negated else sql.SQL("({})").format(compared)


def _compared(values: Values, alias: str, relation: Relation, one: Condition) -> SQL:
    found = field(values, alias, relation, one.field)
    if isinstance(one.value, tuple):
        listed = "{}" if one.value == ("",) else _array(one.value)
        return sql.SQL("{} = ANY({})").format(found, values.add(listed))
    if one.operator == "is":
        return sql.SQL("{} IS {}").format(found, sql.SQL(TRUTHS[one.value]))
    if one.operator in SEARCHED:
        return _searched(values, found, relation.columns[one.field.name] == "tsvector" and not one.field.path, one)
    is_pattern = one.operator in ("like", "ilike")
    value = values.add(one.value.replace("*", "%") if is_pattern else one.value)
    if one.quantifier:
        value = sql.SQL("{}({})").format(sql.SQL(one.quantifier.upper()), value)
    return sql.SQL("{} {} {}").format(found, sql.SQL(COMPARED[one.operator]), value)


def _searched(values: Values, found: SQL, is_vector: bool, one: Condition) -> SQL:
    def language() -> SQL:
        return sql.SQL("{}::regconfig, ").format(values.add(one.language)) if one.language else sql.SQL("")

    vector = found if is_vector else sql.SQL("to_tsvector({}{})").format(language(), found)
    asked = sql.SQL("{}({}{})").format(sql.SQL(SEARCHED[one.operator]), language(), values.add(one.value))
    return sql.SQL("{} @@ {}").format(vector, asked)


def _array(elements: tuple[str, ...]) -> str:
    """PostgreSQL's way to write an array down."""
    escaped = (one.replace("\\", "\\\\").replace('"', '\\"') for one in elements)
    return "{" + ",".join(f'"{one}"' for one in escaped) + "}"
