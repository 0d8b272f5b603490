"""The root command and how errors are shown: one message, no traceback, exit code 1."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline import __version__, settings
from ems_pipeline.cli import (
    backfill,
    backtest,
    battery,
    cadence,
    control,
    db,
    demo,
    device,
    doctor,
    event,
    gensets,
    homeassistant,
    maintenance,
    notify,
    plan,
    planner,
    plant,
    replay,
    site,
    status,
    up,
    user,
    web,
    what_if,
    why,
)
from ems_pipeline.cli.terminal import words
from ems_pipeline.errors import EmsError

console = Console(stderr=True)


class Ems(typer.Typer):
    """The application; errors the program foresees end as one readable message."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        wants_traceback = False
        try:
            wants_traceback = settings.TRACEBACK.read()
            return super().__call__(*args, **kwargs)
        except (EmsError, ValueError, LookupError, RuntimeError, OSError) as error:
            if wants_traceback:
                raise
            console.print(words("error:", "bold red") + words(f" {error}"), soft_wrap=True)
            sys.exit(1)


app = Ems(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Energy management as a data pipeline: what did you know, what did you decide, why, did the device obey, "
    "what was it worth?",
    epilog="State lives below EMS_HOME (.ems/live). EMS_TRACEBACK=1 shows tracebacks.",
)
app.add_typer(site.app, name="site", help="List, check and add sites.")
app.add_typer(db.app, name="db", help="The database: migrate, status, start and stop the embedded server.")
app.add_typer(device.app, name="device", help="Talk to hardware: read, scan, write, watch, check a point map.")
app.add_typer(gensets.app, name="gensets", help="Generating sets: how they stand, maps, commands, locks, alarms.")
app.add_typer(battery.app, name="battery", help="Batteries of this network that answer a broadcast.")
app.add_typer(control.app, name="control", help="Arm and disarm a site, overrides, set-points.")
app.add_typer(event.app, name="event", help="Grid events: firm import limits and paid reductions.")
app.add_typer(
    maintenance.app, name="maintenance", help="Services of gensets: what is due, was done, and hours of running."
)
app.add_typer(user.app, name="user", help="Who may log in to the web process.")
app.add_typer(notify.app, name="notify", help="Tell people by their own channels.")
app.add_typer(homeassistant.app, name="homeassistant", help="Tell Home Assistant of the sites, and hear it.")
app.add_typer(backtest.app, name="backtest", help="Homes lived through again under variants: run, show, compare.")
app.add_typer(planner.app, name="planner", help="Who plans a site, who plans beside it, and who is better.")
app.add_typer(plant.app, name="plant", help="The virtual plant that `ems up` runs: what goes wrong there.")
app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("ui")(up.ui)
app.command("code-server")(up.code)
app.command("web")(web.web)
app.command("plan")(plan.plan)
app.command("replay")(replay.replay)
app.command("why")(why.why)
app.command("what-if")(what_if.what_if)
app.command("release")(control.release)
app.command("backfill")(backfill.backfill)
app.command("doctor")(doctor.doctor)
app.command("doors")(doctor.doors)
app.command("status")(status.status)
app.command("cadence")(cadence.cadence)
app.command("metrics")(doctor.metrics)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ems-pipeline {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Shared options."""
