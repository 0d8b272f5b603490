"""Where a browser is told: the push service that its maker runs, and the keys that only the browser can undo.

All of it is one address (RFC 8030, RFC 8291) and a secret: whoever knows it may speak to the browser. It is kept as
``ENDPOINT P256DH AUTH`` with blanks between, and shown as the host with six digits of a hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ems_pipeline.errors import EmsError

LONGEST_ENDPOINT = 1000
HERE = ("127.0.0.1", "localhost")
"""This machine, where tests have their service; nobody else is told without TLS."""
PRINTABLE = re.compile(r"[!-~]+")
POINT_BYTES, SECRET_BYTES = 65, 16


class NoSubscription(EmsError, ValueError):
    """What a browser says is no address that we tell anything to; the text names its host at most."""

    usual = "EMS_PUSH_SERVICES lists the services that may be named"


@dataclass(frozen=True)
class Subscription:
    """One browser. ``p256dh``: its public key, 65 bytes in base64url; ``auth``: 16 secret bytes in base64url."""

    endpoint: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).hostname or ""

    def __str__(self) -> str:
        """As `ems.notice_channel` keeps it."""
        return f"{self.endpoint} {self.p256dh} {self.auth}"


def checked(endpoint: str, p256dh: str, auth: str, services: Sequence[str]) -> Subscription:
    """What a browser says, if it may be told.

    Args:
        services: hosts that may be named; ``*.`` for whatever stands below one.

    Raises:
        NoSubscription: see there.
    """
    if not PRINTABLE.fullmatch(endpoint) or len(endpoint) > LONGEST_ENDPOINT:
        raise NoSubscription("the address of the push service cannot be one")
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NoSubscription("the address of the push service cannot be read") from None
    if not any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in services):
        raise NoSubscription(f"{host[:80]!r} is no push service that may be named")
    is_here = host in HERE
    if parts.scheme != "https" and not (is_here and parts.scheme == "http"):
        raise NoSubscription(f"{host} is not asked for by https")
    if "@" in parts.netloc or parts.fragment or (port not in (None, 443) and not is_here):
        raise NoSubscription(f"the address of the push service at {host} has a user, a fragment or a port")
    if _bytes(p256dh)[:1] != b"\x04" or len(_bytes(p256dh)) != POINT_BYTES or len(_bytes(auth)) != SECRET_BYTES:
        raise NoSubscription(f"the keys for {host} are none", "press the button again")
    return Subscription(endpoint, p256dh.rstrip("="), auth.rstrip("="))


def read(address: str, services: Sequence[str]) -> Subscription:
    """An address as it is kept, looked at as when it was new; same errors."""
    parts = address.split(" ")
    if len(parts) != 3:
        raise NoSubscription("the address kept of a browser cannot be read")
    return checked(parts[0], parts[1], parts[2], services)


def shown(kind: str, address: str) -> str:
    """An address as people may see it: of a browser the host, and enough to tell it from others."""
    if kind != "push":
        return address
    endpoint = address.partition(" ")[0]
    return f"{urlsplit(endpoint).hostname or ''} {hashlib.sha256(endpoint.encode()).hexdigest()[:6]}"


def _bytes(text: str) -> bytes:
    """What base64url says; nothing where it is none."""
    bare = text.rstrip("=")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", bare):
        return b""
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:
        return b""
