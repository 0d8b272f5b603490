"""A push service as RFC 8030 and RFC 8292 describe it: browsers with an address each, and a service with moods.

It looks at who signed and for whom, and hands on what it cannot read: that is the browser's alone.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from ems_pipeline.plant.refusals import Silent
from ems_pipeline.plant.web_server import Answer, running

LONGEST_BYTES, MOST_TOPIC, MOST_DAY_S = 4096, 32, 24 * 3600
FAULTS: dict[str, str] = {
    "broken": "every message is answered 502",
    "slow": "every answer takes longer than anybody waits",
    "lost": "a message is taken and the line is cut before the answer",
    "wrong-key": "our key is not known any more: 403",
    "narrow": "nothing beyond 1500 bytes is taken: 413",
    "elsewhere": "every message is sent on to another address: 307",
    "echo": "a refusal repeats the address it was asked at",
}
"""What the service does wrong, by name."""


@dataclass(frozen=True)
class Pushed:
    """A message that was taken: for which browser, encrypted, and how it was to be kept."""

    path: str
    body: bytes
    ttl_s: int
    urgency: str
    topic: str


@dataclass
class PushTwin:
    """A service that takes messages signed with one key (``public_key``, base64url)."""

    public_key: str
    patience_s: float = 30.0
    faults: set[str] = field(default_factory=set)
    gone: dict[str, int] = field(default_factory=dict)
    """Browsers that ended it, by path: 404 or 410."""
    floods: dict[str, str] = field(default_factory=dict)
    """Retry-After by path, said once."""
    pushed: list[Pushed] = field(default_factory=list)
    calls: int = 0
    address: str = ""

    def ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[Answer, dict[str, str]]:
        """A message for a browser: the answer, and headers that go with it."""
        self.calls += 1
        if "slow" in self.faults:
            time.sleep(self.patience_s)
        if "broken" in self.faults:
            return (502, b"<html>Bad Gateway</html>"), {}
        if "elsewhere" in self.faults:
            return (307, b""), {"Location": f"{self.address}/another"}
        echo = path if "echo" in self.faults else ""
        if (why := self._stranger(headers.get("authorization", ""))) or "wrong-key" in self.faults:
            return (403, f"{why} {echo}".encode()), {}
        if path in self.floods:
            return (429, b""), {"Retry-After": self.floods.pop(path)}
        if path in self.gone:
            return (self.gone[path], b""), {}
        if len(body) > (1500 if "narrow" in self.faults else LONGEST_BYTES):
            return (413, b""), {}
        ttl, topic = headers.get("ttl", ""), headers.get("topic", "")
        if headers.get("content-encoding") != "aes128gcm" or not ttl.isdecimal() or len(topic) > MOST_TOPIC:
            return (400, b"TTL, Topic or Content-Encoding"), {}
        self.pushed.append(Pushed(path, body, int(ttl), headers.get("urgency", ""), topic))
        if "lost" in self.faults:
            raise Silent
        return (201, b""), {}

    def _stranger(self, authorization: str) -> str:
        """What is wrong with who signed (RFC 8292); nothing: it is the one whom browsers know."""
        scheme, _, rest = authorization.partition(" ")
        said = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        if scheme.lower() != "vapid" or said.get("k") != self.public_key:
            return "another key"
        point = base64.urlsafe_b64decode(self.public_key + "=")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        # The library leaves the port out of `aud`, which is right for every real service: they are all at 443.
        origin = self.address.rpartition(":")[0]
        try:
            claims = jwt.decode(said["t"], key, ["ES256"], audience=origin, options={"require": ["exp", "sub", "aud"]})
        except (jwt.PyJWTError, KeyError) as error:
            return type(error).__name__
        is_near = claims["exp"] <= time.time() + MOST_DAY_S
        return "" if is_near and str(claims["sub"]).startswith("mailto:") else "exp or sub"


@contextmanager
def serving_push(public_key: str, patience_s: float = 30.0) -> Iterator[PushTwin]:
    """The service at a free port of this machine; its address is the twin's."""
    twin = PushTwin(public_key, patience_s)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.close_connection = True
            try:
                headers = {name.lower(): value for name, value in self.headers.items()}
                (status, reply), more = twin.ask(self.path, body, headers)
            except Silent:
                return
            self.send_response(status)
            for name, value in {**more, "Content-Length": str(len(reply)), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # nobody waits any more
                self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the twin is not the one under observation."""

    with running("127.0.0.1", 0, Handler) as port:
        twin.address = f"http://127.0.0.1:{port}"
        yield twin
