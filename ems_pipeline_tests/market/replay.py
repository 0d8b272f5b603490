"""A server on loopback that answers as the sources do, with faults to switch on per source."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from ems_pipeline.market.settings import SourceSettings


@dataclass
class Answer:
    """What one source answers: a body, a status, possibly only the first part of the body."""

    body: bytes | Callable[[dict[str, str]], bytes] = b""
    status: int = 200
    cut_to: int | None = None
    """Bytes after which the connection is dropped."""
    date: str | None = None
    """The Date header, when the test needs a certain instant."""


@dataclass
class Replay:
    """The running server: answers by source name, and what it was asked."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    SOURCES: ClassVar = (
        "ote",
        "ote-chart",
        "entsoe",
        "energy-charts",
        "awattar-de",
        "awattar-at",
        "spotovaelektrina",
        "cnb",
        "cnb-text",
        "rte",
        "tempo-public",
    )

    def settings(self, **others: str) -> SourceSettings:
        """Settings that send every source here."""
        environ = {
            f"EMS_SOURCE_{name.upper().replace('-', '_')}_URL": f"http://127.0.0.1:{self.port}/{name}"
            for name in self.SOURCES
        }
        settings = SourceSettings.from_environ(
            environ | {"EMS_ENTSOE_TOKEN": "s3cret", "EMS_SOURCE_TIMEOUT_S": "5"} | others
        )
        return SourceSettings(**{**settings.__dict__, "retries": 0})

    def asked_sources(self) -> list[str]:
        """Names of the sources asked so far, in order."""
        return [name for name, _ in self.asked]


@contextmanager
def replay() -> Iterator[Replay]:
    """Start, serve, stop. A source without an answer is out of order (503)."""
    state = Replay(0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer()

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            name = parts.path.strip("/").split("/")[0]
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            state.asked.append((name, query))
            answer = state.answers.get(name, Answer(status=503))
            body = answer.body(query) if callable(answer.body) else answer.body
            self.send_response_only(answer.status)
            self.send_header("Date", answer.date or self.date_time_string())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if answer.cut_to is None else body[: answer.cut_to])
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
