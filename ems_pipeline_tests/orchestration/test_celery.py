"""Two Celery workers share the sites through a real Redis; one is killed while it writes; no slot is written twice."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from sqlalchemy.engine import URL

from ems_pipeline.orchestration import jobs, requests
from ems_pipeline.orchestration.beats import Served
from ems_pipeline.plant import running_plant
from ems_pipeline.sites import Site
from ems_pipeline.steps import shards
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SLOT, SimulatedClock
from ems_pipeline.warehouse import Warehouse, arming, inventory
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.control.bench import states
from ems_pipeline_tests.control.conftest import NOON, Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE
from ems_pipeline_tests.orchestration.installation import wait
from ems_pipeline_tests.servers import free_ports

pytestmark = pytest.mark.slow
SETTINGS, WORKER_SETTINGS = ROOT / "deploy" / "dagster-celery.yaml", ROOT / "deploy" / "celery-worker.yaml"
QUEUES = "ems-0,ems-1,ems"
SLOW_S = 0.7
"""Silence between two requests of the slow site: its control run takes some seconds."""
SUCCESS = dg.DagsterRunStatus.SUCCESS


def test_the_settings_for_celery_differ_in_the_launcher_only() -> None:
    single, several = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "dagster.yaml", SETTINGS))
    assert {key for key in single | several if single.get(key) != several.get(key)} == {"run_launcher"}
    worker = yaml.safe_load(WORKER_SETTINGS.read_text(encoding="utf-8"))["execution"]["config"]
    launcher = several["run_launcher"]["config"]
    assert {name: launcher[name] for name in worker} == worker


@dataclass
class Worker:
    """A Celery worker for all queues, in a process group of its own."""

    name: str
    process: subprocess.Popen[bytes]

    def is_ours(self, pid: int) -> bool:
        try:
            return os.getpgid(pid) == self.process.pid
        except ProcessLookupError:
            return False

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Machines:
    """Sites in two shards, and the machines that share them."""

    instance: dg.DagsterInstance
    homes: dict[int, Bench]
    workers: list[Worker]

    def ask(self) -> dict[int, str]:
        """What the sensor of control asks for, launched; the run of each shard."""
        platform = Platform(self.homes[0].warehouse, SimulatedClock(NOON), list)
        pointer = ModuleCodePointer("ems_pipeline_tests.orchestration.sharded", "defs", str(ROOT))
        origin = RepositoryPythonOrigin(sys.executable, pointer)
        found = {}
        for request in requests.for_slot("apply_control", Served("20260301T1200Z"), platform.sites):
            run = self.instance.create_run_for_job(
                jobs.apply_control, tags=dict(request.tags), job_code_origin=JobPythonOrigin("apply_control", origin)
            )
            self.instance.launch_run(run.run_id, None)  # type: ignore[arg-type] # its launcher asks no workspace
            found[shards.of_run(run.tags).number] = run.run_id
        return found

    def ended(self, run_id: str) -> bool:
        run = self.instance.get_run_by_id(run_id)
        return run is not None and run.is_finished

    def worker_of(self, run_id: str) -> Worker:
        """Who executes a run, by the process it says it is."""
        said = [e.message for e in self.instance.all_logs(run_id) if "Started process for run (pid: " in e.message]
        pid = int(said[0].rpartition(": ")[2].rstrip(")."))
        return next(worker for worker in self.workers if worker.is_ours(pid))


@pytest.fixture
def machines(
    warehouse: Warehouse, home01: Site, database_server: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machines]:
    if importlib.util.find_spec("dagster_celery") is None:
        pytest.skip("dagster-celery is not installed: make celery")
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here: apt-get install redis-server")
    shutil.copyfile(SETTINGS, tmp_path / "dagster.yaml")
    dagster = database_server.set(drivername="postgresql+psycopg2", database="dagster_celery")
    admin = sa.create_engine(database_server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE dagster_celery")
    admin.dispose()
    with ExitStack() as stack:
        environment = {
            "DAGSTER_HOME": str(tmp_path),
            "EMS_DAGSTER_DATABASE_URL": dagster.render_as_string(hide_password=False),
            "EMS_DATABASE_URL": warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False),
            "EMS_CELERY_BROKER": stack.enter_context(redis(tmp_path)),
            "EMS_SHARDS": "2",
            "EMS_TEST_NOW": NOON.isoformat(),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        homes = {number: stack.enter_context(home(warehouse, home01, number)) for number in (0, 1)}
        instance = stack.enter_context(dg.DagsterInstance.get())
        workers = [stack.enter_context(worker(name, tmp_path)) for name in ("first", "second")]
        yield Machines(instance, homes, workers)


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A broker that keeps nothing; its address."""
    (port,) = free_ports(1)
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def worker(name: str, folder: Path) -> Iterator[Worker]:
    # One -q with commas: of several, Celery hears the last only.
    start = ["worker", "start", "-A", "dagster_celery.app", "-y", str(WORKER_SETTINGS), "-n", name, "-q", QUEUES]
    program = "from dagster_celery.cli import main; main()"
    with (folder / f"{name}.log").open("wb") as log:
        command = [sys.executable, "-c", program, *start, "-i", "ems_pipeline.preload", "--", "--concurrency", "1"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    try:
        wait(
            lambda: " ready." in (folder / f"{name}.log").read_text(encoding="utf-8"),
            lambda: (folder / f"{name}.log").read_text(encoding="utf-8"),
        )
        yield Worker(name, process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def home(warehouse: Warehouse, home01: Site, shard: int) -> Iterator[Bench]:
    """A site of a shard with an inverter and a wallbox, armed, with a plan; the site of shard 0 answers slowly."""
    key = next(f"home{i}" for i in range(99) if shards.Shard(shard, 2).holds(f"home{i}"))
    gateway = home01.gateways[0].model_copy(update={"gap_s": 0.0 if shard else SLOW_S})
    devices = tuple(d for d in home01.devices if d.key in ("inverter", "wallbox-1"))
    changes = {
        "key": key,
        "devices": devices,
        "chargers": home01.chargers[:1],
        "heat_pumps": (),
        "gateways": (gateway,),
    }
    site = home01.model_copy(update=changes)
    clock = SimulatedClock(NOON)
    with running_plant(site, clock, seed=3) as plant:
        with warehouse.begin() as connection:
            registry.register(connection, [plant.site], NOON)
            arming.arm(connection, key, NOON, "test")
        bench = Bench(plant, warehouse, clock)
        bench.listen()
        bench.plan(CHARGE, CAR)
        yield bench


def test_a_killed_workers_shard_moves_to_the_other_and_no_slot_is_written_twice(machines: Machines) -> None:
    slow, quick = machines.homes[0], machines.homes[1]
    asked = machines.ask()
    assert set(asked) == {0, 1}
    wait(lambda: bool(slow.written), lambda: "nothing was written to the slow site")
    killed = machines.worker_of(asked[0])
    killed.kill()
    written = list(slow.written)
    assert not machines.ended(asked[0]), "killed too late to prove anything"

    again = machines.ask()
    wait(lambda: all(machines.ended(run_id) for run_id in again.values()), lambda: "its shard did not move")
    for run_id in again.values():
        assert machines.instance.get_run_by_id(run_id).status is SUCCESS  # type: ignore[union-attr]
        assert machines.worker_of(run_id) is not killed
    for bench in (slow, quick):
        assert states(bench.warehouse, bench.site, "inverter")[-1] == "echoed"
        assert bench.held("inverter")["grid_charge_enable"] == 1
    repeated = {(d, p) for d, p, _ in slow.written[len(written) :]} & {(d, p) for d, p, _ in written}
    assert not repeated, "a point that took its value is not written again"
    with slow.warehouse.begin() as connection:
        assert inventory.doubled_setpoints(connection, NOON, NOON + SLOT) == []
