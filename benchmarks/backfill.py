"""One site-year of every input asset, each in a single range run, from documents served over HTTP.

    python benchmarks/backfill.py [--days 365] [--assets NAME ...] [--json FILE]

Prices, rates and weather come from the virtual plant's document server in the shapes of their sources; the load that
forecasts learn from is a synthetic logger history of the same year. Printed beside it: the same rows written by bare
COPY, which is as fast as the database takes them.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars import selectors

from ems_pipeline import plant, time_grid
from ems_pipeline.orchestration.installation import history
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.orchestration.machinery.instance import open_instance, prepare
from ems_pipeline.orchestration.partitions import EARLY
from ems_pipeline.sites import Site, load_site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, embedded
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import copy_into, query

DEMO = Path(__file__).parents[1] / "sites" / "home01.yaml"
LEARNT_FROM = timedelta(weeks=8)


def main() -> None:
    """Parse, serve, fill, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--assets", nargs="+", default=history.INPUTS)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    first = EARLY
    last = first + timedelta(days=chosen.days - 1)
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        os.environ["EMS_HOME"] = folder
        stack.callback(embedded.stop, Path(folder) / "postgres")
        site, clock = load_site(DEMO), SimulatedClock(_a_week_after(last))
        served = stack.enter_context(plant.running_plant(site, clock, history_days=1))
        os.environ |= served.environ
        warehouse = prepare()
        runs = InProcess(Platform(warehouse, clock, lambda: [served.site]), stack.enter_context(open_instance()))
        enter(runs, served.site, first)
        figures = measure(runs, served.site, chosen.assets, first, last)
        warehouse.close()
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


def _a_week_after(day: date) -> datetime:
    """The weather archive lags; by then it has the whole of the last day."""
    return time_grid.day_bounds(day + timedelta(days=8), time_grid.zone("Europe/Prague"))[0]


def enter(runs: InProcess, site: Site, first: date) -> None:
    """Register the site and give it a logged past: a load with a daily and a weekly course, and noise."""
    clock = runs.platform.clock
    runs.register([site.key])
    start = time_grid.day_bounds(first, time_grid.zone(site.timezone))[0] - LEARNT_FROM
    starts = pl.datetime_range(start, clock.now(), "15m", time_zone="UTC", closed="left", eager=True)
    hours = (starts.dt.hour() + starts.dt.minute() / 60).to_numpy()
    noise = np.random.default_rng(1).gamma(2.0, 100.0, len(starts))
    load_w = 250 + 200 * np.sin((hours - 10) / 24 * 2 * np.pi) + 50 * (starts.dt.weekday() > 5).to_numpy() + noise
    logged = pl.concat(
        pl.DataFrame({"starts_at": starts, "value": values}).select(
            pl.lit("inverter").alias("device_key"), pl.lit(name).alias("quantity"), pl.lit("W").alias("unit"),
            "starts_at", "value",
        )
        for name, values in (("grid_power_w", load_w), ("pv_power_w", 0 * load_w), ("battery_power_w", 0 * load_w))
    )  # fmt: skip
    with runs.platform.warehouse.begin() as connection:
        registry.register(connection, [site], clock.now())
    history.import_log(runs, site, logged)


def measure(runs: InProcess, site: Site, assets: list[str], first: date, last: date) -> list[dict[str, Any]]:
    """Seconds (and processor seconds) per asset, rows, and the same rows by bare COPY."""
    figures = []
    print(f"{'asset':24}{'rows':>9}{'seconds':>9}{'processor':>10}{'bare COPY':>10}")
    for step in runs.steps(assets, [site.key], first, last, days_per_run=(last - first).days + 1):
        began, busy = time.perf_counter(), time.process_time()
        runs.asset(step)
        took, worked = time.perf_counter() - began, time.process_time() - busy
        rows, copy_s = _bare(runs.platform.warehouse, step.asset)
        figures.append({"asset": step.asset, "rows": rows, "seconds": took, "processor_s": worked, "copy_s": copy_s})
        print(f"{step.asset:24}{rows:9d}{took:9.2f}{worked:10.2f}{copy_s:10.2f}", flush=True)
    total = {name: sum(f[name] for f in figures) for name in ("rows", "seconds", "processor_s", "copy_s")}
    print(f"{'all':24}{total['rows']:9d}{total['seconds']:9.2f}{total['processor_s']:10.2f}{total['copy_s']:10.2f}")
    print(f"{(last - first).days + 1} days, load average {os.getloadavg()[0]:.1f}; target 60 s for 365")
    return [*figures, {"asset": "all", **total}]


def _bare(warehouse: Warehouse, table: str) -> tuple[int, float]:
    """Rows of a table, and the seconds a COPY of them into an unindexed one takes."""
    with warehouse.begin() as connection:
        rows = query(connection, f"SELECT * FROM ems.{table}").select(~selectors.nested())
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE bare ON COMMIT DROP AS SELECT * FROM ems.{table} LIMIT 0")
        began = time.perf_counter()
        copy_into(connection, "bare", rows)
        return rows.height, time.perf_counter() - began


if __name__ == "__main__":
    main()
