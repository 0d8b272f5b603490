"""Money: what plans win of what perfect foresight could add to self-use, in closed loop, settled day by day.

``python benchmarks/money.py --homes FILE.parquet... --prices FILE.parquet --tariff NAME... [--days 42] [--json FILE]``

Each home is lived through in winter and in summer (spring where its data end): every quarter-hour a plan from forecasts
issued every two hours (`ems_pipeline.backtest`), told as mode and limits, obeyed, settled. Battery 10 kWh, 5 kW, 0.95
each way, floor 10 %, no wear, start 55 %; the energy at the end counts at the median buying price x 0.95 for all alike.
Figures: ``achieved/<home>/<tariff>/<season>`` = share of (perfect foresight - self-use) that was won, percent;
``saved/...`` = money against self-use; each with ``/low`` and ``/high`` of the 95 % interval over days drawn in pairs.
Perfect foresight knows load, PV and prices of the whole period and is a linear program.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from ties import NIGHT, ZONE, gridded, read, site

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest import bounds, intervals
from ems_pipeline.backtest.closed_loop import Lived, under_plans
from ems_pipeline.backtest.history import Expected, Foreseen, Record
from ems_pipeline.backtest.issued import AHEAD, EVERY, Issued, issued
from ems_pipeline.local_time import INSTANT
from ems_pipeline.market.tariff import effective_price, tariff_coefficients

SEASONS = {"winter": ((1, 6), (11, 15), (2, 1)), "summer": ((6, 1), (7, 1), (5, 1), (4, 1))}
"""Month and day on which a season may begin: the first on which all days are measured counts."""
BEFORE = 35
"""Days that must be measured before: four weeks to train on, and a week."""
START_PCT, USUAL_W = 55.0, 400.0
CZK_PER_EUR = 25.0
Prices = Callable[[Array, list[datetime]], tuple[Array, Array]]


def czech(spot: Array, starts: list[datetime]) -> tuple[Array, Array]:
    """The demo site's terms at a fixed rate, EUR."""
    tariff = site().tariff
    prices = pl.DataFrame(
        {"starts_at": starts, "price_per_mwh": spot * 1000 * CZK_PER_EUR}, schema_overrides={"starts_at": INSTANT}
    ).with_columns(currency=pl.lit("CZK"), known_at=pl.col("starts_at"))
    priced = effective_price(tariff_coefficients(tariff, starts, ZONE), prices).sort("starts_at")
    buy, sell = (priced[name].to_numpy() / CZK_PER_EUR for name in ("buy_per_kwh", "sell_per_kwh"))
    return buy, sell


def low_export(spot: Array, _: list[datetime]) -> tuple[Array, Array]:
    """Energy tax on what is bought, no netting."""
    return 1.21 * (spot + 0.10154 + 0.02), spot - 0.01


def flat(spot: Array, _: list[datetime]) -> tuple[Array, Array]:
    """One price at any time."""
    return np.full(len(spot), 0.303), np.full(len(spot), 0.08)


def two_level(spot: Array, starts: list[datetime]) -> tuple[Array, Array]:
    """A cheaper night."""
    clock = [at.astimezone(ZONE).time() for at in starts]
    night = np.array([at >= NIGHT[0] or at < NIGHT[1] for at in clock])
    return np.where(night, 0.194, 0.315), np.full(len(spot), 0.08)


TARIFFS: dict[str, Prices] = {"cz": czech, "low-export": low_export, "flat": flat, "two-level": two_level}


@dataclass(frozen=True)
class Season:
    """A season of a home: all that is measured, the slots that are lived, and what was forecast for them."""

    home: str
    name: str
    record: Record
    slots: range
    expected: Expected


def seasons(path: Path, spot: pl.DataFrame, days: int) -> Iterator[Season]:
    """The seasons of a home that are measured whole."""
    frame = gridded(read(path))
    for name, begins in SEASONS.items():
        found = next((one for begin in begins if (one := _whole(frame, begin, days)) is not None), None)
        if found is None:
            print(f"{path.stem}: no {days} whole days for {name}; skipped", flush=True)
            continue
        starts, load_w, pv_w = found
        slots = range(BEFORE * 96, BEFORE * 96 + days * 96)
        record = Record(starts, _spot(spot, starts), np.zeros(len(starts)), load_w, pv_w)
        expected = issued(starts, load_w, pv_w, ZONE, slots, USUAL_W)
        yield Season(path.stem, name, record, slots, expected)


def _whole(frame: pl.DataFrame, begin: tuple[int, int], days: int) -> tuple[list[datetime], Array, Array] | None:
    """Days before, days lived and two after, of the newest year in which the lived ones lack nothing."""
    for year in sorted(frame["starts_at"].dt.year().unique(), reverse=True):
        first = time_grid.local_instant(date(year, *begin), time(0), ZONE) - timedelta(days=BEFORE)
        starts = [first + k * time_grid.SLOT for k in range((BEFORE + days + 2) * 96)]
        wanted = pl.DataFrame({"starts_at": starts}, schema={"starts_at": frame.schema["starts_at"]})
        rows = wanted.join(frame, on="starts_at", how="left", maintain_order="left")
        if rows[BEFORE * 96 :].null_count().sum_horizontal().item() == 0:
            before = rows.with_columns(pl.col("load_w", "pv_w").fill_null(float("nan")))
            if before[: BEFORE * 96]["load_w"].is_nan().mean() < 0.05:
                return starts, before["load_w"].to_numpy(), np.nan_to_num(before["pv_w"].to_numpy())
    return None


def _spot(prices: pl.DataFrame, starts: list[datetime]) -> Array:
    """EUR/kWh of the same local quarter-hour, in the price year that has all of them."""
    by_start = dict(prices.iter_rows())
    for shift in sorted({at.year for at in by_start} - {0}, reverse=True):
        moved = [_moved(at, shift - starts[BEFORE * 96].year) for at in starts]
        found = [by_start.get(at) for at in moved]
        lived = found[BEFORE * 96 :]
        if sum(price is None for price in lived) <= len(lived) // 100:
            known = pl.Series(found, dtype=pl.Float64).fill_null(strategy="forward").fill_null(strategy="backward")
            return known.to_numpy() / 1000
    raise SystemExit("the price file has no year with all the days that are lived; give one that has")


def _moved(at: datetime, years: int) -> datetime:
    """The same weekday and hour so many years on: whole weeks."""
    return at + timedelta(weeks=round(years * 365.25 / 7))


def price_frame(path: Path, zone: str) -> pl.DataFrame:
    """``[starts_at, price_eur_mwh]`` per quarter-hour of one zone."""
    frame = pl.read_parquet(path)
    if "zone" in frame.columns:
        frame = frame.filter(pl.col("zone") == zone)
    grid = frame.select(pl.col("ts_utc").dt.cast_time_unit("us").alias("starts_at"), "price_eur_mwh").sort("starts_at")
    return grid.unique("starts_at", keep="last", maintain_order=True).set_sorted("starts_at").upsample(
        "starts_at", every="15m"
    ).with_columns(pl.col("price_eur_mwh").fill_null(strategy="forward", limit=3))  # fmt: skip


def settled(season: Season, tariff: str) -> list[dict[str, Any]]:
    """The figures of a season under a tariff."""
    home, record = site(), season.record
    buy, sell = TARIFFS[tariff](record.buy_per_kwh, record.starts)
    record = replace(record, buy_per_kwh=buy, sell_per_kwh=sell)
    storage = Storage.of(home.batteries)
    assert storage is not None
    slots, worth = season.slots, float(np.median(buy[season.slots.start : season.slots.stop])) * 0.95
    begun = perf_counter()
    lived = under_plans(home, record, season.expected, slots, START_PCT)
    seconds = perf_counter() - begun

    def money(one: Lived) -> Array:
        return _daily(intervals.costs(record, slots, one.grid_w, one.soc_pct, START_PCT, storage, worth))

    limits = (home.grid.import_limit_w, home.grid.export_limit_w)
    ours, rule = money(lived), money(bounds.by_itself(record, slots, storage, START_PCT, limits[1]))
    timer = money(bounds.by_timer(record, slots, storage, START_PCT, limits[1]))
    perfect = _daily(bounds.least_cost(record, slots, storage, START_PCT, limits, worth))
    label = f"{season.home}/{tariff}/{season.name}"
    figures: dict[str, intervals.Interval | None] = {
        "achieved": intervals.share(rule - ours, rule - perfect),
        "achieved_timer": intervals.share(rule - timer, rule - perfect),
        "saved": intervals.total(rule - ours),
        "bill": intervals.total(ours),
    }
    shown = "  ".join(f"{name} {_shown(one)}" for name, one in figures.items())
    print(f"{label:44s} {shown}  {1e3 * seconds / len(slots):.1f} ms a decision", flush=True)
    units = {"achieved": "%", "achieved_timer": "%", "saved": "EUR", "bill": "EUR"}
    return [
        {"name": f"{name}/{label}{end}", "value": value, "unit": units[name], "reference": None, "ratio": None}
        for name, one in figures.items()
        for end, value in _ends(one)
    ]


def _ends(one: intervals.Interval | None) -> list[tuple[str, float | None]]:
    values = (None, None, None) if one is None else (one.value, one.low, one.high)
    return list(zip(("", "/low", "/high"), values, strict=True))


def _shown(one: intervals.Interval | None) -> str:
    return "nothing to win" if one is None else f"{one.value:8.2f} ({one.low:.2f} to {one.high:.2f})"


def _daily(values: Array) -> Array:
    return values.reshape(-1, 96).sum(axis=1)


def foreseen(season: Season, what: str) -> Season:
    """The same season with load, PV or both known before, prices as always: what better forecasts alone could win."""
    record, expected = season.record, season.expected
    assert isinstance(expected, Issued)
    known: Expected = Foreseen(record.load_w, record.pv_w)
    if what != "both":
        name, slots = f"{what}_w", expected.first + EVERY * np.arange(len(expected.load_w))[:, None] + np.arange(AHEAD)
        comes = getattr(record, name)
        known = replace(expected, **{name: comes[np.minimum(slots, len(comes) - 1)]})
    return replace(season, name=f"{season.name}-foreseen-{what}", expected=known)


def main() -> None:
    """Live every home under every tariff, print and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--homes", type=Path, nargs="+", required=True, help="parquet files with ts_utc, load_w, pv_w")
    parser.add_argument("--prices", type=Path, required=True, help="parquet file with ts_utc, price_eur_mwh")
    parser.add_argument("--zone", default="DE", help="zone of the price file, where it has several")
    parser.add_argument("--tariff", nargs="+", default=list(TARIFFS), choices=list(TARIFFS))
    parser.add_argument("--days", type=int, default=42)
    parser.add_argument(
        "--foreseen", nargs="*", default=(), choices=["load", "pv", "both"], help="with these known before, too"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    spot, figures = price_frame(args.prices, args.zone), []
    wanted = [season for path in args.homes for season in seasons(path, spot, args.days)]
    wanted += [foreseen(season, what) for what in args.foreseen for season in wanted]
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
        asked = [pool.submit(settled, season, tariff) for season in wanted for tariff in args.tariff]
        for one in asked:
            figures += one.result()
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
