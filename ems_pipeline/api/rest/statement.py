"""A plan -> one SQL statement: names come from the catalogue, everything the asker wrote is a parameter.

Even an alias is: the keys of the JSON are put around the values in SQL, so that no text of a question is part of a
statement. Rows are made by PostgreSQL as they are sent.
"""

from __future__ import annotations

import json
from typing import Literal, TypeAlias

from psycopg import sql

from ems_pipeline.api.rest import comparing
from ems_pipeline.api.rest.comparing import SQL, Values
from ems_pipeline.api.rest.plan import Absence, Child, Joined, Node, Wish
from ems_pipeline.api.rest.query import Column, Condition, Term
from ems_pipeline.api.rest.relations import PARENTS, SITE

NOTHING = sql.SQL("")
ROWS = 10_000
"""Of a relation, and of an embedded one in each row, at most: what `docker-compose.yml` sets for PostgREST."""
BODY_BYTES = 16 * 1024 * 1024
Form: TypeAlias = Literal["objects", "cells", "nothing"]
"""How a row is sent: as a JSON object, as a JSON array of texts, not at all."""


class Statement:
    """One question as SQL with its parameters.

    Args:
        sites: those whose rows are seen; None: all.
        source: what stands for the relation of the top, a call of a function.
    """

    def __init__(self, top: Node, sites: frozenset[str] | None, values: Values, source: SQL | None = None) -> None:
        self._top, self._sites, self._source = top, None if sites is None else sorted(sites), source
        self.values = values

    def rows(self, form: Form, *, wants_total: bool, count_to: int | None = None) -> sql.Composed:
        """``body`` (the rows, with commas; null: too much to send), ``rows``: how many, ``total``: of all windows.

        Args:
            count_to: where counting ends; None: at the last.
        """
        total: SQL = sql.SQL("NULL::bigint")
        if wants_total:
            cut = NOTHING if count_to is None else sql.SQL(" LIMIT {}").format(self.values.add(count_to))
            total = sql.SQL("(SELECT count(*) FROM ({}{}) c)").format(self._all_rows(), cut)
        shown: SQL = sql.SQL("''")
        if form != "nothing":
            shown = self._json(self._top) if form == "objects" else self._cells(self._top)
        found = self._select(self._top, [sql.SQL("{} AS j").format(shown)])
        return sql.SQL(
            "SELECT CASE WHEN sum(octet_length(r.j)) > {} THEN NULL ELSE coalesce(string_agg(r.j, ','), '') END "
            "AS body, count(*) AS rows, {} AS total FROM ({}) r"
        ).format(sql.Literal(BODY_BYTES), total, found)

    def planned(self) -> sql.Composed:
        """PostgreSQL's own guess of the number of rows, as a plan."""
        return sql.SQL("EXPLAIN (FORMAT JSON) {}").format(self._all_rows())

    def _all_rows(self) -> SQL:
        needed = _looked_at(self._top.wishes)
        kept = [c for c in self._top.children if c.is_inner or c in needed]
        parts = self._from(self._top, [sql.SQL("1")], kept, [])
        return sql.SQL(" ").join(parts)

    def _select(self, node: Node, shown: list[SQL], on: list[SQL] | None = None) -> SQL:
        parts = self._from(node, shown, node.children, on or [])
        if node.order:
            parts.append(sql.SQL("ORDER BY {}").format(sql.SQL(", ").join(self._term(node, t) for t in node.order)))
        most = ROWS if node.window.limit is None else min(ROWS, node.window.limit)
        parts.append(sql.SQL("LIMIT {}").format(self.values.add(most)))
        if node.window.offset:
            parts.append(sql.SQL("OFFSET {}").format(self.values.add(node.window.offset)))
        return sql.SQL(" ").join(parts)

    def _from(self, node: Node, shown: list[SQL], children: list[Child], on: list[SQL]) -> list[SQL]:
        is_call = self._source is not None and node is self._top
        source = self._source if is_call and self._source else sql.Identifier("ems", node.relation.name)
        conditions = [*on, *(self._wish(node, wish) for wish in node.wishes)]
        if not is_call:  # a function was asked for one site, which has been looked at
            conditions += self._of_sites(node)
        shown_parts = sql.SQL(", ").join(shown)
        parts: list[SQL] = [sql.SQL("SELECT {} FROM {} AS {}").format(shown_parts, source, sql.Identifier(node.name))]
        parts += [self._join(node, child) for child in children]
        if conditions:
            parts.append(sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(conditions)))
        return parts

    def _of_sites(self, node: Node) -> list[SQL]:
        """What keeps the rows of other sites away."""
        if self._sites is None:
            return []
        if SITE in node.relation.columns:
            own = sql.Identifier(node.name, SITE)
            return [sql.SQL("{} = ANY({}::text[])").format(own, self.values.add(self._sites))]
        if node.relation.name not in PARENTS:
            return []
        parent, column = PARENTS[node.relation.name]
        return [
            sql.SQL("EXISTS (SELECT FROM {} o WHERE o.{} = {} AND o.{} = ANY({}::text[]))").format(
                sql.Identifier("ems", parent), sql.Identifier(column), sql.Identifier(node.name, column),
                sql.Identifier(SITE), self.values.add(self._sites),
            )
        ]  # fmt: skip

    def _join(self, parent: Node, child: Child) -> SQL:
        node = child.node
        shown: list[SQL] = [sql.SQL("{} AS j").format(self._json(node))]
        for at, one in enumerate(node.exposed):
            found = comparing.field(self.values, node.name, node.relation, one)
            shown.append(sql.SQL("{} AS {}").format(found, sql.Identifier(f"o{at}")))
        on: list[SQL] = [
            sql.SQL("{} = {}").format(sql.Identifier(node.name, own), sql.Identifier(parent.name, theirs))
            for theirs, own in child.pairs
        ]
        rows = self._select(node, shown, on)
        if child.is_many:
            rows = sql.SQL("SELECT '[' || string_agg(x.j, ',') || ']' AS j FROM ({}) x").format(rows)
        alias = sql.Identifier(_embedded(node))
        kind, when = (
            ("JOIN", sql.SQL("{}.j IS NOT NULL").format(alias)) if child.is_inner else ("LEFT JOIN", sql.SQL("TRUE"))
        )
        return sql.SQL("{} LATERAL ({}) AS {} ON {}").format(sql.SQL(kind), rows, alias, when)

    def _json(self, node: Node) -> SQL:
        """One row as a JSON object, as text."""
        parts, opening = list[SQL](), "{"
        for item in node.items:
            if isinstance(item, Child) and item.is_empty:
                continue
            parts.append(sql.SQL("{}::text").format(self.values.add(f"{opening}{json.dumps(item.label)}:")))
            value = self._item(item, node)
            is_json = isinstance(item, Child)
            parts.append(value if is_json else sql.SQL("coalesce(to_json({})::text, 'null')").format(value))
            opening = ","
        ending = sql.SQL("'}'" if parts else "'{}'")
        return sql.SQL(" || ").join([*parts, ending])

    def _cells(self, node: Node) -> SQL:
        """One row as a JSON array of texts."""
        parts, before = list[SQL](), "["
        for item in node.items:
            cell = sql.SQL("coalesce(to_json(({})::text)::text, 'null')").format(self._item(item, node))
            parts += [sql.SQL(f"'{before}'"), cell]
            before = ","
        return sql.SQL(" || ").join([*parts, sql.SQL("']'" if parts else "'[]'")])

    def _item(self, item: Column | Child, node: Node) -> SQL:
        if isinstance(item, Child):
            return sql.SQL("coalesce({}.j, {})").format(
                sql.Identifier(_embedded(item.node)), sql.SQL("'[]'" if item.is_many else "'null'")
            )
        return comparing.cast(comparing.field(self.values, node.name, node.relation, item.field), item.cast)

    def _wish(self, node: Node, wish: Wish) -> SQL:
        if isinstance(wish, Absence):
            kind = sql.SQL("NOT NULL" if wish.negated else "NULL")
            return sql.SQL("{}.j IS {}").format(sql.Identifier(_embedded(wish.child.node)), kind)
        if isinstance(wish, Condition):
            return comparing.condition(self.values, node.name, node.relation, wish)
        word = sql.SQL(" AND " if wish.joined == "and" else " OR ")
        joined = word.join(self._wish(node, part) for part in wish.parts)
        return sql.SQL("NOT ({})" if wish.negated else "({})").format(joined)

    def _term(self, node: Node, term: Term) -> SQL:
        child = node.child(term.relation) if term.relation else None
        if child is None:
            found = comparing.field(self.values, node.name, node.relation, term.field)
        else:
            found = sql.Identifier(_embedded(child.node), f"o{child.node.exposed.index(term.field)}")
        direction = sql.SQL(" DESC" if term.descending else " ASC")
        nulls = sql.SQL(f" NULLS {term.nulls.upper()}") if term.nulls else NOTHING
        return sql.SQL("{}{}{}").format(found, direction, nulls)


def _embedded(node: Node) -> str:
    """Alias of the rows of an embedded relation beside its parent."""
    return f"{node.name}e"


def _looked_at(wishes: list[Wish] | tuple[Wish, ...]) -> list[Child]:
    """Embedded relations whose absence is asked for."""
    found = [wish.child for wish in wishes if isinstance(wish, Absence)]
    for wish in wishes:
        if isinstance(wish, Joined):
            found += _looked_at(wish.parts)
    return found
