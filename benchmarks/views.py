"""Every view and function, timed at a month of one site and at a year of twenty, against a scan of the same rows.

    python benchmarks/views.py [--sizes 1x30 20x365] [--rounds 3] [--json FILE]

The rows are made up (`years.py`) in an embedded PostgreSQL in a temporary folder; a year of twenty sites takes some
minutes and 8 GB. The plan it is held against: an answer costs no more than so many plain scans of the rows it rests on
(or `FLOOR_MS`, for what is too little to compare). The exit code is 1 where one costs more.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from years import QUESTIONS, add_sites, live_through

from ems_pipeline.warehouse import Warehouse, embedded, migrate

START = datetime(2025, 10, 1, tzinfo=UTC)
FLOOR_MS = 100.0


def main() -> None:
    """Parse, fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["1x30", "20x365"], help="sites x days")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    figures = [row for size in chosen.sizes for row in at_size(*map(int, size.split("x")), chosen.rounds)]
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))
    sys.exit(any(not row["within_plan"] for row in figures))


def at_size(sites: int, days: int, rounds: int) -> list[dict[str, Any]]:
    """Times of every question and its scan, milliseconds, the best of ``rounds``; printed as they are found."""
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "pg"
        warehouse = Warehouse(make_url(embedded.start(data)).set(drivername="postgresql+psycopg", database="postgres"))
        migrate.upgrade(warehouse)
        with warehouse.begin() as connection:
            keys = add_sites(connection, sites)
        live_through(warehouse, START, days)
        end = START + timedelta(days=days)
        given = {"site": keys[-1], "start": START, "end": end, "day": end - timedelta(days=1)}
        found = []
        print(f"\n{sites} site(s), {days} days{'':12} {'answer':>10} {'scan':>10} {'scans':>7} {'plan':>5}")
        for name, question in QUESTIONS.items():
            answer_ms, scan_ms = (fastest_ms(warehouse, sql, given, rounds) for sql in (question.sql, question.scan))
            scans = answer_ms / scan_ms
            is_within = answer_ms <= max(FLOOR_MS, question.times * scan_ms)
            print(f"{name:30} {answer_ms:>9.1f}m {scan_ms:>9.1f}m {scans:>7.1f} {question.times:>5.0f}"
                  f"{'' if is_within else '  more than planned'}", flush=True)  # fmt: skip
            found.append({"sites": sites, "days": days, "what": name, "answer_ms": answer_ms, "scan_ms": scan_ms,
                          "scans": scans, "planned_scans": question.times, "within_plan": is_within})  # fmt: skip
        warehouse.close()
        embedded.stop(data)
    return found


def fastest_ms(warehouse: Warehouse, sql: str, given: dict[str, Any], rounds: int) -> float:
    """Shortest time of a statement; what it wrote is rolled back."""
    times = []
    for _ in range(rounds):
        with warehouse.engine.connect() as connection:
            times.append(_ms(connection, sql, given))
            connection.rollback()
    return min(times)


def _ms(connection: Connection, sql: str, given: dict[str, Any]) -> float:
    began = time.perf_counter()
    connection.execute(sa.text(sql), given).all()
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
