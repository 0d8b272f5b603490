"""What the site will need and make. Live: from now on; past days: as they could have been made the afternoon before."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.forecast import load_model, profile, pv_geometry, sessions
from ems_pipeline.heat.cop import CopCurve
from ems_pipeline.orchestration import learning
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.assets.weather import weather_forecast
from ems_pipeline.orchestration.figures import materialized, plot
from ems_pipeline.orchestration.partitions import SiteWindow, decided_at, site_day_partitions, windows
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.orchestration.second_source import SecondSource
from ems_pipeline.sites import Charger, Site
from ems_pipeline.units import kilo, slot_energy_wh
from ems_pipeline.warehouse import buildings, forecasts, telemetry

GROUP = "forecast"
HISTORY = timedelta(weeks=load_model.MEMORY_WEEKS)

Make = Callable[[datetime, datetime, datetime], pl.DataFrame]
"""From the first and last bound of the slots wanted and the instant the forecast counts as made, to the forecast."""


def _wanted(window: SiteWindow, now: datetime) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Day by day: each past day has a decision instant of its own; today is forecast from the running slot on."""
    for day in window.days:
        start, end = time_grid.day_bounds(day, window.zone)
        at = decided_at(day, window.site, now)
        yield max(start, time_grid.floor_slot(at)), end, at


def _forecast_asset(
    context: dg.AssetExecutionContext,
    ems: Platform,
    table: forecasts.Table,
    maker: Callable[[Any, SiteWindow], Make],
) -> tuple[int, pl.DataFrame, Site | None]:
    """Make and store the forecast of each wanted day; all days of a site in one transaction.

    ``maker`` reads what the days of a site share, and returns what makes one of them.
    """
    rows, shown, site = 0, pl.DataFrame(), None
    for window in windows(context, ems):
        site = window.site
        with ems.warehouse.begin() as connection:
            make = maker(connection, window)
            made = [(make(start, end, at), at) for start, end, at in _wanted(window, ems.clock.now())]
            frames = [frame.with_columns(known_at=pl.lit(at)) for frame, at in made if frame.height]
            if frames:
                # A car that stays over midnight is expected on both days of one decision.
                issued = pl.concat(frames, how="vertical_relaxed").unique(maintain_order=True)
                rows += forecasts.issue(connection, table, site.key, issued)
                shown = frames[-1]
    return rows, shown, site


def _each(make: Callable[[Any, Site, datetime, datetime, datetime], pl.DataFrame]) -> Callable[[Any, SiteWindow], Make]:
    """A maker for days that share nothing worth reading once."""
    return lambda connection, window: partial(make, connection, window.site)


def _power_result(rows: int, shown: pl.DataFrame, site: Site | None, name: str) -> dg.MaterializeResult:
    if shown.is_empty():
        return materialized(rows)
    series = {name: kilo(shown["power_w"]).to_list()}
    if "p10_w" in shown.columns:
        series |= {"p10": kilo(shown["p10_w"]).to_list(), "p90": kilo(shown["p90_w"]).to_list()}
    picture = plot(shown["starts_at"].to_list(), {"power [kW]": series}, site, name)
    return materialized(rows, picture, energy_kwh=float(kilo(slot_energy_wh(shown["power_w"])).sum()))


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[telemetry_15m],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def baseline_consumption(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """House load expected from measured history alone: mean of the slot on the same kind of day, eight weeks back."""

    def maker(connection: Any, window: SiteWindow) -> Make:
        oldest = window.start - timedelta(weeks=profile.WEEKS + 1)
        load = forecasts.measured_load(connection, window.site.key, oldest, window.end)
        return lambda start, end, at: profile.baseline(load, time_grid.slots(start, end), window.zone, min(at, start))

    return _power_result(*_forecast_asset(context, ems, "baseline_consumption", maker), "load")


def _measured_load(connection: Any, window: SiteWindow, now: datetime) -> pl.DataFrame:
    """Load of the weeks before the window and of the window itself, as far as it is over."""
    bus = telemetry.site_15m(connection, window.site.key, window.start - HISTORY, min(window.end, now))
    return bus.filter(pl.col("load_w").is_not_null()).select("starts_at", power_w=pl.col("load_w").clip(0))


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[telemetry_15m, baseline_consumption],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def load_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """House load without planned devices [W] with its 80 % band.

    By the site's trained model once it has beaten the profile for two weeks, by the profile where a week is measured,
    else by the standard load profile around the stated mean. The model may look at the stored weather forecast, yet
    this asset is not downstream of it: a weather service that is down must not cost a site its load forecast.
    """
    now = ems.clock.now()

    def maker(connection: Any, window: SiteWindow) -> Make:
        measured = _measured_load(connection, window, now)

        def make(start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
            before = pl.col("starts_at").is_between(at - HISTORY, time_grid.floor_slot(at), closed="left")
            slots = time_grid.slots(start, end)
            return learning.load_forecast(connection, window.site, measured.filter(before), slots, at, now)

        return make

    return _power_result(*_forecast_asset(context, ems, "load_forecast", maker), "load")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[weather_forecast],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def pv_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """PV power [W] per plane of modules, not curtailed: weather forecast and geometry, corrected by a trained model.

    Live days whose weather is missing or older than twelve hours: as forecast.solar estimates them.
    """
    now, second = ems.clock.now(), SecondSource(context.log)

    def make(connection: Any, site: Site, start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
        if not site.pv:
            return pl.DataFrame()
        weather = forecasts.newest(connection, "weather_forecast", site.key, start, end, at)
        estimated = second.instead_of(weather, site, start, end, at) if at >= now else None
        if estimated is not None:
            return estimated
        require_whole(weather, start, end, site, at)
        frames = [
            pv_geometry.pv_forecast((array,), site.latitude, site.longitude, weather).with_columns(
                asset_key=pl.lit(array.key)
            )
            for array in site.pv
        ]
        planes = learning.pv_forecast(connection, site, pl.concat(frames), weather, at, now)
        return planes.drop_nulls("power_w")

    rows, shown, site = _forecast_asset(context, ems, "pv_forecast", _each(make))
    total = shown.group_by("starts_at", maintain_order=True).agg(pl.col("power_w", "p10_w", "p90_w").sum())
    return _power_result(rows, total, site, "pv")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[weather_forecast],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def heat_demand_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Heat [W] each house loses at the middle of its comfort band, outdoor temperature and the heat pump's COP."""

    def make(connection: Any, site: Site, start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
        frames = []
        for pump in site.heat_pumps:
            slots = forecasts.cop_estimates(connection, site.key, pump.key, pump.flow_temp_c, start, end, at)
            require_whole(slots, start, end, site, at)
            comfort_c = (pump.house.comfort_min_c + pump.house.comfort_max_c) / 2
            outdoor = slots["outdoor_c"].to_numpy()
            stated = pl.Series(CopCurve(pump.carnot_efficiency).cop(outdoor, pump.flow_temp_c))
            response, _ = buildings.of(connection, site.key, pump, at)
            house = "fitted" if response.windows else "stated"
            measured_cop = slots["cop"].is_not_null().any()
            frames.append(
                slots.with_columns(
                    asset_key=pl.lit(pump.key),
                    cop=slots["cop"].fill_null(stated),
                    heat_w=pl.Series(response.heat_demand_w(comfort_c, outdoor)),
                    model=pl.lit(f"1r1c, {house} house, {'measured' if measured_cop else 'stated'} COP"),
                )
            )
        return pl.concat(frames) if frames else pl.DataFrame()

    rows, shown, site = _forecast_asset(context, ems, "heat_demand_forecast", _each(make))
    return _power_result(rows, shown.rename({"heat_w": "power_w"}) if shown.height else shown, site, "heat")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[telemetry_15m],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def ev_session_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """When cars are expected at each wallbox, until when, and how much energy [Wh] they will want.

    By the habit the site file states, giving way to the one measured as sessions are seen.
    """

    def maker(connection: Any, window: SiteWindow) -> Make:
        site, habits = window.site, {c.key: _habits(connection, window, c) for c in window.site.chargers}

        def make(start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
            rows = []
            for charger in site.chargers:
                of_weekdays, model = habits[charger.key](at)
                rows += [
                    (s.charger, s.arrival_at, s.departure_at, s.energy_wh, s.probability, model)
                    for s in sessions.expected_sessions(charger, of_weekdays, window.zone, at, end)
                    if s.departure_at > start
                ]
            names = ["asset_key", "arrives_at", "departs_at", "energy_wh", "probability", "model"]
            return pl.DataFrame(rows, schema=names, orient="row")

        return make

    rows, shown, _ = _forecast_asset(context, ems, "ev_session_forecast", maker)
    return materialized(rows, expected_kwh=float(kilo(shown["energy_wh"].sum())) if shown.height else 0.0)


def _habits(
    connection: Any, window: SiteWindow, charger: Charger
) -> Callable[[datetime], tuple[list[sessions.Habit], str]]:
    """Habits of a charger as its telemetry before an instant shows them, and what they rest on."""
    oldest = window.start - timedelta(weeks=sessions.WEEKS)
    said = telemetry.wallbox_15m(connection, window.site.key, charger.device, oldest, window.end)

    def at_instant(at: datetime) -> tuple[list[sessions.Habit], str]:
        until = time_grid.floor_slot(at)
        before = pl.col("starts_at").is_between(until - timedelta(weeks=sessions.WEEKS), until, closed="left")
        seen = sessions.measured_sessions(said.filter(before))
        habits = sessions.measured_habits(charger, seen, window.zone, at)
        return habits, f"measured habit, {seen.height} sessions" if seen.height else "stated habit"

    return at_instant


def require_whole(frame: pl.DataFrame, start: datetime, end: datetime, site: Site, at: datetime) -> None:
    """A forecast over part of a day would be taken for a dark or mild rest of it."""
    wanted = time_grid.count_slots(start, end)
    if frame.height < wanted:
        raise dg.Failure(
            f"weather of {site.key} from {start} is known for {frame.height} of {wanted} slots as of {at}; "
            "materialise weather_forecast for these days first"
        )
