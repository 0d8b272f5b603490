"""No request that the schema allows, or just does not allow, meets a fault of ours or an answer it does not tell of."""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, checks
from starlette.testclient import TestClient

from ems_pipeline.api.app import create_app
from ems_pipeline.api.web import Settings, Web
from ems_pipeline_tests.api.conftest import SECRET, House

pytestmark = pytest.mark.usefixtures("lived")

LONG = "EMS_HTTP_EXAMPLES"
EXAMPLES = int(os.environ.get(LONG, "3"))
"""Per route; ``EMS_HTTP_EXAMPLES=100`` is the long run, with every edge of every field besides."""
schema = schemathesis.openapi.from_dict(create_app(Web(Settings("", SECRET))).openapi())
schema.config.phases.update(phases=["fuzzing", "coverage"] if LONG in os.environ else ["fuzzing"])
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture
def anna(house: House) -> TestClient:
    return house.login("anna")


@schema.exclude(path_regex="logout").parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
def test_every_answer_is_one_the_schema_tells_of(case: Case, house: House, anna: TestClient) -> None:
    house.seconds.at += 3600.0
    asked: dict[str, Any] = case.as_transport_kwargs(base_url="http://localhost")
    sent = {name: value for name, value in asked.items() if name in ("params", "json", "headers", "data", "content")}
    answer = anna.request(asked["method"], asked["url"], **sent)
    case.validate_response(answer, checks=CHECKS)
