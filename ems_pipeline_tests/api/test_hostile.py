"""A text that means harm, in every field of every route: answered without a fault, and harmless wherever it ends up.

Ends are the answer and its head, the lines of the log, the rows of the database, the pages, the CSV and the figures
for Prometheus. Texts are such as every list of them begins with; none is against a particular program.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from ems_pipeline.api.lines import LOGGER
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.api.test_attack import PLACES, tables
from ems_pipeline_tests.client import schema

pytestmark = pytest.mark.usefixtures("lived")

TEXTS = {
    "markup": "<script>x()</script>\"'><img src=x onerror=x()>{{7*7}}${7*7}%s%n",
    "sql": "x'; DROP TABLE ems.site; --",
    "second line": "a\r\nX-Injected: 1\r\n\r\n2026-03-01 12:00:00,000 INFO ems.web.requests forged",
    "terminal": "\x1b[2J\x1b]0;x\x07\x08\x00\x7f\x9b31m",
    "direction": "a\u202eb\u2066c\ufeff\u2028d",
    "half a character": "a\ud800b",
    "formula": "=HYPERLINK(1)",
    "path": "../../../etc/passwd",
    "length": "9" * 20_000,
}
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e\u2066-\u2069\ufeff]")
"""What steers a terminal, ends a line or turns it round; a line break of our own may stand in an answer."""
TOLD = schema()
HEADERS = ("Idempotency-Key", "User-Agent", "Referer", "X-Request-Id", "X-Forwarded-For", "Prefer", "Range", "Accept")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in TOLD["paths"].items():
        for method, operation in methods.items():
            if not path.endswith("/logout"):
                yield method.upper(), path, operation


def body_of(operation: dict[str, Any]) -> dict[str, Any] | None:
    """A body of the schema's examples; None: the route takes none."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    told = content["schema"]
    reference = told.get("$ref") or next((one["$ref"] for one in told.get("anyOf", []) if "$ref" in one), None)
    if reference is None:
        return {"key": "home01", "name": "Home", "devices": [{"key": "meter", "map": "sdm630"}]}
    properties = TOLD["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
    return {name: one["examples"][0] for name, one in properties.items() if one.get("examples")}


def with_text(value: Any, text: str) -> Iterator[Any]:
    """The value with the text in the place of each of its parts, and as a name."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from ({**value, name: changed} for changed in with_text(one, text))
        yield {**value, text: 1}
    elif isinstance(value, list):
        yield [text]
        yield from ([changed] for one in value[:1] for changed in with_text(one, text))
    else:
        yield text


def asked(text: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Requests with the text in one field each: of the path, the query, the body, and a field nobody knows."""
    encoded = quote(text.encode("utf-8", "surrogatepass"), safe="")
    for method, path, operation in operations():
        parameters = operation.get("parameters", [])
        placed = re.sub(r"\{(\w+)\}", lambda found: PLACES[found[1]].format(site="home01"), path)
        for one in parameters:
            if one["in"] == "path":
                whole = path.replace(f"{{{one['name']}}}", encoded[:4000])
                yield method, re.sub(r"\{(\w+)\}", lambda found: PLACES[found[1]].format(site="home01"), whole), {}
            elif one["in"] == "query":
                yield method, f"{placed}?{one['name']}={encoded[:4000]}", {}
        yield method, f"{placed}?{encoded[:4000]}=1", {}
        if (body := body_of(operation)) is not None:
            yield from ((method, placed, {"json": changed}) for changed in with_text(body, text))
    for place in ("alarm?subject=eq.", "alarm?select=", "alarm?order=", "alarm?or=(subject.eq.", "", "rpc/"):
        yield "GET", f"/api/v1/rest/{place}{encoded[:4000]}", {}


def check(said: Any, where: str) -> None:
    assert said.status_code < 500, f"{where}: {said.status_code} {said.text[:300]}"
    assert said.headers["x-content-type-options"] == "nosniff", where
    assert "x-injected" not in said.headers, where
    assert not UNSEEN.search("".join(f"{n}: {v}" for n, v in said.headers.items())), where
    assert not UNSEEN.search(said.text), f"{where}: {said.text[:300]!r}"
    kind = said.headers.get("content-type", "")
    assert "html" not in kind or where.startswith("GET /api/v1/docs"), where


class Written(logging.Handler):
    """What the log of requests writes."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += record.getMessage().split("\n")


@pytest.fixture
def written() -> Iterator[Written]:
    handler, logger = Written(), logging.getLogger(LOGGER)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_that_means_harm_does_none_in_any_field(house: House, written: Written, kind: str) -> None:
    anna, text, count = house.login("anna"), TEXTS[kind], 0
    for method, path, sent in asked(text):
        house.seconds.at += 3600.0
        if "json" in sent:
            # As a program may write it: half a character stands in no UTF-8, but JSON has an escape for it.
            sent = {"content": json.dumps(sent["json"]).encode(), "headers": {"Content-Type": "application/json"}}
        check(anna.request(method, path, **sent), f"{method} {path[:120]} {str(sent)[:200]!r}")
        count += 1
    for name in HEADERS:
        value = text.encode("utf-8", "surrogatepass").replace(b"\r\n", b" ").replace(b"\x00", b"")
        check(anna.get("/api/v1/me", headers={name.encode(): value[:4000]}), name)  # type: ignore[dict-item]
    assert count > 200
    house.web.lines.write()
    assert len(written.lines) >= count
    for line in written.lines:
        assert line.isprintable(), repr(line)
        assert len(line) < 1000, line
        assert re.match(r"[-\d]{10} [:,\d]+ INFO ems\.web\.requests \S+ [A-Z]+ /", line), line
    assert_rows_are_plain(house)
    if kind == "markup":
        assert_pages_are_plain(anna, text)


def assert_rows_are_plain(house: House) -> None:
    for name in tables(house):
        for (row,) in house.rows(f"SELECT t::text FROM ems.{name} t"):
            assert not UNSEEN.search(row), f"{name}: {row[:300]!r}"
            assert name in DOCUMENTS or len(row) < 8000, f"{name}: a row of {len(row)} characters"


DOCUMENTS = {"site_config", "point_map", "trained_model", "planning_run", "request"}
"""Tables whose rows are whole documents."""


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs), attrs


def assert_pages_are_plain(anna: TestClient, text: str) -> None:
    page = anna.get("/api/v1/docs").text
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.found
    assert "img" not in tags.found
    assert text not in page
    for line in anna.get("/metrics").text.splitlines():
        assert re.match(r"# (HELP|TYPE) |[a-z_]+(\{[^{}]*\})? \S+$", line), line
    told = anna.get("/api/v1/rest/request?select=site_key,kind,requested_by,parameters", headers={"Accept": "text/csv"})
    assert told.status_code == 200, told.text
    for row in csv.reader(io.StringIO(told.text)):
        assert len(row) == 4, row
