"""How the pages are reached from outside: each name people call this machine by, asked over TLS as a browser would."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ems_pipeline import settings
from ems_pipeline.cli.checkup import Finding
from ems_pipeline.plain_text import told
from ems_pipeline.time_grid import SystemClock

PORT, PATIENCE_S = 443, 5.0
SOON = timedelta(days=14)
"""A certificate that ends within this time should have been renewed."""


def from_outside() -> Iterator[Finding]:
    """Names of `EMS_WEB_HOSTS`: whether TLS answers there with a certificate for that name, and until when it holds."""
    names, proxies = sorted(settings.WEB_HOSTS.read()), settings.WEB_PROXIES.read()
    for name in names:
        yield _tls(name)
    if names and not proxies:
        yield Finding(
            "warning", "outside", "EMS_WEB_HOSTS names this machine and EMS_WEB_PROXIES no proxy: whoever comes "
            "through one counts as the proxy, in the log and in how often a password may be tried; name its address",
        )  # fmt: skip


def _tls(name: str) -> Finding:
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((name, PORT), PATIENCE_S) as line,
            context.wrap_socket(line, server_hostname=name) as wrapped,
        ):
            ends = str((wrapped.getpeercert() or {}).get("notAfter", ""))
    except OSError as error:
        return Finding(
            "warning", "outside", f"{name} does not answer over TLS on port {PORT} ({told(error)}); look at the proxy "
            "or tunnel in front of `ems web` (docs/web.md), or take the name out of EMS_WEB_HOSTS",
        )  # fmt: skip
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
    if until - SystemClock().now() < SOON:
        return Finding("warning", "outside", f"the certificate of {name} ends {until:%Y-%m-%d}; have it renewed")
    return Finding("good", "outside", f"{name} answers over TLS, its certificate holds until {until:%Y-%m-%d}")
