"""Measured series of any home, brought onto the days that are to be replayed (and those around them).

A file (Parquet or CSV) has `ts_utc`, the start of each interval, and any of `load_w` (or `grid_import_w` of a site
without generation), `pv_w` and `price_eur_mwh` (with `zone` when it holds several). Load and PV of another year are
matched by local day of year and wall clock; prices are taken at their own instants, they belong to their days.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from ems_pipeline import local_time, time_grid
from ems_pipeline.local_time import INSTANT, WALL
from ems_pipeline.plant.replay import Replay
from ems_pipeline.sites import Site

BEFORE, AFTER = timedelta(days=45), timedelta(days=3)
"""Played around the replayed days: the site has a past, and plans look ahead."""
LOAD = ("load_w", "grid_import_w")
STEPS_MINUTES = (15, 30, 60)


def read_replay(files: Sequence[Path], site: Site, first: date, last: date, price_zone: str | None = None) -> Replay:
    """What the files say about local days ``first`` to ``last`` of a site; the first file with a column provides it.

    Args:
        price_zone: which zone of a file of prices; None: the site's market zone.

    Raises:
        ValueError: a file has none of the columns, an unknown step, or no prices for the zone or the days.
    """
    zone = time_grid.zone(site.timezone)
    days = time_grid.days(first - BEFORE, last + AFTER)
    slots = [slot for day in days for slot in time_grid.day_slots(day, zone)]
    measured = pl.DataFrame({"starts_at": pl.Series(slots, dtype=INSTANT)})
    columns: dict[str, pl.DataFrame] = {}
    for file in files:
        for name, frame in _series(file, site, price_zone):
            columns.setdefault(name, frame)
    for name in ("load_w", "pv_w"):
        if name in columns:
            measured = _by_day_of_year(measured, columns[name], name, zone)
        else:
            measured = measured.with_columns(pl.lit(None, dtype=pl.Float64).alias(name))
    return Replay(measured, _prices(columns.get("price_eur_per_mwh"), first, last))


def span(files: Sequence[Path], site: Site, price_zone: str | None = None) -> tuple[datetime, datetime]:
    """First and last quarter-hour with a price, or with a load where no file has prices; errors as `read_replay`."""
    columns: dict[str, pl.DataFrame] = {}
    for file in files:
        for name, frame in _series(file, site, price_zone):
            columns.setdefault(name, frame)
    if (chosen := columns.get("price_eur_per_mwh", columns.get("load_w"))) is None:
        raise ValueError(f"{[str(file) for file in files]} have neither load_w nor price_eur_mwh; name one that has")
    known = chosen.drop_nulls("value")["starts_at"]
    if known.is_empty():
        raise ValueError(f"{[str(file) for file in files]} have no value; name files that have")
    return known.min(), known.max()  # type: ignore[return-value]


def _series(file: Path, site: Site, price_zone: str | None) -> Iterable[tuple[str, pl.DataFrame]]:
    """The file's series by the name the plant gives them, as quarter-hours: starts_at, value."""
    frame = _read(file)
    load = next((name for name in LOAD if name in frame.columns), None)
    found = {"load_w": load, "pv_w": "pv_w" if "pv_w" in frame.columns else None}
    if "price_eur_mwh" in frame.columns:
        found["price_eur_per_mwh"] = "price_eur_mwh"
        frame = _of_zone(file, frame, price_zone or site.market_zone)
    if not any(found.values()):
        raise ValueError(
            f"{file} has columns {frame.columns}; a replay needs ts_utc and load_w (or grid_import_w), pv_w or "
            "price_eur_mwh"
        )
    step = _step_minutes(file, frame)
    for name, column in found.items():
        if column is not None:
            values = frame.select(
                pl.col("ts_utc").cast(INSTANT).alias("starts_at"), value=pl.col(column).cast(pl.Float64)
            )
            yield name, _quarters(values, step)


def _read(file: Path) -> pl.DataFrame:
    frame = pl.read_csv(file, try_parse_dates=True) if file.suffix == ".csv" else pl.read_parquet(file)
    if "ts_utc" not in frame.columns:
        raise ValueError(f"{file} has columns {frame.columns}; name the start of each interval ts_utc")
    if getattr(frame.schema["ts_utc"], "time_zone", None) is None:
        frame = frame.with_columns(pl.col("ts_utc").cast(WALL).dt.replace_time_zone("UTC"))
    return frame


def _of_zone(file: Path, frame: pl.DataFrame, zone: str) -> pl.DataFrame:
    if "zone" not in frame.columns:
        return frame
    zones = frame["zone"].unique().sort().to_list()
    if zone not in zones:
        raise ValueError(f"{file} has prices of {zones}, not of {zone}; choose one with --price-zone")
    return frame.filter(pl.col("zone") == zone)


def _step_minutes(file: Path, frame: pl.DataFrame) -> int:
    step = frame["ts_utc"].sort().diff().drop_nulls().min()
    minutes = step // timedelta(minutes=1) if isinstance(step, timedelta) else 0
    if minutes not in STEPS_MINUTES:
        raise ValueError(f"{file} has steps of {step!r}; a replay needs {STEPS_MINUTES} minutes without repeats")
    return minutes


def _quarters(values: pl.DataFrame, step_minutes: int) -> pl.DataFrame:
    """Each row spread over the quarter-hours of its interval: a mean power or a price holds for all of them."""
    offsets = [timedelta(minutes=m) for m in range(0, step_minutes, 15)]
    return pl.concat([values.with_columns(pl.col("starts_at") + offset) for offset in offsets]).sort("starts_at")


def _by_day_of_year(measured: pl.DataFrame, values: pl.DataFrame, name: str, zone: ZoneInfo) -> pl.DataFrame:
    """Same month, day and wall clock; of several years the newest. 29 February may stay a gap."""
    local = local_time.wall(pl.col("starts_at"), zone)
    key = [
        local.dt.month().alias("m"),
        local.dt.day().alias("d"),
        local.dt.hour().alias("h"),
        local.dt.minute().alias("q"),
    ]
    newest = (
        values.drop_nulls("value")
        .sort("starts_at", descending=True)
        .with_columns(key)
        .unique(["m", "d", "h", "q"], keep="first", maintain_order=True)
        .select("m", "d", "h", "q", pl.col("value").alias(name))
    )
    joined = measured.with_columns(key).join(newest, on=["m", "d", "h", "q"], how="left", maintain_order="left")
    return joined.drop("m", "d", "h", "q")


def _prices(values: pl.DataFrame | None, first: date, last: date) -> pl.DataFrame | None:
    if values is None:
        return None
    prices = values.drop_nulls().rename({"value": "price_eur_per_mwh"})
    known = prices["starts_at"].dt.date()
    if prices.is_empty() or known.min() > first or known.max() < last:  # type: ignore[operator]
        raise ValueError(
            f"the prices cover {known.min()!r} to {known.max()!r}, the replay is of {first} to {last}; "
            "choose other days"
        )
    return prices
