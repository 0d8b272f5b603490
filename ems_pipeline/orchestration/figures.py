"""What an asset shows in the UI: row count, key figures (they become time series) and one small plot."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from ems_pipeline import settings, time_grid
from ems_pipeline.report import charts
from ems_pipeline.sites import Site

PLOT_BYTES = 40_000
"""A plot lives in Dagster's event log for ever; beyond this it is left out rather than stored."""

MAX_PLOT_SLOTS = 200


def told(rows: int, **figures: Any) -> dict[str, Any]:
    """Metadata of a materialisation: how many rows it has, and the figures that are known."""
    known = {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items() if v is not None}
    return {"dagster/row_count": rows, **known}


def plot(
    starts: Sequence[datetime], panels: Mapping[str, Mapping[str, charts.Values]], site: Site | None, alt: str
) -> dg.MetadataValue | None:
    """A chart as metadata; None when there is nothing to draw. Long ranges show their last slots.

    ``EMS_PLOTS=0`` draws none: in a replay of weeks the pictures nobody opens are a tenth of the time.
    """
    if not starts or not settings.PLOTS.read():
        return None
    zone = time_grid.zone(site.timezone if site else "UTC")
    tail = slice(-MAX_PLOT_SLOTS, None)
    shown = {label: {name: list(values)[tail] for name, values in series.items()} for label, series in panels.items()}
    svg = charts.slot_chart(list(starts)[tail], shown, zone)
    return dg.MetadataValue.md(charts.inline_image(svg, alt)) if len(svg) <= PLOT_BYTES else None
