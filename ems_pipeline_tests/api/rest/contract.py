"""The servers that the contract is held against: ours always, a PostgREST where the environment names one.

``EMS_TEST_POSTGREST_URL`` and ``EMS_TEST_POSTGREST_TOKEN`` (role ``ems_analyst``, any subject) name one in front of
a database that ``python -m ems_pipeline_tests.api.rest.rows`` has filled, with ``db-schemas = ems`` and
``db-max-rows = 10000``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from starlette.testclient import TestClient

SERVERS = ("ours", "postgrest")


@dataclass
class Answer:
    """What any server said."""

    status: int
    text: str
    headers: Mapping[str, str]
    json: Any = field(default=None)


class Server:
    """One server that speaks the dialect; ``client`` None: the PostgREST that the environment names."""

    def __init__(self, client: TestClient | None) -> None:
        self._client = client

    def __call__(self, path: str, method: str = "GET", json: object = None, **headers: str) -> Answer:
        """Ask for a path below its root; headers with ``_`` for ``-``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        said: Any
        if self._client is not None:
            said = self._client.request(method, f"/rest/{path}", headers=sent, json=json)
        else:
            sent["Authorization"] = f"Bearer {os.environ['EMS_TEST_POSTGREST_TOKEN']}"
            url = os.environ["EMS_TEST_POSTGREST_URL"].rstrip("/")
            said = requests.request(method, f"{url}/{path}", headers=sent, json=json, timeout=20)
        is_json = "json" in said.headers.get("content-type", "") and bool(said.content)
        return Answer(said.status_code, said.text, said.headers, said.json() if is_json else None)


def demand_postgrest() -> None:
    """Skip where nobody has one."""
    if not os.environ.get("EMS_TEST_POSTGREST_URL"):
        pytest.skip("EMS_TEST_POSTGREST_URL names no PostgREST to hold the contract against")
