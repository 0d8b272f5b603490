"""What is learnt of heat: how well each heat pump turned electricity into it, and how its house keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from ems_pipeline.heat import building, cop, measured
from ems_pipeline.sites import HeatPump, Site
from ems_pipeline.warehouse import buildings, forecasts, telemetry
from ems_pipeline.warehouse.engine import Connection

LEARNT_FROM_DAYS = 60
QUANTITIES = ["flow_temp_c", "return_temp_c", "flow_rate_l_min", "outdoor_temp_c", "heat_pump_power_w"]
ROOM_QUANTITIES = ["indoor_temp_c", "outdoor_temp_c", "flow_temp_c", "dhw_temp_c", "heat_pump_power_w"]


@dataclass(frozen=True)
class Measured:
    """The quarter-hours in which a heat pump ran steadily, as of `measured.cop_rows`, and the curve they end with."""

    pump: HeatPump
    ran: pl.DataFrame
    curve: cop.CopCurve


def measure_cop(connection: Connection, site: Site, start: datetime, end: datetime, now: datetime) -> list[Measured]:
    """Keep the COP measured in ``[start, end)``, and the curve of the `LEARNT_FROM_DAYS` before ``end``, of each pump.

    Args:
        now: when it is made; the curve is known from ``end``.
    """
    points, found = telemetry.device_15m(connection, [site.key], QUANTITIES, start, end), []
    for pump in site.heat_pumps:
        ran = measured.cop_rows(points, pump.device).with_columns(site_key=pl.lit(site.key), asset_key=pl.lit(pump.key))
        forecasts.put_cop_history(connection, ran)
        learnt = forecasts.cop_history(connection, site.key, pump.key, end, LEARNT_FROM_DAYS)
        curve = cop.fit(learnt, pump.carnot_efficiency)
        forecasts.put_cop_curve(connection, _curve_row(site.key, pump.key, curve, end, now))
        found.append(Measured(pump, ran, curve))
    return found


def fit_house(
    connection: Connection, site: Site, pump: HeatPump, at: datetime, now: datetime | None = None
) -> tuple[int, str]:
    """Fit a heat pump's house to what was measured before ``at`` and keep it: rows written, and what came of it.

    Args:
        now: when it is fitted; None: at ``at``.
    """
    points = telemetry.device_15m(connection, [site.key], ROOM_QUANTITIES, at - timedelta(days=LEARNT_FROM_DAYS), at)
    learnt = forecasts.cop_history(connection, site.key, pump.key, at, LEARNT_FROM_DAYS)
    history = measured.house_rows(points, pump, cop.fit(learnt, pump.carnot_efficiency))
    try:
        fitted = building.fit(history)
    except building.UnidentifiableBuilding as reason:
        return 0, str(reason)
    if fitted is None:
        return 0, f"fewer than {building.MIN_WINDOWS} cold windows without a gap in {LEARNT_FROM_DAYS} days"
    return buildings.put(connection, site.key, pump.key, fitted, at, now), building.chosen(fitted, pump.house)[1]


def _curve_row(
    site_key: str, asset_key: str, curve: cop.CopCurve, known_at: datetime, recorded_at: datetime
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "site_key": [site_key],
            "asset_key": [asset_key],
            "efficiency": [curve.efficiency],
            "drift_per_k": [curve.drift_per_k],
            "samples": [curve.samples],
            "known_at": [known_at],
            "recorded_at": [recorded_at],
        }
    )
