"""What the site will need and make. Live: from now on; past days: as they could have been made the afternoon before."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.forecast import load_model, profile, pv_geometry, sessions
from ems_pipeline.heat.cop import CopCurve
from ems_pipeline.orchestration.assets.heat import building_response, cop_history
from ems_pipeline.orchestration.assets.issuing import Make, each, forecast_asset, power_shown, require_whole
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.assets.weather import weather_forecast
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.sites import Charger, Site
from ems_pipeline.steps import learning, second_source
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.second_source import SecondSource
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.units import kilo
from ems_pipeline.warehouse import buildings, forecasts, telemetry

GROUP = "forecast"
HISTORY = timedelta(weeks=load_model.MEMORY_WEEKS)


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

    return forecast_asset(context, ems, "baseline_consumption", maker, load_shown)


load_shown = partial(power_shown, name="load")


def _measured_load(connection: Any, window: SiteWindow, now: datetime) -> pl.DataFrame:
    """Load of the weeks before the window and of the window itself, as far as it is over."""
    bus = telemetry.site_15m(connection, window.site.key, window.start - HISTORY, min(window.end, now))
    return bus.filter(pl.col("load_w").is_not_null()).select("starts_at", power_w=pl.col("load_w").clip(0))


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[telemetry_15m, baseline_consumption, "forecast_model"],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def load_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """House load without planned devices [W] with its 80 % band.

    By the site's trained model once it has beaten the profile for two weeks, by the profile where a week is measured,
    else by the standard load profile around the stated mean. The model may look at the stored weather forecast;
    no run makes this asset wait for it (`lineage`): a weather service that is down must not cost a site its load
    forecast.
    """
    now = ems.clock.now()

    def maker(connection: Any, window: SiteWindow) -> Make:
        measured = _measured_load(connection, window, now)

        def make(start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
            before = pl.col("starts_at").is_between(at - HISTORY, time_grid.floor_slot(at), closed="left")
            slots = time_grid.slots(start, end)
            return learning.load_forecast(connection, window.site, measured.filter(before), slots, at, now)

        return make

    return forecast_asset(context, ems, "load_forecast", maker, load_shown)


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[weather_forecast, "forecast_model"],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def pv_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """PV power [W] per plane of modules, not curtailed: weather forecast and geometry, corrected by a trained model.

    Live days whose weather is missing or older than twelve hours: as forecast.solar estimates them.
    """
    now, second = ems.clock.now(), SecondSource(context.log)
    live = [window.site for window in windows(context, ems) if window.end > now]
    with ems.warehouse.begin() as connection:
        lacking = second_source.lacking(connection, live, now)
    for blind in lacking:
        second.ask(blind)

    def make(connection: Any, site: Site, start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
        if not site.pv:
            return pl.DataFrame()
        weather = forecasts.newest(connection, "weather_forecast", [site.key], start, end, at)
        known = weather.drop_nulls("ghi_w_m2")
        young = known.filter(pl.col("known_at") >= at - second_source.OLD)
        if at >= now and young.height < time_grid.count_slots(start, end):
            estimated = second.planes(site, start, end)
            if estimated is not None:
                return estimated
        require_whole(known, start, end, site, at)
        frames = [
            pv_geometry.pv_forecast((array,), site.latitude, site.longitude, weather).with_columns(
                asset_key=pl.lit(array.key)
            )
            for array in site.pv
        ]
        planes = learning.pv_forecast(connection, site, pl.concat(frames), weather, at, now)
        return planes.drop_nulls("power_w")

    return forecast_asset(context, ems, "pv_forecast", each(make), partial(power_shown, name="pv"))


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[weather_forecast, cop_history, building_response],
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

    def shown(frame: pl.DataFrame, site: Site) -> dict[str, Any]:
        return power_shown(frame.rename({"heat_w": "power_w"}), site, "heat")

    return forecast_asset(context, ems, "heat_demand_forecast", each(make), shown)


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
                expected = [
                    (s.charger, s.arrival_at, s.departure_at, s.energy_wh, s.probability, model)
                    for s in sessions.expected_sessions(charger, of_weekdays, window.zone, at, end)
                    if s.departure_at > start
                ]
                rows += expected or [(charger.key, start, end, 0.0, 0.0, model)]  # said, so that no former issue stands
            names = ["asset_key", "arrives_at", "departs_at", "energy_wh", "probability", "model"]
            return pl.DataFrame(rows, schema=names, orient="row")

        return make

    def shown(frame: pl.DataFrame, _: Site) -> dict[str, Any]:
        return {"expected_kwh": float(kilo(frame["energy_wh"].sum()))}

    return forecast_asset(context, ems, "ev_session_forecast", maker, shown)


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
