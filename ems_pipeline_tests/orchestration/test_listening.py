"""`ems up` as a newcomer starts it: everything it opens is open to this machine only."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from ems_pipeline.cli.db import Role
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.servers import free_ports

pytestmark = pytest.mark.slow
PATIENCE_S = 240
"""A bound for an installation that does not come up, not a measurement."""


@dataclass
class Installation:
    """A running `ems up` with its web UI, metrics and virtual plant, on ports that were free."""

    process: subprocess.Popen[bytes]
    home: Path
    ports: dict[str, int]
    environ: dict[str, str]

    def processes(self) -> list[psutil.Process]:
        """The supervisor, its children, and whoever works in its home (the database is nobody's child)."""
        found = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if Path(process.cwd()).is_relative_to(self.home):
                    found.append(process)
        return found

    def listening(self) -> set[tuple[str, int]]:
        addresses = set()
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                for connection in process.net_connections("inet"):
                    if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM:
                        addresses.add((connection.laddr.ip, connection.laddr.port))
        return addresses


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("up")
    names = ["ui", "metrics", "web", "rs485", "rs485-heat", "miniserver", "cars"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    (folder / "sites").mkdir()
    text = (ROOT / "sites" / "home01.yaml").read_text(encoding="utf-8")
    for name, port in (("rs485", 15020), ("rs485-heat", 15021), ("miniserver", 15080)):
        text = text.replace(f"port: {port}", f"port: {ports[name]}")
    box, bus = "{key: wallbox-1, map: teltonika-teltocharge, gateway: rs485, unit_id: 11}", "gateways:\n"
    assert box in text
    text = text.replace(box, "{key: wallbox-1, map: ocpp-charger, gateway: cars}")
    called = f"  - {{key: cars, transport: ocpp, host: 127.0.0.1, port: {ports['cars']}}}\n"
    text = text.replace(bus, bus + called, 1)
    (folder / "sites" / "home01.yaml").write_text(text, encoding="utf-8")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("EMS_", "DAGSTER_"))}
    environ |= {"EMS_HOME": str(folder / "home"), "EMS_SITES": str(folder / "sites")}
    command = [str(Path(sys.executable).parent / "ems"), "up", "--history-days", "0"]
    command += ["--port", str(ports["ui"]), "--metrics-port", str(ports["metrics"])]
    command += ["--web-port", str(ports["web"])]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=said, stderr=said)
    running = Installation(process, folder / "home", ports, environ)
    try:
        for name, path in (("metrics", "/metrics"), ("ui", "/server_info"), ("web", "/api/v1/health")):
            _wait(process, f"http://127.0.0.1:{ports[name]}{path}", folder / "said")
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        subprocess.run([command[0], "db", "stop"], env=environ, cwd=ROOT, check=False, capture_output=True)


def _wait(process: subprocess.Popen[bytes], url: str, said: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        assert process.poll() is None, said.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(f"{url} did not answer\n{said.read_text()}")


def test_nothing_listens_beyond_this_machine(installation: Installation) -> None:
    listening = installation.listening()
    beyond = {(ip, port) for ip, port in listening if not ipaddress.ip_address(ip).is_loopback}
    assert beyond == set()
    opened = {port for _, port in listening}
    assert set(installation.ports.values()) <= opened, "else nothing was looked at"


def test_the_database_and_the_code_server_listen_on_no_port_at_all(installation: Installation) -> None:
    names = {process.name(): process for process in installation.processes()}
    assert "postgres" in names
    assert not names["postgres"].net_connections("inet")
    assert (installation.home / "postgres").stat().st_mode & 0o077 == 0, "nor can others reach its socket"
    known = set(installation.ports.values())
    supervisor = {c.laddr.port for c in psutil.Process(installation.process.pid).net_connections("inet")}
    unknown = {port for _, port in installation.listening()} - known - supervisor
    assert unknown == set(), "the plant's documents apart, only what was asked for"


def test_the_command_shows_every_door_and_finds_none_open(installation: Installation) -> None:
    command = [str(Path(sys.executable).parent / "ems"), "doors"]
    environ = installation.environ | {"COLUMNS": "400"}
    shown = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    for ip, port in installation.listening():
        assert f"tcp {ip} port {port} " in shown.stdout
    for expected in (
        "database login postgres",
        "database login ems_web",
        ".s.PGSQL.5432",
        "code.sock",
        f"{installation.ports['cars']}.sock",
        "nothing at or below",
    ):
        assert expected in shown.stdout


def test_a_role_of_the_database_is_not_a_login_but_for_those_of_two_processes(installation: Installation) -> None:
    """What `ems up` made of its own accord opens no door: roles, and nobody else who could use them."""
    from sqlalchemy.engine import make_url

    from ems_pipeline.warehouse import Warehouse, embedded

    url = make_url(embedded.start(installation.home / "postgres")).set(drivername="postgresql+psycopg", database="ems")
    warehouse = Warehouse(url)
    with warehouse.begin() as connection:
        found = dict(
            connection.exec_driver_sql("SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname !~ '^pg_'").all()
        )
    warehouse.close()
    assert {name for name, can_login in found.items() if can_login} == {"postgres", "ems_web", "ems_notices"}
    assert {f"ems_{role}" for role in Role} <= set(found)
