"""`ems cadence`: was every minute and quarter-hour served, once, and how late?"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.terminal import words

console = Console()


def cadence(
    minutes: Annotated[int, typer.Option(help="How far back to look.", min=1, max=2880)] = 60,
) -> None:
    """Count the slots of the past hour that clock work served once, twice or not at all, and show the start lag.

    Left out are the last two minutes, whose runs may be under way, and what was before clock work began here.
    Exit code 1 when a slot was missed or served twice.
    """
    from ems_pipeline.orchestration.installation import cadence as counting
    from ems_pipeline.orchestration.machinery.instance import open_instance, prepare
    from ems_pipeline.time_grid import SystemClock, floor_minute

    warehouse = prepare()
    with open_instance() as instance:
        found = counting.lately(instance, warehouse, floor_minute(SystemClock().now()), timedelta(minutes=minutes))
    for one in found:
        for line in counting.lines(one):
            console.print(words(line))
    if not all(one.is_sound for one in found):
        raise typer.Exit(1)
