"""Does clock work keep its time, and does a backfill beside it change that? On the live system, minute by minute.

    python benchmarks/cadence.py [--minutes 12] [--backfill DAYS] [--only-beside] [--home FOLDER]

`ems up` runs the demo site on its virtual plant in a folder of its own. First it is watched for so many minutes as it
is, then for as many while a backfill of the last DAYS days runs through Dagster's queue: a run per day and job (prices,
forecasts, day plan, settlement), as many at a time as the queue lets through. Printed for both: `ems cadence`; for the
first also what grew on disk, per site and day (see `growth.py`).
"""

from __future__ import annotations

import argparse
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import growth
from living import Living, living

from ems_pipeline import time_grid
from ems_pipeline.orchestration.installation import cadence
from ems_pipeline.orchestration.partitions import site_day
from ems_pipeline.orchestration.requests import RANGE_END, RANGE_START
from ems_pipeline.time_grid import MINUTE

BATCH = ["price_sites", "forecast", "plan_daily", "audit_days"]
"""What a backfill repeats, inputs first."""
BACKFILL_TAG = "dagster/backfill"
CLOCK = time_grid.SystemClock()


def main() -> None:
    """Parse, start, watch twice, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=12)
    parser.add_argument("--backfill", type=int, default=5, metavar="DAYS")
    parser.add_argument("--home", type=Path, help="keep the installation's folder here")
    parser.add_argument("--only-beside", action="store_true", help="do not watch it by itself first")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as temporary,
        living(chosen.home or Path(temporary), history_days=max(1, chosen.backfill)) as live,
    ):
        if not chosen.only_beside:
            watch(live, chosen.minutes, "by itself")
        if chosen.backfill:
            watch(live, chosen.minutes, f"beside a backfill of {chosen.backfill} days", chosen.backfill)
            print(f"of the backfill's runs {progress(live)}")


def watch(live: Living, minutes: int, what: str, backfill_days: int = 0) -> None:
    """Look on for so many minutes, of which one begins a quarter-hour, and print the cadence of just these."""
    start = _start(minutes)
    CLOCK.wait_until(start)
    before = growth.Sizes.now(live.warehouse)
    fill(live, backfill_days)
    CLOCK.wait_until(start + minutes * MINUTE)
    after = growth.Sizes.now(live.warehouse)
    load = os.getloadavg()[0]
    CLOCK.wait_until(start + (minutes + 1) * MINUTE)  # the last runs may be under way
    print(f"\n== {minutes} minutes {what}, from {start:%H:%M} UTC; load average at the end {load:.1f}")
    for one in cadence.of(live.instance, live.warehouse, start, start + minutes * MINUTE):
        print("\n".join(cadence.lines(one)), flush=True)
    if not backfill_days:
        growth.report(before, after, (after.at_s - before.at_s) / growth.DAY_S)


def _start(minutes: int) -> datetime:
    """Now, or later if no quarter-hour would begin within the minutes."""
    now = time_grid.floor_minute(CLOCK.now()) + MINUTE
    return max(now, time_grid.ceil_slot(now + MINUTE) - (minutes - 2) * MINUTE)


def fill(live: Living, days: int) -> None:
    """Queue the backfill."""
    today = time_grid.local_day(CLOCK.now(), time_grid.zone("Europe/Prague"))
    for back in range(days, 0, -1):
        key = site_day("home01", today - timedelta(days=back))
        for job in BATCH:
            live.launch(job, {RANGE_START: key, RANGE_END: key, BACKFILL_TAG: "benchmark"})


def progress(live: Living) -> str:
    runs = live.instance.get_runs(dg.RunsFilter(tags={BACKFILL_TAG: "benchmark"}))
    counts = {status.value: sum(run.status is status for run in runs) for status in {run.status for run in runs}}
    return ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))


if __name__ == "__main__":
    main()
