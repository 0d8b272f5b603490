"""What a process listens on, and who could connect: as the kernel tells it, for sockets of this very process."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ems_pipeline.cli import doors as shown
from ems_pipeline.orchestration.installation import listening
from ems_pipeline.sites import Site

pytestmark = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="looks at sockets in /proc")


@pytest.fixture
def folder() -> Iterator[Path]:
    """One whose path is short enough for a socket, and open but for what a test closes."""
    with tempfile.TemporaryDirectory(prefix="doors") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextlib.contextmanager
def waiting(family: int, address: tuple[str, int] | str, kind: int = socket.SOCK_STREAM) -> Iterator[socket.socket]:
    with socket.socket(family, kind) as made:
        made.bind(address)
        if kind == socket.SOCK_STREAM:
            made.listen()
        yield made


def ports() -> dict[int, listening.Port]:
    return {port.number: port for port in listening.ports(os.getpid())}


@pytest.mark.parametrize(("kind", "protocol"), [(socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")])
@pytest.mark.parametrize(("ip", "level"), [("127.0.0.1", "good"), ("127.1.2.3", "good"), ("0.0.0.0", "warning")])
def test_a_port_beyond_loopback_is_a_warning(ip: str, level: str, kind: int, protocol: str) -> None:
    with waiting(socket.AF_INET, (ip, 0), kind) as made:
        port = ports()[made.getsockname()[1]]
    assert (port.protocol, str(port.ip)) == (protocol, ip)
    finding = shown._of_port(port, "x")
    assert finding.level == level
    assert (level == "good") != ("127.0.0.1" in finding.text), "a warning has its remedy"


def test_a_port_for_chargers_is_open_to_their_network_only_where_it_was_asked_for(
    home01: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with waiting(socket.AF_INET, ("0.0.0.0", 0)) as made:
        port = ports()[made.getsockname()[1]]
    document = home01.model_dump(mode="json")
    gateway = {"key": "cars", "transport": "ocpp", "host": "0.0.0.0", "port": port.number, "password_env": "X"}
    document["gateways"].append(gateway)
    (tmp_path / "home01.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("EMS_SITES", str(tmp_path))
    assert shown._of_port(port, "x").level == "warning"
    monkeypatch.setenv("EMS_OCPP_LAN", "1")
    assert shown._of_port(port, "x").level == "good"


@pytest.mark.parametrize(("ip", "is_loopback"), [("::1", True), ("::", False)])
def test_ipv6_counts_like_ipv4(ip: str, is_loopback: bool) -> None:
    if not socket.has_ipv6 or not Path("/proc/self/net/if_inet6").exists():
        pytest.skip("this kernel has no IPv6")
    with waiting(socket.AF_INET6, (ip, 0)) as made:
        port = ports()[made.getsockname()[1]]
    assert (str(port.ip), port.is_loopback) == (ip, is_loopback)


def test_ipv4_within_ipv6_is_loopback_where_its_ipv4_is() -> None:
    for ip, is_loopback in (("::ffff:127.0.0.1", True), ("::ffff:0.0.0.0", False)):
        assert listening.Port(1, "tcp", ipaddress.ip_address(ip), 1).is_loopback == is_loopback


def test_a_socket_that_is_connected_is_no_door() -> None:
    with waiting(socket.AF_INET, ("127.0.0.1", 0)) as made, socket.create_connection(made.getsockname()) as client:
        assert client.getsockname()[1] not in ports()


@pytest.mark.parametrize(
    ("folder_mode", "socket_mode", "level"),
    [
        (0o700, 0o777, "good"),
        (0o755, 0o700, "good"),
        (0o755, 0o755, "good"),  # connecting takes the right to write
        (0o710, 0o770, "warning"),
        (0o755, 0o777, "warning"),
        (0o711, 0o722, "warning"),
    ],
)
def test_a_unix_socket_is_as_closed_as_its_folder_or_itself(
    folder: Path, folder_mode: int, socket_mode: int, level: str
) -> None:
    within = folder / "with space"
    within.mkdir()
    path = within / "s"
    with waiting(socket.AF_UNIX, str(path)):
        within.chmod(folder_mode)
        path.chmod(socket_mode)
        (door,) = [door for door in listening.doors(os.getpid()) if door.path == str(path)]
        assert shown._of_door(door, "x").level == level


def test_a_socket_without_a_file_is_everybodys() -> None:
    name = f"doors-of-{os.getpid()}"
    with waiting(socket.AF_UNIX, f"\0{name}"):
        (door,) = [door for door in listening.doors(os.getpid()) if door.path == f"@{name}"]
    assert shown._of_door(door, "x").level == "warning"


def test_whoever_works_in_the_home_and_below_is_of_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert os.getpid() not in listening.processes(tmp_path, [])
    assert os.getpid() in listening.processes(tmp_path, [os.getppid()]), "a head's children"
    monkeypatch.chdir(tmp_path)
    assert os.getpid() in listening.processes(tmp_path, [])


@pytest.mark.parametrize(("program", "is_ours"), [("ems_pipeline.web.serve", True), ("some.shell", False)])
def test_a_program_of_ours_that_runs_alone_for_the_home_is_of_the_installation(
    tmp_path: Path, program: str, is_ours: bool
) -> None:
    """As `ems web` beside `ems up`; what else somebody runs with this home in the environment is his own."""
    waits = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", waits, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {"EMS_HOME": str(tmp_path)},
    ) as child:  # fmt: skip
        assert child.stdout is not None
        child.stdout.readline()
        assert (child.pid in listening.processes(tmp_path, [])) == is_ours
        child.terminate()
