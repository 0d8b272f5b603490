"""Readings in by one COPY, quarter-hour means, and the latest state of a site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
import sqlalchemy as sa
from psycopg.errors import UniqueViolation
from sqlalchemy.engine import Connection

from ems_pipeline.devices.points.quantities import PLUGGED_IN, EvStatus
from ems_pipeline.devices.points.reading import BELIEVED, Readings
from ems_pipeline.local_time import INSTANT
from ems_pipeline.warehouse import live
from ems_pipeline.warehouse.frames import copy_into, query, stage, upsert
from ems_pipeline.warehouse.points import numbered, register
from ems_pipeline.warehouse.rest import rested

ROW = ["point_id", "reported_at", "received_at", "value", "quality", "reason"]


def store(connection: Connection, answers: Iterable[tuple[str, Readings]]) -> int:
    """Append readings, given with their site key; a second answer of a point for the same instant is dropped.

    Rows go straight into the table: a temporary one would write to the catalogue every minute, as much as a home's
    readings themselves. Only where an answer is there already the rows take that way round.

    Returns:
        Rows added.
    """
    frame = _frame(answers)
    if frame.is_empty():
        return 0
    rows = numbered(connection, rested(connection, frame)).select(ROW)
    live.tell_telemetry(connection, dict(frame.group_by("site_key").agg(pl.max("reported_at")).iter_rows()))
    try:
        with connection.begin_nested():
            return copy_rows(connection, rows)
    except UniqueViolation:
        stage(connection, "ems.telemetry", rows)
        listed = ", ".join(ROW)
        result = connection.exec_driver_sql(
            f"INSERT INTO ems.telemetry ({listed}) SELECT {listed} FROM incoming ON CONFLICT DO NOTHING"
        )
        return int(result.rowcount)


def copy_rows(connection: Connection, rows: pl.DataFrame) -> int:
    """COPY rows of `ROW`'s columns into telemetry; returns their number.

    Raises:
        UniqueViolation: a point has an answer for the same instant already.
    """
    _ensure_partitions(connection, "telemetry", rows["reported_at"])
    return copy_into(connection, "ems.telemetry", rows)


def _frame(answers: Iterable[tuple[str, Readings]]) -> pl.DataFrame:
    """A row per reading; answers to the same question are put together by columns."""
    alike: dict[int, list[tuple[str, Readings]]] = {}
    for site, readings in answers:
        alike.setdefault(id(readings.names), []).append((site, readings))
    return pl.concat([_rows(group) for group in alike.values()]) if alike else pl.DataFrame()


def _rows(answers: list[tuple[str, Readings]]) -> pl.DataFrame:
    """Rows of answers with the same names."""
    names = answers[0][1].names
    said = pl.DataFrame(
        {
            "site_key": [site for site, _ in answers],
            "device_key": [r.device for _, r in answers],
            "reported_at": [r.reported_at for _, r in answers],
            "received_at": [r.received_at for _, r in answers],
        },
        schema_overrides={"reported_at": INSTANT, "received_at": INSTANT},
    )
    width = len(names.quantities)
    faults = [(i * width + at, *f) for i, (_, r) in enumerate(answers) for at, f in r.samples.faults.items()]
    quality = np.zeros(len(answers) * width, np.int8)
    quality[[at for at, _, _ in faults]] = [q for _, q, _ in faults]
    reason = pl.Series([None], dtype=pl.String).new_from_index(0, len(quality))
    if faults:
        reason = reason.scatter([at for at, _, _ in faults], [text for _, _, text in faults])
    asked = pl.DataFrame({"quantity": names.quantities, "unit": names.units})
    return said.join(asked, how="cross", maintain_order="left_right").with_columns(
        pl.Series("value", np.concatenate([r.samples.values for _, r in answers]), nan_to_null=True),
        pl.Series("quality", quality),
        reason.alias("reason"),
    )


def _ensure_partitions(connection: Connection, table: str, instants: pl.Series) -> None:
    connection.execute(
        sa.text("SELECT ems.fn_ensure_partitions(:table, :first, :last)"),
        {"table": table, "first": instants.min(), "last": instants.max()},
    )


def fill_15m(connection: Connection, site_key: str, start: datetime, end: datetime, at: datetime | None = None) -> int:
    """Compute quarter-hour means of ``[start, end)``; returns the rows written.

    Args:
        at: when, by the clock that decides; None: now, by the database's.
    """
    result = connection.execute(
        sa.text("SELECT ems.fn_fill_telemetry_15m(:site, :start, :end, coalesce(CAST(:at AS timestamptz), now()))"),
        {"site": site_key, "start": start, "end": end, "at": at},
    )
    return int(result.scalar_one())


def last_filled(connection: Connection, site_key: str, start: datetime, end: datetime) -> datetime | None:
    """The newest quarter-hour in ``[start, end)`` whose means were computed from telemetry; None when none was."""
    return connection.execute(
        sa.text("""SELECT max(starts_at) FROM ems.telemetry_15m
                   WHERE site_key = :site AND origin = 'telemetry' AND starts_at >= :start AND starts_at < :end"""),
        {"site": site_key, "start": start, "end": end},
    ).scalar()


def count_15m(connection: Connection, site_key: str, start: datetime, end: datetime) -> int:
    """Rows of a site in ``[start, end)``, also of points that did not answer."""
    counted = connection.execute(
        sa.text("""SELECT count(*) FROM ems.telemetry_15m WHERE site_key = :site AND quantity = ANY(
                       ARRAY(SELECT DISTINCT quantity FROM ems.point WHERE site_key = :site))
                   AND starts_at >= :start AND starts_at < :end"""),
        {"site": site_key, "start": start, "end": end},
    )
    return int(counted.scalar_one())


def import_15m(connection: Connection, site_key: str, history: pl.DataFrame) -> int:
    """Store a logger's quarter-hour history: device_key, quantity, unit, starts_at, value (null = not measured)."""
    register(connection, history.select(pl.lit(site_key).alias("site_key"), "device_key", "quantity", "unit"))
    rows = history.select(
        pl.lit(site_key).alias("site_key"),
        "device_key",
        "quantity",
        "starts_at",
        pl.col("value").alias("mean_value"),
        pl.col("value").alias("last_value"),
        pl.col("value").is_not_null().cast(pl.Int64).alias("samples"),
        (pl.col("value").is_not_null().cast(pl.Float64) * 100).alias("coverage_pct"),
        pl.lit("import").alias("origin"),
    )
    return upsert(connection, "ems.telemetry_15m", rows, ["site_key", "device_key", "quantity", "starts_at"])


def site_15m(connection: Connection, site_key: str, start: datetime, end: datetime) -> pl.DataFrame:
    """The site's bus per quarter-hour (``vw_site_15m``), ordered; absent slots have no row."""
    return query(
        connection,
        "SELECT * FROM ems.vw_site_15m WHERE site_key = :site AND starts_at >= :start AND starts_at < :end "
        "ORDER BY starts_at",
        site=site_key,
        start=start,
        end=end,
    )


def device_15m(
    connection: Connection, site_keys: Sequence[str], quantities: Sequence[str], start: datetime, end: datetime
) -> pl.DataFrame:
    """Quarter-hour means: site_key, device_key, quantity, starts_at, mean_value, last_value, coverage_pct."""
    return query(
        connection,
        """SELECT site_key, device_key, quantity, starts_at, mean_value, last_value, coverage_pct FROM ems.telemetry_15m
           WHERE site_key = ANY(:sites) AND quantity = ANY(:quantities) AND starts_at >= :start AND starts_at < :end
           ORDER BY site_key, device_key, quantity, starts_at""",
        sites=list(site_keys),
        quantities=list(quantities),
        start=start,
        end=end,
    )


def charger_15m(
    connection: Connection, site_key: str, device_key: str | None, start: datetime, end: datetime
) -> pl.DataFrame:
    """What a charger saw per quarter-hour: starts_at, is_plugged_in (null: unknown or a fault), power_w."""
    said = device_15m(connection, [site_key], ["ev_status", "ev_power_w"], start, end)
    own = said.filter(pl.col("device_key") == device_key)
    status = own.filter(pl.col("quantity") == "ev_status").select("starts_at", status="last_value")
    power = own.filter(pl.col("quantity") == "ev_power_w").select("starts_at", power_w="mean_value")
    is_plugged_in = (
        pl.when(pl.col("status").is_in([float(s) for s in PLUGGED_IN]))
        .then(True)
        .when(pl.col("status") == EvStatus.NOT_CONNECTED)
        .then(False)
    )
    return (
        status.join(power, on="starts_at", how="left")
        .sort("starts_at")
        .select("starts_at", "power_w", is_plugged_in=is_plugged_in)
    )


def latest(connection: Connection, site_keys: Sequence[str], at: datetime, not_before: datetime) -> pl.DataFrame:
    """Newest good value per point in ``[not_before, at]`` and received by then, whatever came later.

    Columns: site_key, device_key, quantity, value, reported_at.
    """
    return query(
        connection,
        """SELECT p.site_key, p.device_key, p.quantity, t.value, t.reported_at
           FROM ems.point p CROSS JOIN LATERAL (
               SELECT value, reported_at FROM ems.telemetry
               WHERE point_id = p.point_id AND reported_at BETWEEN :not_before AND :at AND received_at <= :at
                 AND quality = ANY(:believed) AND value IS NOT NULL
               ORDER BY reported_at DESC LIMIT 1) t
           WHERE p.site_key = ANY(:sites)""",
        sites=list(site_keys),
        at=at,
        not_before=not_before,
        believed=[int(quality) for quality in BELIEVED],
    )


def last_values(connection: Connection, site_keys: Sequence[str], start: datetime, end: datetime) -> pl.DataFrame:
    """Last value per point of the quarter-hours in ``[start, end)``, columns as `latest`: reported when one ended."""
    return query(
        connection,
        """SELECT p.site_key, p.device_key, p.quantity, t.last_value AS value,
                  t.starts_at + interval '15 minutes' AS reported_at
           FROM ems.point p CROSS JOIN LATERAL (
               SELECT last_value, starts_at FROM ems.telemetry_15m
               WHERE site_key = p.site_key AND quantity = p.quantity AND device_key = p.device_key
                 AND starts_at >= :start AND starts_at < :end AND last_value IS NOT NULL
               ORDER BY starts_at DESC LIMIT 1) t
           WHERE p.site_key = ANY(:sites)""",
        sites=list(site_keys),
        start=start,
        end=end,
    )


def recorded_later(
    connection: Connection, site_key: str, start: datetime, end: datetime, after: datetime
) -> pl.DataFrame:
    """Quarter-hours in ``[start, end)`` whose means were written, or written anew, after an instant.

    Columns: what (device and quantity), slots, newest (when the last of them was).
    """
    return query(
        connection,
        """SELECT device_key || ' ' || quantity AS what, count(*) AS slots, max(recorded_at) AS newest
           FROM ems.telemetry_15m WHERE site_key = :site AND starts_at >= :start AND starts_at < :end
             AND recorded_at > :after
           GROUP BY 1 ORDER BY 1""",
        site=site_key,
        start=start,
        end=end,
        after=after,
    )


@dataclass(frozen=True)
class Peak:
    """Import at a meter, > 0, W: the highest mean of an interval that is over, and the mean of the one under way so
    far; None: not measured."""

    highest_w: float | None
    running_w: float | None


def peaks(
    connection: Connection, since: Mapping[str, datetime], minutes: Mapping[str, int], end: datetime
) -> dict[str, Peak]:
    """By site what its meter took from ``since`` to ``end``, as means over intervals of so many minutes."""
    # Not from vw_site_15m: a month of every quantity for one of them, in every quarter-hour.
    found = query(
        connection,
        """SELECT k.site_key, peak.highest_w, peak.running_w
           FROM (SELECT site_key, since, step, date_bin(step, CAST(:end AS timestamptz), since) AS running
                 FROM (SELECT site_key, since, make_interval(mins => minutes) AS step
                       FROM unnest(CAST(:sites AS text[]), CAST(:since AS timestamptz[]), CAST(:minutes AS int[]))
                            s (site_key, since, minutes)) asked) k
           CROSS JOIN LATERAL (SELECT max(mean_w) FILTER (WHERE begins < k.running) AS highest_w,
                                      max(mean_w) FILTER (WHERE begins >= k.running) AS running_w FROM (
               SELECT date_bin(k.step, starts_at, k.since) AS begins, avg(greatest(slot_w, 0)) AS mean_w FROM (
                   SELECT starts_at, avg(mean_value) AS slot_w FROM ems.telemetry_15m
                   WHERE site_key = k.site_key AND quantity = 'grid_power_w'
                     AND starts_at >= k.since AND starts_at < :end
                   GROUP BY starts_at) slot
               GROUP BY 1) interval_mean) peak""",
        sites=list(since),
        since=list(since.values()),
        minutes=[minutes[key] for key in since],
        end=end,
    )
    return {key: Peak(highest, running) for key, highest, running in found.iter_rows()}


@dataclass(frozen=True)
class Reached:
    """Quarter-hours of ``[since, until)`` in which a quantity of a device was at least ``edge`` on average."""

    site_key: str
    device: str
    quantity: str
    edge: float
    since: datetime
    until: datetime


def quarters_from(connection: Connection, wanted: Sequence[Reached]) -> list[int]:
    """How many quarter-hours there are of each, in the order they are asked for."""
    counted = query(
        connection,
        """SELECT (SELECT count(*) FROM ems.telemetry_15m
                   WHERE site_key = k.site_key AND quantity = k.quantity AND device_key = k.device
                     AND starts_at >= k.since AND starts_at < k.until AND mean_value >= k.edge) AS quarters
           FROM unnest(CAST(:sites AS text[]), CAST(:devices AS text[]), CAST(:quantities AS text[]),
                       CAST(:edges AS float8[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
                WITH ORDINALITY k (site_key, device, quantity, edge, since, until, number)
           ORDER BY k.number""",
        sites=[one.site_key for one in wanted],
        devices=[one.device for one in wanted],
        quantities=[one.quantity for one in wanted],
        edges=[one.edge for one in wanted],
        since=[one.since for one in wanted],
        until=[one.until for one in wanted],
    )
    return counted["quarters"].to_list()
