"""Ask, and get what was asked for as an object of its class, or `Refused` with the reason and the remedy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

import requests
from pydantic import BaseModel

from ems_client.models import Fault, Filed, LoggedIn, Login, Request

Model = TypeVar("Model", bound=BaseModel)
Asked = str | int | bool | datetime | None
"""A value in a query; None is left out."""


class Refused(Exception):
    """The server did not do it; ``fault`` has the code for programs."""

    def __init__(self, fault: Fault) -> None:
        told = f"{fault.title} ({fault.status} {fault.code}): {fault.detail}"
        super().__init__(f"{told}\nWhat to do: {fault.remedy}\nThe server's log has it as {fault.request_id}.")
        self.fault = fault


class Client:
    """One caller of one server: a program with its token, or a person after `login`.

    Every method raises `Refused` where the server says no, and what requests raises where it says nothing.
    """

    def __init__(self, address: str = "http://127.0.0.1:8000", token: str = "", timeout_s: float = 30.0) -> None:
        self._base, self._token, self._word, self._timeout_s = f"{address}/api/v1", token, "", timeout_s
        self._session = requests.Session()
        self._session.auth = self._signed  # so that nothing in .netrc is sent instead

    def login(self, name: str, password: str) -> None:
        """Begin a session; it ends twelve hours after its last request."""
        self._word = self.post(LoggedIn, "/login", Login(name=name, password=password)).csrf_token

    def logout(self) -> None:
        """End the session."""
        self._answer("POST", "/logout", None, {})

    def get(self, kind: type[Model], path: str, **query: Asked) -> Model:
        """One object: ``client.get(Plan, "/sites/home01/plan")``."""
        return kind.model_validate_json(self._answer("GET", path, None, query))

    def every(self, kind: type[Model], path: str, **query: Asked) -> Iterator[Model]:
        """All entries of a list, page after page: ``client.every(SiteShort, "/me/sites")``."""
        while True:
            page = json.loads(self._answer("GET", path, None, query))
            yield from map(kind.model_validate, page["items"])
            if (cursor := page["next_cursor"]) is None:
                return
            query["cursor"] = cursor

    def post(self, kind: type[Model], path: str, body: BaseModel | None = None, **query: Asked) -> Model:
        """Have something done: ``client.post(Filed, "/sites/home01/plan/run", type="daily")``."""
        return kind.model_validate_json(self._answer("POST", path, body, query))

    def patch(self, kind: type[Model], path: str, body: BaseModel) -> Model:
        """Change what the body names, and leave the rest as it is."""
        return kind.model_validate_json(self._answer("PATCH", path, body, {}))

    def delete(self, kind: type[Model], path: str) -> Model:
        """Take something back: ``client.delete(Override, filed.href)`` works with the path of an answer too."""
        return kind.model_validate_json(self._answer("DELETE", path, None, {}))

    def follow(self, filed: Filed, patience_s: float = 600.0, every_s: float = 1.0) -> Request:
        """The request once it has ended; unless it is ``done``, its ``problem`` says why and what mends it.

        Raises:
            TimeoutError: it goes on, and nobody here waits for it any longer.
        """
        end = time.monotonic() + patience_s
        while True:
            request = self.get(Request, f"/requests/{filed.request_id}")
            if request.ended_at is not None:
                return request
            if time.monotonic() > end:
                raise TimeoutError(f"after {patience_s:g} s it is still {request.state}: {filed.href}")
            time.sleep(every_s)

    def _answer(self, method: str, path: str, body: BaseModel | None, query: dict[str, Asked]) -> bytes:
        said = self._session.request(
            method,
            self._base + path.removeprefix("/api/v1"),
            params={name: _text(value) for name, value in query.items() if value is not None},
            data=None if body is None else body.model_dump_json(exclude_unset=True),
            headers={"Content-Type": "application/json"},
            timeout=self._timeout_s,
        )
        if said.headers.get("Content-Type", "").startswith("application/problem+json"):
            raise Refused(Fault.model_validate_json(said.content))
        said.raise_for_status()  # what stands in between, such as a proxy
        return said.content

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        elif self._word:
            request.headers["X-CSRF-Token"] = self._word
        return request


def _text(value: Asked) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)
