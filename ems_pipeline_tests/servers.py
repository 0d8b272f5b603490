"""A second PostgreSQL as an operator runs it: over TCP on loopback, with a password, of another version if possible."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from ems_pipeline.warehouse import programs as shipped

OWNER, PASSWORD = "ems_owner", "owner's pass:word/@"


def programs() -> Path:
    """Debian's newest server, which is what people have; otherwise the oldest that comes with the wheel."""
    debian = [f for f in Path("/usr/lib/postgresql").glob("*/bin") if (f / "initdb").exists()]
    found = sorted(debian, key=lambda folder: int(folder.parent.name)) or shipped.binaries()[-1:]
    if not found:
        pytest.skip("no second PostgreSQL server is installed (looked below /usr/lib/postgresql and in the wheel)")
    return found[-1]


def timescale_programs() -> Path:
    """A server that offers TimescaleDB: the one named by EMS_TEST_TIMESCALE_BIN, or Debian's where it was added."""
    named = os.environ.get("EMS_TEST_TIMESCALE_BIN")
    for folder in (Path(named) if named else None, programs()):
        if folder is None or not (folder / "pg_config").exists():
            continue
        shared = subprocess.run([folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=True).stdout
        if (Path(shared.strip()) / "extension" / "timescaledb.control").exists():
            return folder
    pytest.skip("no PostgreSQL here offers TimescaleDB; name the folder of one's programs in EMS_TEST_TIMESCALE_BIN")


@contextmanager
def tcp_server(run: Path | None = None, **settings: str) -> Iterator[URL]:
    """A running, empty server of its own; its address with the superuser's password, without a database."""
    run = run or programs()
    with tempfile.TemporaryDirectory(prefix="ems-tcp-", ignore_cleanup_errors=True) as name:
        folder, (port,) = Path(name), free_ports(1)
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        as_user = _someone_else(folder)
        data = folder / "data"
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "fsync": "off",
            **settings,
        }
        given = [f"-c{key}={value}" for key, value in options.items()]
        initdb = [run / "initdb", "-D", data, "-U", OWNER, f"--pwfile={secret}", "-A", "scram-sha-256", "-E", "UTF8"]
        _call(initdb, as_user)
        server = subprocess.Popen(
            [str(run / "postgres"), "-D", str(data), *given], user=as_user, cwd=folder,
            stdout=subprocess.DEVNULL, stderr=(folder / "log").open("wb"),
        )  # fmt: skip
        try:
            _call([run / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], as_user, tries=200)
            yield URL.create("postgresql+psycopg", OWNER, PASSWORD, "127.0.0.1", port)
        finally:
            server.send_signal(signal.SIGINT)  # a fast shutdown: it does not wait for who is still connected
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            server.wait()


def _someone_else(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: somebody who may, and the folder made his; None: whoever runs the test."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "pgserver", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, name)
            return name
    pytest.skip("nobody but root is known here, and PostgreSQL does not run as root")


def free_ports(count: int) -> list[int]:
    """Ports of loopback on which nobody listens now, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _call(command: list[object], as_user: str | None, tries: int = 1) -> None:
    for _ in range(tries):
        words = [str(word) for word in command]
        done = subprocess.run(words, user=as_user, capture_output=True, text=True, timeout=60, cwd="/", check=False)
        if done.returncode == 0:
            return
        time.sleep(0.05 if tries > 1 else 0)
    raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")
