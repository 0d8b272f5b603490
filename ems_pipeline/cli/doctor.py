"""`ems doctor`, `ems doors` and `ems metrics`: what is wrong here, what is open, how things stand in figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.terminal import Rows, words

if TYPE_CHECKING:
    from ems_pipeline.cli.checkup import Check

console = Console()
MARKS = {"good": "green", "warning": "yellow", "wrong": "red"}


def doctor(
    definitions_only: Annotated[
        bool, typer.Option("--definitions-only", help="Only check that the code location and the site files load.")
    ] = False,
) -> None:
    """Check what newcomers get wrong: zone, units, signs, clock, history, bus conflicts. Each finding has a remedy."""
    from ems_pipeline.cli import checkup
    from ems_pipeline.cli.reach import from_outside

    checks = checkup.WITHOUT_DATABASE if definitions_only else (*checkup.ALL, from_outside)
    if _shown(checks) == "wrong":
        raise typer.Exit(1)


def doors() -> None:
    """What listens here and who can connect, who may log in to the database, which files others may read.

    Of the installation in EMS_HOME as it runs now. Exit code 1 when anything is open wider than it should be.
    """
    from ems_pipeline.cli import doors as opened

    if _shown(opened.ALL) != "good":
        raise typer.Exit(1)


def _shown(checks: Iterable[Check]) -> str:
    """Print what they find; the worst level."""
    from ems_pipeline.cli import checkup

    worst = "good"
    table = Rows("", "what", "found", show_lines=False)
    for check in checks:
        for finding in checkup.run(check):
            table.add_row(words(finding.level, MARKS[finding.level]), finding.what, finding.text)
            worst = max(worst, finding.level, key=list(MARKS).index)
    console.print(table)
    return worst


def metrics() -> None:
    """How things stand in Prometheus' text format; `ems up` serves the same at http://127.0.0.1:9464/metrics."""
    from ems_pipeline.orchestration.installation import metrics as figures
    from ems_pipeline.orchestration.machinery.instance import open_instance
    from ems_pipeline.steps.platform import Platform
    from ems_pipeline.steps.site_folder import read_sites
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse

    platform = Platform(open_warehouse(), SystemClock(), read_sites)
    with open_instance() as instance:
        typer.echo(figures.text(platform, instance), nl=False)
