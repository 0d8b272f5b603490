"""How well each heat pump turned electricity into heat."""

import dagster as dg
import polars as pl

from ems_pipeline.heat import cop, measured
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.figures import materialized, plot
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.warehouse import forecasts, telemetry

LEARNT_FROM_DAYS = 60
QUANTITIES = ["flow_temp_c", "return_temp_c", "flow_rate_l_min", "outdoor_temp_c", "heat_pump_power_w"]


@dg.asset(
    group_name="heat",
    partitions_def=site_day_partitions,
    deps=[telemetry_15m],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def cop_history(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Measured COP per quarter-hour in which a heat pump ran, and the curve fitted to the last 60 days of it.

    Heat is water flow times temperature rise; quarters of defrosting or start-up are left out. The curve is what
    `fn_cop_estimate` evaluates from the day's end on.
    """
    rows, shown, site, grade = 0, pl.DataFrame(), None, None
    for window in windows(context, ems):
        site = window.site
        known_at = min(window.end, ems.clock.now())
        with ems.warehouse.begin() as connection:
            points = telemetry.device_15m(connection, site.key, QUANTITIES, window.start, known_at)
            for pump in site.heat_pumps:
                shown = measured.cop_rows(points, pump.device)
                labelled = shown.with_columns(site_key=pl.lit(site.key), asset_key=pl.lit(pump.key))
                rows += forecasts.put_cop_history(connection, labelled)
                learnt = forecasts.cop_history(connection, site.key, pump.key, known_at, LEARNT_FROM_DAYS)
                curve = cop.fit(learnt, pump.carnot_efficiency)
                grade = curve.efficiency
                forecasts.put_cop_curve(connection, _curve_row(site.key, pump.key, curve, known_at))
    picture = (
        plot(shown["starts_at"].to_list(), {"COP": {"heat pump": shown["cop"].to_list()}}, site, "COP")
        if rows
        else None
    )
    return materialized(rows, picture, efficiency=grade, days=LEARNT_FROM_DAYS)


def _curve_row(site_key: str, asset_key: str, curve: cop.CopCurve, known_at: object) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "site_key": [site_key],
            "asset_key": [asset_key],
            "efficiency": [curve.efficiency],
            "drift_per_k": [curve.drift_per_k],
            "samples": [curve.samples],
            "known_at": [known_at],
        }
    )
