"""PostgREST's query string -> `query.Query`: the grammar of its ``QueryParams.hs`` (14.17), without a table in sight.

Stricter than the original in three places: a parameter is read to its end, a text with U+0000 is refused (PostgreSQL
has none), and a question has at most `DEPTH` levels and `PARTS` columns, conditions and orders together.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Literal, cast

from ems_pipeline.api.rest.query import Column, Condition, Embed, Field, Logic, Path, Query, Step, Term, Window
from ems_pipeline.api.rest.reader import BadQuery, Reader

DEPTH, PARTS = 8, 400
KEY = re.compile(r"[^(\-:.,>)]+(?:-(?!>)[^(\-:.,>)]+)*")
INDEX = re.compile(r"-?[0-9]{1,9}(?=->|::|[.,)]|$)")
WORD = re.compile(r"[\w $]+")
AGGREGATE = re.compile(r"\.(?:sum|avg|count|max|min)\(\)|count\(\)")
NUMBER = re.compile(r"-?[0-9]{1,18}")
OPERATOR = re.compile(
    r"(?P<negated>not\.)?(?:(?P<plain>in|isdistinct|is|neq|cs|cd|ov|sl|sr|nxr|nxl|adj)"
    r"|(?P<text>fts|plfts|phfts|wfts)(?:\((?P<language>[\w $]+)\))?"
    r"|(?P<many>eq|gte|gt|lte|lt|like|ilike|match|imatch)(?:\((?P<quantifier>any|all)\))?)\."
)
DIRECTION = re.compile(r"\.(asc|desc)(?=[.,]|$)")
NULLS = re.compile(r"\.nulls(first|last)(?=,|$)")
TRUTHS = re.compile(r"not_null|null|true|false|unknown", re.IGNORECASE)
ELEMENT, ARRAY = re.compile(r"[^,)]*"), re.compile(r"\{[^{}]*\}")
EXPECTED = {"operator": '"not" or operator (eq, gt, ...)', "end": '"," or end of input'}
RESERVED = ("select", "columns", "on_conflict")


class AggregatesRefused(ValueError):
    """A function over many rows was selected; PostgREST refuses them unless its operator allows them, and so do we."""


def parse(pairs: Iterable[tuple[str, str]], arguments: Collection[str] = ()) -> Query:
    """Read the parameters of a request.

    Args:
        arguments: names that are a function's and no column's.

    Raises:
        BadQuery: a parameter is not of the dialect; it is named with the place.
        AggregatesRefused: see there.
    """
    query, limits, offsets, parts = Query(), dict[Path, int](), dict[Path, int](), 0
    for key, value in pairs:
        if "\0" in key + value:
            raise BadQuery(f'"failed to parse {key!r}"', "unexpected U+0000, which no text of PostgreSQL has")
        last = key.rpartition(".")[2]
        if key in arguments:
            query.arguments[key] = value
        elif key == "select":
            query.select = _select(value)
        elif last in ("limit", "offset"):
            if NUMBER.fullmatch(value):
                (limits if last == "limit" else offsets)[_path(key)[:-1]] = int(value)
        elif last == "order":
            query.order[_path(key)[:-1]] = terms = _order(value)
            parts += len(terms)
        elif key not in RESERVED:
            path, condition = _logic(key, value) if last in ("and", "or") else _filter(key, value)
            query.conditions.setdefault(path, []).append(condition)
            parts += _count(condition)
        if (parts_now := parts + _count_selected(query.select)) > PARTS:
            raise BadQuery(f'"the query has {parts_now} parts"', f"expecting at most {PARTS}; ask in two requests")
    query.windows = {path: Window(offsets.get(path, 0), limits.get(path)) for path in limits.keys() | offsets.keys()}
    return query


def _select(value: str) -> tuple[Column | Embed, ...]:
    reader = Reader("select parameter", value)
    columns = _columns(reader, 1) if value.strip() else ()
    reader.ends('")", "," or end of input')
    return columns


def _columns(reader: Reader, depth: int) -> tuple[Column | Embed, ...]:
    if depth > DEPTH:
        reader.fail(f"at most {DEPTH} levels")
    columns = list[Column | Embed]()
    while not reader.sees(")"):
        reader.spaces()
        columns.append(_column(reader, depth))
        reader.spaces()
        if not reader.takes(","):
            break
    return tuple(columns)


def _column(reader: Reader, depth: int) -> Column | Embed:
    if reader.takes("*"):
        return Column(Field("*"))
    if reader.sees("..."):
        reader.fail("a relation in parentheses; this server does not spread relations")
    start, alias, name = reader.at, None, reader.name()
    if reader.sees(":") and not reader.sees("::"):
        reader.needs(":")
        alias, start = name, reader.at
        name = reader.name()
    if reader.sees("!") or (reader.sees("(") and name != "count"):
        return _embed(reader, name, alias, depth)
    reader.at = start
    if AGGREGATE.match(reader.text, start):
        raise AggregatesRefused
    column = Column(_field(reader), alias)
    if reader.takes("::"):
        cast = reader.match(WORD) or reader.fail("letter or digit")
        column = replace(column, cast=cast[0].strip())
    if AGGREGATE.match(reader.text, reader.at):
        raise AggregatesRefused
    return column


def _embed(reader: Reader, name: str, alias: str | None, depth: int) -> Embed:
    hint, is_inner = None, False
    for _ in range(2):
        if reader.takes("!"):
            word = reader.name()
            is_inner, hint = is_inner or word == "inner", hint if word in ("inner", "left") else word
    reader.needs("(")
    columns = _columns(reader, depth + 1)
    reader.needs(")")
    return Embed(name, columns, alias, hint, is_inner)


def _field(reader: Reader) -> Field:
    reader.spaces()
    name, steps = reader.name(), list[Step]()
    while reader.takes("->"):
        as_text = reader.takes(">")
        if index := reader.match(INDEX):
            steps.append(Step(int(index[0]), as_text))
        elif (quoted := reader.quoted()) is not None:
            steps.append(Step(quoted, as_text))
        else:
            key = reader.match(KEY) or reader.fail("any non reserved character different from: .,>()")
            steps.append(Step(key[0].strip(), as_text))
    reader.spaces()
    return Field(name, tuple(steps))


def _path(key: str) -> Path:
    reader = Reader("tree path", key)
    names = [reader.name()]
    while reader.takes("."):
        names.append(reader.name())
    reader.ends("delimiter (.) or end of input")
    return tuple(names)


def _filter(key: str, value: str) -> tuple[Path, Condition]:
    where = Reader("tree path", key)
    names = list[str]()
    last = _field(where)
    while where.takes("."):
        names.append(last.name)
        last = _field(where)
    where.ends("delimiter (.), arrow or end of input")
    reader = Reader("filter", value)
    condition = _condition(reader, last, in_logic=False)
    reader.ends("end of input")
    return tuple(names), condition


def _condition(reader: Reader, field: Field, *, in_logic: bool) -> Condition:
    found = reader.match(OPERATOR) or reader.fail(EXPECTED["operator"])
    operator = found["plain"] or found["text"] or found["many"]
    value: str | tuple[str, ...]
    if operator == "in":
        value = _list(reader)
    elif operator == "is":
        truth = reader.match(TRUTHS) or reader.fail("isVal: (null, not_null, true, false, unknown)")
        value = truth[0].lower()
    else:
        value = _single(reader) if in_logic else reader.rest()
    quantifier = cast('Literal["any", "all"] | None', found["quantifier"])
    return Condition(field, operator, value, bool(found["negated"]), quantifier, found["language"])


def _list(reader: Reader) -> tuple[str, ...]:
    reader.spaces()
    reader.needs("(")
    reader.spaces()
    values = [_element(reader)]
    while reader.takes(","):
        values.append(_element(reader))
    reader.needs(")")
    reader.spaces()
    return tuple(values)


def _element(reader: Reader) -> str:
    start, quoted = reader.at, reader.quoted()
    if quoted is not None and (reader.sees(",") or reader.sees(")") or reader.at == len(reader.text)):
        return quoted
    reader.at = start
    found = reader.match(ELEMENT)
    return found[0] if found else ""


def _single(reader: Reader) -> str:
    array = None if reader.sees('"') else reader.match(ARRAY)
    return array[0] if array else _element(reader)


def _logic(key: str, value: str) -> tuple[Path, Logic]:
    names = _path(key)
    path = tuple(name for name in names[:-1] if name != "not")
    reader = Reader("logic tree", value)
    logic = _joined(reader, cast('Literal["and", "or"]', names[-1]), "not" in names[:-1], 1)
    reader.ends("end of input")
    return path, logic


def _joined(reader: Reader, joined: Literal["and", "or"], negated: bool, depth: int) -> Logic:
    if depth > DEPTH:
        reader.fail(f"at most {DEPTH} levels")
    reader.spaces()
    reader.needs("(")
    parts = [_part(reader, depth)]
    while reader.takes(","):
        parts.append(_part(reader, depth))
    reader.needs(")")
    reader.spaces()
    return Logic(joined, tuple(parts), negated)


def _part(reader: Reader, depth: int) -> Condition | Logic:
    reader.spaces()
    for word, joined, negated in (
        ("and", "and", False), ("or", "or", False), ("not.and", "and", True), ("not.or", "or", True),
    ):  # fmt: skip
        if reader.text.startswith(f"{word}(", reader.at):
            reader.at += len(word)
            return _joined(reader, cast('Literal["and", "or"]', joined), negated, depth + 1)
    field = _field(reader)
    reader.needs(".")
    condition = _condition(reader, field, in_logic=True)
    reader.spaces()
    return condition


def _order(value: str) -> tuple[Term, ...]:
    reader = Reader("order", value)
    terms = [_term(reader)]
    while reader.takes(","):
        terms.append(_term(reader))
    reader.ends(EXPECTED["end"])
    return tuple(terms)


def _term(reader: Reader) -> Term:
    field, relation = _field(reader), None
    if not field.path and reader.takes("("):
        relation, field = field.name, _field(reader)
        reader.needs(")")
    direction, nulls = reader.match(DIRECTION), reader.match(NULLS)
    if reader.sees("."):
        reader.fail('"nullsfirst" or "nullslast"' if direction else '"asc", "desc", "nullsfirst" or "nullslast"')
    reader.spaces()
    placed = cast('Literal["first", "last"] | None', nulls[1] if nulls else None)
    return Term(field, relation, direction is not None and direction[1] == "desc", placed)


def _count(condition: Condition | Logic) -> int:
    return 1 if isinstance(condition, Condition) else 1 + sum(map(_count, condition.parts))


def _count_selected(columns: tuple[Column | Embed, ...]) -> int:
    return sum(1 + (_count_selected(one.columns) if isinstance(one, Embed) else 0) for one in columns)
