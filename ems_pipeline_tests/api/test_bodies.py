"""No sound JSON, or too much of it, ends before any route sees it; sound JSON is read whatever it calls itself."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.api.bodies import DEEPEST, MOST_BYTES, check
from ems_pipeline.api.problems import Problem
from ems_pipeline_tests.api.conftest import PASSWORD, House

LOGIN = json.dumps({"name": "anna", "password": PASSWORD})


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "application/json", "", "nonsense"]
)
def test_json_is_read_whatever_it_calls_itself(house: House, kind: str) -> None:
    """`curl -d` calls everything a form."""
    assert house.client.post("/login", content=LOGIN, headers={"Content-Type": kind}).status_code == 200


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "no_json"),
        (b"{'name': 1}", "no_json"),
        (b'{"a": 1, "a": 2}', "no_json"),
        (b'{"x": {"a": 1, "b": 2, "a": 1}}', "no_json"),
        (b"[NaN]", "no_json"),
        (b"[Infinity]", "no_json"),
        (b"[-Infinity]", "no_json"),
        (b"[1e999]", "no_json"),
        (b"[-1e999]", "no_json"),
        (b"\xff\xfe", "no_json"),
        (b'["\\u0000"]', "no_json"),
        (b'{"\\u0000": 1}', "no_json"),
        (b'["\\ud800"]', "no_json"),
        (nested(DEEPEST + 1), "too_deep"),
        (nested(100_000), "too_deep"),
    ],
)
def test_what_is_no_sound_json_is_refused(house: House, body: bytes, code: str) -> None:
    said = house.client.post("/login", content=body)
    assert (said.status_code, said.json()["code"]) == (400, code)
    assert said.json()["remedy"]


def test_the_deepest_that_is_taken_reaches_the_route(house: House) -> None:
    for body in (nested(DEEPEST), b"[" * DEEPEST + b"1" + b"]" * DEEPEST):
        assert house.client.post("/login", content=body).status_code == 422


@pytest.mark.parametrize(("size", "status"), [(MOST_BYTES, 422), (MOST_BYTES + 1, 413), (2 * MOST_BYTES, 413)])
def test_a_body_has_a_mebibyte_at_most(house: House, size: int, status: int) -> None:
    body = b'"' + b"x" * (size - 2) + b'"'
    assert house.client.post("/login", content=body).status_code == status


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("ab"), inner),
    )
)
def test_every_sound_body_is_what_it_was(said: object) -> None:
    assert check(json.dumps(said).encode()) == said


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_a_problem(body: bytes) -> None:
    with contextlib.suppress(Problem):
        check(body)
