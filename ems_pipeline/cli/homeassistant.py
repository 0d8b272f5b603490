"""`ems homeassistant`: the process that tells Home Assistant of the sites, by MQTT."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

from ems_pipeline import settings
from ems_pipeline.cli.terminal import words
from ems_pipeline.cli.up import Home, use
from ems_pipeline.warehouse import local

app = typer.Typer(no_args_is_help=True)
console = Console()


@app.command()
def run(home: Home = None) -> None:
    """Tell Home Assistant of the sites, and take its wishes; `ems up` does it where EMS_MQTT_HOST names a broker."""
    use(home)
    settings.HOME.hand_over(str(local.home()))  # where the process says how it does
    program = [sys.executable, "-m", "ems_pipeline.homeassistant.serve"]
    os.execv(program[0], program)


@app.command()
def forget() -> None:
    """Take every entity of ours away from Home Assistant, whatever wrote it; `run` brings them back."""
    from ems_pipeline.homeassistant import serve

    gone = serve.forget()
    console.print(words(f"{gone} entities were taken away"))
