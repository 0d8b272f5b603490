"""A whole day of a site through the whole pipeline on its virtual plant: 96 quarter-hours, and what came of each hour.

    python benchmarks/lived_day.py [--site examples/maison.yaml] [--first 2026-01-19] [--history-days 3] [--seed 1]

As `ems demo` lives it: devices answer over their real protocols, sensors and schedules are the daemon's, the clock is
simulated. By hour: what was measured of what could be (readings), how old the newest reading was when it was received,
forecast and measured load, price, what the plan chose and the grid power it expected, what was measured, set-points
told and proved, what the hour cost, and what it had cost without batteries and by their own logic.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.orchestration.installation.demo import Demonstration, Outcome, run
from ems_pipeline.sites import load_site
from ems_pipeline.time_grid import day_bounds, zone
from ems_pipeline.warehouse import embedded
from ems_pipeline.warehouse.engine import open_warehouse
from ems_pipeline.warehouse.frames import query

ROOT = Path(__file__).parents[1]
HOURS = """
WITH slots AS (
    SELECT a.*, r.is_verified,
           (SELECT sum(load_w) FROM ems.planning_interval p
            WHERE p.planning_run_id = a.planning_run_id AND p.starts_at = a.starts_at) AS forecast_w
    FROM ems.audit_interval a LEFT JOIN ems.planning_run r USING (planning_run_id)
    WHERE a.site_key = :site AND a.starts_at >= :first AND a.starts_at < :end),
told AS (
    SELECT date_trunc('hour', slot) AS hour, count(*) FILTER (WHERE sent_at IS NOT NULL AND source = 'plan') AS told,
           count(*) FILTER (WHERE effective_at IS NOT NULL AND source = 'plan') AS proved
    FROM ems.setpoint WHERE site_key = :site AND NOT is_shadow AND slot >= :first AND slot < :end GROUP BY 1),
heard AS (
    SELECT date_trunc('hour', t.received_at) AS hour, count(t.value) AS readings, count(*) AS asked,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM t.received_at - t.reported_at))
               FILTER (WHERE t.value IS NOT NULL) AS age_s
    FROM ems.telemetry t JOIN ems.point p USING (point_id)
    WHERE p.site_key = :site AND t.received_at >= :first AND t.received_at < :end GROUP BY 1)
SELECT date_trunc('hour', s.starts_at) AS hour, max(h.readings) AS readings, max(h.asked) AS asked,
       max(h.age_s) AS age_s, avg(s.forecast_w) AS forecast_w, avg(s.load_w) AS load_w, avg(s.buy_per_kwh) AS price,
       string_agg(DISTINCT s.planned_mode, ' ') AS plan, count(*) FILTER (WHERE s.is_verified) AS verified,
       avg(s.planned_grid_w) AS planned_w, avg(s.grid_w) AS grid_w, avg(s.battery_w) AS battery_w,
       max(s.soc_pct) AS soc_pct, max(t.told) AS told, max(t.proved) AS proved, sum(s.cost) AS cost,
       sum(s.no_battery_cost) AS without, sum(s.self_use_cost) AS own
FROM slots s LEFT JOIN told t ON t.hour = date_trunc('hour', s.starts_at)
LEFT JOIN heard h ON h.hour = date_trunc('hour', s.starts_at)
GROUP BY 1 ORDER BY 1"""
HEAD = (
    "hour  readings age  load W (fc)  price  plan (verified)              grid W (plan)  battery W  soc %  told proved"
    "   cost  without    own"
)  # fmt: skip


def main() -> None:
    """Parse, live, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, default=ROOT / "examples" / "maison.yaml")
    parser.add_argument("--first", type=date.fromisoformat, default=date(2026, 1, 19))
    parser.add_argument("--history-days", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    live(chosen.site, chosen.first, chosen.history_days, chosen.seed)


def live(site_file: Path, day: date, history_days: int, seed: int) -> None:
    """Live a day in a folder of its own, and print it."""
    site = load_site(site_file, environ={})
    with tempfile.TemporaryDirectory(prefix="ems-") as folder:
        os.environ["EMS_HOME"] = folder
        for name in ("EMS_DATABASE_URL", "EMS_DAGSTER_DATABASE_URL"):
            os.environ.pop(name, None)
        try:
            outcome = run(Demonstration(site_file, (), None, day, 1, history_days, seed), lambda *_: None)
            with open_warehouse().begin() as connection:
                first, end = day_bounds(day, zone(site.timezone))
                show(hours(connection, site.key, first, end), site.timezone, outcome)
                show_ends(connection, site.key)
        finally:
            embedded.stop(Path(folder) / "postgres")


def hours(connection: Connection, site: str, first: datetime, end: datetime) -> pl.DataFrame:
    """A row per hour; the columns of `HOURS`."""
    return query(connection, HOURS, site=site, first=first, end=end)


def show(frame: pl.DataFrame, timezone: str, outcome: Outcome) -> None:
    """Print the hours and the day."""
    print(HEAD)
    for row in frame.iter_rows(named=True):
        at = row["hour"].astimezone(zone(timezone))
        print(
            f"{at:%H:%M} {row['readings'] or 0:5}/{row['asked'] or 0:<5}{_n(row['age_s']):>3}s "
            f"{_n(row['load_w']):>5} ({_n(row['forecast_w'])}) {_n(row['price'], 3):>7}  "
            f"{(row['plan'] or '-')[:24]:<24} {row['verified']}/4 {_n(row['grid_w']):>7} ({_n(row['planned_w'])})"
            f" {_n(row['battery_w']):>8} {_n(row['soc_pct']):>6} {row['told'] or 0:>6} {row['proved'] or 0:>6} "
            f"{_n(row['cost'], 2):>7} {_n(row['without'], 2):>7} {_n(row['own'], 2):>7}"
        )
    sums = [frame[name].sum() for name in ("told", "proved", "cost", "without", "own")]
    print("day   told {:d}, proved {:d}; cost {:.2f}, without batteries {:.2f}, own logic {:.2f}".format(*sums))
    print(f"{outcome.runs} runs in {outcome.wall_s:.0f} s; failed: {outcome.failures or 'none'}")


def show_ends(connection: Connection, site: str) -> None:
    """How set-points ended, and which alarms there were."""
    asked: Sequence[tuple[str, str]] = (
        ("set-points", """SELECT device_key || ' ' || state AS what, count(*) AS times FROM ems.setpoint
                          WHERE site_key = :site GROUP BY 1 ORDER BY 1"""),
        ("alarms", """SELECT kind || ' ' || coalesce(device_key, '') AS what, count(*) AS times FROM ems.alarm
                      WHERE site_key = :site GROUP BY 1 ORDER BY 1"""),
    )  # fmt: skip
    for name, statement in asked:
        found = query(connection, statement, site=site)
        print(name, ", ".join(f"{what} {times}" for what, times in found.iter_rows()) or "none")


def _n(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
