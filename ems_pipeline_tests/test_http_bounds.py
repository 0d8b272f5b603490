"""A server decides what it says, not how long we listen, how much we keep, or whom we tell what we told it."""

from __future__ import annotations

import gzip
import itertools
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ems_pipeline import http
from ems_pipeline.http import conversation
from ems_pipeline.http.deadline import Deadline

LONG_S = 30.0
DRIPS = 500
SECRET = "s3cret-of-ours"


@contextmanager
def server(talk: Callable[[socket.socket, bytes], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A real server on loopback that hands each connection and the head of its question to ``talk``."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    wire, _ = listening.accept()
                except OSError:
                    return
                with wire:
                    asked.append(wire.recv(65536))
                    try:
                        talk(wire, asked[-1])
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    assert not thread.is_alive()


def say(wire: socket.socket, status: str, body: bytes = b"", *headers: str) -> None:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    wire.sendall("\r\n".join(head).encode() + body)


def drip(start: bytes) -> Callable[[socket.socket, bytes], None]:
    """Says ``start`` and then a byte whenever the other side might begin to think that nobody is there."""

    def talk(wire: socket.socket, _: bytes) -> None:
        wire.sendall(start)
        pause = threading.Event()
        for byte in itertools.repeat(b"x", DRIPS):  # an end, so that a deadline that does not hold fails and hangs not
            pause.wait(0.02)
            wire.sendall(byte)

    return talk


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=a, nonce=b\r\nContent-Length: 1000000\r\n\r\n",
    ],
    ids=["status line", "headers", "body with a length", "body without a length", "login"],
)
def test_a_reply_that_drips_ends_with_its_time_wherever_it_is(start: bytes) -> None:
    with server(drip(start)) as (url, asked):
        with pytest.raises(http.TransientError, match=r"no complete reply within 0\.3 s"):
            http.get(url, timeout_s=0.3, retries=0, login=http.Login("ems", SECRET, "digest"))
        assert len(asked) == 1


def test_a_server_that_drips_its_tls_handshake_ends_with_its_time() -> None:
    with server(drip(b"\x16\x03\x03\x3f\xff")) as (url, _), pytest.raises(http.TransientError, match=r"within 0\.3 s"):
        http.get(url.replace("http:", "https:"), timeout_s=0.3, retries=0)


@pytest.mark.parametrize("status", ["200 OK", "500 Broken", "401 No"])
def test_a_reply_ends_at_the_size_it_has_unpacked(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 100_000)
    packed = gzip.compress(bytes(100_001))
    challenge = "WWW-Authenticate: Digest realm=a, nonce=b"

    def talk(wire: socket.socket, _: bytes) -> None:
        say(wire, status, packed, "Content-Encoding: gzip", challenge)

    assert len(packed) < 1000
    with server(talk) as (url, _), pytest.raises(http.PermanentError, match="more than 100000 bytes"):
        http.get(url, timeout_s=LONG_S, retries=0, login=http.Login("ems", SECRET, "digest"))


def test_a_reply_of_exactly_the_largest_size_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 100_000)
    packed = gzip.compress(bytes(100_000))
    with server(lambda wire, _: say(wire, "200 OK", packed, "Content-Encoding: gzip")) as (url, _):
        assert http.get(url, timeout_s=LONG_S) == bytes(100_000)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_else_is_told_what_a_server_was_told(status: int) -> None:
    with server(lambda wire, _: say(wire, "200 OK", b"mine")) as (other, told):

        def talk(wire: socket.socket, _: bytes) -> None:
            say(wire, f"{status} Elsewhere", b"", f"Location: {other}/relay?on={SECRET}")

        with server(talk) as (url, asked):
            for ask in (
                lambda: http.get(url, headers={"X-Api-Key": SECRET}, login=http.Login("ems", SECRET)),
                lambda: http.post(url, b"body", {"X-Api-Key": SECRET}),
            ):
                with pytest.raises(http.PermanentError, match=r"sends us on to http://127\.0\.0\.1:") as refused:
                    ask()
                assert SECRET not in str(refused.value)
            assert len(asked) == 2, "what will not change by itself is not asked again"
        assert not told


def test_a_get_is_followed_on_the_same_server_with_its_headers_and_a_post_is_not() -> None:
    def talk(wire: socket.socket, question: bytes) -> None:
        if b" /new" in question:
            say(wire, "200 OK", b"here")
        else:
            say(wire, "307 Moved", b"", "Location: /new?language=en")

    with server(talk) as (url, asked):
        assert http.get(f"{url}/old", {"day": "1"}, {"X-Api-Key": SECRET}) == b"here"
        assert b"GET /new?language=en" in asked[1]
        assert SECRET.encode() in asked[1]
        with pytest.raises(http.PermanentError, match="wants the POST repeated"):
            http.post(f"{url}/old", b"body")
        assert len(asked) == 3


def test_a_circle_of_redirects_ends() -> None:
    with server(lambda wire, _: say(wire, "302 Found", b"", "Location: /again")) as (url, asked):
        with pytest.raises(http.PermanentError, match="sent on 5 times"):
            http.get(url)
        assert len(asked) == conversation.MOST_HOPS


@pytest.mark.parametrize(
    ("asked", "location", "is_allowed"),
    [
        ("http://a.example/x", "/y", True),
        ("http://a.example/x", "https://a.example/y", True),
        ("http://A.example:80/x", "http://a.example/y", True),
        ("https://a.example/x", "http://a.example/y", False),
        ("https://a.example/x", "https://b.a.example/y", False),
        ("https://a.example/x", "https://a.example:8443/y", False),
        ("http://a.example:8080/x", "https://a.example/y", False),
        ("http://a.example/x", "//b.example/y", False),
        ("http://a.example/x", "file:///etc/hostname", False),
        ("http://a.example/x", "http://a.example:999999/", False),
        ("http://a.example/x", "http://[a/", False),
    ],
)
def test_a_redirect_leads_to_the_same_server_and_never_down_from_https(
    asked: str, location: str, is_allowed: bool
) -> None:
    if is_allowed:
        assert conversation._target("GET", asked, location).endswith("/y")
    else:
        with pytest.raises(conversation.SentOn):
            conversation._target("GET", asked, location)


def test_a_digest_login_is_answered_within_the_bounds() -> None:
    def talk(wire: socket.socket, question: bytes) -> None:
        if b"Authorization: Digest" in question:
            say(wire, "200 OK", b"in")
        else:
            say(wire, "401 No", b"no", 'WWW-Authenticate: Digest realm="a", nonce="b", qop="auth"')

    with server(talk) as (url, asked):
        assert http.get(url, login=http.Login("ems", SECRET, "digest")) == b"in"
        assert len(asked) == 2


def test_what_is_said_after_the_login_counts() -> None:
    def talk(wire: socket.socket, question: bytes) -> None:
        if b"Authorization: Digest" in question:
            say(wire, "503 Busy")
        else:
            say(wire, "401 No", b"no", 'WWW-Authenticate: Digest realm="a", nonce="b", qop="auth"')

    with server(talk) as (url, _), pytest.raises(http.TransientError) as refused:
        http.get(url, retries=0, login=http.Login("ems", SECRET, "digest"))
    assert refused.value.status == 503


def test_a_reply_without_a_body_of_its_own_is_no_success() -> None:
    with server(lambda wire, _: say(wire, "304 Not Modified")) as (url, _), pytest.raises(http.PermanentError):
        http.get(url)


def test_a_short_time_ends_while_longer_ones_are_waited_for() -> None:
    is_late = pytest.raises(http.TransientError, match=r"within 0\.2 s")
    with Deadline(LONG_S), Deadline(2 * LONG_S), server(drip(b"")) as (url, _), is_late:
        http.get(url, timeout_s=0.2, retries=0)


def test_what_has_ended_is_cut_no_more_and_what_goes_on_is() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with Deadline(0.05) as ended:
            ended.watch(ours)
        with Deadline(0.1) as holding:
            other, peer = socket.socketpair()
            with other, peer:
                holding.watch(other)
                peer.settimeout(5)
                assert peer.recv(1) == b"", "cut"
        assert holding.is_over
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"


def test_the_time_of_a_reply_ends_in_a_forked_process_too() -> None:
    """Run workers are forked from a process that may have asked before; threads stay behind."""
    with server(lambda wire, _: say(wire, "200 OK")) as (quick, _), server(drip(b"")) as (url, _):
        http.get(quick, timeout_s=LONG_S)
        child = os.fork()
        if not child:
            try:
                http.get(url, timeout_s=0.2, retries=0)
            except http.TransientError as error:
                os._exit(0 if "within 0.2 s" in str(error) else 1)
            os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
