"""HTTP servers of a plant: web services of its devices, and the documents of the outside world."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from ems_pipeline.plant.refusals import Silent
from ems_pipeline.plant.web_login import Basic, Bearer, Digest

Answer = tuple[int, bytes]
"""HTTP status and body."""
Ask = Callable[[str, Mapping[str, str], bytes], Answer]
"""Path, query and body of a request -> its answer."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    """Of five callers at once, which is Python's own, the sixth is kept waiting for a second."""


@contextmanager
def serving_http(
    host: str,
    port: int,
    ask: Ask,
    login: Basic | Bearer | Digest | None = None,
    free: Collection[str] = (),
    now: Callable[[], datetime] | None = None,
) -> Iterator[int]:
    """Serve until the block ends; yields the port (0 asks for any free one).

    Args:
        login: who may ask; None: everybody.
        free: paths that everybody may ask all the same.
        now: what the server says it answers at; None: this machine's clock.

    Raises:
        OSError: the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            given = self.headers.get("Authorization", "")
            is_shut = login is not None and parts.path not in free
            stranger = is_shut and login is not None and not login.admits(self.command, self.path, given)
            if stranger:
                status, reply = 401, b"<html><head><title>error</title></head><body>401</body></html>"
            else:
                try:
                    status, reply = ask(parts.path, query, body)
                except Silent:
                    self.close_connection = True
                    return
            self.send_response(status)
            if stranger and login is not None:
                self.send_header("WWW-Authenticate", login.challenge)
            if reply[:1] in (b"{", b"["):
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(reply)
            self.close_connection = True

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(timestamp if now is None else now().timestamp())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the plant is not the one under observation."""

    with running(host, port, Handler) as bound:
        yield bound


@contextmanager
def running(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Answer by a handler of one's own until the block ends; yields the port. OSError: it is taken."""
    server = _Server((host, port), handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="plant-http", daemon=True
    )
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
