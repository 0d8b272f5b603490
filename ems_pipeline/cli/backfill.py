"""`ems backfill`: fill a range of days of any assets, as known at each decision time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.progress import steps
from ems_pipeline.cli.terminal import words

console = Console()
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Local civil day, YYYY-MM-DD.")]


def backfill(
    first: Day,
    last: Day,
    assets: Annotated[list[str] | None, typer.Argument(help="Assets to fill; all input assets by default.")] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="Only this site (repeatable); all active ones by default.")
    ] = None,
    days_per_run: Annotated[int, typer.Option(help="Days one run fills.", min=1, max=400)] = 31,
) -> None:
    """Materialise days FIRST to LAST, inputs before what is made of them, in as few runs as possible.

    Past days are decided on what was known then: prices and forecasts of a day count as known from the day before.
    Doing it again changes nothing. The same works from the Dagster UI.
    """
    from ems_pipeline.orchestration.installation.history import INPUTS
    from ems_pipeline.orchestration.machinery.in_process import InProcess
    from ems_pipeline.orchestration.machinery.instance import open_instance, prepare
    from ems_pipeline.steps.platform import Platform
    from ems_pipeline.steps.registration import follow_files
    from ems_pipeline.steps.site_folder import read_sites
    from ems_pipeline.time_grid import SystemClock

    if last < first:
        raise ValueError(f"--last {last:%Y-%m-%d} lies before --first {first:%Y-%m-%d}; swap them")
    platform = Platform(prepare(), SystemClock(), read_sites)
    for fault in follow_files(platform).faults:
        console.print(words(f"left out: {fault}"))
    with open_instance() as instance:
        runs = InProcess(platform, instance, first.date())
        keys = [s.key for s in platform.sites()]
        if unknown := set(site or []) - set(keys):
            raise LookupError(f"{sorted(unknown)}: no active site is called so; active are {keys}")
        runs.register(keys)
        wanted = list(runs.steps(assets or INPUTS, site or keys, first.date(), last.date(), days_per_run))
        with steps(console) as on_step:
            for done, step in enumerate(wanted):
                on_step(str(step), done, len(wanted))
                runs.asset(step)
            on_step("done", len(wanted), len(wanted))
    console.print(words(f"{len(wanted)} runs done; look at them in the UI (`ems ui`)"))
