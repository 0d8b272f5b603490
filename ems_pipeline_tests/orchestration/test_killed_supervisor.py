"""`ems up` killed (SIGKILL, as when memory runs out): nothing is left running, every device is let go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ems_pipeline.orchestration.installation import hand_back, watchdog
from ems_pipeline.warehouse import alarms, home_lock
from ems_pipeline_tests.control.conftest import Bench, days_lived, home, troubled
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE
from ems_pipeline_tests.orchestration import supervised
from ems_pipeline_tests.orchestration.installation import wait

__all__ = ["days_lived", "home", "troubled"]
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    noted: Path

    def family(self) -> list[int]:
        """Child and grandchild, once both have begun."""
        wait(lambda: self.noted.exists() and len(self.noted.read_text().split()) >= 2, lambda: "no child began")
        return [int(pid) for pid in self.noted.read_text().split()]

    def living(self) -> list[int]:
        """Processes that the supervisor has started."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]

    def watchdog(self) -> int:
        """The process whose command line names it."""
        (pid,) = [pid for pid in self.living() if watchdog.__file__ in command(pid)]
        return pid

    def log(self) -> str:
        return self.noted.with_suffix(".log").read_text()


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def lives(pid: int) -> bool:
    return watchdog._session(pid) is not None


def start(folder: Path, *let_go: str) -> Running:
    noted = folder / "pids"
    process = subprocess.Popen([sys.executable, supervised.__file__, str(noted), *let_go], start_new_session=True)
    return Running(process, noted)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("EMS_HOME", str(tmp_path / "home"))
    umask = os.umask(0o077)
    yield tmp_path
    os.umask(umask)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_what_a_killed_supervisor_left_ends_and_devices_are_let_go(folder: Path, number: signal.Signals) -> None:
    running = start(folder, "touch", str(folder / "let-go"))
    family, dog = running.family(), running.watchdog()
    os.kill(running.process.pid, number)
    running.process.wait()
    wait(lambda: not any(map(lives, family)), running.log)
    wait((folder / "let-go").exists, running.log)
    wait(lambda: not lives(dog), running.log)
    with home_lock.held("ems up", patience_s=0):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_one_that_is_told_to_stop_does_so_itself(folder: Path, number: signal.Signals) -> None:
    running = start(folder, "touch", str(folder / "let-go"))
    family, dog = running.family(), running.watchdog()
    os.kill(running.process.pid, number)
    assert running.process.wait() == 0
    assert not any(map(lives, [*family[:1], dog]))
    assert not (folder / "let-go").exists(), "that is the supervisor's own part"


def test_a_killed_watchdog_is_started_again_and_knows_the_children(folder: Path) -> None:
    running = start(folder, "touch", str(folder / "let-go"))
    family, dog = running.family(), running.watchdog()
    os.kill(dog, signal.SIGKILL)
    wait(lambda: any(watchdog.__file__ in command(pid) for pid in running.living() if pid != dog), running.log)
    os.kill(running.process.pid, signal.SIGKILL)
    wait(lambda: not any(map(lives, family)), running.log)
    wait((folder / "let-go").exists, running.log)


def test_without_its_watchdog_a_child_ends_with_its_supervisor_all_the_same(folder: Path) -> None:
    running = start(folder, "false")
    child, _ = running.family()
    dog = running.watchdog()
    os.kill(dog, signal.SIGSTOP)
    running.process.kill()
    running.process.wait()
    wait(lambda: not lives(child), running.log)
    os.kill(dog, signal.SIGKILL)


def test_the_kernel_ends_what_matters_least_first(folder: Path) -> None:
    running = start(folder, "true")
    child, _ = running.family()
    scores = {pid: int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (child, running.watchdog())}
    ours = int(Path("/proc/self/oom_score_adj").read_text())
    assert scores == {child: 300, running.watchdog(): ours}
    rss_kb = int(Path(f"/proc/{running.watchdog()}/status").read_text().partition("VmRSS:")[2].split()[0])
    assert rss_kb < 20_000, "it is the smallest process of all"
    running.process.terminate()
    running.process.wait()


def test_every_device_of_a_killed_installation_is_let_go_and_told_once(
    folder: Path, home: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registers are those of the virtual plant; what lets go is the program `ems up` gives its watchdog."""
    home.plan(CHARGE, CAR)
    home.control()
    assert home.held("inverter")["grid_charge_enable"] == 1
    home.written.clear()
    url = home.warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("EMS_DATABASE_URL", url)
    running = start(folder, sys.executable, "-m", hand_back.__name__)
    running.family()
    dog = running.watchdog()
    running.process.kill()
    running.process.wait()
    wait(lambda: not lives(dog), running.log)
    assert home.held("inverter")["grid_charge_enable"] == 0, running.log()
    assert home.held("wallbox-1")["current_limit"] == 16
    assert home.steered() == set()
    told = [(device, point) for device, point, _ in home.written if point != "ems_heartbeat"]
    assert told
    assert len(told) == len(set(told)), "each register once"
    with home.warehouse.begin() as connection:
        standing = alarms.open_alarms(connection)
    assert ("supervisor-gone", "critical") in standing.select("kind", "severity").rows()
    said = running.log()
    assert said.count("nothing is measured or steered") == 1, "once"
    assert "alarm 0" not in said
