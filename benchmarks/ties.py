"""Plans against plain self-use when forecasts err: a battery home, planned anew in every quarter-hour.

``python benchmarks/ties.py [--homes FILE.parquet ...] [--days 14] [--json FILE]``

For each home, tariff and season the home is lived through with forecasts of PV and load that are right on average, 30 %
low or 30 % high: the mean of seven days, the newest of them two days old, by time of day, times the error. What the
plans' modes do is computed by arithmetic (`ems_pipeline.backtest`) and paid for; the same days under self-use are
the reference. Battery 10 kWh, 5 kW, 0.95 each way, floor 10 %, no wear, start 55 %; end energy at the median buying
price. Figures: ``dearer/<home>/<tariff>/<season>/<forecast>`` in percent of self-use's bill, and the bills. Homes have
``ts_utc``, ``load_w`` and perhaps ``pv_w`` (W) in steps of up to an hour; without ``--homes`` a synthetic one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.audit import baselines
from ems_pipeline.backtest.closed_loop import under_plans
from ems_pipeline.backtest.history import Foreseen, Record
from ems_pipeline.backtest.intervals import costs
from ems_pipeline.local_time import INSTANT
from ems_pipeline.sites import Battery, PvArray, Site, load_site

ZONE = time_grid.zone("Europe/Prague")
SITES = Path(__file__).parents[1] / "sites"
FORECASTS = {
    "mean": (1.0, 1.0),
    "PV low": (0.7, 1.0),
    "PV high": (1.3, 1.0),
    "load low": (1.0, 0.7),
    "load high": (1.0, 1.3),
}
"""Factors on the forecasts of PV and of load."""
NIGHT = (time(22), time(6))
SEASONS = {"winter": 1, "summer": 6}
"""Month in whose first whole week a season begins."""
BEFORE, AFTER = 9, 2
"""Days a home must be known before and after those that are lived."""
START_PCT = 55.0
Json = dict[str, Any]


def site() -> Site:
    """The home's devices: those of the demo site, with this battery, one array and nothing else to plan."""
    home = load_site(SITES / "home01.yaml", {})
    battery = Battery(key="pack", device="inverter", capacity_wh=10_000, charge_limit_w=5000, discharge_limit_w=5000)
    array = PvArray(key="roof", device="inverter", peak_power_w=10_000, tilt_deg=35, azimuth_deg=180)
    always = home.tariff.periods[-1].model_copy(update={"valid_from": date(2000, 1, 1)})
    tariff = home.tariff.model_copy(update={"periods": (always,)})
    nothing: Json = dict.fromkeys(("chargers", "heat_pumps", "deferrables", "gensets", "schedules", "inverters"), ())
    return home.model_copy(
        update={"batteries": (battery,), "pv": (array,), "currency": "EUR", "tariff": tariff} | nothing
    )


def synthetic() -> Iterator[tuple[datetime, float, float]]:
    """Two months around each season's weeks: an evening household under a sky that changes from day to day."""
    rng = np.random.default_rng(7)
    for month, day_h, peak_w in ((12, 8.5, 2500.0), (5, 16.0, 6500.0)):
        sky = 1.0
        for k in range(61 * 96):
            at = datetime(2024 + (month < 12), month, 15, tzinfo=UTC) + k * time_grid.SLOT
            local = at.astimezone(ZONE)
            hour = local.hour + local.minute / 60 - (1.0 if local.dst() else 0.0)
            sky = rng.uniform(0.15, 1.0) if k % 96 == 0 else sky
            sun = max(0.0, np.sin(np.pi * (hour - 12.5 + day_h / 2) / day_h)) if abs(hour - 12.5) < day_h / 2 else 0.0
            evening = 1500 * np.exp(-0.5 * ((hour - 19) / 1.8) ** 2) + 600 * np.exp(-0.5 * ((hour - 7) / 1) ** 2)
            yield at, (250 + evening) * rng.uniform(0.5, 1.5), peak_w * sky * sun**1.2 * rng.uniform(0.7, 1.1)


def read(path: Path) -> pl.DataFrame:
    """``[starts_at, load_w, pv_w]`` on the slot grid; the first home of a file with several."""
    frame = pl.read_parquet(path)
    if not {"ts_utc", "load_w"} <= set(frame.columns):
        sys.exit(
            f"{path.name} has {', '.join(frame.columns)}; a home has at least ts_utc and load_w: name another file"
        )
    if "home" in frame.columns:
        frame = frame.filter(pl.col("home") == pl.col("home").first())
    pv = pl.col("pv_w").fill_null(0.0) if "pv_w" in frame.columns else pl.lit(0.0)
    at = pl.col("ts_utc").dt.cast_time_unit("us").alias("starts_at")
    return frame.select(at, "load_w", pv_w=pv.cast(pl.Float64)).sort("starts_at")


def gridded(frame: pl.DataFrame) -> pl.DataFrame:
    """Steps of up to an hour spread over their quarters; what was not measured stays null."""
    grid = frame.set_sorted("starts_at").upsample("starts_at", every="15m")
    return grid.with_columns(pl.col("load_w", "pv_w").fill_null(strategy="forward", limit=3).cast(pl.Float64))


def weeks(frame: pl.DataFrame, month: int, days: int) -> Record | None:
    """A season's days with those before and after, the first year in which nothing is missing; prices are zero."""
    for year in sorted(frame["starts_at"].dt.year().unique()):
        first = time_grid.local_instant(date(year, month, 2), time(0), ZONE) - timedelta(days=BEFORE)
        wanted = [first + k * time_grid.SLOT for k in range((BEFORE + days + AFTER) * 96)]
        found = frame.filter(pl.col("starts_at").is_between(wanted[0], wanted[-1])).drop_nulls()
        if found.height == len(wanted):
            nothing = np.zeros(len(wanted))
            return Record(wanted, nothing, nothing, found["load_w"].to_numpy(), found["pv_w"].to_numpy())
    return None


def naive(power_w: np.ndarray) -> np.ndarray:
    """The mean of the same quarter-hour of seven days, the newest of them two days old."""
    return np.mean([np.roll(power_w, 96 * k) for k in range(2, 9)], axis=0)


def tariffs(starts: list[datetime]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Buying and selling price per slot, EUR/kWh."""
    clock = [at.astimezone(ZONE).time() for at in starts]
    night = np.array([at >= NIGHT[0] or at < NIGHT[1] for at in clock])
    sell = np.full(len(starts), 0.08)
    return {"flat": (np.full(len(starts), 0.303), sell), "two-level": (np.where(night, 0.194, 0.315), sell)}


def compared(home: Site, record: Record, factors: tuple[float, float], slots: int) -> Json:
    """Bills of the plans and of self-use on the same days, and how often each mode was told."""
    pv, load = factors
    skipped = BEFORE * 96
    guess = replace(record, pv_w=pv * naive(record.pv_w), load_w=load * naive(record.load_w))
    actual, forecast = (
        Record(*(getattr(r, name)[skipped:] for name in ("starts", "buy_per_kwh", "sell_per_kwh", "load_w", "pv_w")))
        for r in (record, guess)
    )
    storage = baselines.Storage.of(home.batteries)
    assert storage is not None
    begun = perf_counter()
    lived = under_plans(home, actual, Foreseen(forecast.load_w, forecast.pv_w), range(slots), START_PCT)
    seconds = perf_counter() - begun
    rule = baselines.self_use((actual.load_w - actual.pv_w)[:slots], storage, START_PCT, home.grid.export_limit_w)
    worth = float(np.median(actual.buy_per_kwh[:slots])) * storage.discharge_efficiency
    bare = baselines.no_battery((actual.load_w - actual.pv_w)[:slots], home.grid.export_limit_w)
    still = np.full(slots, START_PCT)
    plans, self_use, unstored = (
        float(costs(actual, range(slots), grid_w, soc_pct, START_PCT, storage, worth).sum())
        for grid_w, soc_pct in ((lived.grid_w, lived.soc_pct), (rule.grid_w, rule.soc_pct), (bare, still))
    )
    earned = unstored - self_use
    modes = {mode: lived.modes.count(mode) for mode in sorted(set(lived.modes))}
    more = plans - self_use
    return {
        "plans": plans, "self_use": self_use, "more": more, "more_pct": 100 * more / abs(self_use),
        "lost_pct": 100 * more / earned, "modes": modes, "plan_ms": 1e3 * seconds / slots,
    }  # fmt: skip


def main() -> None:
    """Live every home, print and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--homes", type=Path, nargs="*", default=[], help="parquet files with ts_utc, load_w, pv_w")
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--forecasts", nargs="*", default=list(FORECASTS), choices=list(FORECASTS))
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    columns = {"starts_at": INSTANT, "load_w": pl.Float64, "pv_w": pl.Float64}
    made = pl.DataFrame(list(synthetic()), schema=columns, orient="row")
    homes = {path.stem: gridded(read(path)) for path in args.homes} or {"synthetic": made}
    home, figures = site(), []
    for name, frame in homes.items():
        for season, month in SEASONS.items():
            record = weeks(frame, month, args.days)
            if record is None:
                print(f"{name}: no {args.days} whole days for {season}; skipped", flush=True)
                continue
            for tariff, (buy, sell) in tariffs(record.starts).items():
                priced = replace(record, buy_per_kwh=buy, sell_per_kwh=sell)
                for forecast in args.forecasts:
                    found = compared(home, priced, FORECASTS[forecast], args.days * 96)
                    label = f"{name}/{tariff}/{season}/{forecast}"
                    print(f"{label:48s} {_line(found)}", flush=True)
                    figures += _figures(label, found)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


def _line(found: Json) -> str:
    return (
        f"plans {found['plans']:8.3f} EUR  self-use {found['self_use']:8.3f}  dearer by {found['more']:7.3f} = "
        f"{found['more_pct']:6.2f} % ({found['lost_pct']:6.2f} % of what self-use earns)  {found['plan_ms']:5.1f} ms a "
        f"plan  {found['modes']}"
    )


def _figures(label: str, found: Json) -> list[Json]:
    ratio = found["plans"] / found["self_use"]
    bill = {"unit": "EUR", "reference": found["self_use"], "ratio": ratio}
    return [
        {"name": f"dearer/{label}", "value": found["more_pct"], "unit": "%", "reference": 0.0, "ratio": None},
        {"name": f"bill/{label}", "value": found["plans"]} | bill,
    ]


if __name__ == "__main__":
    main()
