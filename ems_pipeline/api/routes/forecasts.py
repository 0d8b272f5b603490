"""Forecasts as issued: consumption and generation with their bands, how good they were, and new ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Instant, Items
from ems_pipeline.api.filing import Filed, file
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent, rows, site_of
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import KEY, Answer, SiteKey, instant, kilo, power_kw, said
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.api.windows import End, Start, Window, window, within

router = APIRouter(tags=["forecasts"])
READ, WRITE = Depends(needs("forecasts:read")), Depends(needs("requests:write"))
ONE_DAY, LONGEST = timedelta(days=1), timedelta(days=32)
TOO_OLD = timedelta(hours=24)
"""A forecast of what is to come that was made longer ago is none."""


class Quarter(Answer):
    """A quarter-hour's forecast: the middle, and the band that four of five measurements should hit."""

    start: datetime = instant("Begin of the quarter-hour.")
    p10_kw: float | None = power_kw("One of ten is below; null: the model tells no band.", 0.31)
    p50_kw: float | None = power_kw("Expected.", 0.48)
    p90_kw: float | None = power_kw("One of ten is above.", 0.9)


class Forecast(Answer):
    """A forecast as it was issued."""

    site: str = said("Site.", "home01")
    issued_at: datetime = instant("The newest issue among its quarter-hours.")
    model: str = said("What made it; several where quarter-hours are of several.", "gbm")
    is_hindsight: bool = said("Some of it was made afterwards, because nothing was known then.", False)
    quarters: list[Quarter] = said("Quarter-hours in order; one that nobody forecast is left out.", [])


CONSUMPTION = """
    SELECT DISTINCT ON (starts_at) starts_at, power_w, p10_w, p90_w, model, known_at, is_hindsight
    FROM ems.load_forecast
    WHERE site_key = %(site)s AND starts_at >= %(start)s AND starts_at < %(end)s AND known_at <= %(then)s
    ORDER BY starts_at, (recorded_at <= %(then)s) DESC, known_at DESC, recorded_at DESC"""
GENERATION = """
    SELECT starts_at, sum(power_w) AS power_w,
           CASE WHEN bool_and(p10_w IS NOT NULL) THEN sum(p10_w) END AS p10_w,
           CASE WHEN bool_and(p90_w IS NOT NULL) THEN sum(p90_w) END AS p90_w,
           min(model) AS model, max(known_at) AS known_at, bool_or(is_hindsight) AS is_hindsight
    FROM (SELECT DISTINCT ON (starts_at, asset_key) * FROM ems.pv_forecast
          WHERE site_key = %(site)s AND starts_at >= %(start)s AND starts_at < %(end)s AND known_at <= %(then)s
          ORDER BY starts_at, asset_key, (recorded_at <= %(then)s) DESC, known_at DESC, recorded_at DESC) of_planes
    GROUP BY starts_at"""
SHOWN = f"""
    SELECT starts_at AS start, {kilo("p10_w")} AS p10_kw, {kilo("power_w")} AS p50_kw, {kilo("p90_w")} AS p90_kw, model,
           known_at, is_hindsight FROM ({{}}) issued ORDER BY starts_at"""
Target = Annotated[Literal["load", "pv"] | None, Query(description="Of one target only.")]
AsOf = Annotated[Instant | None, Query(description="As known then; what is known now unless told.")]


@router.get("/forecast/consumption", response_model=Forecast, summary="Expected house load with its band")
async def consumption(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, start: Start = None, end: End = None,
    issued_at: AsOf = None,
) -> dict[str, Any]:  # fmt: skip
    """Load without planned devices, of the day from now on unless told."""
    return await _issued(web, caller, site, CONSUMPTION, _window(web, start, end), issued_at)


@router.get("/forecast/generation", response_model=Forecast, summary="Expected PV with its band")
async def generation(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, start: Start = None, end: End = None,
    issued_at: AsOf = None,
) -> dict[str, Any]:  # fmt: skip
    """All planes of modules together, not curtailed; their bands are added."""
    return await _issued(web, caller, site, GENERATION, _window(web, start, end), issued_at)


def _window(web: Web, start: datetime | None, end: datetime | None) -> Window:
    return window(start, end, web.clock.now() + ONE_DAY, ONE_DAY, LONGEST)


async def _issued(
    web: Web, caller: Caller, site: str, query: str, asked: Window, issued_at: datetime | None
) -> dict[str, Any]:
    now = web.clock.now()
    then = now if issued_at is None else within(issued_at, "issued_at")
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        shown = SHOWN.format(query)
        found = await rows(connection, shown, site=key, start=asked.start, end=asked.end, then=then)
    if not found:
        raise absent(
            f"nothing is forecast for {key} from {asked.start} to {asked.end}, as known at {then}",
            f"POST /api/v1/sites/{key}/forecast/run asks for it",
        )
    newest = max(row["known_at"] for row in found)
    if issued_at is None and asked.end > now and now - newest > TOO_OLD:
        raise Problem(
            503, "forecast_too_old", "The forecast is too old", f"that of {key} was made at {newest}; it is {now}",
            f"look at the alarms; POST /api/v1/sites/{key}/forecast/run asks for a new one",
        )  # fmt: skip
    models, hindsight = sorted({row["model"] for row in found}), any(row["is_hindsight"] for row in found)
    return {"site": key, "issued_at": newest, "model": ", ".join(models), "is_hindsight": hindsight, "quarters": found}


@router.post("/sites/{site}/forecast/run", status_code=202, summary="Have a site forecast anew", dependencies=REHEARSED)
async def run(site: SiteKey, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Filed:
    """Weather, load, PV, heat and cars of today and tomorrow."""
    return await file(web.database, caller, "forecast-run", caller.site(site))


class TrainWish(Body):
    """What is to be trained."""

    site: str = Field(pattern=KEY, max_length=64, description="Site.", examples=["home01"])
    kind: Literal["load", "pv"] = Field("load", description="Which model.", examples=["load"])


@router.post("/forecast/train", status_code=202, summary="Have a model trained", dependencies=REHEARSED)
async def train(wish: TrainWish, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Filed:
    """It makes forecasts once it has beaten the one in charge; until then it is watched."""
    return await file(web.database, caller, "forecast-train", caller.site(wish.site), {"target": wish.kind})


class Score(Answer):
    """How good the forecasts of a model were, over all days of the window."""

    target: Literal["load", "pv"] = said("What was forecast.", "load")
    horizon: str = said("How far ahead: `0-4 h`, `4-12 h`, `12-36 h`, `36 h+`, or `trial`.", "12-36 h")
    model: str = said("What made it; `last-week` and `yesterday` are the references.", "gbm")
    n: int = said("Quarter-hours with forecast and measurement.", 2880, "quarter-hours", 1)
    days: int = said("Days of them.", 30, "days", 1, 800)
    mae_kw: float = power_kw("Mean absolute error.", 0.21)
    bias_kw: float = power_kw("Mean error; > 0: forecast too high.", -0.02)
    coverage_p80: float | None = said("Share of measurements inside the 80 % band.", 0.81, "share", 0, 1)
    vs_naive: float | None = said("1 - error / error of the reference; 0: as good as free.", 0.32, "share", -100, 1)


SCORES = f"""
    SELECT target, horizon, model, sum(samples) AS n, count(DISTINCT day) AS days,
           {kilo("sum(mae_w * samples) / sum(samples)")} AS mae_kw,
           {kilo("sum(bias_w * samples) / sum(samples)")} AS bias_kw,
           sum(coverage_pct * samples) FILTER (WHERE coverage_pct IS NOT NULL)
               / nullif(100 * sum(samples) FILTER (WHERE coverage_pct IS NOT NULL), 0) AS coverage_p80,
           sum(skill_naive * samples) FILTER (WHERE skill_naive IS NOT NULL)
               / nullif(sum(samples) FILTER (WHERE skill_naive IS NOT NULL), 0) AS vs_naive
    FROM ems.forecast_score
    WHERE site_key = %(site)s AND day >= %(first)s AND day < %(end)s AND NOT is_hindsight AND samples > 0
      AND (%(target)s::text IS NULL OR target = %(target)s)
    GROUP BY target, horizon, model ORDER BY target, horizon, mae_kw, model"""


@router.get("/forecast/metrics", response_model=Items[Score], summary="How good the forecasts were")
async def metrics(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, kind: Target = None,
    start: Start = None, end: End = None,
) -> dict[str, Any]:  # fmt: skip
    """Errors of the days that begin in ``[start, end)``, the last thirty unless told; each quarter-hour counts once."""
    asked = window(start, end, web.clock.now(), timedelta(days=30), timedelta(days=800))
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        days = {"first": asked.start.date(), "end": asked.end.date()}
        found = await rows(connection, SCORES, site=key, target=kind, **days)
    return {"items": found, "next_cursor": None}
