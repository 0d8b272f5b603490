"""The check of services, over many sets: meters go on, alerts are compared, and all of it again where they change.

    python benchmarks/maintenance.py [--sets 1000] [--rounds 9]

Each site has four sets by the shipped template with years of services behind them; every round all meters are read
anew. ``check`` is what happens each half minute, the meters and whether there is news of them; its limit is 100 ms by
the clock for 1,000 sets. The warehouse is an embedded PostgreSQL in a temporary folder. It takes half a minute.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url

from ems_pipeline.maintenance.template import shipped
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import Warehouse, embedded, maintenance, meters, migrate, services

FILLED = """
    INSERT INTO ems.site (site_key, name, timezone, latitude, longitude, market_zone, currency)
    SELECT 'site' || n, '', 'Europe/Prague', 50, 14, 'CZ', 'CZK' FROM generate_series(1, :sets / 4) AS n;
    INSERT INTO ems.maintenance_plan (site_key, asset_key, template_id, from_at, created_by)
    SELECT s.site_key, 'gen-' || g, :template, :at, 'benchmark' FROM ems.site s, generate_series(1, 4) AS g;
    INSERT INTO ems.genset_meter (site_key, asset_key, hours, register_h, read_at, began_at)
    SELECT site_key, asset_key, 20000, 20000, :at, CAST(:at AS timestamptz) - interval '3 years'
    FROM ems.maintenance_plan;
    INSERT INTO ems.genset_meter_day (site_key, asset_key, day, hours)
    SELECT p.site_key, p.asset_key, (CAST(:at AS timestamptz) - d * interval '1 day')::date, 4
    FROM ems.maintenance_plan p, generate_series(0, 730) AS d;
    INSERT INTO ems.maintenance_done (site_key, asset_key, level, done_h, done_at, recorded_at, recorded_by,
                                      superseded_at)
    SELECT p.site_key, p.asset_key, l.level, 19900 - k * l.hours,
           CAST(:at AS timestamptz) - (20 + k * 60) * interval '1 day',
           :at, 'benchmark', CASE WHEN k > 0 THEN CAST(:at AS timestamptz) END
    FROM ems.maintenance_plan p JOIN ems.maintenance_level l USING (template_id), generate_series(0, 20) AS k
    ORDER BY k DESC;
    INSERT INTO ems.genset_reading SELECT site_key, asset_key, 20000, :at FROM ems.maintenance_plan;"""

READ_ANEW = sa.text("UPDATE ems.genset_reading SET run_hours = run_hours + 0.1, taken_at = :at")


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "pg"
        warehouse = Warehouse(make_url(embedded.start(data)).set(drivername="postgresql+psycopg", database="postgres"))
        migrate.upgrade(warehouse)
        measure(warehouse, chosen.sets, chosen.rounds)
        warehouse.close()
        embedded.stop(data)


def measure(warehouse: Warehouse, sets: int, rounds: int) -> None:
    """Print milliseconds of each part: by the clock, and of processors (ours and the server's), whatever else runs."""
    now = SystemClock().now()
    fill(warehouse, sets, now)
    took: dict[str, list[tuple[float, float]]] = {}
    read = changes = 0
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)
        at = now + (number + 1) * timedelta(minutes=11)
        with warehouse.begin() as connection:
            connection.execute(READ_ANEW, {"at": at})
        with warehouse.begin() as connection:
            parts: dict[str, Callable[[Connection, datetime], int]] = {
                "meters": meters.advance, "compared": compared, "news": services.has_news, "settled": services.settle,
            }  # fmt: skip
            found = {name: timed(took.setdefault(name, []), connection, at, work) for name, work in parts.items()}
            read, changes = found["meters"], found["compared"]
    print(f"{sets} sets, {read} meters and {sets * len(shipped()[0].levels)} rows; {changes} changes in the last round")
    took["check"] = [(m[0] + n[0], m[1] + n[1]) for m, n in zip(took["meters"], took["news"], strict=True)]
    for name, seconds in took.items():
        wall, processor = ([1000 * one[n] for one in seconds] for n in (0, 1))
        print(f"{name:10} {statistics.median(wall):7.1f} ms by the clock, {statistics.mean(processor):6.1f} ms of CPU")


def fill(warehouse: Warehouse, sets: int, at: datetime) -> None:
    """Sets with years behind them, and one in ten with a service that is due."""
    with warehouse.begin() as connection:
        maintenance.acting_for(connection, "benchmark")
        template = maintenance.add_template(connection, shipped()[0])
        for statement in FILLED.split(";"):
            if statement.strip():
                connection.execute(sa.text(statement), {"sets": sets, "template": template, "at": at})
        connection.exec_driver_sql("UPDATE ems.genset_meter SET hours = hours + 200 WHERE asset_key = 'gen-1'")
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def compared(connection: Connection, at: datetime) -> int:
    """The one statement that says what alerts would have to change, over all sets."""
    changes = sa.text("SELECT count(*) FROM ems.fn_maintenance_changes(:at)")
    return int(connection.execute(changes, {"at": at}).scalar_one())


def timed(
    took: list[tuple[float, float]], connection: Connection, at: datetime, work: Callable[[Connection, datetime], int]
) -> int:
    """What the work answers; its seconds by the clock and of processors are noted."""
    pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    before = time.perf_counter(), time.process_time() + of_server(pid)
    found = work(connection, at)
    after = time.perf_counter(), time.process_time() + of_server(pid)
    took.append((after[0] - before[0], after[1] - before[1]))
    return found


def of_server(pid: int) -> float:
    """Processor time that this session of the server has taken, s, in steps of 10 ms."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
