"""What an asset shows in the UI: row count, key figures (they become time series) and one small plot."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from ems_pipeline import settings, time_grid
from ems_pipeline.pictures.inline import inline_image
from ems_pipeline.pictures.panel import Panel
from ems_pipeline.pictures.slot_chart import SlotChart, slot_chart
from ems_pipeline.sites import Site

PLOT_BYTES = 40_000
"""A plot lives in Dagster's event log for ever; beyond this it is left out rather than stored."""

MAX_PLOT_SLOTS = 200


def told(rows: int, **figures: Any) -> dict[str, Any]:
    """Metadata of a materialisation: how many rows it has, and the figures that are known."""
    known = {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items() if v is not None}
    return {"dagster/row_count": rows, **known}


def plot(starts: Sequence[datetime], panels: Sequence[Panel], site: Site | None, alt: str) -> dg.MetadataValue | None:
    """A chart of slots as metadata; None when there is nothing to draw. Long ranges show their last slots."""
    if not starts:
        return None
    zone = time_grid.zone(site.timezone if site else "UTC")
    shown = [panel.last(MAX_PLOT_SLOTS) for panel in panels]
    return image(lambda: slot_chart(SlotChart(list(starts)[-MAX_PLOT_SLOTS:], shown, zone, alt)), alt)


def image(draw: Callable[[], str], alt: str) -> dg.MetadataValue | None:
    """A picture as metadata; None where it is too large to be kept.

    ``EMS_PLOTS=0`` draws none: nobody opens the pictures of a replay of weeks, and each stays in the event log.
    """
    if not settings.PLOTS.read():
        return None
    svg = draw()
    return dg.MetadataValue.md(inline_image(svg, alt)) if len(svg) <= PLOT_BYTES else None
