"""HTTP servers of a plant: a small controller's web service, and the documents of the outside world."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from ems_pipeline.devices import codec
from ems_pipeline.plant.refusals import BUSY, Refused, Silent
from ems_pipeline.plant.twins import LoxoneTwin

Answer = tuple[int, bytes]
"""HTTP status and body."""
Ask = Callable[[str, Mapping[str, str], bytes], Answer]
"""Path, query and body of a request -> its answer."""
IO_PATH = "/jdev/sps/io/"


@contextmanager
def serving_http(host: str, port: int, ask: Ask, login: tuple[str, str] | None = None) -> Iterator[int]:
    """Serve until the block ends; yields the port (0 asks for any free one).

    Args:
        login: user and password that basic authentication must give; None: no login.

    Raises:
        OSError: the port is taken.
    """
    expected = "Basic " + base64.b64encode(":".join(login).encode()).decode("ascii") if login else None

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
            if expected is not None and not hmac.compare_digest(given, expected):
                status, reply = 401, b"<html><head><title>error</title></head><body>401</body></html>"
            else:
                try:
                    status, reply = ask(parts.path, query, body)
                except Silent:
                    self.close_connection = True
                    return
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(reply)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the plant is not the one under observation."""

    server = ThreadingHTTPServer((host, port), Handler)
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


def loxone_service(twins: Sequence[LoxoneTwin]) -> Ask:
    """The web service of a Miniserver that shows the twins' points by their object names."""
    objects = {p.path: (twin, p) for twin in twins for p in twin.point_map.points if p.path is not None}

    def ask(path: str, _query: Mapping[str, str], _body: bytes) -> Answer:
        name, _, written = unquote(path).removeprefix(IO_PATH).partition("/")
        found = objects.get(name) if path.startswith(IO_PATH) else None
        if found is None:
            return 200, _envelope(path, 404, "")
        twin, point = found
        try:
            twin.check_alive()
        except Refused as refused:
            return 200, _envelope(path, 503 if refused.code == BUSY else 500, "")
        if written:
            try:
                value, quality, _ = codec.judge(point, codec.to_site(point, float(written)))
            except ValueError:
                return 200, _envelope(path, 400, "")
            if not point.writable or value is None or quality:
                return 200, _envelope(path, 400, "")
            twin.put({point.name: value})
        return 200, _envelope(path, 200, twin.text(point))

    return ask


def _envelope(path: str, code: int, value: str) -> bytes:
    return json.dumps({"LL": {"control": path.lstrip("/"), "value": value, "Code": str(code)}}).encode()
