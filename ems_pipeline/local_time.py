"""Civil time of whole columns, by the zones of `time_grid` and by nothing else.

polars and PostgreSQL bring tables of zones of their own, of other releases: three authorities answer "which day was
that?" differently wherever a country has just changed its mind. Here the offsets come from `time_grid.offsets`, and the
database's (`ems.zone_offset`) come from there as well.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ems_pipeline import time_grid

INSTANT = pl.Datetime("us", "UTC")
"""Type of every column of instants."""
WALL = pl.Datetime("us")
"""What a clock on the wall shows: without a zone."""


def wall(at: pl.Expr, site_zone: ZoneInfo) -> pl.Expr:
    """What the clock on the wall showed at each instant of a UTC column; null stays null."""
    return at.map_batches(lambda column: _wall(column, site_zone), return_dtype=WALL, is_elementwise=True)


def day(at: pl.Expr, site_zone: ZoneInfo) -> pl.Expr:
    """The civil day of each instant of a UTC column."""
    return wall(at, site_zone).dt.date()


def _wall(column: pl.Series, site_zone: ZoneInfo) -> pl.Series:
    instants = column.cast(INSTANT)
    first, last = instants.min(), instants.max()
    if first is None or last is None:
        return instants.cast(WALL)
    offsets = time_grid.offsets(first, last, site_zone)  # type: ignore[arg-type]
    steps = pl.Series([since for since, _ in offsets]).cast(instants.dtype).to_physical().to_numpy()
    shifts = np.array([shift // time_grid.MICROSECOND for _, shift in offsets])
    stamps = instants.to_physical()
    place = np.searchsorted(steps, stamps.fill_null(steps[0]).to_numpy(), side="right") - 1
    return (stamps + pl.Series(shifts[place])).cast(WALL).alias(column.name)
