"""`ems cadence`: was every minute and quarter-hour served, once, and how late?"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console

console = Console()


def cadence(
    minutes: Annotated[int, typer.Option(help="How far back to look.", min=1, max=2880)] = 60,
) -> None:
    """Count the slots of the past hour that clock work served once, twice or not at all, and show the start lag.

    Left out are the last two minutes, whose runs may be under way, and what was before clock work began here.
    Exit code 1 when a slot was missed or served twice.
    """
    from ems_pipeline import time_grid
    from ems_pipeline.orchestration import cadence as counting
    from ems_pipeline.orchestration.instance import open_instance, prepare

    warehouse = prepare()
    end = time_grid.floor_minute(time_grid.SystemClock().now()) - 2 * time_grid.MINUTE
    with open_instance() as instance:
        start = max(end - timedelta(minutes=minutes), counting.begun_at(instance, end))
        found = counting.of(instance, warehouse, start, end)
    for one in found:
        for line in counting.lines(one):
            console.print(line, highlight=False)
    if not all(one.is_sound for one in found):
        raise typer.Exit(1)
