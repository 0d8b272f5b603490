"""Who may ask an HTTP twin: the server's side of basic (RFC 7617), digest (RFC 7616), bearer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.request import parse_http_list, parse_keqv_list

REALM = "plant"


@dataclass
class Basic:
    """User and password with every request."""

    user: str
    password: str

    @property
    def challenge(self) -> str:
        return f'Basic realm="{REALM}"'

    def admits(self, _method: str, _address: str, given: str) -> bool:
        """Whether the ``Authorization`` header ``given`` is that of the user."""
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
        return hmac.compare_digest(given, f"Basic {token}")


@dataclass
class Bearer:
    """A token with every request (RFC 6750)."""

    token: str

    @property
    def challenge(self) -> str:
        return "Bearer"

    def admits(self, _method: str, _address: str, given: str) -> bool:
        """Whether the ``Authorization`` header ``given`` has the token."""
        return hmac.compare_digest(given, f"Bearer {self.token}")


@dataclass
class Digest:
    """A proof of knowing the password, by SHA-256 over a number that is used once, as a Shelly wants it."""

    user: str
    password: str
    _nonces: set[str] = field(default_factory=set)

    @property
    def challenge(self) -> str:
        self._nonces.add(nonce := secrets.token_hex(16))
        return f'Digest qop="auth", realm="{REALM}", nonce="{nonce}", algorithm=SHA-256'

    def admits(self, method: str, address: str, given: str) -> bool:
        """Whether ``given`` proves it for this request; a nonce serves once."""
        scheme, _, parts = given.partition(" ")
        said = parse_keqv_list(parse_http_list(parts)) if scheme == "Digest" else {}
        try:
            self._nonces.remove(said["nonce"])
            if (said["username"], said["uri"], said["realm"]) != (self.user, address, REALM):
                return False
            secret, request = f"{self.user}:{REALM}:{self.password}", f"{method}:{address}"
            proof = ":".join([_hash(secret), said["nonce"], said["nc"], said["cnonce"], "auth", _hash(request)])
            return hmac.compare_digest(said["response"], _hash(proof))
        except KeyError:
            return False


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
