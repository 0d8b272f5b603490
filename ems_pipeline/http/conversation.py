"""One question over HTTP within bounds: a time for all of it, a size, and nobody else who hears it.

`requests` bounds the silence between two bytes only, unpacks whatever comes, and takes our headers along to wherever a
server sends it on. Here the socket is cut when the time is over, reading ends at the allowed size, and a redirect is
followed only to the same server. Raises what `requests` and urllib3 raise, and the three reasons below.
"""

from __future__ import annotations

import io
import logging
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from ems_pipeline.http.deadline import Deadline

logging.getLogger("urllib3").setLevel(logging.INFO)
"""It writes every address at DEBUG, and some services want their token in the path."""
ENVIRONMENT = requests.Session()
"""Asked for proxies and certificates of the environment; it sends nothing and keeps nothing."""
PROXIES = [f"{kind}_proxy" for kind in ("http", "https", "all", "no")]
DECIDING = [*PROXIES, *map(str.upper, PROXIES), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "REQUEST_METHOD"]
"""Variables on which it depends how a server is reached."""
MOST_HOPS = 5
CHUNK_BYTES = 1 << 16


class TooSlow(Exception):
    """The reply was not complete in time."""


class TooLarge(Exception):
    """The reply, unpacked, is larger than anybody needs."""


class SentOn(Exception):
    """The server points to another place; the text names its scheme, host and port, nothing that may be secret."""


def hold(
    request: requests.Request, prepared: requests.PreparedRequest, timeout_s: float, most_bytes: int
) -> requests.Response:
    """The reply to ``request`` with its whole body read: at most ``most_bytes`` unpacked, within ``timeout_s`` in all.

    A GET that is sent on is asked again at the same server (or at its https, when it was asked by http), with the same
    headers. Nothing else follows: a POST would be repeated, and another host would be told what this one was.

    Args:
        prepared: the request as it goes out first.

    Raises:
        TooSlow, TooLarge, SentOn, requests.RequestException, urllib3.exceptions.HTTPError, ValueError (an address).
    """
    with Deadline(timeout_s) as deadline, closing(_BoundedAdapter(deadline, most_bytes)) as adapter:
        for _ in range(MOST_HOPS):
            try:
                reply = _asked(adapter, prepared, timeout_s)
            except Exception as error:
                if deadline.is_over:
                    raise TooSlow(f"no complete reply within {timeout_s:g} s") from error
                raise
            if not reply.is_redirect:
                return reply
            target = _target(request.method, prepared.url or request.url, reply.headers["location"])
            prepared = requests.Request(request.method, target, headers=request.headers, auth=request.auth).prepare()
    raise SentOn(f"it was sent on {MOST_HOPS} times, last to {_server(target)}")


def _asked(adapter: HTTPAdapter, prepared: requests.PreparedRequest, timeout_s: float) -> requests.Response:
    """As `requests.Session.send`, which goes elsewhere by itself, and makes a way out for every scheme each time."""
    parts = urlsplit(prepared.url or "")
    server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"  # nobody's password is kept
    how = {"timeout": timeout_s, **_way(server, *map(os.environ.get, DECIDING))}
    reply = adapter.send(prepared, **how)
    for hook in prepared.hooks["response"]:  # a login asks again
        answered = hook(reply, **how)
        reply = reply if answered is None else answered  # a refusal counts as false, and is an answer
    return reply


@lru_cache(maxsize=256)
def _way(server: str, *_environment: str | None) -> Mapping[str, Any]:
    """Proxy and certificates for a server; to look through the whole environment took a tenth of a request."""
    return MappingProxyType(dict(ENVIRONMENT.merge_environment_settings(server, {}, True, None, None)))


def _target(method: str, asked: str, location: str) -> str:
    """Where a redirect leads. Raises `SentOn` where nobody may follow."""
    try:
        target = urljoin(asked, location)
        before, after = _origin(asked), _origin(target)
    except ValueError:
        raise SentOn("it sends us on to an address that cannot be read") from None
    upgraded = ("https", before[1], 443) if before[0] == "http" and before[2] == 80 else before
    if after not in (before, upgraded):
        raise SentOn(f"it sends us on to {_server(target)}")
    if method != "GET":
        raise SentOn(f"it wants the {method} repeated elsewhere on {_server(target)}")
    return target


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)


def _server(url: str) -> str:
    scheme, host, port = _origin(url)
    return f"{scheme}://{host}:{port}"


class _Watched(HTTPConnection):
    """A connection that its conversation's deadline can cut from the first byte on, the TLS handshake included."""

    def __init__(self, *args: Any, deadline: Deadline, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        wire = super()._new_conn()
        self._deadline.watch(wire)
        return wire


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _BoundedAdapter(HTTPAdapter):
    """Reads every reply whole and within bounds, those of a login handshake too."""

    def __init__(self, deadline: Deadline, most_bytes: int) -> None:
        self._deadline, self._most_bytes = deadline, most_bytes
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **proxy_kwargs)
        self._watch(manager)
        return manager

    def send(self, request: requests.PreparedRequest, *_: Any, **kwargs: Any) -> requests.Response:
        response = super().send(request, **kwargs | {"stream": True})
        with response:
            body = self._read(response)
        response.raw = io.BytesIO(body)
        return response

    def _read(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > self._most_bytes:
                raise TooLarge(f"the reply has more than {self._most_bytes} bytes")
        if self._deadline.is_over:  # a cut that looks like the end of a body without a length
            raise TooSlow("the reply was cut by the deadline")
        return bytes(body)

    def _watch(self, manager: PoolManager) -> None:
        """Functions where urllib3 expects classes: to make two for each request took a tenth of its time."""
        watched = {"http": (HTTPConnectionPool, _Watched), "https": (HTTPSConnectionPool, _WatchedTls)}
        made: dict[str, Any] = {scheme: partial(_pool, *kinds, self._deadline) for scheme, kinds in watched.items()}
        manager.pool_classes_by_scheme = made


def _pool(
    kind: type[HTTPConnectionPool], of: type[_Watched], deadline: Deadline, *args: Any, **kwargs: Any
) -> HTTPConnectionPool:
    """A pool whose connections can be cut."""
    pool = kind(*args, **kwargs)
    pool.ConnectionCls = partial(of, deadline=deadline)  # type: ignore[assignment]
    return pool
