"""How every forecast asset goes about it: each day as known at its decision, a site's days in one transaction."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.orchestration.figures import plot
from ems_pipeline.orchestration.ledger import Ledger
from ems_pipeline.orchestration.partitions import windows
from ems_pipeline.pictures.panel import Band, Panel, steps
from ems_pipeline.sites import Site
from ems_pipeline.steps.forecasting import Make
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow, decided_at
from ems_pipeline.units import kilo, slot_energy_wh
from ems_pipeline.warehouse import forecasts

Figures = dict[str, Any]
"""Keyword arguments of `Ledger.made`."""
HINDSIGHT: Figures = {"hindsight": "made afterwards: it counts where nothing was forecast then, and nowhere else"}


def _wanted(window: SiteWindow, now: datetime) -> Iterator[tuple[date, datetime, datetime, datetime]]:
    """Day by day: each past day has a decision instant of its own; today is forecast from the running slot on."""
    for day in window.days:
        start, end = time_grid.day_bounds(day, window.zone)
        at = decided_at(day, window.site, now)
        yield day, max(start, time_grid.floor_slot(at)), end, at


def forecast_asset(
    context: dg.AssetExecutionContext,
    ems: Platform,
    table: forecasts.Table,
    maker: Callable[[Any, SiteWindow], Make],
    shown: Callable[[pl.DataFrame, Site], Figures],
) -> dg.MaterializeResult:
    """Make and store the forecast of each wanted day; a day that cannot be made costs no other.

    Args:
        maker: reads what the days of a site share, and returns what makes one of them.
        shown: figures and picture of a day's forecast, as of `Ledger.made`.

    Raises:
        dg.Failure: see `Ledger.close`.
    """
    wanted, now = windows(context, ems), ems.clock.now()
    ledger = Ledger(context, ems, wanted, f"unforecast:{table}")
    for window in wanted:
        with ledger.each(window.site, *window.days), ems.warehouse.begin() as connection:
            make = maker(connection, window)
            for day, start, end, at in _wanted(window, now):
                with ledger.each(window.site, day), ems.warehouse.savepoint(connection):
                    frame = make(start, end, at)
                    if frame.height:
                        issued = frame.with_columns(known_at=pl.lit(at))
                        forecasts.issue(connection, table, window.site.key, issued, recorded_at=now)
                        late = HINDSIGHT if at < now else {}
                        ledger.made(window.site, day, frame.height, **shown(frame, window.site), **late)
                    else:
                        ledger.made(
                            window.site, day, 0, nothing="the site has nothing of the kind, or nothing is expected"
                        )
    return ledger.close()


def power_shown(frame: pl.DataFrame, site: Site, name: str) -> Figures:
    """Energy of a day's power, and its course with the band; several assets are added up."""
    bands = [column for column in ("p10_w", "p90_w") if column in frame.columns]
    total = frame.group_by("starts_at", maintain_order=True).agg(pl.col("power_w", *bands).sum())
    low, high = (kilo(total[band]).to_list() for band in bands) if len(bands) == 2 else ((), ())
    band = [Band("p10 to p90", low, high, colour=name)] if bands else []
    panel = Panel("power", "kW", steps({name: kilo(total["power_w"]).to_list()}), band)

    def picture() -> dg.MetadataValue | None:
        return plot(total["starts_at"].to_list(), [panel], site, name)

    return {"energy_kwh": float(kilo(slot_energy_wh(total["power_w"])).sum()), "picture": picture}
