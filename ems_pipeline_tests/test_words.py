"""One word for a thing, in every name: docs/glossary.md says which, and this holds the names to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ems_pipeline_tests.conftest import ROOT

PACKAGE = ROOT / "ems_pipeline"
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NO_NAMES = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
"""Of SQL: comments and texts."""


def rows(heading: str) -> list[list[str]]:
    """Cells of the table that begins with a heading."""
    table = GLOSSARY[GLOSSARY.index(f"| {heading} |") :].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


TERMS = rows("term")
FORBIDDEN = {word: row[0] for row in TERMS for word in quoted(row[3])}
EXCEPTIONS = {quoted(row[0])[0] for row in rows("name")}


def words(name: str) -> str:
    """``_ChargingSession2`` -> ``_charging_session_2_``."""
    return f"_{'_'.join(PARTS.findall(name)).lower()}_"


def of_python(path: Path) -> Iterator[str]:
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Name():
                yield node.id
            case ast.Attribute():
                yield node.attr
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.arg() | ast.keyword():
                yield node.arg or ""
            case ast.alias():
                yield from node.name.split(".")


def of_sql(path: Path) -> Iterator[str]:
    yield from NAME.findall(NO_NAMES.sub(" ", path.read_text(encoding="utf-8")))


def of_site(value: Any) -> Iterator[str]:
    """Keys of a site file; its values are people's own names."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield str(key)
            yield from of_site(below)
    elif isinstance(value, list):
        for below in value:
            yield from of_site(below)


@cache
def names() -> dict[str, str]:
    """Every name, and a file in which it stands."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        found |= dict.fromkeys(of_python(path), str(path.relative_to(ROOT)))
    for folder in ("migrations", "routines", "views"):
        for path in sorted((ROOT / "sql" / folder).glob("*.sql")):
            found |= dict.fromkeys(of_sql(path), str(path.relative_to(ROOT)))
    for path in sorted((ROOT / "sites").glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        found |= dict.fromkeys(of_site(document), str(path.relative_to(ROOT)))
    return found


@cache
def by_words() -> dict[str, str]:
    """Every name as its words."""
    return {name: words(name) for name in names()}


def holders(word: str) -> dict[str, str]:
    """Names that have a word in them."""
    asked = words(word)
    return {name: names()[name] for name, of in by_words().items() if asked in of}


def test_a_thing_is_called_by_its_one_word() -> None:
    breaches = [
        f"{name} in {where}: docs/glossary.md calls {word!r} {meant!r}"
        for word, meant in FORBIDDEN.items()
        for name, where in holders(word).items()
        if name not in EXCEPTIONS
    ]
    assert not breaches, "\n".join(breaches)


def test_live_means_one_thing() -> None:
    allowed = next(quoted(row[1]) for row in TERMS if row[0] == "live")
    assert sorted(holders("live")) == sorted(allowed)
    found = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("live*") if path.suffix != ".pyc"}
    assert found == {"api/live", "control/live.py", "scada/live.py", "warehouse/live.py"}


def test_an_exception_is_one_that_is_needed() -> None:
    assert {name for name in EXCEPTIONS if name not in names()} == set()
    assert {name for name in EXCEPTIONS if not any(words(word) in words(name) for word in FORBIDDEN)} == set()


def test_what_the_glossary_names_is_there() -> None:
    """Of a name with a star the rest."""
    known = set(by_words().values())
    told = {name.replace("*", "") for row in TERMS for name in quoted(row[1])}
    assert {name for name in told if not any(words(name).strip("_") in one for one in known)} == set()


@pytest.mark.parametrize(
    ("name", "as_words"),
    [
        ("EvSession", "_ev_session_"),
        ("SOURCE_URL", "_source_url_"),
        ("_charger_15m", "_charger_15_m_"),
        ("x", "_x_"),
    ],
)
def test_a_name_is_its_words(name: str, as_words: str) -> None:
    assert words(name) == as_words
