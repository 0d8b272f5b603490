"""What the site will need and make. Live: from now on; past days: as they could have been made the afternoon before."""

from functools import partial

import dagster as dg
import polars as pl

from ems_pipeline.orchestration.assets.heat import building_response, cop_history
from ems_pipeline.orchestration.assets.issuing import Figures, forecast_asset, power_shown
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.assets.weather import weather_forecast
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.sites import Site
from ems_pipeline.steps import forecasting, second_source
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.second_source import SecondSource
from ems_pipeline.units import kilo

GROUP = "forecast"


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[telemetry_15m],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def baseline_consumption(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """House load expected from measured history alone: mean of the slot on the same kind of day, eight weeks back."""
    return forecast_asset(context, ems, "baseline_consumption", forecasting.baseline, load_shown)


load_shown = partial(power_shown, name="load")


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
    maker = partial(forecasting.load, now=ems.clock.now())
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
    current = [window.site for window in windows(context, ems) if window.end > now]
    with ems.warehouse.begin() as connection:
        lacking = second_source.lacking(connection, current, now)
    for blind in lacking:
        second.ask(blind)
    maker = partial(forecasting.pv, now=now, second=second)
    return forecast_asset(context, ems, "pv_forecast", maker, partial(power_shown, name="pv"))


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[weather_forecast, cop_history, building_response],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def heat_demand_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Heat [W] each house loses at the middle of its comfort band, outdoor temperature and the heat pump's COP."""
    return forecast_asset(context, ems, "heat_demand_forecast", forecasting.heat, _heat_shown)


def _heat_shown(frame: pl.DataFrame, site: Site) -> Figures:
    return power_shown(frame.rename({"heat_w": "power_w"}), site, "heat")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[telemetry_15m],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def ev_session_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """When cars are expected at each charger, until when, and how much energy [Wh] they will want.

    By the habit the site file states, giving way to the one measured as sessions are seen.
    """
    return forecast_asset(context, ems, "ev_session_forecast", forecasting.cars, _cars_shown)


def _cars_shown(frame: pl.DataFrame, _: Site) -> Figures:
    return {"expected_kwh": float(kilo(frame["energy_wh"].sum()))}
