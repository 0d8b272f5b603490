"""The web UI without a proxy answers its own pages only: a browser must not be another site's hand."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL

from ems_pipeline.orchestration.machinery.web_server import fault
from ems_pipeline.sites.wiring import LOOPBACK
from ems_pipeline_tests.orchestration.installation import Installation, installed

HERE = {"host": "127.0.0.1:3000"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "complaint"),
    [
        ("GET", "/runs", {}, ""),
        ("POST", "/graphql", {"origin": "http://127.0.0.1:3000", "sec-fetch-site": "same-origin"}, ""),
        ("", "/graphql", {"origin": "http://127.0.0.1:3000"}, ""),
        ("GET", "/runs", {"host": "localhost:3000", "sec-fetch-site": "none"}, ""),
        ("GET", "/runs", {"host": "[::1]:3000"}, ""),
        ("GET", "/graphql", {}, "POST only"),
        ("HEAD", "/graphql/", {}, "POST only"),
        ("GET", "/x/GraphQL", {}, "POST only"),
        ("POST", "/graphql", {"origin": "https://evil.example"}, "is not answered"),
        ("POST", "/graphql", {"origin": "null"}, "is not answered"),
        ("POST", "/graphql", {"origin": "http://127.0.0.1:3001"}, "is not answered"),
        ("", "/graphql", {"origin": "https://evil.example"}, "is not answered"),
        ("POST", "/graphql", {"sec-fetch-site": "cross-site"}, "another site"),
        ("GET", "/", {"sec-fetch-site": "same-site"}, "another site"),
        ("GET", "/", {"host": "evil.example:3000"}, "ask for one of"),
        ("GET", "/", {"host": ""}, "ask for one of"),
    ],
)
def test_who_is_answered(method: str, path: str, headers: dict[str, str], complaint: str) -> None:
    found = fault(method, path, HERE | headers, LOOPBACK)
    assert (complaint in found) == bool(complaint or not found), found
    assert bool(found) == bool(complaint), found


def test_behind_a_proxy_any_name_is_its_business() -> None:
    assert fault("GET", "/", {"host": "ems.example"}, frozenset()) == ""
    assert fault("POST", "/graphql", {"host": "ems.example", "origin": "https://ems.example"}, frozenset()) == ""
    assert fault("POST", "/graphql", {"host": "ems.example", "origin": "https://evil.example"}, frozenset())


@pytest.fixture(scope="module")
def installation(database_server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(database_server, tmp_path_factory.mktemp("web")) as made:
        yield made


MUTATION = "/graphql?query=mutation%7BreloadWorkspace%7B__typename%7D%7D"


@pytest.mark.slow
def test_the_real_server_executes_no_mutation_that_came_by_get_or_from_elsewhere(installation: Installation) -> None:
    def asked(method: str, path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=60)
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return connection.getresponse().status

    own = f"http://127.0.0.1:{installation.port}"
    assert asked("GET", MUTATION) == 403
    assert asked("POST", MUTATION, Origin="https://evil.example") == 403
    assert asked("POST", MUTATION, Sec_Fetch_Site="cross-site") == 403
    assert asked("GET", "/server_info", Host="evil.example") == 403
    assert asked("POST", MUTATION, Origin=own, Sec_Fetch_Site="same-origin") == 200
    assert asked("GET", "/server_info") == 200
    assert installation.ask("{ version }".replace("version", "runsOrError(limit: 1) { __typename }"))
