"""At rest is not failed: what a silent PV inverter makes while the sun is down is known to be nothing.

String inverters switch themselves off every night. Left as "no answer", each night would lose the house load, which is
what the balance leaves. By day a silent inverter stays unknown: missing is never zero while the sun is up.
"""

from __future__ import annotations

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.warehouse.frames import query
from ems_pipeline.weather import sun

MADE_BY_THE_SUN = "pv_power_w"
SILENT = [int(quality) for quality in (Quality.NO_ANSWER, Quality.REFUSED, Quality.NOT_READY)]
"""Ways of an inverter to have nothing to say; a frame that cannot be read is none of them."""
PLACE = ["latitude", "longitude"]


def rested(connection: Connection, readings: pl.DataFrame) -> pl.DataFrame:
    """The readings (site_key, quantity, reported_at, value, quality, reason), night's silence of PV as 0 W at rest."""
    is_silent = (pl.col("quantity") == MADE_BY_THE_SUN) & pl.col("value").is_null() & pl.col("quality").is_in(SILENT)
    silent = readings.with_row_index("at").filter(is_silent).select("at", "site_key", "reported_at")
    if silent.is_empty():
        return readings
    dark = silent.join(_places(connection, silent["site_key"].unique().to_list()), on="site_key")
    if dark.is_empty():
        return readings
    dark = dark.filter(pl.Series(sun.is_down(dark["reported_at"], *(dark[name].to_list() for name in PLACE))))
    rests = pl.int_range(pl.len()).is_in(dark["at"].implode())
    told = pl.format("at rest, the sun is down: {}", pl.col("reason"))
    return readings.with_columns(
        value=pl.when(rests).then(0.0).otherwise("value"),
        quality=pl.when(rests).then(pl.lit(int(Quality.AT_REST), readings.schema["quality"])).otherwise("quality"),
        reason=pl.when(rests).then(told).otherwise("reason"),
    )


def _places(connection: Connection, sites: list[str]) -> pl.DataFrame:
    return query(
        connection, "SELECT site_key, latitude, longitude FROM ems.site WHERE site_key = ANY(:sites)", sites=sites
    )
