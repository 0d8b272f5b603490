"""Training where forecasts are made: a model per site and target, watched as a shadow until it has earned its place.

Each training is stored with the span of history it saw and the instant it is known from, so a past forecast is repeated
with the model that was newest then. A refit first scores the days since the last one, then decides who forecasts. Days
long past are forecast with the models there were: a backfill trains none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.forecast import (
    features,
    load_model,
    load_weather,
    profile,
    promotion,
    pv_features,
    pv_geometry,
    pv_model,
    trial,
)
from ems_pipeline.forecast.load_grid import LoadGrid
from ems_pipeline.sites import Site
from ems_pipeline.steps import azimuth
from ems_pipeline.warehouse import audits, forecasts, models
from ems_pipeline.warehouse.models import StoredModel, Target

REFIT_EVERY = timedelta(days=7)
PAST = timedelta(hours=36)
"""A forecast made for an instant so long ago belongs to a backfill."""
PV_MEMORY = timedelta(days=32)
LONGEST_TRIAL = timedelta(days=28)
TRIED = LONGEST_TRIAL + PV_MEMORY
"""Weather that a trial reads: its days, and what both models remember before them."""
WEATHER = ("temperature_c", "ghi_w_m2", "dni_w_m2", "dhi_w_m2", "cloud_pct")
SIMPLE = {"load": profile.MODEL, "pv": pv_geometry.MODEL}
TRAINED = {"load": load_model.MODEL, "pv": pv_model.MODEL}


def load_forecast(
    connection: Any, site: Site, history: pl.DataFrame, slots: list[datetime], at: datetime, now: datetime
) -> pl.DataFrame:
    """House load as known at ``at``: by the site's trained model once it has earned that, else by the profile.

    ``history`` is the measured load of the weeks before, ``[starts_at, power_w]``.
    """
    zone = time_grid.zone(site.timezone)
    stored = models.newest(connection, site.key, "load", TRAINED["load"], at)
    if _due(stored, at, now) and history.height * time_grid.SLOT >= 0.9 * load_model.ENOUGH:
        stored = _refit_load(connection, site, stored, at, now)
    if stored is None or stored.role != "live" or slots[-1] - at > features.LONGEST_LEAD:
        return profile.load_forecast(history, slots, zone, at, site.usual_load_w)
    model, weather = load_model.LoadModel.from_document(stored.document), None
    if model.weather is not None:
        start, end = time_grid.floor_slot(at), slots[-1] + time_grid.SLOT
        ahead = forecasts.newest(connection, "weather_forecast", [site.key], start, end, at)
        weather = _weather(connection, site, start - load_weather.MEMORY, start, ahead)
    return load_model.forecast(model, history, slots, zone, at, features.country_of(site.market_zone), weather)


def pv_forecast(
    connection: Any, site: Site, planes: pl.DataFrame, weather: pl.DataFrame, at: datetime, now: datetime
) -> pl.DataFrame:
    """The geometry forecast of each plane, corrected by the site's trained model once it has earned that.

    The meter sees the planes together, so the model forecasts their sum and each keeps its share of the geometry.

    Args:
        planes: ``[starts_at, power_w, p10_w, p90_w, model, asset_key]`` by geometry.
        weather: as forecast for the same slots.
    """
    stored = models.newest(connection, site.key, "pv", TRAINED["pv"], at)
    if _due(stored, at, now):
        stored = _refit_pv(connection, site, stored, at, now)
    if stored is None or stored.role != "live" or planes.is_empty():
        return planes
    first, end = time_grid.floor_slot(at) - PV_MEMORY, weather["starts_at"].to_list()[-1] + time_grid.SLOT
    pv = _pv_grid(connection, site, first, time_grid.floor_slot(at), end, weather)
    if pv is None:
        return planes
    low, middle, high = pv_model.forecast(
        pv_model.PvModel.from_document(stored.document), pv, at, weather["starts_at"].to_list()
    )
    total = pl.DataFrame({"starts_at": weather["starts_at"], "low": low, "middle": middle, "high": high})
    geometry = pl.col("power_w").sum().over("starts_at")
    share = pl.when(geometry > 0).then(pl.col("power_w") / geometry).otherwise(0.0)
    shared = planes.with_columns(share=share).join(total, on="starts_at", how="left", maintain_order="left")
    return shared.with_columns(
        power_w=pl.col("share") * pl.col("middle"),
        p10_w=pl.col("share") * pl.col("low"),
        p90_w=pl.col("share") * pl.col("high"),
        model=pl.lit(pv_model.MODEL),
    ).select(planes.columns)


def trained_now(connection: Any, site: Site, target: Target, now: datetime) -> StoredModel | None:
    """A training because somebody asked for one, be it due or not; None: too little is measured for it."""
    stored = models.newest(connection, site.key, target, TRAINED[target], now)
    refit = {"load": _refit_load, "pv": _refit_pv}[target]
    trained = refit(connection, site, stored, now, now)
    return None if trained is stored else trained


def _due(stored: StoredModel | None, at: datetime, now: datetime) -> bool:
    return now - at <= PAST and (stored is None or at - stored.trained_to >= REFIT_EVERY)


def _refit_load(
    connection: Any, site: Site, stored: StoredModel | None, at: datetime, now: datetime
) -> StoredModel | None:
    zone, until = time_grid.zone(site.timezone), time_grid.floor_slot(at)
    measured = audits.measured_targets(connection, site.key, until - load_model.HISTORY, until)
    history = measured.select("starts_at", power_w=pl.col("load_w").clip(0)).drop_nulls("power_w")
    if history.is_empty():
        return stored

    def beside(weather: pl.DataFrame) -> LoadGrid:
        return LoadGrid.build(history, zone, until, features.country_of(site.market_zone), weather=weather)

    def tried(document: str, days: Sequence[date]) -> pl.DataFrame:
        known_then = beside(_weather(connection, site, until - TRIED, until, noon_in=site.timezone))
        return trial.load_days(load_model.LoadModel.from_document(document), known_then, days, zone)

    grid = beside(_weather(connection, site, until - load_model.HISTORY, until))
    pupil = Pupil(
        target="load",
        grid=grid,
        has_enough=lambda end: load_model.has_enough(grid, end),
        train=lambda end: load_model.train(grid, end).document(),
        tried=tried,
    )
    return _taught(connection, site, pupil, stored, at, now)


def _refit_pv(
    connection: Any, site: Site, stored: StoredModel | None, at: datetime, now: datetime
) -> StoredModel | None:
    until = time_grid.floor_slot(at)
    pv = _pv_grid(connection, site, until - load_model.HISTORY, until, until)
    if pv is None:
        return stored
    azimuth.watch(connection, site, until)
    zone = time_grid.zone(site.timezone)

    def tried(document: str, days: Sequence[date]) -> pl.DataFrame:
        known_then = _pv_grid(connection, site, until - TRIED, until, until, noon_in=site.timezone)
        model = pv_model.PvModel.from_document(document)
        return pl.DataFrame() if known_then is None else trial.pv_days(model, known_then, days, zone)

    pupil = Pupil(
        target="pv",
        grid=pv.measured,
        has_enough=lambda end: pv_model.has_enough(pv, end),
        train=lambda end: pv_model.train(pv, end).document(),
        tried=tried,
    )
    return _taught(connection, site, pupil, stored, at, now)


def _pv_grid(
    connection: Any, site: Site, first: datetime, until: datetime, end: datetime,
    ahead: pl.DataFrame | None = None, noon_in: str | None = None,
) -> pv_features.PvGrid | None:  # fmt: skip
    """Measured PV of ``[first, until)`` beside what was expected of it, and of ``ahead`` up to ``end``."""
    weather = _weather(connection, site, first, until, ahead, noon_in)
    if weather.is_empty() or weather["starts_at"][0] >= until:
        return None
    measured = audits.measured_targets(connection, site.key, weather["starts_at"].to_list()[0], until)
    history = measured.select("starts_at", power_w=pl.col("pv_w").clip(0)).drop_nulls("power_w")
    if history.is_empty():
        return None
    base = pv_geometry.site_pv_power_w(site.pv, site.latitude, site.longitude, weather)
    return pv_features.PvGrid.build(history, weather.with_columns(base_w=base["power_w"]), end, time_grid.SLOT)


def _weather(
    connection: Any, site: Site, first: datetime, until: datetime,
    ahead: pl.DataFrame | None = None, noon_in: str | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Weather of ``[first, until)`` as `models.weather_as_forecast` says, and ``ahead`` of it, in order of slots."""
    past = models.weather_as_forecast(connection, site.key, first, until, noon_in).select("starts_at", *WEATHER)
    both = past if ahead is None else pl.concat([past, ahead.select(past.columns)]).unique("starts_at", keep="last")
    return both.sort("starts_at")


@dataclass(frozen=True)
class Pupil:
    """What load and PV have in common: history on a grid, how to train on it up to a position, how to try it."""

    target: Target
    grid: LoadGrid
    has_enough: Callable[[int], bool]
    train: Callable[[int], str]
    tried: Callable[[str, Sequence[date]], pl.DataFrame]


def _taught(
    connection: Any, site: Site, pupil: Pupil, stored: StoredModel | None, at: datetime, now: datetime
) -> StoredModel | None:
    """Score the model before, decide who forecasts from now on, keep the new training in that role."""
    end = len(pupil.grid.values)
    if not pupil.has_enough(end):
        return stored
    zone = time_grid.zone(site.timezone)
    today, in_charge = time_grid.local_day(at, zone), SIMPLE[pupil.target]
    # The day after next is the first whose noon before lies after a training.
    document, since = None, today
    if stored is not None:
        document, since = stored.document, time_grid.local_day(stored.trained_to, zone) + timedelta(days=2)
        in_charge = stored.model if stored.role == "live" else in_charge
    elif pupil.has_enough(early := max(0, end - pupil.grid.steps(24 * (promotion.DAYS + 2)))):
        # A site that brings its history: a model of two weeks ago is tried on what came since.
        document, since = pupil.train(early), today - timedelta(days=promotion.DAYS)
    if document is not None:
        days = time_grid.days(max(since, today - LONGEST_TRIAL), today - timedelta(days=1))
        _keep_scores(connection, site.key, pupil.target, pupil.tried(document, days))
    trained, simple = TRAINED[pupil.target], SIMPLE[pupil.target]
    daily = models.trial_scores(connection, site.key, pupil.target, today)
    verdict = promotion.decide(daily, in_charge, trained if in_charge == simple else simple)
    role: models.Role = "live" if verdict.model == trained else "shadow"
    until = time_grid.floor_slot(at)
    new = StoredModel(pupil.target, trained, pupil.train(end), pupil.grid.start, until, role, at)
    models.put(connection, site.key, new, recorded_at=now)
    return new


def _keep_scores(connection: Any, site_key: str, target: Target, scores: pl.DataFrame) -> None:
    if scores.is_empty():
        return
    rows = scores.select(
        "day", "model", "samples", "mae_w", "nrmse", "bias_w",
        coverage_pct=pl.col("coverage") * 100, skill_naive=pl.lit(None, dtype=pl.Float64),
        site_key=pl.lit(site_key), target=pl.lit(target), horizon=pl.lit(models.HORIZON),
    )  # fmt: skip
    forecasts.put_scores(connection, rows)
