"""How good the forecasts are: rolling origin over measured homes, refit weekly, only the past known.

    python benchmarks/forecast.py --homes FILE... [--pv FILE...] [--cold FILE] [--feeders FILE] [--json FILE]
                                  [--every WEEKS] [--jobs N]

Each home is walked through as if live: every week a model is trained on what was measured before that week; every noon
(site clock) the next civil day is forecast, and every four hours the coming four. The references see the same past: the
same slot of last week, the weekday/slot profile, and the last day known. Nothing is tuned per home.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import forecast_cold
import forecast_pv
import forecast_weather
import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.forecast import load_model, naive, profile, score
from ems_pipeline.forecast.load_grid import LoadGrid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.pictures.inline import standalone
from ems_pipeline.pictures.panel import Band, Panel, steps
from ems_pipeline.pictures.slot_chart import SlotChart, slot_chart
from ems_pipeline.units import kilo

OURS = load_model.MODEL
REFERENCES = (naive.LAST_WEEK, profile.MODEL, naive.YESTERDAY)
FIRST_GUESS_W = 400.0
FIRST_DAY = 29
"""The first day to be forecast: 28 days and the first noon are known."""
FORECAST: Any = {
    "horizon": pl.String, "day": pl.Date, "starts_at": INSTANT, "power_w": pl.Float64,
    "p10_w": pl.Float64, "p90_w": pl.Float64, "model": pl.String,
}  # fmt: skip
SHORT = timedelta(hours=4)
LOAD_COLUMNS = ("load_w", "grid_import_w")
ZONES = {
    "fr": ("Europe/Paris", "FR"), "nl": ("Europe/Amsterdam", "NL"), "us": ("America/Los_Angeles", "US"),
    "ch": ("Europe/Zurich", "CH"), "de": ("Europe/Berlin", "DE"), "uk": ("Europe/London", "GB"),
    "cz": ("Europe/Prague", "CZ"), "no": ("Europe/Oslo", "NO"), "at": ("Europe/Vienna", "AT"),
    "be": ("Europe/Brussels", "BE"), "dk": ("Europe/Copenhagen", "DK"), "es": ("Europe/Madrid", "ES"),
    "pt": ("Europe/Lisbon", "PT"), "pl": ("Europe/Warsaw", "PL"), "sk": ("Europe/Bratislava", "SK"),
    "au": ("Australia/Sydney", "AU"),
}  # fmt: skip
"""Clock and holidays by the first two letters of a file's name."""


@dataclass(frozen=True)
class Home:
    """Measured load of one home, ``[starts_at, power_w]`` at an even step."""

    name: str
    load: pl.DataFrame
    zone: ZoneInfo
    country: str | None
    step: timedelta
    weather: pl.DataFrame | None = None
    """As forecast then, ``[starts_at, temperature_c, ghi_w_m2]``."""

    @property
    def days(self) -> int:
        """Civil days between the first and the last measurement."""
        at = self.load.drop_nulls("power_w")["starts_at"].to_list()
        return (time_grid.local_day(at[-1], self.zone) - time_grid.local_day(at[0], self.zone)).days + 1


def zone_of(path: Path) -> tuple[str, str | None]:
    """Clock and country of a file; UTC and no holidays where its name does not say."""
    return ZONES.get(path.name[:2], ("UTC", None))


def homes_of(path: Path, sample: int) -> list[Home]:
    """The homes of a file; of many short ones, ``sample`` drawn at random."""
    frame = pl.read_parquet(path)
    column = next((c for c in LOAD_COLUMNS if c in frame.columns), None)
    if column is None:
        raise SystemExit(f"{path.name} has columns {frame.columns}; none of {LOAD_COLUMNS} is a load in W")
    power = pl.col(column).cast(pl.Float64)
    if "suspect" in frame.columns:
        power = pl.when(~pl.col("suspect")).then(power)
    labels = ["home"] if "home" in frame.columns else []
    rows = frame.select(pl.col("ts_utc").cast(INSTANT).alias("starts_at"), *labels, power_w=power)
    zone, country = zone_of(path)
    parts = rows.partition_by("home", as_dict=True, include_key=False) if labels else {("",): rows}
    if len(parts) > 20:
        drawn = np.random.default_rng(1).permutation(sorted(parts))[:sample]
        parts = {tuple(key): parts[tuple(key)] for key in drawn}
    step: Any = rows["starts_at"].unique().sort().diff().drop_nulls().median()
    return [Home(" ".join([path.stem, *map(str, key)]).strip(), part.sort("starts_at"), ZoneInfo(zone), country, step)
            for key, part in parts.items()]  # fmt: skip


class Decision(NamedTuple):
    """A forecast to make: decided at ``at`` for ``[start, end)`` of a civil day."""

    horizon: str
    day: date
    at: datetime
    start: datetime
    end: datetime


def decisions(home: Home, day: date) -> list[Decision]:
    """The forecasts for one civil day: one at noon of the day before, then every four hours."""
    start, end = time_grid.day_bounds(day, home.zone)
    noon = time_grid.local_instant(day - timedelta(days=1), clock_time(12), home.zone)
    short = [start + i * SHORT for i in range(-(-(end - start) // SHORT))]
    return [
        Decision("day-ahead", day, noon, start, end),
        *(Decision("0-4 h", day, at, at, min(at + SHORT, end)) for at in short),
    ]


def walk(home: Home, every_weeks: int = 1) -> pl.DataFrame:
    """All forecasts of a home beside what came true: `FORECAST` and ``actual_w``.

    ``every_weeks`` skips weeks to save time in development; figures of interest are made with 1.
    """
    load = home.load.drop_nulls("power_w")
    end: datetime = load["starts_at"].to_list()[-1] + home.step
    grid = LoadGrid.build(load, home.zone, end, home.country, home.step, home.weather)
    days = time_grid.days(grid.first_day + timedelta(days=FIRST_DAY), time_grid.local_day(end, home.zone))[:-1]
    frames: list[pl.DataFrame] = []
    for first in range(0, len(days), 7 * every_weeks):
        week = [made for day in days[first : first + 7] for made in decisions(home, day) if made.end <= end]
        if not week:
            continue
        references = pl.concat([_references(home, load, day) for day in days[first : first + 7]])
        until = grid.position(week[0].at)
        if load_model.has_enough(grid, until):
            frames += [_ours(grid, week, until), references]
        else:
            # What production does while a home is new or its meter was out.
            frames += [references, references.filter(model=profile.MODEL).with_columns(model=pl.lit(OURS))]
    return score.pairs(pl.concat(frames) if frames else pl.DataFrame(schema=FORECAST), load)


def _ours(grid: LoadGrid, week: list[Decision], until: int) -> pl.DataFrame:
    """Trained on what was measured at the first decision of the week; asked with what was measured at each."""
    model = load_model.train(grid, until)
    targets = [np.arange(grid.position(made.start), grid.position(made.end)) for made in week]
    origins = [np.full(len(t), grid.position(made.at)) for t, made in zip(targets, week, strict=True)]
    target = np.concatenate(targets)
    low, middle, high = model.predict(grid, np.concatenate(origins), target)
    lengths = [len(t) for t in targets]
    return pl.DataFrame(
        {
            "horizon": np.repeat([made.horizon for made in week], lengths),
            "day": np.repeat(np.array([made.day for made in week], dtype="datetime64[D]"), lengths),
            "starts_at": grid.instants(target),
            "power_w": middle, "p10_w": low, "p90_w": high, "model": [OURS] * len(target),
        }
    ).cast(FORECAST)  # fmt: skip


def _references(home: Home, load: pl.DataFrame, day: date) -> pl.DataFrame:
    """The three forecasts that cost nothing, from the production code, with the same past.

    During a day nothing is measured that they would use for the rest of it, so midnight stands for all short horizons.
    """
    day_ahead, midnight = decisions(home, day)[:2]
    slots = [day_ahead.start + i * home.step for i in range((day_ahead.end - day_ahead.start) // home.step)]
    frames = []
    for made in (day_ahead, midnight):
        past = load.filter(pl.col("starts_at").is_between(made.at - timedelta(weeks=9), made.at, closed="left"))
        issued = [naive.seasonal_naive(past, slots, home.zone, made.at, back) for back in (7, 1)]
        issued.append(profile.load_forecast(past, slots, home.zone, made.at, FIRST_GUESS_W))
        labels = {"horizon": pl.lit(made.horizon), "day": pl.lit(day)}
        frames += [frame.with_columns(**labels).select(list(FORECAST)) for frame in issued]
    # A home of hourly means is "a week measured" later than its days say; its standard profile is the same reference.
    return pl.concat(frames).with_columns(pl.col("model").replace(profile.STANDARD_MODEL, profile.MODEL)).cast(FORECAST)


def scores_of(home: Home, every_weeks: int, plots: Path | None = None) -> dict[str, Any]:
    """The figures of one home: per horizon and model those of `score.FIGURES`, on slots that all models forecast."""
    began = time.perf_counter()
    pairs = walk(home, every_weeks)
    keys = ["horizon", "day", "starts_at"]
    # A day of the references' gaps would be easier or harder for one of them: compare on common slots only.
    common = pairs.group_by(keys).agg(pl.len()).filter(pl.col("len") == len(REFERENCES) + 1)
    table = score.score(pairs.join(common, on=keys, how="semi"), "horizon", "model")
    if plots is not None:
        draw(home, pairs, plots)
    return {
        "home": home.name, "days": home.days, "step_min": home.step // time_grid.MINUTE,
        "seconds": round(time.perf_counter() - began, 1), "scores": table.to_dicts(),
    }  # fmt: skip


def draw(home: Home, pairs: pl.DataFrame, folder: Path) -> None:
    """One good and one bad day: those with a tenth of the days better, and a tenth worse, by error over mean load."""
    ahead = pairs.filter(pl.col("horizon") == "day-ahead")
    slots_per_day = timedelta(days=1) // home.step
    share = pl.col("mae_w") / pl.col("mean_w")
    daily = score.score(ahead.filter(model=OURS), "day").filter(pl.col("samples") == slots_per_day).sort(share)
    for name, quantile in (("good", 0.1), ("bad", 0.9)):
        if daily.height:
            day = daily["day"][round(quantile * (daily.height - 1))]
            rows = ahead.filter(day=day, model=OURS).sort("starts_at")
            actual, mean, low, high = (kilo(rows[c]).to_list() for c in ("actual_w", "power_w", "p10_w", "p90_w"))
            series = steps({"load": actual, "forecast": mean}, "forecast")
            panel = Panel("load", "kW", series, [Band("p10 to p90", low, high, "forecast")])
            chart = SlotChart(rows["starts_at"].to_list(), [panel], home.zone, f"{home.name}, a {name} day")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{home.name.replace(' ', '_')}_{name}_day.svg").write_text(standalone(slot_chart(chart)))


def line_of(result: dict[str, Any], horizon: str) -> tuple[str, list[float], float] | None:
    """One printed row, the ratios to the references and to the best of them, and the coverage."""
    by_model = {row["model"]: row for row in result["scores"] if row["horizon"] == horizon}
    if OURS not in by_model:
        return None
    ours = by_model[OURS]
    reference = [by_model[name]["mae_w"] for name in REFERENCES]
    ratios = [ours["mae_w"] / mae for mae in reference]
    ratios.append(max(ratios))
    text = (
        f"{result['home']:<32}{result['days']:>5}{ours['mean_w']:>7.0f}{ours['mae_w']:>7.0f}"
        + "".join(f"{mae:>7.0f} {ratio:4.2f}" for mae, ratio in zip(reference, ratios, strict=False))
        + f"{ratios[-1]:>7.3f}{ours['coverage']:>9.1%}{ours['nrmse']:>7.2f}{ours['pinball_w']:>9.1f}"
    )
    return text, ratios, ours["coverage"]


def report(results: list[dict[str, Any]]) -> None:
    """The table people read: MAE in W, each with our share of it."""
    for horizon in ("day-ahead", "0-4 h"):
        print(f"\n{horizon}: MAE in W, after each reference our MAE as a share of its")
        print(f"{'home':<32}{'days':>5}{'mean':>7}{'ours':>7}{'lastweek':>12}{'profile':>12}{'yesterday':>12}"
              f"{'/best':>7}{'in band':>9}{'nRMSE':>7}{'pinball':>9}")  # fmt: skip
        rows = [(result["days"], row) for result in results if (row := line_of(result, horizon))]
        print(*(row[0] for _, row in rows), sep="\n")
        long = [row for days, row in rows if days >= 90]
        if long:
            median = np.median([ratios for _, ratios, _ in long], axis=0)
            worst = np.max([ratios for _, ratios, _ in long], axis=0)
            band = [coverage for *_, coverage in long]
            print(f"{len(long)} homes of 90 days or more; ours as a share of last week's, profile's, yesterday's, "
                  f"the best one's:\n  median {median.round(3)}, worst {worst.round(3)}; "
                  f"in the 80 % band {min(band):.1%} .. {max(band):.1%}")  # fmt: skip


def feeders_of(path: Path, every_weeks: int) -> list[dict[str, Any]]:
    """Feeders walked through like homes, with and without the weather of their file."""
    zone, country = zone_of(path)

    def walked(name: str, load: pl.DataFrame, site_zone: ZoneInfo, weather: pl.DataFrame | None) -> pl.DataFrame:
        return walk(Home(name, load, site_zone, country, time_grid.SLOT, weather), every_weeks)

    return forecast_weather.scores_of(path, ZoneInfo(zone), walked, OURS)


def main() -> None:
    """Parse, walk the homes in parallel, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--homes", nargs="*", type=Path, default=[], help="parquet files with ts_utc and a load in W")
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--every", type=int, default=1, help="evaluate only every n-th week (development)")
    parser.add_argument("--sample", type=int, default=8, help="homes drawn from a file of many")
    parser.add_argument("--plots", type=Path, help="draw a good and a bad day of each home into this folder")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--pv", nargs="*", type=Path, default=[], help="parquet files of PV systems, with weather")
    parser.add_argument("--feeders", type=Path, help="a file of feeders with weather-model values: load with weather")
    parser.add_argument("--cold", type=Path, help="a file of many homes whose first four weeks are forecast")
    chosen = parser.parse_args()
    homes = [home for path in chosen.homes for home in homes_of(path, chosen.sample)]
    results = []
    with ProcessPoolExecutor(chosen.jobs, mp_context=get_context("spawn")) as pool:
        for result in pool.map(scores_of, homes, repeat(chosen.every), repeat(chosen.plots)):
            results.append(result)
            print(f"{result['home']}: {result['seconds']:.0f} s", file=sys.stderr, flush=True)
    if results:
        report(results)
    provider = [forecast_pv.provider_case(path, ZoneInfo(zone_of(path)[0])) for path in chosen.homes]
    cases = [*provider, *(forecast_pv.weather_case(path) for path in chosen.pv)]
    pv = [forecast_pv.scores_of(case, chosen.every) for case in cases if case is not None]
    findings = [told for path in chosen.pv for told in forecast_pv.findings_of(path)]
    if pv or findings:
        forecast_pv.report(pv, findings)
    new_homes = homes_of(chosen.cold, chosen.sample) if chosen.cold else []
    cold = [forecast_cold.scores_of(home.name, home.load, home.zone, home.step) for home in new_homes]
    cold = [result for result in cold if result is not None]
    if cold:
        forecast_cold.report(cold)
    fed = feeders_of(chosen.feeders, chosen.every) if chosen.feeders else []
    if fed:
        forecast_weather.report(fed)
    if chosen.json:
        figures = {"load": results, "pv": pv, "orientation": findings, "cold": cold, "feeders": fed}
        chosen.json.write_text(json.dumps(figures, indent=1, default=str))


if __name__ == "__main__":
    main()
