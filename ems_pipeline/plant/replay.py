"""Measured quarter-hours played by the plant instead of its own house and roof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.local_time import INSTANT


@dataclass(frozen=True)
class Replay:
    """What was measured at a real site.

    Args:
        measured: ``starts_at`` (UTC, on the quarter-hour), ``load_w`` (house without planned devices), ``pv_w`` (what
            the roof could give). Absent slots and nulls are gaps: there the plant's own day plays on.
        prices: ``starts_at``, ``price_eur_per_mwh``: what the twins of the price documents publish; None: synthetic.

    Raises:
        ValueError: a column is missing, a slot is off the grid or given twice.
    """

    measured: pl.DataFrame
    prices: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        _checked(self.measured, ("load_w", "pv_w"), "measured")
        if self.prices is not None:
            _checked(self.prices, ("price_eur_per_mwh",), "prices")

    def load_over(self, start: datetime, synthetic: Array) -> Array:
        """Load per minute of the UTC day from ``start``: measured where there is any."""
        return _over(synthetic, self._minutes("load_w", start, len(synthetic)))

    def pv_over(self, start: datetime, synthetic: dict[str, Array], peak_w: dict[str, float]) -> dict[str, Array]:
        """PV per minute and array; the measured total is shared out by peak power."""
        if not synthetic:
            return synthetic
        measured = self._minutes("pv_w", start, len(next(iter(synthetic.values()))))
        total = sum(peak_w.values())
        return {key: _over(values, measured * (peak_w[key] / total)) for key, values in synthetic.items()}

    def _minutes(self, column: str, start: datetime, count: int) -> Array:
        starts = time_grid.slots(start, start + timedelta(minutes=count))
        grid = pl.DataFrame({"starts_at": pl.Series(starts, dtype=INSTANT)})
        values = grid.join(self.measured.select(pl.col("starts_at").cast(INSTANT), column), on="starts_at", how="left")
        quarters = values.sort("starts_at")[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return np.repeat(quarters, 15)


def _over(below: Array, above: Array) -> Array:
    return np.where(np.isnan(above), below, above)


def _checked(frame: pl.DataFrame, columns: tuple[str, ...], name: str) -> None:
    missing = {"starts_at", *columns} - set(frame.columns)
    if missing:
        raise ValueError(f"replay.{name} has columns {frame.columns} and lacks {sorted(missing)}; add them")
    starts = frame["starts_at"]
    if starts.n_unique() != len(starts):
        raise ValueError(f"replay.{name} has a slot twice; keep one row per quarter-hour")
    if any(not time_grid.is_slot(at) for at in starts.head(200)):
        raise ValueError(f"replay.{name} has starts_at off the quarter-hour; floor it to the slot and name it by start")
