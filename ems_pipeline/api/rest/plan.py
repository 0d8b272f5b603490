"""A question and the catalogue -> a tree in which every name is the catalogue's: what is asked of which relation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ems_pipeline.api.rest import refusals
from ems_pipeline.api.rest.query import Column, Condition, Embed, Field, Logic, Path, Query, Term, Window
from ems_pipeline.api.rest.refusals import Refused
from ems_pipeline.api.rest.relations import Catalogue, ForeignKey, Relation, nearest


@dataclass(frozen=True)
class Absence:
    """Whether an embedded relation has no row (negated: has some)."""

    child: Child
    negated: bool


Wish: TypeAlias = "Condition | Logic | Absence | Joined"


@dataclass(frozen=True)
class Joined:
    """`query.Logic` with its conditions found in the catalogue."""

    joined: str
    parts: tuple[Wish, ...]
    negated: bool


@dataclass(eq=False)
class Node:
    """One relation with what is asked of it; ``name`` is its alias in SQL, ours and never the asker's."""

    relation: Relation
    name: str
    items: list[Column | Child] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    order: tuple[Term, ...] = ()
    window: Window = field(default_factory=Window)
    exposed: list[Field] = field(default_factory=list)

    @property
    def children(self) -> list[Child]:
        """Embedded relations."""
        return [item for item in self.items if isinstance(item, Child)]

    def child(self, label: str) -> Child | None:
        """The embedded relation of this name or alias."""
        return next((c for c in self.children if label in (c.label, c.node.relation.name)), None)


@dataclass(eq=False)
class Child:
    """An embedded relation: joined by pairs of columns (the parent's, its own), many rows or one of it."""

    label: str
    node: Node
    pairs: tuple[tuple[str, str], ...]
    is_many: bool
    is_inner: bool
    is_empty: bool


class Planner:
    """Finds what a question names."""

    def __init__(self, catalogue: Catalogue, sites: frozenset[str] | None) -> None:
        self._numbers = itertools.count()
        self._keys = catalogue.keys
        self._relations = {name: r for name, r in catalogue.relations.items() if r.is_open(sites)}

    def relation(self, name: str) -> Relation:
        """What may be read under this name.

        Raises:
            Refused: nothing.
        """
        if name not in self._relations:
            raise refusals.no_relation(name, nearest(name, self._relations))
        return self._relations[name]

    def plan(self, relation: Relation, query: Query) -> Node:
        """The tree of a question about a relation.

        Raises:
            Refused: a column, relation or relationship is not there, or is asked what it cannot answer.
        """
        top = self._node(relation, query.select)
        for path in query.conditions.keys() | query.order.keys() | query.windows.keys():
            node = _at(top, path)
            node.wishes += [_found(node, wish) for wish in query.conditions.get(path, [])]
            node.order = tuple(_ordered(node, term) for term in query.order.get(path, ()))
            node.window = query.windows.get(path, Window())
        return top

    def _node(self, relation: Relation, columns: tuple[Column | Embed, ...]) -> Node:
        node = Node(relation, f"t{next(self._numbers)}")
        for one in columns:
            if isinstance(one, Embed):
                node.items.append(self._child(relation, one))
            elif one.field.name == "*":
                node.items += [Column(Field(name)) for name in relation.columns]
            else:
                _known(relation, one.field)
                node.items.append(one)
        return node

    def _child(self, parent: Relation, embed: Embed) -> Child:
        found = list(self._ways(parent, embed))
        if not found:
            reachable = {other for key in self._keys for other in (key.table, key.target) if other in self._relations}
            like = None if embed.relation in reachable else nearest(embed.relation, reachable)
            raise refusals.no_relationship(parent.name, embed.relation, embed.hint, like)
        if len(found) > 1:
            raise _ambiguous(parent.name, embed.relation, found)
        key, is_many = found[0]
        up = not is_many and key.table == parent.name
        pairs = zip(key.columns, key.target_columns, strict=True)
        joined = tuple(pairs) if up else tuple((target, own) for own, target in pairs)
        other = self._relations[key.target if up else key.table]
        node = self._node(other, embed.columns)
        return Child(embed.label, node, joined, is_many, embed.is_inner, not embed.columns)

    def _ways(self, parent: Relation, embed: Embed) -> Iterator[tuple[ForeignKey, bool]]:
        """Foreign keys from one to the other, each with whether many rows may answer."""
        for key in self._keys:
            named = (embed.relation, embed.hint)
            by = key.name in named or (len(key.columns) == 1 and key.columns[0] in named)
            hinted = embed.hint is None or by
            if key.table == parent.name and key.target in self._relations:
                if (embed.relation == key.target and hinted) or (embed.hint is None and by):
                    yield key, False
            elif key.target == parent.name and key.table in self._relations and embed.relation == key.table and hinted:
                yield key, not key.is_unique


def _at(top: Node, path: Path) -> Node:
    node = top
    for label in path:
        child = node.child(label)
        if child is None:
            raise refusals.not_embedded(label)
        node = child.node
    return node


def _known(relation: Relation, one: Field) -> Field:
    if one.name not in relation.columns:
        raise refusals.no_column(relation.name, one.name, nearest(one.name, relation.columns))
    return one


def _found(node: Node, wish: Condition | Logic) -> Wish:
    if isinstance(wish, Logic):
        return Joined(wish.joined, tuple(_found(node, part) for part in wish.parts), wish.negated)
    child = node.child(wish.field.name)
    if child is not None and wish.field.name not in node.relation.columns:
        if wish.operator != "is" or wish.value not in ("null", "not_null"):
            raise Refused(
                400, "PGRST120", f"Bad operator on the '{child.label}' embedded resource",
                "Only is null or not is null filters are allowed on embedded resources",
            )  # fmt: skip
        return Absence(child, wish.negated != (wish.value == "not_null"))
    return replace(wish, field=_known(node.relation, wish.field))


def _ordered(node: Node, term: Term) -> Term:
    if term.relation is None:
        return replace(term, field=_known(node.relation, term.field))
    child = node.child(term.relation)
    if child is None:
        raise refusals.not_embedded(term.relation)
    if child.is_many:
        raise Refused(
            400, "PGRST118", f"A related order on '{term.relation}' is not possible",
            f"'{node.relation.name}' and '{term.relation}' do not form a many-to-one or one-to-one relationship",
        )  # fmt: skip
    child.node.exposed.append(_known(child.node.relation, term.field))
    return term


def _ambiguous(parent: str, child: str, found: list[tuple[ForeignKey, bool]]) -> Refused:
    ways = [
        {
            "cardinality": "one-to-many" if is_many else "many-to-one",
            "embedding": f"{parent} with {child}",
            "relationship": f"{key.name} using {key.table}({', '.join(key.columns)}) and "
            f"{key.target}({', '.join(key.target_columns)})",
        }
        for key, is_many in found
    ]
    listed = ", ".join(f"'{child}!{key.name}'" for key, _ in found)
    return Refused(
        300, "PGRST201",
        f"Could not embed because more than one relationship was found for '{parent}' and '{child}'", ways,
        f"Try changing '{child}' to one of the following: {listed}. "
        "Find the desired relationship in the 'details' key.",
    )  # fmt: skip
