"""How every forecast asset goes about it: each day as known at its decision, a site's days in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.orchestration import per_site
from ems_pipeline.orchestration.figures import materialized, plot
from ems_pipeline.orchestration.partitions import SiteWindow, decided_at
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.sites import Site
from ems_pipeline.units import kilo, slot_energy_wh
from ems_pipeline.warehouse import DatabaseUnavailable, forecasts
from ems_pipeline.warehouse.situation import InputsMissing

Make = Callable[[datetime, datetime, datetime], pl.DataFrame]
"""From the first and last bound of the slots wanted and the instant the forecast counts as made, to the forecast."""


def _wanted(window: SiteWindow, now: datetime) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Day by day: each past day has a decision instant of its own; today is forecast from the running slot on."""
    for day in window.days:
        start, end = time_grid.day_bounds(day, window.zone)
        at = decided_at(day, window.site, now)
        yield max(start, time_grid.floor_slot(at)), end, at


def forecast_asset(
    context: dg.AssetExecutionContext,
    ems: Platform,
    table: forecasts.Table,
    windows: Sequence[SiteWindow],
    maker: Callable[[Any, SiteWindow], Make],
) -> tuple[int, pl.DataFrame, Site | None]:
    """Make and store the forecast of each wanted day; all days of a site in one transaction.

    ``maker`` reads what the days of a site share, and returns what makes one of them.

    Raises:
        dg.Failure: no site could be forecast.
    """
    rows, shown, site, served, faults = 0, pl.DataFrame(), None, [], {}
    for window in windows:
        try:
            with ems.warehouse.begin() as connection:
                make = maker(connection, window)
                made = [(make(start, end, at), at) for start, end, at in _wanted(window, ems.clock.now())]
                frames = [frame.with_columns(known_at=pl.lit(at)) for frame, at in made if frame.height]
                if frames:
                    # A car that stays over midnight is expected on both days of one decision.
                    issued = pl.concat(frames, how="vertical_relaxed").unique(maintain_order=True)
                    rows += forecasts.issue(connection, table, window.site.key, issued)
                    shown, site = frames[-1], window.site
            served.append(window.site.key)
        except DatabaseUnavailable:
            raise
        except Exception as fault:
            faults[window.site.key] = per_site.told(fault)
    is_live = any(window.end > ems.clock.now() for window in windows)
    per_site.settle(context, ems, f"unforecast:{table}", served, faults, is_live)
    return rows, shown, site


def each(make: Callable[[Any, Site, datetime, datetime, datetime], pl.DataFrame]) -> Callable[[Any, SiteWindow], Make]:
    """A maker for days that share nothing worth reading once."""
    return lambda connection, window: partial(make, connection, window.site)


def power_result(rows: int, shown: pl.DataFrame, site: Site | None, name: str) -> dg.MaterializeResult:
    if shown.is_empty():
        return materialized(rows)
    series = {name: kilo(shown["power_w"]).to_list()}
    if "p10_w" in shown.columns:
        series |= {"p10": kilo(shown["p10_w"]).to_list(), "p90": kilo(shown["p90_w"]).to_list()}
    picture = plot(shown["starts_at"].to_list(), {"power [kW]": series}, site, name)
    return materialized(rows, picture, energy_kwh=float(kilo(slot_energy_wh(shown["power_w"])).sum()))


def require_whole(frame: pl.DataFrame, start: datetime, end: datetime, site: Site, at: datetime) -> None:
    """A forecast over part of a day would be taken for a dark or mild rest of it.

    Raises:
        InputsMissing: with both numbers.
    """
    wanted = time_grid.count_slots(start, end)
    if frame.height < wanted:
        raise InputsMissing(
            f"weather of {site.key} from {start} is known for {frame.height} of {wanted} slots as of {at}; "
            "materialise weather_forecast for these days first"
        )
