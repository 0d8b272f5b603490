"""What a device has counted beside what it has measured: a counter at the wrong scale shows in no other way."""

from __future__ import annotations

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import query

COUNTERS = {"pv_energy_wh": "pv_power_w", "load_energy_wh": "load_power_w", "heat_pump_energy_wh": "heat_pump_power_w"}
"""Counter -> the power of one sign that it counts."""
LEAST_WH = 5000.0
"""Of less, steps of the counter and gaps in the measurement make a ratio worth nothing."""


def counted(connection: Connection) -> pl.DataFrame:
    """Per device and counter of active sites, over its newest week: site_key, device_key, quantity, counted_wh,
    measured_wh; only where at least `LEAST_WH` were measured."""
    return query(
        connection,
        """WITH pair AS (SELECT * FROM unnest(CAST(:counters AS text[]), CAST(:powers AS text[])) AS p(counter, power)),
                newest AS (SELECT site_key, max(starts_at) - interval '7 days' AS since FROM ems.telemetry_15m
                           GROUP BY site_key),
                said AS (
                    SELECT q.site_key, q.device_key, pair.counter AS quantity,
                           max(q.last_value) FILTER (WHERE q.quantity = pair.counter)
                             - min(q.last_value) FILTER (WHERE q.quantity = pair.counter) AS counted_wh,
                           sum(q.mean_value) FILTER (WHERE q.quantity = pair.power) / 4 AS measured_wh
                    FROM pair
                    JOIN ems.telemetry_15m q ON q.quantity IN (pair.counter, pair.power)
                    JOIN newest ON newest.site_key = q.site_key AND q.starts_at >= newest.since
                    JOIN ems.site s ON s.site_key = q.site_key AND s.is_active
                    GROUP BY q.site_key, q.device_key, pair.counter)
           SELECT * FROM said WHERE counted_wh IS NOT NULL AND measured_wh >= :least
           ORDER BY site_key, device_key, quantity""",
        counters=list(COUNTERS),
        powers=list(COUNTERS.values()),
        least=LEAST_WH,
    )
