"""`ems doctor` asks each name people call the machine by as a browser would."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ems_pipeline.cli import reach


@pytest.fixture
def port(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Something that answers over TLS as localhost; its certificate ends the day after tomorrow."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_name("cert.pem"), certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = listening.accept()
                    with suppress(OSError), context.wrap_socket(line, server_side=True) as wrapped:
                        wrapped.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        monkeypatch.setattr(reach, "PORT", listening.getsockname()[1])
        monkeypatch.setenv("EMS_WEB_HOSTS", "localhost")
        monkeypatch.setenv("EMS_WEB_PROXIES", "127.0.0.1")
        yield listening.getsockname()[1]


@pytest.mark.usefixtures("port")
def test_a_certificate_that_nobody_vouches_for_is_a_warning() -> None:
    (found,) = reach.from_outside()
    assert found.level == "warning"
    assert "localhost does not answer over TLS" in found.text
    assert "certificate verify failed" in found.text


@pytest.mark.usefixtures("port")
def test_a_certificate_is_to_be_renewed_before_it_ends(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("cert.pem")))
    (soon,) = reach.from_outside()
    assert (soon.level, "have it renewed" in soon.text) == ("warning", True)
    monkeypatch.setattr(reach, "SOON", reach.SOON * 0)
    (good,) = reach.from_outside()
    assert (good.level, "holds until" in good.text) == ("good", True)


def test_where_nothing_listens_the_name_is_told_with_what_to_do(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        monkeypatch.setattr(reach, "PORT", gone.getsockname()[1])
    (found,) = reach.from_outside()
    assert "take the name out of EMS_WEB_HOSTS" in found.text


@pytest.mark.usefixtures("port")
def test_a_name_without_a_proxy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMS_WEB_PROXIES")
    assert any("EMS_WEB_PROXIES no proxy" in found.text for found in reach.from_outside())
    monkeypatch.delenv("EMS_WEB_HOSTS")
    assert list(reach.from_outside()) == []
