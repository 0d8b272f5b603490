"""Settlement: quarter-hours filled, baselines beside them, days on top."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.audit import gensets
from ems_pipeline.audit.baselines import no_battery, self_use
from ems_pipeline.audit.gensets import Ran, SetCost
from ems_pipeline.audit.settlement import settle_days
from ems_pipeline.audit.storage import Storage
from ems_pipeline.local_time import INSTANT
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import audits, telemetry
from ems_pipeline.warehouse.engine import Connection

MEASURED = ("genset_power_w", "genset_run_hours", "genset_gas_m3")
COLUMNS = ("mean_value", "last_value", "last_value")
"""Of a set's quarter-hour: mean power, and its counters at the end."""
BASELINE_MEMORY = timedelta(days=1)
"""After a longer silence the self-use battery starts again from the measured charge instead of its own."""


def settle_slots(connection: Connection, site: Site, start: datetime, end: datetime, as_known_at: datetime) -> int:
    """Settle the slots of ``[start, end)``: plan, command, measurement, price, costs and baselines.

    The self-use battery continues from its own charge at the slot before; days are therefore settled in order. Filling
    again changes only what says something else now (``revision`` counts corrections of a settled slot).

    Args:
        as_known_at: prices and plans known later are not used; telemetry is what is stored now.

    Returns:
        Slots that are new or different.
    """
    changed = audits.fill(connection, site.key, start, end, as_known_at)
    audits.put_baselines(connection, site.key, _baselines(connection, site, start, end))
    if site.gensets:
        audits.put_gensets(connection, site.key, _gensets(connection, site, start, end))
    return changed


def _baselines(connection: Connection, site: Site, start: datetime, end: datetime) -> pl.DataFrame:
    """Grid power of both baselines over the measured slots of a window, null where nothing was measured."""
    measured = audits.slots(connection, site.key, start, end)
    deficit = measured.select(
        (pl.col("load_w") + pl.col("ev_w") + pl.col("heat_pump_w") - pl.col("pv_w") - pl.col("genset_w")).cast(
            pl.Float64
        )
    ).to_series()
    wanted_w = deficit.fill_null(float("nan")).to_numpy()
    limit_w = site.grid.export_limit_w
    columns = {"no_battery_grid_w": no_battery(wanted_w, limit_w)}
    storage = Storage.of(site.batteries)
    soc_pct = None if storage is None else _charge_before(connection, site.key, start, measured)
    if storage is None:
        idle = np.where(np.isnan(wanted_w), np.nan, 0.0)
        columns |= {"self_use_grid_w": columns["no_battery_grid_w"], "self_use_battery_w": idle}
    elif soc_pct is not None:
        course = self_use(wanted_w, storage, soc_pct, limit_w)
        columns |= {"self_use_grid_w": course.grid_w, "self_use_battery_w": course.battery_w}
        columns["self_use_soc_pct"] = course.soc_pct
    names = ("no_battery_grid_w", "self_use_grid_w", "self_use_battery_w", "self_use_soc_pct")
    unknown = np.full(len(wanted_w), np.nan)
    values = {name: columns.get(name, unknown) for name in names}
    return measured.select("site_key", "starts_at").with_columns(
        **{name: pl.Series(column, dtype=pl.Float64).fill_nan(None) for name, column in values.items()}
    )


def _gensets(connection: Connection, site: Site, start: datetime, end: datetime) -> pl.DataFrame:
    """What the sets of a site cost per slot, added up, and the grid's power without them; null where not measured."""
    measured, zone = audits.slots(connection, site.key, start, end), time_grid.zone(site.timezone)
    starts = measured["starts_at"].to_list()
    days = [time_grid.local_day(at, zone) for at in starts]
    points = telemetry.device_15m(connection, [site.key], MEASURED, start - SLOT, end)
    costs = [SetCost.of(genset, _ran(points, genset.device, [start - SLOT, *starts]), days) for genset in site.gensets]
    known = {
        "genset_fuel_cost": np.sum([cost.fuel for cost in costs], axis=0),
        "genset_start_cost": np.sum([cost.start for cost in costs], axis=0),
        "genset_service_cost": np.sum([cost.service for cost in costs], axis=0),
        "genset_co2_kg": np.sum([cost.co2_kg for cost in costs], axis=0),
    }
    return measured.select("site_key", "starts_at").with_columns(
        genset_sets=pl.lit(len(costs), dtype=pl.Int32),
        no_genset_grid_w=measured["grid_w"] + measured["genset_w"],
        **{name: pl.Series(values, dtype=pl.Float64).fill_nan(None) for name, values in known.items()},
    )


def _ran(points: pl.DataFrame, device: str | None, starts: list[datetime]) -> Ran:
    """The measured quarter-hours of a set; NaN where one was not measured."""
    mine = points.filter(pl.col("device_key") == (device or ""))

    def series(quantity: str, column: str) -> Array:
        rows = mine.filter(pl.col("quantity") == quantity).select("starts_at", column).iter_rows()
        values = {at: value for at, value in rows if value is not None}
        return np.array([values.get(at, np.nan) for at in starts], dtype=float)

    return Ran(*(series(quantity, column) for quantity, column in zip(MEASURED, COLUMNS, strict=True)))


def _charge_before(connection: Connection, site_key: str, start: datetime, measured: pl.DataFrame) -> float | None:
    """Charge the self-use battery begins with: its own at the slot before, else the one first measured."""
    before = audits.self_use_charge(connection, site_key, start, BASELINE_MEMORY)
    known = measured["soc_pct"].drop_nulls()
    return before if before is not None or known.is_empty() else float(known[0])


def settle_day(
    connection: Connection, site: Site, start: datetime, end: datetime, as_known_at: datetime
) -> pl.DataFrame:
    """Add up the settled slots of ``[start, end)``, whole local days, and store a row per day.

    Returns:
        The days as in `settle_days`, empty when no slot was filled.
    """
    frame = audits.slots(connection, site.key, start - SLOT, end)
    days = settle_days(frame, site.timezone, Storage.of(site.batteries))
    if site.gensets:
        sets = gensets.settle_days(frame, site.timezone, site.grid.import_limit_w)
        days = days.join(sets, on="day", how="left", maintain_order="left")
    days = days.filter(pl.col("day") >= time_grid.local_day(start, time_grid.zone(site.timezone)))
    labelled = days.with_columns(
        site_key=pl.lit(site.key),
        currency=pl.lit(site.currency),
        known_at=pl.lit(as_known_at).cast(INSTANT),
    )
    if labelled.is_empty():
        return days
    audits.put_days(connection, labelled)
    return days
