"""Backtests: what a site-year takes, whether the fast way decides as the live one, and what a worker needs.

``python benchmarks/backtest.py [--days 365] [--checked 1000] [--homes N] [--replays N] [--json FILE]``

site_year_battery_s     35,040 re-plans of one battery, PV and load in closed loop along the forecast alone, settled;
                        forecasts were issued.
                        With ``--days`` below 365 it is scaled, and the table says so.
site_year_scenarios_s   the same year with each decision weighed over several courses, as plans are made unless a site
                        says ``planning: {courses: false}``.
weighed_same_told_pct   of ``--courses`` states of that year, those weighed over courses: told exactly what a live plan
                        tells, though decided together with the other slots of their issue.
site_year_home_s        the same number of decisions of the demo site with its cars and heat pump: a sample of them
                        (``--homes``), assembled, solved and put into words, scaled to a year. Decisions only: a closed
                        loop of cars and houses is not in it.
same_mode_pct           of ``--checked`` states of that year, decided by the value of stored energy and by the live
                        plan: how many are told the same mode; same_told_pct: and the same limits to the last digit.
more_paid_pct           what the fast way paid more on the same nine days of three seasons (closed loop, settled), in
                        percent of the bill without a battery; below zero: less, for live plans stop near the best.
replay_decision_ratio   a stored decision made again (inputs read, compared, solved, rows compared) to its solve: over
                        two hours, whose solve is small, and ``/36 h`` over a day and a half, as live plans are.
peer_solves_ratio       EMHASS needs 0.42 s for such a solve (median of five seeds on the machine the issue names; it is
                        not run here), times decisions a year, to site_year_battery_s.
worker_memory_mb        the most a worker has held that lived a month, models trained.

Times are processor time. Home and prices are made up and seeded: hours of a day-ahead market that goes below zero in
spring and summer, a tariff with taxes and fees on what is bought, clouds from hour to hour.
"""

from __future__ import annotations

import argparse
import cProfile
import logging
import pstats
import resource
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
from figures import Figure, figure, told
from sqlalchemy.engine import make_url
from ties import site

from ems_pipeline import time_grid
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.closed_loop import ByPlans, Decides, lived
from ems_pipeline.backtest.exact import ByValue
from ems_pipeline.backtest.history import Expected, Record
from ems_pipeline.backtest.issued import EVERY, issued
from ems_pipeline.backtest.month import Lived, Measured, Month, live, with_prices
from ems_pipeline.backtest.settled import settled
from ems_pipeline.plan import EvSession, PlanInputs, SiteState, assemble, device_rows, slot_rows, solve
from ems_pipeline.plan.solving.solve import EFFORT
from ems_pipeline.sites import Site, load_site

sys.path.insert(0, str(Path(__file__).parents[1]))  # the stored decision is the tests'
from ems_pipeline_tests.steps.test_known import AT, START, knowing, plain

SITES = Path(__file__).parents[1] / "sites"
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
BEFORE = 10
YEAR = 365 * 96
TWO_HOURS, DAY_AND_A_HALF = 8, 144
PEER_SOLVE_S = 0.42
START_PCT = 55.0
BEGINS = (14, 120, 200)
"""Days on which those begin that are lived both ways, three each."""


@dataclass(frozen=True)
class Made:
    """A made-up year, for a worker to live a month of; see `backtest.month.History`."""

    days: int

    def measured(self) -> Measured:
        """Load and PV."""
        record = year(self.days)
        return Measured(record.starts, record.load_w, record.pv_w)

    def record(self, measured: Measured, variant: str, home: Site) -> Record:  # noqa: ARG002 - it has no tariff
        """The same with prices."""
        record = year(self.days)
        return with_prices(measured, record.buy_per_kwh, record.sell_per_kwh)

    def digest(self, variant: str) -> str:
        """It is seeded."""
        return variant


def year(days: int) -> Record:
    """``days`` of a home, those before and two after; prices in EUR per kWh."""
    rng, count = np.random.default_rng(11), (BEFORE + days + 2) * 96
    starts = [FIRST - timedelta(days=BEFORE) + k * time_grid.SLOT for k in range(count)]
    hour, day = np.arange(count) % 96 / 4, np.arange(count) / 96 - BEFORE
    season = -np.cos(2 * np.pi * (day + 10) / 365)  # -1 in winter, 1 in summer
    length = 12 + 4 * season
    sun = np.maximum(0.0, np.sin(np.pi * (hour - 12.5 + length / 2) / length)) * (np.abs(hour - 12.5) < length / 2)
    sky = np.repeat(rng.uniform(0.15, 1.0, count // 4 + 1), 4)[:count]
    pv_w = (5500 + 2500 * season) * sky * sun**1.2
    evening = 1500 * np.exp(-0.5 * ((hour - 19) / 1.8) ** 2) + 600 * np.exp(-0.5 * ((hour - 7) / 1) ** 2)
    load_w = (300 + evening) * rng.uniform(0.4, 1.6, count)
    shape = 0.03 * np.sin(2 * np.pi * (hour - 14) / 12) - (0.05 + 0.035 * season) * sun
    spot = 0.09 + shape + np.repeat(rng.normal(0, 0.012, count // 4 + 1), 4)[:count]
    spot += np.repeat(rng.normal(0, 0.03, count // 96), 96)
    spot = np.repeat(spot[::4], 4)
    return Record(starts, 1.21 * (spot + 0.05), spot - 0.014, load_w, pv_w)


def along_the_forecast(home: Site) -> Site:
    """The site, and its plans look at no course but the forecast."""
    return home.model_copy(update={"planning": home.planning.model_copy(update={"courses": False})})


def battery_year(home: Site, record: Record, expected: Expected, days: int) -> tuple[float, ByValue]:
    """Processor time of a closed loop and its settlement."""
    slots, storage, decides = range(BEFORE * 96, (BEFORE + days) * 96), Storage.of(home.batteries), None
    assert storage is not None
    begun = process_time()
    decides = ByValue(home, record, expected)
    run = lived(home, record, slots, START_PCT, decides)
    settled(home, storage, record, slots, run, START_PCT)
    return process_time() - begun, decides


def checked(home: Site, record: Record, expected: Expected, count: int, days: int) -> list[Figure]:
    """Slots at random, with cells at random, decided both ways; nothing is known of a plan before."""
    rng = np.random.default_rng(3)
    mode = same = 0
    for t in rng.choice(days * 96, count, replace=False) + BEFORE * 96:
        stored_wh = float(rng.uniform(1000, 10_000))
        ours = ByValue(home, record, expected).told(int(t), stored_wh)
        live_one = ByPlans(home, record, expected).told(int(t), stored_wh)
        mode += ours.battery.mode == live_one.battery.mode
        same += ours == live_one
    return [figure("same_mode_pct", 100 * mode / count, "%"), figure("same_told_pct", 100 * same / count, "%")]


def money(home: Site, record: Record, expected: Expected, days: int) -> Figure:
    """Days lived both ways: how much more the fast one paid."""
    storage = Storage.of(home.batteries)
    assert storage is not None

    def bill(decides: Decides, slots: range) -> tuple[float, float]:
        frame = settled(home, storage, record, slots, lived(home, record, slots, START_PCT, decides), START_PCT)
        net = frame["cost"] - frame["stored_value_per_kwh"] * frame["stored_change_wh"] / 1000
        return float(net.sum()), float(frame["no_battery_cost"].sum())

    ours = live_one = bare = 0.0
    for day in (day for day in BEGINS if day + 3 <= days):
        slots = range((BEFORE + day) * 96, (BEFORE + day + 3) * 96)
        paid, without = bill(ByValue(home, record, expected), slots)
        ours, bare = ours + paid, bare + without
        live_one += bill(ByPlans(home, record, expected), slots)[0]
    return figure("more_paid_pct", 100 * (ours - live_one) / bare if bare else 0.0, "% of the bare bill")


def scenarios_year(record: Record, expected: Expected, days: int) -> Figure:
    """The closed loop with its settlement, each decision weighed over several courses."""
    spent, decides = battery_year(site(), record, expected, days)
    scaled = "" if days == 365 else f", {days} days, scaled"
    unit = f"s ({decides.planned} decisions left to the solver{scaled})"
    return figure("site_year_scenarios_s", spent * 365 / days, unit, 45.0)


def as_live(record: Record, expected: Expected, count: int, days: int) -> Figure:
    """Slots at random, with cells at random: of those weighed over courses, how many are told exactly what a live plan
    tells. They are decided together with the others of their issue.
    """
    rng, together = np.random.default_rng(4), []
    for t in rng.choice((days - 8) * 96, count, replace=False) + (BEFORE + 8) * 96:
        stored_wh, plans = float(rng.uniform(1000, 10_000)), ByPlans(site(), record, expected)
        if plans.plan(int(t), stored_wh).weighed:
            ours = ByValue(site(), record, expected)
            ours.told(expected.same_until(int(t)) - EVERY, stored_wh)
            together.append(ours.told(int(t), stored_wh) == plans.told(int(t), stored_wh))
    return figure("weighed_same_told_pct", 100 * sum(together) / len(together), f"% of {len(together)}")


def home_year(count: int) -> Figure:
    """Decisions of the demo site, cars and heat pump planned, over a year's temperatures."""
    home, rng, spent = load_site(SITES / "home01.yaml", {}), np.random.default_rng(5), 0.0
    record = year(365)
    for t in rng.choice(YEAR, count, replace=False).tolist():
        at = BEFORE * 96 + t
        until = at + len(record.prices_at(at, home.timezone)[0])
        begun = process_time()
        problem = assemble(home, _home_inputs(home, record, at, until))
        plan = solve(problem, **EFFORT["rolling"])
        slot_rows(plan)
        device_rows(plan)
        spent += process_time() - begun
    return figure("site_year_home_s", spent / count * YEAR, f"s ({count} decisions, scaled)", 600.0)


def _home_inputs(home: Site, record: Record, t: int, until: int) -> PlanInputs:
    starts = record.starts[t:until]
    day = (starts[0] - FIRST).days
    outdoor_c = 9 - 11 * np.cos(2 * np.pi * (day + 10) / 365) + 4 * np.sin(np.linspace(0, 3, until - t) * np.pi)
    evening = starts[0].replace(hour=16, minute=15)
    sessions = tuple(
        EvSession(car.key, evening, evening + timedelta(hours=14), car.usual_energy_wh) for car in home.chargers
    )
    pump = home.heat_pumps[0].key
    return PlanInputs(
        starts=starts, buy_per_kwh=25 * record.buy_per_kwh[t:until], sell_per_kwh=25 * record.sell_per_kwh[t:until],
        load_w=record.load_w[t:until], pv_w={array.key: record.pv_w[t:until] / 2 for array in home.pv},
        outdoor_c=outdoor_c, sessions=tuple(one for one in sessions if one.departs_at > starts[0]),
        state=SiteState(at=starts[0], soc_pct={"pack": 50.0}, indoor_c={pump: 21.0}),
    )  # fmt: skip


def replay_ratio(count: int, slots: int, name: str) -> Figure:
    """One stored decision over ``slots`` made again ``count`` times, in a database of its own."""
    from ems_pipeline.steps import replaying
    from ems_pipeline.steps.deciding import Wanted, decisions
    from ems_pipeline.steps.platform import Platform
    from ems_pipeline.time_grid import SimulatedClock
    from ems_pipeline.warehouse import Warehouse, embedded, migrate, plans

    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "pg"
        warehouse = Warehouse(make_url(embedded.start(data)).set(drivername="postgresql+psycopg"))
        try:
            migrate.upgrade(warehouse)
            platform = Platform(warehouse, SimulatedClock(AT), list)
            home = knowing(platform, plain(load_site(SITES / "home01.yaml", {}), "elm"), slots)
            wanted = Wanted("rolling", START.date(), AT)
            for _, decide in decisions(platform, [home], wanted, logging.getLogger()):
                decide()
            with warehouse.begin() as connection:
                held = plans.in_force_at(connection, home.key, AT + time_grid.MINUTE)
            assert held is not None
            found = [replaying.replay(warehouse, held) for _ in range(count)]
            assert all(one.is_same for one in found)
            return figure(name, median((r.read_s + r.solve_s) / r.solve_s for r in found), "", 1.5)
        finally:
            warehouse.close()
            embedded.stop(data)


def _worker() -> float:
    """Live a month as a study does; the most memory that took, MB."""
    home = site()
    days = 31
    month = Month(
        "bench", "h", date(2025, 1, 1), date(2025, 1, days), START_PCT, Made(days + 1), {"v": Lived(home)}, {"v": ""}
    )
    assert live(month)[0].days.height >= days - 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365, help="days that are lived; fewer are scaled to a year")
    parser.add_argument("--checked", type=int, default=1000, help="slots that are decided both ways")
    parser.add_argument("--courses", type=int, default=200, help="decisions over several courses")
    parser.add_argument("--homes", type=int, default=40, help="decisions of the home with cars and heat pump")
    parser.add_argument("--replays", type=int, default=20)
    parser.add_argument("--profile", action="store_true", help="where a site-year's time goes, and nothing else")
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    home, record = along_the_forecast(site()), year(args.days)
    slots = range(BEFORE * 96, (BEFORE + args.days) * 96)
    print(f"issuing forecasts for {args.days} days", flush=True)
    zone = time_grid.zone(home.timezone)
    expected = issued(record.starts, record.load_w, record.pv_w, zone, slots, 400.0, is_learnt=False)
    if args.profile:
        profile = cProfile.Profile()
        profile.runcall(battery_year, home, record, expected, args.days)
        pstats.Stats(profile).sort_stats("tottime").print_stats(20)
        return
    seconds, decides = battery_year(home, record, expected, args.days)
    spent, scaled = seconds * 365 / args.days, "" if args.days == 365 else f" ({args.days} days, scaled)"
    planned = f"{decides.planned} of {len(slots)} decisions were left to the solver"
    print(f"{planned}; {1e3 * seconds / len(slots):.2f} ms a decision", flush=True)
    found = [figure("site_year_battery_s", spent, f"s{scaled}", 15.0)]
    found.append(figure("peer_solves_ratio", PEER_SOLVE_S * YEAR / spent, "times as many a second", 500.0))
    found += checked(home, record, expected, min(args.checked, args.days * 96), args.days)
    found.append(money(home, record, expected, args.days))
    found.append(scenarios_year(record, expected, args.days))
    found.append(as_live(record, expected, args.courses, args.days))
    found.append(home_year(args.homes))
    found.append(replay_ratio(args.replays, TWO_HOURS, "replay_decision_ratio"))
    found.append(replay_ratio(args.replays, DAY_AND_A_HALF, "replay_decision_ratio/36 h"))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found.append(figure("worker_memory_mb", pool.submit(_worker).result(), "MB", 500.0))
    told(found, args.json)


if __name__ == "__main__":
    main()
