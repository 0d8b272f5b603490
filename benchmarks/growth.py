"""What a site costs on disk: rows, bytes and write-ahead log per table, site and day.

    python benchmarks/growth.py [--days 1] [--json FILE]

`ems demo` lives through so many days in closed loop; what its past days left is not counted. Two things differ from the
live system: fifteen minutes are read by one telemetry run and there are no sensor ticks, so Dagster's tables, the
write-ahead log and what reaches the disk are better read from `benchmarks/cadence.py`, which prints the same for the
minutes it watches. What the device below the folder has taken counts everybody on it: give the installation one of its
own, such as a loop device, and name it: `cadence.py --home FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ems_pipeline.orchestration.installation import demo
from ems_pipeline.warehouse import Warehouse, embedded, open_warehouse
from ems_pipeline.warehouse.engine import DAGSTER_DATABASE
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.local import home

DEMO = Path(__file__).parents[1] / "sites" / "home01.yaml"
DAY_S = 86_400
GROUPS = {
    "quarter-hours of telemetry": ("telemetry_15m",),
    "minutes of telemetry": ("telemetry", "device_health"),
    "plans": ("planning_", "grid_event"),
    "control": ("setpoint", "point_write_count", "control_", "alarm"),
    "settlement": ("audit_",),
    "Dagster's runs and events": ("dagster.",),
    "prices, weather, forecasts": ("",),
}
"""Table groups by how the names begin; the first that fits."""
TABLES = """SELECT n.nspname || '.' || c.relname AS name,
                   pg_total_relation_size(c.oid) + coalesce((SELECT sum(pg_total_relation_size(inhrelid))
                                                             FROM pg_inherits WHERE inhparent = c.oid), 0) AS bytes
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('ems', 'public') ORDER BY 1"""


@dataclass(frozen=True)
class Sizes:
    """Rows and bytes of every table of both databases, and how much the server has written.

    Attributes:
        wal_bytes: to its log.
        disk_bytes: to the device with the installation's folder, see `disk_bytes`; None where the kernel does not tell.
    """

    tables: dict[str, tuple[int, int]]
    wal_bytes: int
    disk_bytes: int | None
    at_s: float

    @classmethod
    def now(cls, ems: Warehouse) -> Sizes:
        """Measure; counts every row."""
        tables: dict[str, tuple[int, int]] = {}
        dagster = Warehouse(ems.url.set(database=DAGSTER_DATABASE))
        for name, warehouse in (("", ems), ("dagster.", dagster)):
            with warehouse.begin() as connection:
                for table, size in query(connection, TABLES).iter_rows():
                    rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
                    tables[f"{name}{table.rpartition('.')[2]}" if name else table] = (int(rows), int(size))
        dagster.close()
        with ems.begin() as connection:
            wal = connection.exec_driver_sql("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").scalar_one()
        return cls(tables, int(wal), disk_bytes(home()), time.time())


def disk_bytes(folder: Path) -> int | None:
    """What was written to the device that holds a folder, by everybody: the file system's own records, too."""
    device = folder.stat().st_dev
    told = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return int(told.read_text(encoding="utf-8").split()[6]) * 512 if told.exists() else None


def report(before: Sizes, after: Sizes, site_days: float) -> list[dict[str, Any]]:
    """Print what grew, per site and day; the same as records."""
    found: list[dict[str, Any]] = []
    print(f"{'table':42} {'rows':>9} {'kB':>9}   of a site and day")
    for name, (rows, size) in sorted(after.tables.items(), key=lambda item: -item[1][1]):
        rows_before, size_before = before.tables.get(name, (0, 0))
        grown = {"rows": (rows - rows_before) / site_days, "kb": (size - size_before) / 1024 / site_days}
        if any(grown.values()):
            print(f"{name:42} {grown['rows']:>9,.0f} {grown['kb']:>9,.0f}")
            found.append({"table": name, **grown})
    print()
    for group, group_rows, group_kb in grouped(found):
        print(f"{group:42} {group_rows:>9,.0f} {group_kb:>9,.0f}")
    wal_mb = (after.wal_bytes - before.wal_bytes) / 2**20 / site_days
    total = sum(row["kb"] for row in found) / 1024
    print(f"{'all tables':42} {'':9} {total * 1024:>9,.0f}   = {total:.1f} MB; write-ahead log {wal_mb:.0f} MB")
    if before.disk_bytes is not None and after.disk_bytes is not None:
        disk_mb = (after.disk_bytes - before.disk_bytes) / 2**20 / site_days
        print(f"written to the device below it, by everybody: {disk_mb:.0f} MB", flush=True)
        found.append({"table": "disk", "rows": 0, "kb": disk_mb * 1024})
    return [*found, {"table": "write-ahead log", "rows": 0, "kb": wal_mb * 1024}]


def grouped(found: list[dict[str, Any]]) -> list[tuple[str, float, float]]:
    """Rows and kB by group of tables, the largest first."""
    sums = {group: [0.0, 0.0] for group in GROUPS}
    for row in found:
        name = row["table"].removeprefix("ems.")
        group = next(group for group, begins in GROUPS.items() if name.startswith(begins))
        sums[group][0] += row["rows"]
        sums[group][1] += row["kb"]
    return sorted(((group, rows, kb) for group, (rows, kb) in sums.items()), key=lambda one: -one[2])


def main() -> None:
    """Parse, live, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        os.environ["EMS_HOME"] = str(demo.fresh_home(Path(folder) / "home"))
        first: list[Sizes] = []

        def on_step(what: str, done: int, of: int) -> None:  # noqa: ARG001 - the demonstration's signature
            if of >= 92 and not first:
                first.append(Sizes.now(open_warehouse()))

        demo.run(demo.Demonstration(DEMO, days=chosen.days, history_days=1), on_step)
        figures = report(first[0], Sizes.now(open_warehouse()), chosen.days)
        embedded.stop(Path(os.environ["EMS_HOME"]) / "postgres")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
