"""A challenger beside the live planner, night by night: what it gained, and whether it would have been promoted.

``python benchmarks/challenger.py --homes FILE... --prices FILE [--tariff cz] [--days 42] [--json FILE]``

Each home lives its winter under the live planner (`backtest.closed_loop`, battery and tariffs of ``money.py``). At each
decision the challenger is asked for the same slot at the same charge; each night both are lived through anew from their
stored problems, from the charge the day really began with (`backtest.recorded`), and the rule of `backtest.promotion`
is asked, as the asset ``planner_day`` does. Contests: courses against the forecast alone, and a loose gap against the
usual one. Figures: ``gain/<home>/<tariff>/<contest>`` with ``/low`` and ``/high``, in site currency (EUR), and the day
on which the rule promoted, if it did.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from money import START_PCT, TARIFFS, Season, price_frame, seasons
from ties import site

from ems_pipeline import time_grid
from ems_pipeline.backtest.closed_loop import ByPlans, Told, lived
from ems_pipeline.backtest.history import Expected, Record
from ems_pipeline.backtest.promotion import judged
from ems_pipeline.backtest.recorded import Asked, net_costs
from ems_pipeline.plan import Problem
from ems_pipeline.plan.solving.solve import EFFORT
from ems_pipeline.sites import Site
from ems_pipeline.sites.planner import PlanningPolicy, SolverOptions

FORECAST, COURSES = PlanningPolicy(courses=False), PlanningPolicy()
LOOSE = PlanningPolicy(courses=False, gap=0.1, tolerance=0.05)
CONTESTS: dict[str, tuple[PlanningPolicy, PlanningPolicy]] = {
    "courses": (FORECAST, COURSES), "forecast-alone": (COURSES, FORECAST), "loose": (FORECAST, LOOSE),
}  # fmt: skip
"""By name: the live planner, and who challenges it."""


def solving(policy: SolverOptions) -> dict[str, Any]:
    """As a rolling plan is solved."""
    return {**EFFORT["rolling"], "resolved_slots": 1, **policy.solver}


@dataclass
class Beside:
    """Decides as the live planner, and keeps what it and its challenger were asked."""

    live: ByPlans
    challenger: ByPlans
    asked: dict[int, tuple[Problem, Problem]] = field(default_factory=dict)

    def told(self, t: int, stored_wh: float) -> Told:
        """See `closed_loop.Decides`."""
        self.asked[t] = self.live.problem(t, stored_wh), self.challenger.problem(t, stored_wh)
        return self.live.told(t, stored_wh)


def planned(policy: PlanningPolicy, record: Record, expected: Expected) -> tuple[Site, ByPlans]:
    """The home under a policy, and who plans it."""
    home = site().model_copy(update={"planning": policy})
    return home, ByPlans(home, record, expected, solving(policy))


def contest(season: Season, tariff: str, name: str) -> list[dict[str, Any]]:
    """Live a season, and judge night by night."""
    live, other = CONTESTS[name]
    buy, sell = TARIFFS[tariff](season.record.buy_per_kwh, season.record.starts)
    record = replace(season.record, buy_per_kwh=buy, sell_per_kwh=sell)
    home, decides = planned(live, record, season.expected)
    both = Beside(decides, planned(other, record, season.expected)[1])
    run = lived(home, record, season.slots, START_PCT, both)
    gains: list[float] = []
    promoted = None
    zone, at = time_grid.zone(home.timezone), season.slots.start
    while at < season.slots.stop:
        _, end_at = time_grid.day_bounds(time_grid.local_day(record.starts[at], zone), zone)
        end = time_grid.count_slots(record.starts[0], end_at)
        begun_pct = START_PCT if at == season.slots.start else float(run.soc_pct[at - 1 - season.slots.start])
        nets = [_net(home, record, range(at, end), begun_pct, both.asked, who, policy)
                for who, policy in enumerate((live, other))]  # fmt: skip
        gains.append(nets[0] - nets[1])
        if promoted is None and judged(gains).outcome == "wins":
            promoted = len(gains)
        at = end
    verdict = judged(gains)
    assert verdict.gain is not None
    label = f"{season.home}/{tariff}/{season.name}/{name}"
    told = f"promoted after day {promoted}" if promoted else "never promoted"
    low, high = verdict.gain.low, verdict.gain.high
    print(f"{label:52s} {verdict.gain.value:+7.2f} ({low:+.2f} to {high:+.2f}) EUR in {verdict.days} days: "
          f"{verdict.outcome}; {told}", flush=True)  # fmt: skip
    figures = zip(("", "/low", "/high"), verdict.gain.numbers, strict=True)
    found: list[dict[str, Any]] = [_figure(f"gain/{label}{end}", value, "EUR") for end, value in figures]
    return [*found, _figure(f"promoted_after/{label}", promoted, "days")]


def _net(
    home: Site, record: Record, slots: range, begun_pct: float, asked: Mapping[int, tuple[Problem, Problem]], who: int,
    policy: PlanningPolicy,
) -> float:  # fmt: skip
    here = slice(slots.start, slots.stop)
    day = Record(
        record.starts[here], record.buy_per_kwh[here], record.sell_per_kwh[here], record.load_w[here],
        record.pv_w[here],
    )  # fmt: skip
    problems = {t - slots.start: asked[t][who] for t in slots}
    return float(np.sum(net_costs(home, day, begun_pct, Asked(problems, solving(policy)))["net_cost"].to_numpy()))


def _figure(name: str, value: float | None, unit: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "reference": None, "ratio": None}


def main() -> None:
    """Hold every contest in every home, print and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--homes", type=Path, nargs="+", required=True, help="parquet files with ts_utc, load_w, pv_w")
    parser.add_argument("--prices", type=Path, required=True, help="parquet file with ts_utc, price_eur_mwh")
    parser.add_argument("--zone", default="DE", help="zone of the price file, where it has several")
    parser.add_argument("--tariff", nargs="+", default=["cz"], choices=list(TARIFFS))
    parser.add_argument("--season", default="winter", choices=["winter", "summer"])
    parser.add_argument("--contest", nargs="+", default=list(CONTESTS), choices=list(CONTESTS))
    parser.add_argument("--days", type=int, default=42)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    spot, figures = price_frame(args.prices, args.zone), list[dict[str, Any]]()
    found = [one for path in args.homes for one in seasons(path, spot, args.days) if one.name == args.season]
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
        wanted = [(one, tariff, name) for one in found for tariff in args.tariff for name in args.contest]
        for one in [pool.submit(contest, *what) for what in wanted]:
            figures += one.result()
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
