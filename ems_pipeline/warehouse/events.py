"""Grid events: firm import limits and paid reductions as they became known; changes and cancellations are new rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.local_time import INSTANT
from ems_pipeline.plan import GridEvent
from ems_pipeline.warehouse import known
from ems_pipeline.warehouse.frames import query

TERMS = ["from_at", "until_at", "limit_w", "baseline_w", "price_per_kwh", "is_net", "is_cancelled"]
SCHEMA: Any = {
    "site_key": pl.String, "event_key": pl.String, "from_at": INSTANT, "until_at": INSTANT, "limit_w": pl.Float64,
    "baseline_w": pl.Float64, "price_per_kwh": pl.Float64, "is_net": pl.Boolean, "is_cancelled": pl.Boolean,
    "entered_by": pl.String, "known_at": INSTANT,
}  # fmt: skip


def put(connection: Connection, site_key: str, event: GridEvent, by: str, at: datetime) -> bool:
    """Enter an event, or new terms of one already known; False when the very same is known already.

    Raises:
        ValueError: it is over, ends before it begins, neither limits nor pays, or pays against an export it does not
            count.
        LookupError: the site is not registered.
    """
    if query(connection, "SELECT 1 FROM ems.site WHERE site_key = :site", site=site_key).is_empty():
        raise LookupError(f"site {site_key!r} is not registered; `ems site add FILE` registers it")
    if event.ends_at <= max(event.starts_at, at):
        span = f"from {event.starts_at} until {event.ends_at}"
        raise ValueError(f"event {event.key} {span} never holds at or after {at}; name a later end")
    if event.limit_w is None and event.price_per_kwh <= 0:
        raise ValueError(
            f"event {event.key} neither limits the import nor pays; give a limit, or a price and a baseline"
        )
    if event.baseline_w < 0 and not event.is_net:
        raise ValueError(
            f"event {event.key} has a baseline of {event.baseline_w:g} W, an export; enter it as net, or from 0 W on"
        )
    pays = event.price_per_kwh > 0
    baseline_w, price = (event.baseline_w, event.price_per_kwh) if pays else (None, None)
    terms = (event.starts_at, event.ends_at, event.limit_w, baseline_w, price, event.is_net, False)
    return _append(connection, [(site_key, event.key, *terms, by, at)], at)


def cancel(connection: Connection, site_key: str, key: str, by: str, at: datetime) -> None:
    """From now on the event counts for nothing; LookupError when none of that key holds or is to come."""
    standing = listing(connection, [site_key], at).filter(pl.col("event_key") == key)
    if standing.is_empty():
        raise LookupError(f"no event {key!r} of {site_key} holds or is to come; `ems event list {site_key}` shows them")
    row = standing.row(0, named=True) | {"is_cancelled": True}
    _append(connection, [(site_key, key, *(row[name] for name in TERMS), by, at)], at)


def listing(connection: Connection, site_keys: Sequence[str], at: datetime) -> pl.DataFrame:
    """Events of sites that hold at an instant or are to come, as known then, by site and begin.

    Columns: site_key, event_key, the terms, entered_by, known_at.
    """
    return query(
        connection,
        f"""SELECT * FROM (
                SELECT DISTINCT ON (site_key, event_key) site_key, event_key, {", ".join(TERMS)}, entered_by, known_at
                FROM ems.grid_event
                WHERE site_key = ANY(:sites) AND known_at <= :at AND (site_key, event_key) IN (
                    SELECT site_key, event_key FROM ems.grid_event WHERE site_key = ANY(:sites) AND until_at > :at)
                ORDER BY site_key, event_key, known_at DESC) newest
            WHERE NOT is_cancelled AND until_at > :at ORDER BY site_key, from_at, event_key""",
        sites=list(site_keys),
        at=at,
    )


def of(listed: pl.DataFrame) -> tuple[GridEvent, ...]:
    """The same for the planner."""
    columns = ("event_key", "from_at", "until_at", "limit_w", "baseline_w", "price_per_kwh", "is_net")
    return tuple(
        GridEvent(key, begin, end, limit_w, baseline_w or 0.0, price or 0.0, is_net)
        for key, begin, end, limit_w, baseline_w, price, is_net in listed.select(columns).iter_rows()
    )


def _append(connection: Connection, rows: list[tuple[object, ...]], at: datetime) -> bool:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    added = known.append(
        connection, "ems.grid_event", frame, keys=("site_key", "event_key"), values=TERMS, received_at=at
    )
    return added > 0
