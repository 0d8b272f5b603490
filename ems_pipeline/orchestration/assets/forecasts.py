"""What the site will need and make. Live: from now on; past days: as they could have been made the afternoon before."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.forecast import load_model, pv_geometry, sessions
from ems_pipeline.heat.building import BuildingResponse
from ems_pipeline.heat.cop import CopCurve
from ems_pipeline.orchestration import learning
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.assets.weather import weather_forecast
from ems_pipeline.orchestration.figures import materialized, plot
from ems_pipeline.orchestration.partitions import decided_at, site_day_partitions, windows
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.sites import Charger, Site
from ems_pipeline.units import kilo, slot_energy_wh
from ems_pipeline.warehouse import forecasts, telemetry

GROUP = "forecast"
HISTORY = timedelta(weeks=load_model.MEMORY_WEEKS)

Made = tuple[Site, datetime, datetime, datetime]
"""Site, first and last bound of the slots wanted, and the instant the forecast counts as made."""


def _wanted(context: dg.AssetExecutionContext, ems: Platform) -> Iterator[Made]:
    """Day by day: each past day has a decision instant of its own; today is forecast from the running slot on."""
    now = ems.clock.now()
    for window in windows(context, ems):
        for day in window.days:
            start, end = time_grid.day_bounds(day, window.zone)
            at = decided_at(day, window.site, now)
            yield window.site, max(start, time_grid.floor_slot(at)), end, at


def _forecast_asset(
    context: dg.AssetExecutionContext,
    ems: Platform,
    table: forecasts.Table,
    make: Callable[[Any, Site, datetime, datetime, datetime], pl.DataFrame],
) -> tuple[int, pl.DataFrame, Site | None]:
    """Make and store the forecast of each wanted day; all days of a site in one transaction each."""
    rows, shown, site = 0, pl.DataFrame(), None
    for site, start, end, at in _wanted(context, ems):
        with ems.warehouse.begin() as connection:
            frame = make(connection, site, start, end, at)
            rows += forecasts.issue(connection, table, site.key, frame, at)
        shown = frame if frame.height else shown
    return rows, shown, site


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
    made = _forecast_asset(
        context,
        ems,
        "baseline_consumption",
        lambda connection, site, start, end, at: forecasts.baseline(connection, site.key, start, end, at),
    )
    return _power_result(*made, "load")


def _measured_load(connection: Any, site: Site, at: datetime) -> pl.DataFrame:
    bus = telemetry.site_15m(connection, site.key, time_grid.floor_slot(at) - HISTORY, time_grid.floor_slot(at))
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
    else by the standard load profile around the stated mean.
    """
    now = ems.clock.now()

    def make(connection: Any, site: Site, start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
        history = _measured_load(connection, site, at)
        slots = time_grid.slots(start, end)
        return learning.load_forecast(connection, site, history, slots, at, now)

    return _power_result(*_forecast_asset(context, ems, "load_forecast", make), "load")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[weather_forecast],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def pv_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """PV power [W] per plane of modules, not curtailed: weather forecast and geometry, corrected by a trained model."""
    now = ems.clock.now()

    def make(connection: Any, site: Site, start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
        weather = forecasts.newest(connection, "weather_forecast", site.key, start, end, at)
        _require(weather, start, end, site, at)
        frames = [
            pv_geometry.pv_forecast((array,), site.latitude, site.longitude, weather).with_columns(
                asset_key=pl.lit(array.key)
            )
            for array in site.pv
        ]
        if not frames:
            return pl.DataFrame()
        planes = learning.pv_forecast(connection, site, pl.concat(frames), weather, at, now)
        return planes.drop_nulls("power_w")

    rows, shown, site = _forecast_asset(context, ems, "pv_forecast", make)
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
            _require(slots, start, end, site, at)
            comfort_c = (pump.house.comfort_min_c + pump.house.comfort_max_c) / 2
            outdoor = slots["outdoor_c"].to_numpy()
            stated = pl.Series(CopCurve(pump.carnot_efficiency).cop(outdoor, pump.flow_temp_c))
            heat = pl.Series(BuildingResponse.stated(pump.house).heat_demand_w(comfort_c, outdoor))
            fitted = slots["cop"].is_not_null().any()
            frames.append(
                slots.with_columns(
                    asset_key=pl.lit(pump.key),
                    cop=slots["cop"].fill_null(stated),
                    heat_w=heat,
                    model=pl.lit("1r1c, " + ("measured COP" if fitted else "stated COP")),
                )
            )
        return pl.concat(frames) if frames else pl.DataFrame()

    rows, shown, site = _forecast_asset(context, ems, "heat_demand_forecast", make)
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

    def make(connection: Any, site: Site, start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
        zone = time_grid.zone(site.timezone)
        rows = []
        for charger in site.chargers:
            habits, model = _habits(connection, site, charger, at)
            rows += [
                (s.charger, s.arrival_at, s.departure_at, s.energy_wh, s.probability, model)
                for s in sessions.expected_sessions(charger, habits, zone, at, end)
                if s.departure_at > start
            ]
        names = ["asset_key", "arrives_at", "departs_at", "energy_wh", "probability", "model"]
        return pl.DataFrame(rows, schema=names, orient="row")

    rows, shown, _ = _forecast_asset(context, ems, "ev_session_forecast", make)
    return materialized(rows, expected_kwh=float(kilo(shown["energy_wh"].sum())) if shown.height else 0.0)


def _habits(connection: Any, site: Site, charger: Charger, at: datetime) -> tuple[list[sessions.Habit], str]:
    """Habits of a charger as its telemetry before ``at`` shows them, and what they rest on."""
    until = time_grid.floor_slot(at)
    oldest = until - timedelta(weeks=sessions.WEEKS)
    seen = sessions.measured_sessions(telemetry.wallbox_15m(connection, site.key, charger.device, oldest, until))
    habits = sessions.measured_habits(charger, seen, time_grid.zone(site.timezone), at)
    return habits, f"measured habit, {seen.height} sessions" if seen.height else "stated habit"


def _require(frame: pl.DataFrame, start: datetime, end: datetime, site: Site, at: datetime) -> None:
    """A forecast over part of a day would be taken for a dark or mild rest of it."""
    wanted = time_grid.count_slots(start, end)
    if frame.height < wanted:
        raise dg.Failure(
            f"weather of {site.key} from {start} is known for {frame.height} of {wanted} slots as of {at}; "
            "materialise weather_forecast for these days first"
        )
