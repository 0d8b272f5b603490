"""Numbers of points: what stands in a row of telemetry for site, device and quantity."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import query, stage

POINT = ["site_key", "device_key", "quantity"]
SEPARATOR = "\x1f"


def numbered(connection: Connection, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame (with `POINT`'s columns and ``unit``) and the ``point_id`` of each row; new points are registered."""
    sites = frame["site_key"].unique().to_list()
    rows = frame.join(_known(connection, sites), on=POINT, how="left")
    if rows["point_id"].null_count() == 0:
        return rows
    register(connection, rows.filter(pl.col("point_id").is_null()))
    return frame.join(_known(connection, sites), on=POINT, how="left")


def register(connection: Connection, points: pl.DataFrame) -> None:
    """Make sure that the points are known: `POINT`'s columns and ``unit``."""
    stage(connection, "ems.point", points.select(*POINT, "unit").unique())
    connection.exec_driver_sql(
        "INSERT INTO ems.point (site_key, device_key, quantity, unit) "
        "SELECT site_key, device_key, quantity, unit FROM incoming ON CONFLICT DO NOTHING"
    )


def _known(connection: Connection, sites: Sequence[str]) -> pl.DataFrame:
    """All points of the sites. A row per device comes over the wire: one per point took five times as long."""
    devices = query(
        connection,
        """SELECT site_key, device_key, string_agg(quantity, :between) AS quantity,
                  string_agg(point_id::text, :between) AS point_id
           FROM ems.point WHERE site_key = ANY(:sites) GROUP BY site_key, device_key""",
        sites=list(sites),
        between=SEPARATOR,
    )
    listed = pl.col("quantity", "point_id").str.split(SEPARATOR)
    return devices.with_columns(listed).explode("quantity", "point_id").cast({"point_id": pl.Int64})
