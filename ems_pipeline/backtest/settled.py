"""What was lived, settled as the audit settles what was measured: the same rows, added up by the same function."""

from __future__ import annotations

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.audit.baselines import no_battery, self_use
from ems_pipeline.audit.settlement import meter_cost, settle_days
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.closed_loop import Lived
from ems_pipeline.backtest.history import Record
from ems_pipeline.local_time import INSTANT
from ems_pipeline.sites import Site

DAYS = (
    "day", "slots", "cost", "import_wh", "export_wh", "consumption_wh", "pv_wh", "throughput_wh",
    "self_use_throughput_wh", "stored_change_wh", "stored_value_per_kwh", "no_battery_cost", "self_use_cost",
    "no_battery_saving", "self_use_saving",
)  # fmt: skip
"""Of a settled day, in order; what is null of it is not known."""


def settled(
    site: Site, storage: Storage, actual: Record, slots: range, lived: Lived, start_soc_pct: float
) -> pl.DataFrame:
    """A row per local day of ``slots`` with the columns `DAYS`; see `audit.settlement.settle_days`.

    ``slots`` are whole local days; the battery of every baseline begins them with the same charge.
    """
    rows = _rows(site, storage, actual, slots, lived, start_soc_pct)
    first = time_grid.local_day(actual.starts[slots.start], time_grid.zone(site.timezone))
    return settle_days(rows, site.timezone, storage).filter(pl.col("day") >= first).select(DAYS)


def _rows(
    site: Site, storage: Storage, actual: Record, slots: range, lived: Lived, start_soc_pct: float
) -> pl.DataFrame:
    """Rows of ``ems.audit_interval``, and one of the slot before, which has the charge they begin with."""
    here = slice(slots.start, slots.stop)
    buy, sell = actual.buy_per_kwh[here], actual.sell_per_kwh[here]
    deficit_w = actual.load_w[here] - actual.pv_w[here]
    rule = self_use(deficit_w, storage, start_soc_pct, site.grid.export_limit_w)
    bare_w = no_battery(deficit_w, site.grid.export_limit_w)

    def money(grid_w: Array) -> Array:
        return meter_cost(grid_w, buy, sell)

    columns: dict[str, Array] = {
        "grid_w": lived.grid_w, "load_w": actual.load_w[here], "pv_w": actual.pv_w[here],
        "battery_w": lived.battery_w, "soc_pct": lived.soc_pct,
        "self_use_battery_w": rule.battery_w, "self_use_soc_pct": rule.soc_pct, "no_battery_grid_w": bare_w,
        "buy_per_kwh": buy, "sell_per_kwh": sell,
        "cost": money(lived.grid_w), "no_battery_cost": money(bare_w), "self_use_cost": money(rule.grid_w),
    }  # fmt: skip
    frame = pl.DataFrame({"starts_at": actual.starts[here], **columns}, schema_overrides={"starts_at": INSTANT})
    frame = frame.with_columns(
        ev_w=pl.lit(0.0), heat_pump_w=pl.lit(0.0), coverage_pct=pl.lit(100.0), is_price_provisional=pl.lit(False),
        planned_cost=pl.lit(None, pl.Float64),
    )  # fmt: skip
    begun = {"soc_pct": start_soc_pct, "self_use_soc_pct": start_soc_pct}
    before = {"starts_at": actual.starts[slots.start] - time_grid.SLOT, **begun}
    eve = pl.DataFrame([before], schema={name: frame.schema[name] for name in before})
    return pl.concat([eve, frame], how="diagonal").select(frame.columns)
