"""Every number of a site file is a number, has bounds, and a wrong one is refused by its path."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from ems_pipeline.sites import Site, SiteFileError, load_site

FULL = Path(__file__).with_name("full.yaml")
DOCUMENT: dict[str, Any] = yaml.safe_load(FULL.read_text(encoding="utf-8"))
Where = tuple[str | int, ...]


def numbers(node: Any, at: Where = ()) -> Iterator[Where]:
    """Paths of all numbers of a document that are written with a point."""
    items: Any = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in items:
        if isinstance(value, float):
            yield (*at, name)
        yield from numbers(value, (*at, name))


def put(places: Iterable[Where], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    for where in places:
        node: Any = document
        for part in where[:-1]:
            node = node[part]
        node[where[-1]] = value
    return document


def named(where: Where) -> str:
    """The path as a person would say it."""
    text, node = "", DOCUMENT
    for part in where:
        node = node[part]  # type: ignore[index]
        name = node.get("key", part) if isinstance(node, dict) and isinstance(part, int) else part
        text += f"[{name}]" if isinstance(part, int) else f".{name}" if text else name
    return text


WRITTEN = [".inf", "-.inf", ".nan", "1.0e+400", "1e400", "'nan'", "'inf'", "9.9e+307", "-9.9e+307"]


NUMBERS = list(numbers(DOCUMENT))


def said_of(file: Path, places: Iterable[Where], written: str) -> str:
    """What is said of a file with something else in those places."""
    file.write_text(yaml.safe_dump(put(places, "HERE")).replace("HERE", written), encoding="utf-8")
    with pytest.raises(SiteFileError) as caught:
        load_site(file, environ={})
    return str(caught.value)


@pytest.mark.parametrize("written", WRITTEN)
def test_what_is_no_finite_number_is_refused_with_every_path(written: str, tmp_path: Path) -> None:
    said = said_of(tmp_path / "site.yaml", NUMBERS, written)
    assert [named(where) for where in NUMBERS if f". {named(where)} = " not in said] == []
    assert f"has {len(NUMBERS)} fault(s)" in said


def test_one_that_is_none_is_the_one_fault_of_its_file(tmp_path: Path) -> None:
    said = {
        named(where): said_of(tmp_path / "site.yaml", [where], written)
        for where, written in zip(NUMBERS, itertools.cycle(WRITTEN), strict=False)
    }
    breaches = [name for name, text in said.items() if "has 1 fault(s)" not in text or f"1. {name} = " not in text]
    assert not breaches, "\n".join(said[name] for name in breaches)


def records(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """All records a site is made of."""
    schema = {model} - seen
    seen |= schema
    for field in model.model_fields.values():
        for inner in _types(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                records(inner, seen)
    return seen


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _types(inner)


def test_the_full_file_has_every_number_a_record_can_have() -> None:
    wanted = {
        (record.__name__, name)
        for record in records(Site, set())
        for name, field in record.model_fields.items()
        if float in list(_types(field.annotation))
    }
    site = load_site(FULL, environ={})
    assert wanted - set(_told(site)) == set()


def _told(record: BaseModel) -> Iterator[tuple[str, str]]:
    for name in type(record).model_fields:
        value = getattr(record, name)
        if name in record.model_fields_set and value not in (None, (), {}):
            yield type(record).__name__, name
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, BaseModel):
                yield from _told(inner)


def test_every_number_has_a_lower_and_an_upper_bound() -> None:
    unbounded = [
        where
        for where, schema in _schemas(Site.model_json_schema(), ())
        if schema.get("type") in ("number", "integer") and "options" not in where and "enum" not in schema
        if not ({"minimum", "exclusiveMinimum"} & set(schema) and {"maximum", "exclusiveMaximum"} & set(schema))
    ]
    assert unbounded == []


def _schemas(node: Any, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if isinstance(node, dict):
        yield at, node
    for name, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from _schemas(inner, (*at, str(name)))


@given(st.sampled_from(list(numbers(DOCUMENT))), st.floats() | st.integers())
def test_a_site_that_is_accepted_reads_back_as_itself(where: Where, value: float) -> None:
    try:
        site = Site.model_validate(put([where], value))
    except ValidationError:
        return
    assert Site.model_validate_json(site.model_dump_json()) == site
