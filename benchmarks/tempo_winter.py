"""A Tempo winter of 22 red days: what batteries are worth on it, planned, by their own logic, and not there.

    python benchmarks/tempo_winter.py [--first 2025-11-01] [--days 151] [--seed 1] [--json FILE]

Synthetic throughout: colours are made by the published rules (`plant/tempo.py`), house and sun are the virtual plant's.
Each afternoon at 15:00 a plan is made to the end of the last day whose colour is announced, and its first 24 hours are
lived as planned, so forecasts do not err: what is won here is the most that colours and this home allow. Three homes:
three Venus E on plug sockets alone, a roof and a Deye hybrid alone, and both.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ems_pipeline import time_grid, units
from ems_pipeline.arrays import Array
from ems_pipeline.audit.baselines import no_battery, self_use
from ems_pipeline.audit.storage import Storage
from ems_pipeline.market.registers import DayCalendars
from ems_pipeline.market.tariff import tariff_coefficients
from ems_pipeline.plan import PlanInputs, SiteState, as_one, assemble, solve, verify
from ems_pipeline.plant import day as days
from ems_pipeline.plant import tempo
from ems_pipeline.plant.sky import Sky
from ems_pipeline.sites import Battery, Site, load_site

EXAMPLE = Path(__file__).parents[1] / "examples" / "maison.yaml"
PARIS = time_grid.zone("Europe/Paris")
DECIDED, COLOUR_ENDS = time(15), time(6)
ONE_DAY = timedelta(days=1)
START_PCT = 50.0


def main() -> None:
    """Parse, live the winter in each home, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=date.fromisoformat, default=date(2025, 11, 1))
    parser.add_argument("--days", type=int, default=151)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    figures = {}
    for name, site in homes().items():
        figures[name] = lived(site, chosen.first, chosen.days, chosen.seed)
        print(name, "  ".join(f"{what} {value:.2f}" for what, value in figures[name].items()), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


def homes() -> dict[str, Site]:
    """The Tempo home with some of its batteries."""
    both = load_site(EXAMPLE)
    venus = both.fleets[0].batteries
    alone = {"pv": (), "batteries": tuple(b for b in both.batteries if b.key in venus)}
    deye = {"fleets": (), "batteries": tuple(b for b in both.batteries if b.key not in venus)}
    return {"three Venus": both.model_copy(update=alone), "Deye": both.model_copy(update=deye), "both": both}


@dataclass(frozen=True)
class Winter:
    """Quarter-hours from 15:00 of the first day, with what they cost, need and give; ``is_red`` by the colour's day."""

    starts: list[datetime]
    buy_per_kwh: Array
    load_w: Array
    pv_w: dict[str, Array]
    is_red: Array

    @property
    def deficit_w(self) -> Array:
        return np.asarray(self.load_w - sum(self.pv_w.values(), np.zeros(len(self.starts))))


def winter(site: Site, first: date, count: int, seed: int) -> Winter:
    """The plant's winter, two days longer than it is lived."""
    start = time_grid.local_instant(first, DECIDED, PARIS)
    starts = time_grid.slots(start, time_grid.local_instant(first + (count + 2) * ONE_DAY, COLOUR_ENDS, PARIS))
    sky = Sky(seed, site.latitude, site.longitude)
    colours = tempo.Season(sky, first).colours
    rows = tariff_coefficients(site.tariff, starts, PARIS, DayCalendars(tempo=dict(colours)))
    of_day = [time_grid.local_day(at - timedelta(hours=6), PARIS) for at in starts]
    minutes = _minutes(site, seed, sky, starts)
    return Winter(
        starts,
        (rows["fixed_per_kwh"] + rows["distribution_per_kwh"]).to_numpy(),
        minutes["load"],
        {array.key: minutes[array.key] for array in site.pv},
        np.array([colours[day] == "red" for day in of_day]),
    )


def _minutes(site: Site, seed: int, sky: Sky, starts: list[datetime]) -> dict[str, Array]:
    """Means over quarter-hours of what the plant lives by the minute."""
    found = []
    at = days.midnight(starts[0])
    while at <= starts[-1]:
        lived_day = days.build(site, seed, sky, at, None)
        quarters = {"starts_at": time_grid.slots(at, at + ONE_DAY)}
        series = {"load": lived_day.load_w, **lived_day.pv_w}
        means = {name: np.asarray(values).reshape(-1, 15).mean(axis=1) for name, values in series.items()}
        found.append(pl.DataFrame(quarters | means))
        at += ONE_DAY
    frame = pl.concat(found).filter(pl.col("starts_at").is_between(starts[0], starts[-1]))
    return {name: frame[name].to_numpy() for name in frame.columns if name != "starts_at"}


def lived(site: Site, first: date, count: int, seed: int) -> dict[str, float]:
    """What the winter costs by each way, in the site's money, and how the red days of it come out."""
    known = winter(site, first, count, seed)
    end = time_grid.count_slots(known.starts[0], time_grid.local_instant(first + count * ONE_DAY, DECIDED, PARIS))
    grid_w, stored_wh, broken = planned(site, known, first, count)
    storage = Storage.of(site.batteries)
    assert storage is not None
    by_itself = self_use(known.deficit_w[:end], storage, START_PCT, 0.0)
    ways = {"none": no_battery(known.deficit_w[:end], 0.0), "own": by_itself.grid_w, "planned": grid_w}
    price, red = known.buy_per_kwh[:end], known.is_red[:end]
    bought = {name: units.kilo(units.slot_energy_wh(np.maximum(w, 0.0))) * price for name, w in ways.items()}
    figures = {f"cost_{name}": float(money.sum()) for name, money in bought.items()}
    figures |= {f"red_{name}": float(money[red].sum()) for name, money in bought.items()}
    kept = {"own": by_itself.soc_pct[-1] / 100 * storage.capacity_wh, "planned": stored_wh}
    figures |= {f"kept_kwh_{name}": float(units.kilo(wh)) for name, wh in kept.items()}
    figures["saved_to_none"] = figures["cost_none"] - figures["cost_planned"]
    figures["saved_to_own"] = figures["cost_own"] - figures["cost_planned"]
    return figures | {"broken_laws": float(broken), "red_days": float(red.sum() / 96)}


def planned(site: Site, known: Winter, first: date, count: int) -> tuple[Array, float, int]:
    """Grid power of the lived quarter-hours, what is stored in the end, and how many plans broke a law."""
    stored = {b.key: START_PCT / 100 * b.capacity_wh for b in _as_planned(site)}
    grid_w, broken = [], 0
    for i in range(count):
        begin, until = (time_grid.local_instant(first + n * ONE_DAY, DECIDED, PARIS) for n in (i, i + 1))
        last = time_grid.local_instant(first + (i + 2) * ONE_DAY, COLOUR_ENDS, PARIS)
        here, lived_until, there = (time_grid.count_slots(known.starts[0], at) for at in (begin, until, last))
        horizon = slice(here, there)
        n = there - here
        inputs = PlanInputs(
            starts=known.starts[horizon], buy_per_kwh=known.buy_per_kwh[horizon], sell_per_kwh=np.zeros(n),
            load_w=known.load_w[horizon], pv_w={key: w[horizon] for key, w in known.pv_w.items()}, outdoor_c=None,
            sessions=(), state=SiteState(at=begin, soc_pct=_charges(site, stored)),
        )  # fmt: skip
        plan = solve(assemble(*as_one(site, inputs)), resolved_slots=0, time_limit_s=20.0)
        broken += bool(verify(plan.problem, plan))
        slots = lived_until - here
        grid_w.append(plan.grid_w[:slots])
        stored = {b.key: float(plan.energy_wh[k][slots - 1]) for k, b in enumerate(plan.problem.batteries)}
    return np.concatenate(grid_w), sum(stored.values()), broken


def _as_planned(site: Site) -> list[Battery]:
    """Batteries and fleets as the planner has them."""
    within = {key for fleet in site.fleets for key in fleet.batteries}
    return [*(b for b in site.batteries if b.key not in within), *(f.whole(site.batteries) for f in site.fleets)]


def _charges(site: Site, stored_wh: dict[str, float]) -> dict[str, float]:
    """Charge of each battery; those of a fleet stand alike."""
    found = {b.key: 100 * stored_wh[b.key] / b.capacity_wh for b in site.batteries if b.key in stored_wh}
    for fleet in site.fleets:
        whole = fleet.whole(site.batteries)
        found |= dict.fromkeys(fleet.batteries, 100 * stored_wh[fleet.key] / whole.capacity_wh)
    return found


if __name__ == "__main__":
    main()
