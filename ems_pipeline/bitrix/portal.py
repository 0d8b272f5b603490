"""A portal: one call at a time, or up to fifty in a batch. Its address is told to nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import quote

from ems_pipeline import http
from ems_pipeline.bitrix import refusal
from ems_pipeline.bitrix.address import Webhook
from ems_pipeline.bitrix.bucket import Bucket
from ems_pipeline.bitrix.reading import mapping
from ems_pipeline.bitrix.refusal import BitrixError, Full, Refused, Shut, Spent, Unanswered
from ems_pipeline.time_grid import Clock

TIMEOUT_S = 65.0
"""A portal ends a request after 60 s: who waits longer than that knows that it is over."""
MOST_AT_ONCE = 50
PAUSES_S = (1.0, 2.0, 4.0)
"""After QUERY_LIMIT_EXCEEDED; then the run gives up, and the next one tries."""


class Result(str):
    """``$result[name][field]``: what a call before it in the batch answered. No text of people's is ever one."""


class Command(NamedTuple):
    """A call within a batch."""

    name: str
    method: str
    parameters: Mapping[str, Any]

    @property
    def text(self) -> str:
        """As a batch takes it: a query, encoded once; PHP reads brackets as objects and lists."""
        return f"{self.method}?{'&'.join(_pairs('', self.parameters))}"


def _pairs(prefix: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list | tuple):
        inner = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, one in inner:
            yield from _pairs(f"{prefix}[{quote(str(key), safe='')}]" if prefix else quote(str(key), safe=""), one)
    else:
        yield f"{prefix}={value if isinstance(value, Result) else quote(str(value), safe='')}"


@dataclass
class Portal:
    """Whom we ask; it remembers until a process ends how long it was told to wait."""

    webhook: Webhook
    clock: Clock
    timeout_s: float = TIMEOUT_S
    bucket: Bucket = field(init=False)
    _resets: dict[str, datetime] = field(default_factory=dict)
    _new: frozenset[str] | None = None

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.clock)

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of a method of the old version; BitrixError: there is none."""
        return self._asked(self.webhook.old(method), method, parameters, {})

    def call_new(self, method: str, key: str | None = None, **parameters: Any) -> Any:
        """The same of REST 3.0. ``key``: said again with the same body within a day, it happens once."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._asked(self.webhook.new(method), method, parameters, headers)

    def offers(self, method: str) -> bool:
        """Whether the portal has a method of REST 3.0; asked once.

        One that has no REST 3.0 takes `api` for a user, and refuses him; so does one whose webhook is worth nothing,
        which the old version says as well.
        """
        if self._new is None:
            try:
                found = self.call_new("rest.documentation.openapi")
            except (Refused, Shut):
                found = {}
            self._new = frozenset(path.lstrip("/") for path in mapping(mapping(found).get("paths")))
        return method in self._new

    def batch(self, commands: Sequence[Command]) -> dict[str, Any]:
        """Results by name, of fifty calls in one request; it ends with the first that fails. BitrixError: one did."""
        if len(commands) > MOST_AT_ONCE:
            raise ValueError(f"a batch takes {MOST_AT_ONCE} calls, not {len(commands)}: split it")
        texts = {command.name: command.text for command in commands}
        answer = mapping(self._asked(self.webhook.old("batch"), "batch", {"halt": 1, "cmd": texts}, {}))
        for name, error in mapping(answer.get("result_error")).items():
            method = next((c.method for c in commands if c.name == name), "batch")
            code, text = refusal.told(mapping(error))
            said = f"Bitrix24 at {self.webhook.host}, {method}: {code} {refusal.hidden(self.webhook, text)}"
            raise refusal.of_code(said, 0, code, self._resets.get(method))
        return dict(mapping(answer.get("result")))

    def _asked(self, address: str, method: str, parameters: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        for pause_s in (*PAUSES_S, None):
            self.bucket.take()
            try:
                return self._answered(address, method, parameters, headers)
            except Full:
                if pause_s is None:
                    raise
                self.clock.wait_until(self.clock.now() + timedelta(seconds=pause_s))
        raise AssertionError("the last pause is none")

    def _answered(self, address: str, method: str, parameters: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        body = json.dumps(parameters, ensure_ascii=False).encode("utf-8", "replace")
        sent = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        try:
            reply = http.post(address, body, sent, timeout_s=self.timeout_s)
        except http.HttpError as error:
            raise self._until(method, refusal.of_http(self.webhook, method, error)) from None  # it holds the address
        document = refusal.read(reply)
        if (until_at := refusal.reset_at(document)) is not None:
            self._resets[method] = until_at
        if document.get("error"):  # with status 200, where whoever stands before the portal says so
            code, text = refusal.told(document)
            said = f"Bitrix24 at {self.webhook.host}, {method}: {code} {refusal.hidden(self.webhook, text)}"
            raise refusal.of_code(said, 0, code, until_at)
        if "result" not in document and "openapi" not in document:
            raise Unanswered(f"Bitrix24 at {self.webhook.host}, {method}: an answer that cannot be read")
        return document.get("result", document)

    def _until(self, method: str, error: BitrixError) -> BitrixError:
        """What was told with the last good answer, where the refusal does not say it again."""
        if isinstance(error, Spent) and error.until_at is None:
            error.until_at = self._resets.get(method)
        return error


def split(commands: Sequence[Command], most: int = MOST_AT_ONCE) -> Iterator[list[Command]]:
    """In parts that a batch takes."""
    rest = iter(commands)
    while part := list(islice(rest, most)):
        yield part
