"""The schema has no holes: every field and parameter says what it is and shows one, a number its unit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ems_pipeline.api.app import create_app
from ems_pipeline.api.problems import MEDIA_TYPE
from ems_pipeline.api.schema import Fault
from ems_pipeline.api.web import Settings, Web
from ems_pipeline_tests.api.conftest import SECRET, House

TOLD: dict[str, Any] = create_app(Web(Settings("", SECRET))).openapi()
MODELS = {name: model for name, model in TOLD["components"]["schemas"].items() if model.get("properties")}
WITH_UNIT = re.compile(r"_(?:k?w|k?wh|pct|s|ms|c|km|min(?:utes)?|per_kwh|a)$")
"""Ends of names that say the unit; a number under any other name says it in its schema."""


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in TOLD["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def kinds(field: dict[str, Any]) -> set[str]:
    return {one.get("type", "") for one in (field, *field.get("anyOf", []))}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_field_says_what_it_is_and_shows_one(name: str) -> None:
    for field, told in MODELS[name]["properties"].items():
        is_model = "$ref" in json.dumps({key: told[key] for key in ("$ref", "anyOf", "items", "allOf") if key in told})
        assert told.get("description") or is_model, f"{name}.{field} does not say what it is"
        assert "examples" in told or is_model, f"{name}.{field} shows no example"


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_number_has_a_unit(name: str) -> None:
    for field, told in MODELS[name]["properties"].items():
        if "number" in kinds(told):
            assert "unit" in told or WITH_UNIT.search(field), f"{name}.{field} has no unit"


def test_every_parameter_says_what_it_is() -> None:
    for name, operation in operations():
        for parameter in operation.get("parameters", []):
            meant = (parameter, parameter["schema"], *parameter["schema"].get("anyOf", []))
            assert any(told.get("description") for told in meant), (
                f"{name}: {parameter['name']} does not say what it is"
            )


def test_every_route_tells_of_the_problem_it_may_end_with() -> None:
    for name, operation in operations():
        (content,) = operation["responses"]["default"]["content"].items()
        assert content == (MEDIA_TYPE, {"schema": {"$ref": f"#/components/schemas/{Fault.__name__}"}}), name
        assert "422" not in operation["responses"], f"{name} tells of FastAPI's own errors, which nobody gets"


def test_a_route_that_can_be_rehearsed_tells_of_the_answer_then() -> None:
    rehearsed = [
        (path, operation["responses"])
        for path, methods in TOLD["paths"].items()
        for operation in methods.values()
        if any(one["name"] == "dry_run" for one in operation.get("parameters", []))
    ]
    assert len(rehearsed) > 15
    for path, answers in rehearsed:
        assert "$ref" in answers["200"]["content"]["application/json"]["schema"], path


def test_every_route_has_a_heading_and_a_group() -> None:
    for name, operation in operations():
        assert operation.get("summary"), name
        assert operation.get("tags"), name


def test_a_problem_is_as_told(house: House) -> None:
    said = house.login("anna").get("/api/v1/sites/home9")
    assert Fault.model_validate(said.json(), strict=True).code == "site_unknown"
    assert set(said.json()) <= set(Fault.model_fields)


def test_the_page_shows_every_route_and_loads_nothing(house: House) -> None:
    answer = house.client.get("/api/docs")
    for name, _ in operations():
        assert f"<code>{name.split()[1]}</code>" in answer.text, name
    assert re.findall(r"""(?:src|href|action)=["']?([^"'> ]+)""", answer.text.replace('href="#', "")) == [
        "/api/v1/openapi.json"
    ]
    assert "<script" not in answer.text
    assert "`" not in answer.text, "code is shown as code"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
