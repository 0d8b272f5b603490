"""What a server was told in confidence is in nothing that comes back: not in a body, a reason, or an address."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, quote_plus

import pytest

from ems_pipeline import http

SECRET = "s3cret/with +odd&parts"


class _Echo(BaseHTTPRequestHandler):
    """Tells everything it was asked, in the reason of its status and in the body; the path begins with the status."""

    def do_GET(self) -> None:
        status = int(self.path.partition("?")[0].strip("/").partition("/")[0])
        login = self.headers.get("Authorization", "")
        plain = base64.b64decode(login.rpartition(" ")[2] + "==", validate=False) if login.startswith("Basic") else b""
        body = f"you asked {self.path} with {login} which is ".encode() + plain
        self.send_response(status, f"no: {self.path} {login}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def forms(secret: str) -> list[bytes]:
    """A secret as it is written in bodies and in addresses."""
    return [secret.encode(), *(form(secret).encode() for form in (quote, quote_plus))]


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_refusal_that_repeats_the_question_keeps_its_secrets(echo: str, status: int) -> None:
    login = http.Login("ems", SECRET)
    with pytest.raises(http.HttpError) as refused:
        http.get(f"{echo}/{status}", {"securityToken": SECRET, "zone": "CZ"}, retries=0, login=login)
    error = refused.value
    said = f"{error} {error.url} {error.reason} {error!r}".encode() + error.body
    for form in forms(SECRET):
        assert form not in said
    assert base64.b64encode(f"ems:{SECRET}".encode()) not in said
    assert b"zone=CZ" in said, "the rest of it helps"


def test_an_answer_that_repeats_the_question_keeps_its_secrets_too(echo: str) -> None:
    bearer = {"Authorization": "Bearer " + "t0ken" * 5}
    for body in (http.get(f"{echo}/200", {"apikey": SECRET}), http.post(f"{echo}/200", b"", bearer)):
        assert not [form for form in [*forms(SECRET), b"t0ken" * 5] if form in body]
        assert b"you asked" in body


def test_short_values_are_left_in_a_body_where_they_may_be_anything(echo: str) -> None:
    assert b"pin=1234567" not in http.get(f"{echo}/200", {"zone": "CZ"})
    assert b"token=1234567" in http.get(f"{echo}/200", {"token": "1234567"})


def test_a_closed_port_and_a_silent_server_are_told_apart() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(http.TransientError, match=r"no complete reply within 0.1 s; check"):
            http.get(address, timeout_s=0.1, retries=0)
    with pytest.raises(http.TransientError, match=r"no connection \(ConnectionError\); check the network"):
        http.get(address, timeout_s=20, retries=0)
