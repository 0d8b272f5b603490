"""PV part of `forecast.py`: our model against the base it corrects, a provider's forecast or the bare geometry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Positions
from ems_pipeline.forecast import orientation, pv_features, pv_geometry, pv_model, score, trial
from ems_pipeline.local_time import INSTANT
from ems_pipeline.sites import PvArray
from ems_pipeline.weather import sun

FIRST_DAY = 29
SHORT_HOURS = 4


@dataclass(frozen=True)
class System:
    """A plane of modules as its owner states it, and where it stands."""

    latitude: float
    longitude: float
    tilt_deg: float
    azimuth_deg: float
    peak_power_w: float
    zone: str


SYSTEMS = {
    "us_serf_east": System(39.742, -105.173, 45, 158, 6000, "America/Denver"),
    "de_mini_pv": System(49.0, 8.5, 70, 122, 800, "Europe/Berlin"),
}
"""By the beginning of a file's name. Stated values are those of the publishers."""


@dataclass(frozen=True)
class Case:
    """Measured PV beside the base forecast to beat."""

    name: str
    base: str
    pv: pv_features.PvGrid
    zone: ZoneInfo


def provider_case(path: Path, zone: ZoneInfo) -> Case | None:
    """A home's PV and the forecast recorded beside it, where the file has one."""
    frame = pl.read_parquet(path)
    if not {"pv_w", "pv_forecast_w"} <= set(frame.columns):
        return None
    rows = frame.sort("ts_utc").select(
        pl.col("ts_utc").cast(INSTANT).alias("starts_at"),
        power_w=pl.col("pv_w").cast(pl.Float64),
        base_w=pl.col("pv_forecast_w").cast(pl.Float64),
    )
    return Case(path.stem, "recorded forecast", _grid(rows, rows.select("starts_at", "base_w")), zone)


def weather_case(path: Path) -> Case | None:
    """A system with weather of the same time: the geometry model on that weather is the base."""
    system = next((s for name, s in SYSTEMS.items() if path.stem.startswith(name)), None)
    frame = pl.read_parquet(path)
    if system is None or "ghi_w_m2" not in frame.columns:
        return None
    rows = frame.sort("ts_utc").select(
        pl.col("ts_utc").cast(INSTANT).alias("starts_at"),
        power_w=pl.col("pv_w").cast(pl.Float64).clip(0),
        ghi_w_m2=pl.col("ghi_w_m2").cast(pl.Float64),
        temperature_c=pl.col("temp_c").cast(pl.Float64),
    )
    zenith, _ = sun.position(rows["starts_at"], system.latitude, system.longitude)
    dni, dhi = sun.decompose(rows["ghi_w_m2"].to_numpy(), zenith, sun.midpoints(rows["starts_at"]))
    weather = rows.drop("power_w").with_columns(
        dni_w_m2=pl.Series(np.nan_to_num(dni)), dhi_w_m2=pl.Series(np.nan_to_num(dhi))
    )
    plane = PvArray(
        key="plane", peak_power_w=system.peak_power_w, tilt_deg=system.tilt_deg, azimuth_deg=system.azimuth_deg
    )
    base = pv_geometry.pv_power_w(plane, system.latitude, system.longitude, weather)["power_w"]
    return Case(path.stem, "geometry", _grid(rows, weather.with_columns(base_w=base)), ZoneInfo(system.zone))


def _grid(rows: pl.DataFrame, expected: pl.DataFrame) -> pv_features.PvGrid:
    at = rows["starts_at"].to_list()
    step = at[1] - at[0]
    return pv_features.PvGrid.build(rows.select("starts_at", "power_w"), expected, at[-1] + step, step)


def scores_of(case: Case, every_weeks: int) -> dict[str, Any]:
    """Rolling origin, refit weekly: figures of ours and of the base per horizon, on slots where both are known."""
    grid = case.pv.measured
    first = time_grid.local_day(grid.start, case.zone)
    last = time_grid.local_day(grid.start + len(grid.values) * grid.step, case.zone)
    days = time_grid.days(first + timedelta(days=FIRST_DAY), last)
    frames = []
    for week in range(0, len(days), 7 * every_weeks):
        origin, target = trial.noon_before(grid, days[week : week + 7], case.zone)
        known = np.isfinite(grid.values[target]) & np.isfinite(case.pv.base_w[target])
        # At night every forecast is right and every band holds.
        known &= np.fmax(grid.values[target], case.pv.base_w[target]) > pv_features.LIT_SHARE * np.nanmax(grid.values)
        origin, target = origin[known], target[known]
        if len(target) and pv_model.has_enough(case.pv, int(origin[0])):
            model = pv_model.train(case.pv, int(origin[0]))
            short = target - grid.slot[target] % grid.steps(SHORT_HOURS)
            frames += [_figures(case, model, o, target, name) for name, o in (("day-ahead", origin), ("0-4 h", short))]
    both = pl.concat(frames).with_columns(horizon=pl.lit("both"))
    scores = score.score(pl.concat([*frames, both]), "horizon", "model")
    return {"system": case.name, "base": case.base, "days": len(days) + FIRST_DAY, "scores": scores.to_dicts()}


def _figures(case: Case, model: pv_model.PvModel, origin: Positions, target: Positions, horizon: str) -> pl.DataFrame:
    low, middle, high = model.predict(*pv_features.features(case.pv, origin, target))
    actual = {"horizon": [horizon] * len(target), "actual_w": case.pv.measured.values[target]}
    nothing = np.full(len(target), None)
    made = {pv_model.MODEL: (middle, low, high), case.base: (case.pv.base_w[target], nothing, nothing)}
    kinds = {"p10_w": pl.Float64, "p90_w": pl.Float64}
    return pl.concat([
        pl.DataFrame(actual | {"power_w": power, "p10_w": p10, "p90_w": p90}, schema_overrides=kinds)
        .with_columns(model=pl.lit(name)) for name, (power, p10, p90) in made.items()
    ])  # fmt: skip


def findings_of(path: Path) -> list[str]:
    """What the measured PV says about the stated azimuth, per system of a file."""
    system = next((s for name, s in SYSTEMS.items() if path.stem.startswith(name)), None)
    if system is None:
        return [f"{path.stem}: where and how it is mounted is not known; add it to SYSTEMS in {Path(__file__).name}"]
    frame = pl.read_parquet(path)
    parts = frame.partition_by("system", as_dict=True) if "system" in frame.columns else {("",): frame}
    told = []
    for (name, *_), part in parts.items():
        power = part.select(pl.col("ts_utc").cast(INSTANT).alias("starts_at"), power_w=pl.col("pv_w").cast(pl.Float64))
        found = orientation.check(power, system.tilt_deg, system.azimuth_deg, system.latitude, system.longitude)
        told.append(f"{path.stem} {name}: {'too little measured' if found is None else found.words()}")
    return told


def report(results: list[dict[str, Any]], findings: list[str]) -> None:
    """The table people read."""
    print(f"\nPV: MAE in W\n{'system':<32}{'base':>19}{'horizon':>11}{'mean':>7}{'ours':>7}{'base':>7}{'ratio':>7}"
          f"{'in band':>9}{'nRMSE':>7}{'pinball':>9}")  # fmt: skip
    for result in results:
        for horizon in ("day-ahead", "0-4 h", "both"):
            rows = {row["model"]: row for row in result["scores"] if row["horizon"] == horizon}
            ours, base = rows[pv_model.MODEL], rows[result["base"]]
            print(f"{result['system']:<32}{result['base']:>19}{horizon:>11}{ours['mean_w']:>7.0f}{ours['mae_w']:>7.0f}"
                  f"{base['mae_w']:>7.0f}{ours['mae_w'] / base['mae_w']:>7.3f}{ours['coverage']:>9.1%}"
                  f"{ours['nrmse']:>7.2f}{ours['pinball_w']:>9.1f}")  # fmt: skip
    print(*findings, sep="\n")
