"""The site's own logger: quarter-hours of what every device said, as a site brings them along from before we came."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.devices.points import growth
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.quantities import QUANTITIES
from ems_pipeline.local_time import INSTANT
from ems_pipeline.plant.instruments import Part, parts_with
from ems_pipeline.plant.world import World

STATES = frozenset(
    {
        "battery_soc_pct",
        "ev_status",
        "session_energy_wh",
        "session_duration_s",
        *(q for q in QUANTITIES if q.endswith("_wh")),
    }
)
"""Logged as they stand at the end of a quarter-hour; everything else as its mean."""
NOT_LOGGED = frozenset({"heat_pump_mode", "flow_setpoint_c", "dhw_setpoint_c", "ev_current_limit_a"})
COLUMNS = ("device_key", "quantity", "unit", "starts_at", "value")


class Logger:
    """Samples the world each minute; attach it with ``world.on_minute = logger``."""

    def __init__(self, world: World) -> None:
        self._points: list[tuple[str, str]] = []
        self._parts: list[tuple[Part, str, list[str]]] = []
        for device in world.site.devices:
            point_map = growth.named(load_map(device.map), device.options)
            wanted = {p.quantity for p in point_map.points if p.quantity} | set(point_map.derived)
            for part in parts_with(world, device.key, wanted - NOT_LOGGED):
                names = [n for n in part(world, device.key) if n in wanted - NOT_LOGGED]
                self._parts.append((part, device.key, names))
                self._points += [(device.key, n) for n in names]
        self._rows: list[tuple[datetime, list[float]]] = []

    def __call__(self, world: World) -> None:
        row: list[float] = []
        for part, device, names in self._parts:
            said = part(world, device)
            row += [said[n] for n in names]
        self._rows.append((world.at, row))

    def frame(self, start: datetime, end: datetime) -> pl.DataFrame:
        """``[device_key, quantity, unit, starts_at, value]`` of the whole quarter-hours in ``[start, end)``."""
        names = [f"{d}|{q}" for d, q in self._points]
        samples = pl.DataFrame(
            [values for _, values in self._rows], schema=dict.fromkeys(names, pl.Float64), orient="row"
        ).with_columns(at=pl.Series([at for at, _ in self._rows], dtype=INSTANT))
        states = [n for n in names if n.split("|")[1] in STATES]
        means = [n for n in names if n not in states]
        # a minute's sample is taken at its start: the state at a slot's end is the first sample of the next slot
        ended = samples.select((pl.col("at") - time_grid.MINUTE).alias("at"), *states)
        slot = pl.col("at").dt.truncate("15m").alias("starts_at")
        table = (
            samples.group_by(slot)
            .agg(*(pl.col(n).mean() for n in means))
            .join(ended.group_by(slot).agg(*(pl.col(n).last() for n in states)), on="starts_at", how="inner")
            .filter(pl.col("starts_at") >= start, pl.col("starts_at") + time_grid.SLOT <= end)
        )
        long = table.unpivot(index="starts_at", variable_name="point").drop_nulls("value")
        units = {name: unit.unit for name, unit in QUANTITIES.items()}
        return (
            long.with_columns(pl.col("point").str.split("|"))
            .with_columns(device_key=pl.col("point").list.get(0), quantity=pl.col("point").list.get(1))
            .with_columns(unit=pl.col("quantity").replace_strict(units, return_dtype=pl.String))
            .select(COLUMNS)
            .sort("starts_at", "device_key", "quantity")
        )
