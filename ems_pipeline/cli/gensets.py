"""`ems gensets`: generating sets from the command line."""

from __future__ import annotations

import typer

from ems_pipeline.cli import genset_alarms

app = typer.Typer(no_args_is_help=True)
app.add_typer(genset_alarms.app, name="alarms", help="Alarms of generating sets: list, journal, report, acknowledge.")
