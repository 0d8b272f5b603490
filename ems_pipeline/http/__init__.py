"""HTTP for everybody: the one package that imports requests.

`get` and `post` return the body or raise; nobody else decides what may be tried again. A reply that may be different
in a minute (timeout, refused connection, 429, 5xx) is a `TransientError`; one that will not change by itself (a bad
address, 401, 404) is a `PermanentError`. Secrets in addresses never reach a message or a log, nor does a server's reply
that repeats what it was told. How long, how large and how far a reply may be is decided in `conversation`,
and `deadline` ends what takes too long.
Add here when a protocol detail concerns every HTTP conversation; what a document means belongs to its parser.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

import requests
import urllib3
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

from ems_pipeline.errors import EmsError
from ems_pipeline.http import conversation
from ems_pipeline.plain_text import plain

TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
SECRET_NAMES = ("token", "key", "secret", "pass", "pwd", "credential", "auth", "sig")
NEVER_REACHED = (
    urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.SSLError,
    urllib3.exceptions.ProxyError,
)  # fmt: skip
SHORTEST_SECRET = 8
"""Characters from which on a secret is recognised in a reply; a shorter one would be found in innocent numbers."""
USER_AGENT = "ems-pipeline"
MOST_BYTES = 32 * 1024 * 1024
"""Of one reply, unpacked: ten times what the largest document of any source has."""


class HttpError(EmsError):
    """A request without a usable reply: where, what came back, and what to do about it."""

    def __init__(self, url: str, reason: str, remedy: str, status: int | None = None, body: bytes = b"") -> None:
        self.url = plain(redacted(url))
        self.reason = plain(reason)
        super().__init__(f"{self.url}: {self.reason}", remedy)
        self.status = status
        self.body = body
        self.after_s: float | None = None
        """How long the server wants to be left alone (Retry-After in seconds); None: it did not say."""
        self.may_have_arrived = status is not None
        """Whether the server may have got the request: a repetition may then be a second one."""


class TransientError(HttpError):
    """The same request may succeed later."""


class PermanentError(HttpError):
    """The same request will fail again until somebody changes something."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer: its body and the instant the server says it was sent."""

    body: bytes
    date_at: datetime | None


@dataclass(frozen=True, slots=True)
class Login:
    """User and password, and how the server wants them: RFC 7617 `basic`, or `digest` (RFC 7616, asked twice)."""

    user: str
    password: str = field(repr=False)
    scheme: Literal["basic", "digest"] = "basic"


def get(
    url: str,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 20.0,
    retries: int = 2,
    login: Login | None = None,
) -> bytes:
    """The body behind ``url``; transient failures are tried again ``retries`` times with growing, jittered pauses.

    ``timeout_s`` is the time of one whole reply, redirects to the same server included.

    Raises:
        TransientError, PermanentError: no usable reply.
    """
    return _retried(lambda: _send("GET", url, params, headers, None, timeout_s, login), retries).body


def get_reply(
    url: str,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 20.0,
    retries: int = 2,
) -> Reply:
    """Like `get`, with the instant of the reply: for documents that do not say which day they are about."""
    return _retried(lambda: _send("GET", url, params, headers, None, timeout_s), retries)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 20.0,
    retries: int = 0,
) -> bytes:
    """Send ``body``; tried again only when the caller says that a repetition is harmless (``retries``).

    Raises:
        TransientError, PermanentError: no usable reply.
    """
    return _retried(lambda: _send("POST", url, None, headers, body, timeout_s), retries).body


def delete(url: str, headers: Mapping[str, str] | None = None, timeout_s: float = 20.0) -> bytes:
    """Ask that what stands behind ``url`` be taken away, once; same errors."""
    return _send("DELETE", url, None, headers, None, timeout_s).body


def redacted(url: str) -> str:
    """``url`` without user, password and the values of secret parameters; nothing of one that cannot be read."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    query = [
        (name, "***" if _is_secret(name) else value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=urlencode(query, safe="*:/,")))


def _retried(send: Callable[[], Reply], retries: int) -> Reply:
    for attempt in range(retries):
        try:
            return send()
        except TransientError as error:
            if error.status == 429:  # a ban grows with every knock on the door; the caller's next source is faster
                raise
            time.sleep((2**attempt) * random.uniform(0.25, 0.75))
    return send()


def _send(
    method: str,
    url: str,
    params: Mapping[str, str] | None,
    headers: Mapping[str, str] | None,
    body: bytes | None,
    timeout_s: float,
    login: Login | None = None,
) -> Reply:
    request = requests.Request(
        method,
        url,
        params=params,
        data=body,
        headers={"User-Agent": USER_AGENT} | dict(headers or {}),
        auth=login and _auth(login),
    )
    try:
        prepared = request.prepare()
    except (requests.RequestException, ValueError) as error:
        raise PermanentError(url, f"not a usable address ({type(error).__name__})", "correct the address") from None
    where = prepared.url or url
    reply = _reply(request, prepared, where, timeout_s)
    confided = _confided(where, reply.request.headers.get("Authorization"), login)
    content = _unechoed(reply.content, confided)
    if reply.status_code // 100 == 2:
        return Reply(content, _date(reply.headers.get("Date")))
    kind = TransientError if reply.status_code in TRANSIENT_STATUS else PermanentError
    reason = _unechoed((reply.reason or "").encode(), confided).decode(errors="replace")
    refused = kind(where, f"HTTP {reply.status_code} {reason}", _remedy(reply.status_code), reply.status_code, content)
    wait = reply.headers.get("Retry-After", "").strip()
    refused.after_s = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 8 else None
    raise refused


def _reply(
    request: requests.Request, prepared: requests.PreparedRequest, where: str, timeout_s: float
) -> requests.Response:
    try:
        return conversation.hold(request, prepared, timeout_s, MOST_BYTES)
    except conversation.SentOn as error:
        raise PermanentError(
            where, str(error), "nobody else is told what this server is: correct the address"
        ) from None
    except conversation.TooLarge as error:
        raise PermanentError(where, str(error), "check the address; no document of ours is that large") from None
    except (conversation.TooSlow, requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        # The exception's own text repeats the address with its secrets, so only its kind is told.
        is_late = isinstance(error, conversation.TooSlow | requests.Timeout | urllib3.exceptions.TimeoutError)
        came = f"no complete reply within {timeout_s:g} s" if is_late else f"no connection ({type(error).__name__})"
        failed = TransientError(where, came, "check the network or the server")
        failed.may_have_arrived = not any(map(_never_reached, (error, error.__cause__)))
        raise failed from None


def _never_reached(error: BaseException | None) -> bool:
    """Whether an error says that no connection was made; `requests` wraps what urllib3 says."""
    reason = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else error
    return isinstance(getattr(reason, "reason", reason), NEVER_REACHED)


def _confided(url: str, authorization: str | bytes | None, login: Login | None) -> list[bytes]:
    """What a server was told and must not tell us again: its reply is stored, quoted and logged."""
    query = [value for name, value in parse_qsl(urlsplit(url).query) if _is_secret(name)]
    if isinstance(authorization, bytes):
        authorization = authorization.decode(errors="replace")
    found = [*query, (authorization or "").rpartition(" ")[2], login.password if login else ""]
    return [secret.encode() for secret in found if len(secret) >= SHORTEST_SECRET]


def _unechoed(text: bytes, confided: Iterable[bytes]) -> bytes:
    for secret in confided:
        for form in (secret, quote(secret).encode(), quote(secret, safe="").encode(), quote_plus(secret).encode()):
            text = text.replace(form, b"***")
    return text


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET_NAMES)


def _auth(login: Login) -> AuthBase:
    if login.scheme == "digest":
        return HTTPDigestAuth(login.user, login.password)
    return HTTPBasicAuth(login.user.encode(), login.password.encode())


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None


def _remedy(status: int) -> str:
    return {
        401: "check the credentials",
        403: "check the credentials",
        404: "check the address",
        429: "ask less often",
    }.get(status, "try again later" if status in TRANSIENT_STATUS else "check the request")
