"""The HTTP API as a program asks it: with a token, for what that token may."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from ems_pipeline import http
from ems_pipeline.errors import EmsError

TIMEOUT_S = 10.0
"""As long as the API gives its own database, about."""
Row = dict[str, Any]


class ApiRefused(EmsError):
    """The API says no, and why; the same again will not help."""


class ApiAway(EmsError):
    """The API does not answer now."""


@dataclass(frozen=True)
class Api:
    """One API; ``token`` is shown to nobody."""

    address: str
    token: str = field(repr=False)

    @property
    def number(self) -> str:
        """The first figures of the token's number, by which the API notes what it did; empty: it is none of ours."""
        return str(self._claims.get("jti", ""))[:8]

    @property
    def ends_at(self) -> datetime | None:
        """When the token ends; None: it is none of ours."""
        said = self._claims.get("exp")
        return datetime.fromtimestamp(said, UTC) if isinstance(said, int) else None

    @property
    def _claims(self) -> Row:
        """What the token says of itself: for us to read, the API alone knows whether it is true."""
        payload = [*self.token.split("."), ""][1]
        try:
            found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (ValueError, binascii.Error):
            return {}
        return found if isinstance(found, dict) else {}

    def get(self, path: str, **query: str) -> Any:
        """What stands at a path below `/api/v1`. ApiRefused, ApiAway."""
        asked = f"?{urlencode(query)}" if query else ""
        return self._answer(lambda: http.get(self._url(path) + asked, None, self._headers(), TIMEOUT_S, 0))

    def items(self, path: str, **query: str) -> list[Row]:
        """A list, as far as one page of it goes; same errors."""
        found: list[Row] = self.get(path, **query)["items"]
        return found

    def post(self, path: str, body: Row, once: str) -> Any:
        """Have something filed; ``once`` names it, so that it is filed once however often it arrives. Same errors."""
        headers = {**self._headers(), "Idempotency-Key": once, "Content-Type": "application/json"}
        said = json.dumps(body).encode()
        return self._answer(lambda: http.post(self._url(path), said, headers, TIMEOUT_S, retries=1))

    def delete(self, path: str) -> Any:
        """Have something taken back; same errors."""
        return self._answer(lambda: http.delete(self._url(path), self._headers(), TIMEOUT_S))

    def _url(self, path: str) -> str:
        return f"{self.address.rstrip('/')}/api/v1/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _answer(self, ask: Callable[[], bytes]) -> Any:
        try:
            return json.loads(ask())
        except http.PermanentError as error:
            raise ApiRefused(*_told(error)) from None
        except http.HttpError as error:
            raise ApiAway(f"the HTTP API does not answer ({error.reason})", "see whether `ems web` runs") from None
        except ValueError:
            raise ApiAway("the HTTP API answers no JSON", "see what listens at EMS_MQTT_API") from None


def _told(error: http.HttpError) -> tuple[str, str]:
    """Detail and remedy of the API's own problem, where it is one."""
    try:
        said = json.loads(error.body)
        return str(said["detail"]), str(said["remedy"])
    except (ValueError, KeyError, TypeError):
        return f"the HTTP API refuses: {error.reason}", "see docs/api.md"
