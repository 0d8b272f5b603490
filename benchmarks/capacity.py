"""How many sites a core carries: one telemetry run, rolling-plan run, control run and verification over N sites.

    python benchmarks/capacity.py [--sites 500] [--json FILE]

The smallest site: one hybrid inverter with battery and PV behind a Modbus gateway of its own, served as plain registers
by another process on loopback (`control.py`), so that its physics cost nothing here. Prices and forecasts of one site
come from the virtual plant's documents and are copied to all others. The runs are those of the daemon, executed in this
process; their start (`launch.py`) comes on top once per run. Processor time is that of this process and of the
database; from it the model: in the 900 s of a quarter-hour a core may be busy for a share with 15 telemetry runs, 7.5
verifications, a plan and a control run.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

import control
import dagster as dg
import processes

from ems_pipeline import plant, time_grid
from ems_pipeline.orchestration import requests
from ems_pipeline.orchestration.installation import history
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.orchestration.machinery.instance import open_instance, prepare
from ems_pipeline.sites import Site, load_site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import MINUTE, SLOT, SimulatedClock, SystemClock
from ems_pipeline.warehouse import Warehouse, arming, embedded
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.local import home

INPUTS = ["effective_price", "load_forecast", "pv_forecast", "baseline_consumption"]
"""What is made for one site and copied to the others."""
BUSY = 0.7
"""Share of a core that clock work may take; the rest is for forecasts, settlement and people."""
PER_QUARTER = {"read_telemetry": 15.0, "verify_setpoints": 7.5, "plan_rolling": 1.0, "apply_control": 1.0}
PLAN_WITHIN_S = 60.0
"""Control uses the plan a minute after it was asked for."""


def main() -> None:
    """Parse, serve, prepare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=500)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    ours, theirs = get_context("spawn").Pipe()
    server = get_context("spawn").Process(target=control.serve, args=(theirs, chosen.sites), daemon=True)
    server.start()
    sites = [smallest(control.site_at(i, port, with_gaps=False)) for i, port in enumerate(ours.recv())]
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        os.environ["EMS_HOME"] = folder
        stack.callback(embedded.stop, Path(folder) / "postgres")
        warehouse = prepare()
        clock = SimulatedClock(time_grid.floor_slot(SystemClock().now()) + SLOT)
        runs = InProcess(Platform(warehouse, clock, lambda: sites), stack.enter_context(open_instance()))
        know(runs, sites, clock)
        figures = dict(measure(runs, clock))
        print(came_of(warehouse))
    server.terminate()
    report(figures, chosen.sites)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


def smallest(site: Site) -> Site:
    """The demo site with its inverter only."""
    devices = tuple(d for d in site.devices if d.key == "inverter")
    return site.model_copy(update={"devices": devices, "chargers": (), "heat_pumps": ()})


def know(runs: InProcess, sites: list[Site], clock: SimulatedClock) -> None:
    """Register and arm all sites; prices and forecasts of the first, copied to the others."""
    warehouse, first = runs.platform.warehouse, sites[0]
    with warehouse.begin() as connection:
        registry.register(connection, sites, clock.now())
        for site in sites:
            arming.arm(connection, site.key, clock.now(), "benchmark")
    runs.register([site.key for site in sites])
    demo = load_site(control.DEMO, environ={})
    with plant.running_plant(demo, clock, seed=1, history_days=history.LOGGED_BEFORE) as served:
        os.environ |= served.environ
        logged = served.history().filter(~served.history()["device_key"].is_in(["wallbox-1", "wallbox-2", "heat-pump"]))
        history.import_log(runs, first, logged)
        history.know_the_present(runs, first)
    with warehouse.begin() as connection:
        for table in INPUTS:
            names = "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:t AS regclass) AND attnum > 0"
            columns = query(connection, names, t=f"ems.{table}")["attname"].to_list()
            taken = ", ".join("s.site_key" if column == "site_key" else f"x.{column}" for column in columns)
            connection.exec_driver_sql(
                f"INSERT INTO ems.{table} ({', '.join(columns)}) SELECT {taken} FROM ems.{table} x, ems.site s "
                f"WHERE x.site_key = '{first.key}' AND s.site_key <> '{first.key}'"
            )


def measure(runs: InProcess, clock: SimulatedClock) -> Iterator[tuple[str, dict[str, float]]]:
    """Each stage at the instant it is due: telemetry, plan, control, verification."""
    slot = clock.now()

    def job(name: str, **tags: str) -> Callable[[], None]:
        return lambda: runs.job(dg.RunRequest(job_name=name, tags=tags))

    def plan() -> None:
        day = time_grid.local_day(clock.now(), time_grid.zone("Europe/Prague"))
        for request in requests.for_sites(
            runs.instance, "plan_rolling", runs.platform.sites(), lambda _: (day, day), "x"
        ):
            runs.job(request)

    yield "read_telemetry", timed(job("read_telemetry"), runs.platform.warehouse)
    clock.wait_until(slot + SLOT - MINUTE)
    job("read_telemetry")()  # the state that the plan begins with
    yield "plan_rolling", timed(plan, runs.platform.warehouse)
    clock.wait_until(slot + SLOT)
    yield "apply_control", timed(job("apply_control"), runs.platform.warehouse)
    clock.wait_until(slot + SLOT + 2 * MINUTE)
    yield "verify_setpoints", timed(job("verify_setpoints"), runs.platform.warehouse)


def timed(run: Callable[[], None], warehouse: Warehouse) -> dict[str, float]:
    """Seconds, and processor seconds of this process and of the database."""
    warehouse.close()  # a run's worker begins with no connections
    postmaster = int((home() / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    database_s, cpu_s, began = processes.tree_cpu_s(postmaster), time.process_time(), time.perf_counter()
    run()
    return {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu_s,
        "database_cpu_s": processes.tree_cpu_s(postmaster) - database_s,
    }


def came_of(warehouse: Warehouse) -> str:
    """What the runs left: readings, plans and set-points, so that nobody measures failures."""
    counts = {
        "good readings": "SELECT count(*) FROM ems.telemetry WHERE quality = 0",
        "other readings": "SELECT count(*) FROM ems.telemetry WHERE quality <> 0",
        "executable plans": "SELECT count(*) FROM ems.planning_run WHERE is_verified",
        "set-points that stand": "SELECT count(*) FROM ems.setpoint WHERE state IN ('echoed', 'effective')",
        "other set-points": "SELECT count(*) FROM ems.setpoint WHERE state NOT IN ('echoed', 'effective')",
    }
    with warehouse.begin() as connection:
        found = {what: connection.exec_driver_sql(sql).scalar_one() for what, sql in counts.items()}
    return ", ".join(f"{number} {what}" for what, number in found.items())


def report(figures: dict[str, dict[str, float]], sites: int) -> None:
    """The table, and what follows from it."""
    print(f"{sites} sites, load average {os.getloadavg()[0]:.1f}")
    for job, found in figures.items():
        per_site = 1000 * (found["cpu_s"] + found["database_cpu_s"]) / sites
        print(f"{job:18} " + ", ".join(f"{k} {v:.2f}" for k, v in found.items()) + f"; {per_site:.1f} CPU ms per site")
    busy_s = sum(
        times * (figures[job]["cpu_s"] + figures[job]["database_cpu_s"]) / sites for job, times in PER_QUARTER.items()
    )
    plan_s = figures["plan_rolling"]["wall_s"] / sites
    print(
        f"a site costs {busy_s:.3f} CPU s per quarter-hour: {BUSY * SLOT.total_seconds() / busy_s:.0f} sites per core"
    )
    print(f"a plan within {PLAN_WITHIN_S:.0f} s: {PLAN_WITHIN_S / plan_s:.0f} sites per shard (EMS_SHARDS)")


if __name__ == "__main__":
    main()
