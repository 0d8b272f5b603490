"""The explained plans of docs/planner.md: ``python docs/planner/examples.py`` rewrites texts and pictures."""

from __future__ import annotations

import dataclasses
import io
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from rich.console import Console

from ems_pipeline.pictures.inline import standalone
from ems_pipeline.plan import Problem, solve, verify
from ems_pipeline.plan.problem import (
    BatteryStore,
    ChargingSession,
    GensetUnit,
    GridLimits,
    HeatPumpUnit,
    HeatStore,
    PvSource,
    Switchboard,
    Window,
)
from ems_pipeline.plan.wording.explain import narrative, picture

HERE = Path(__file__).parent
PRAGUE = ZoneInfo("Europe/Prague")
SLOTS = 96
HOUR = (np.arange(SLOTS) + 0.5) / 4
"""Local hour of each slot: every example begins at midnight in Prague."""
START = datetime(2026, 4, 18, 22, tzinfo=UTC)


def bump(centre: float, width: float) -> np.ndarray:
    """A hill of height 1 around an hour of the day."""
    return np.exp(-0.5 * ((HOUR - centre) / width) ** 2)


def home(dip: float) -> Problem:
    """A home with 8 kWp and 10 kWh on a day whose noon price falls by ``dip`` CZK/kWh."""
    spot = 2.2 + 1.2 * bump(7.5, 1.3) + 2.0 * bump(19.5, 1.6) - dip * bump(13, 2)
    return Problem(
        site="home",
        currency="CZK",
        start_at=START,
        buy_per_kwh=spot + 1.3,
        sell_per_kwh=spot - 0.35,
        load_w=320 + 700 * bump(7.25, 0.9) + 500 * bump(12.5, 1) + 1300 * bump(19, 1.7),
        grid=GridLimits(np.full(SLOTS, 17_000.0), np.full(SLOTS, 10_000.0)),
        pv=(PvSource("roof", 7000 * np.maximum(0.0, np.sin(np.pi * (HOUR - 6) / 13)) ** 1.3),),
        batteries=(
            BatteryStore("pack", 10_000.0, 5000.0, 5000.0, 0.96, 0.96, 1500.0, 10_000.0, 4000.0,
                         wear_per_kwh=0.3, end_value_per_kwh=2.6),
        ),
    )  # fmt: skip


def negative_noon() -> Problem:
    """Importing is paid for from 12:15 to 14: the sun is switched off and the battery filled from the grid."""
    house = HeatStore("house", 180.0, 9000.0, 8 + 4 * bump(15, 4), np.full(SLOTS, 300.0), 20.8, 20.0, 22.5, 5.0,
                      end_value_per_k=6.0)  # fmt: skip
    pump = HeatPumpUnit("heating", 900.0, 3000.0, np.full(SLOTS, 4.2), house)
    return dataclasses.replace(home(dip=4.2), site="negative-noon", heat_pumps=(pump,))


def tight_departure() -> Problem:
    """A car that arrives at 5:15 and leaves at 7:00 wants 18.5 kWh; the meter gives 9 kW, so the battery must help."""
    car = ChargingSession("car", "wallbox", 21, 28, 18_500.0, 4140.0, 11_040.0, unmet_price_per_kwh=20.0)
    problem = home(dip=1.0)
    grid = dataclasses.replace(problem.grid, import_limit_w=np.full(SLOTS, 9000.0))
    return dataclasses.replace(problem, site="tight-departure", sessions=(car,), grid=grid)


def farm() -> Problem:
    """A farm pays 250 CZK for every kW above the month's 6 kW; a diesel set takes the tip, outside its quiet hours."""
    problem = home(dip=1.0)
    load_w = problem.load_w + 9000 * bump(8, 1.2) + 19_000 * bump(17.5, 1.3)
    grid = dataclasses.replace(problem.grid, peak_price_per_kw=250.0, peak_so_far_w=6000.0)
    diesel = GensetUnit(
        "diesel", 3000.0, 12_000.0, fuel_per_kwh=9.0, idle_fuel_per_h=25.0, start_cost=30.0, min_run_slots=4,
        min_pause_slots=4, warm_up_slots=1, starts_per_day=2, run_hours_left=6.0,
        blocked=(Window(0, 24), Window(88, 96)),
    )  # fmt: skip
    return dataclasses.replace(problem, site="farm", load_w=load_w, grid=grid, gensets=(diesel,))


def two_sets() -> Problem:
    """A hall may draw 200 kW and pays for each above the month's 120: two gas sets of 160 kW shave its evening."""
    spot = 2.2 + 1.2 * bump(7.5, 1.3) + 2.0 * bump(19.5, 1.6)
    first = GensetUnit(
        "gas-1", 80_000.0, 160_000.0, fuel_per_kwh=5.0, idle_fuel_per_h=94.0, start_cost=240.0, service_per_h=120.0,
        min_run_slots=4, min_pause_slots=2, starts_per_day=3, starts_per_2h=2, lead_h=90 / 3600, cool_down_h=180 / 3600,
        ramp_w_per_s=4800.0, blocked=(Window(0, 24), Window(88, 96)),
    )  # fmt: skip
    second = dataclasses.replace(first, key="gas-2", even_per_h=10.0)
    return Problem(
        site="two-sets",
        currency="CZK",
        start_at=START,
        buy_per_kwh=spot + 1.3,
        sell_per_kwh=spot - 0.35,
        load_w=60_000 + 30_000 * bump(8, 1.5) + 250_000 * bump(18, 1.3),
        grid=GridLimits(np.full(SLOTS, 200_000.0), np.zeros(SLOTS), peak_price_per_kw=250.0, peak_so_far_w=120_000.0),
        gensets=(first, second),
        switchboards=(Switchboard("board", ("gas-1", "gas-2"), spare_w=20_000.0),),
    )


def main() -> None:
    """Plan, verify, write."""
    for problem in (negative_noon(), tight_departure(), farm(), two_sets()):
        plan = solve(problem)
        assert not verify(problem, plan), [str(v) for v in verify(problem, plan)]
        console = Console(width=200, record=True, file=io.StringIO())
        console.print(narrative(plan, PRAGUE))
        text = "\n".join(line.rstrip() for line in console.export_text().splitlines())
        (HERE / f"{problem.site}.txt").write_text(text + "\n", encoding="utf-8")
        (HERE / f"{problem.site}.svg").write_text(standalone(picture(plan, PRAGUE)), encoding="utf-8")
        print(problem.site, plan.status, plan.objective, plan.solve_s)


if __name__ == "__main__":
    main()
