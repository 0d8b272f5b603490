"""`ems up` and `ems ui`: the installation live on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console()
Home = Annotated[Path | None, typer.Option("--home", help="Folder of local state instead of EMS_HOME, e.g. .ems/demo.")]
Port = Annotated[int, typer.Option(help="Port of the web UI on this machine.", min=1, max=65535)]


def up(
    port: Port = 3000,
    plant: Annotated[
        bool | None,
        typer.Option(
            "--plant/--no-plant", help="Run the virtual plant; by default where every gateway is this machine."
        ),
    ] = None,
    with_ui: Annotated[bool, typer.Option("--ui/--no-ui", help="Serve the web UI too.")] = True,
    history_days: Annotated[int, typer.Option(help="Days of history the virtual plant begins with.", min=0)] = 7,
    metrics_port: Annotated[int, typer.Option(help="Port for Prometheus; 0: none.", min=0, max=65535)] = 9464,
    metrics_host: Annotated[
        str, typer.Option(help="Address for Prometheus. It has no login: keep it on this machine.")
    ] = "127.0.0.1",
    log: Annotated[
        Path | None, typer.Option(help="File for what the services say; `-`: stderr, where systemd or Docker keep it.")
    ] = None,
    home: Home = None,
) -> None:
    """Run everything: database, Dagster daemon and web UI, and the virtual plant for the demo site. Ctrl-C stops it.

    Stopping hands every device that was steered back to its own safe mode.
    """
    from ems_pipeline.orchestration import live

    _use(home)
    if with_ui:
        console.print(f"starting; the UI will be at http://127.0.0.1:{port}", highlight=False)
    live.serve(
        port if with_ui else None,
        plant,
        history_days,
        lambda text: console.print(text, highlight=False),
        (metrics_host, metrics_port) if metrics_port else None,
        None if log == Path("-") else log or live.home() / "services.log",
    )


def ui(
    port: Port = 3000,
    host: Annotated[
        str, typer.Option(help="Address to listen on. The UI has no login: keep it on this machine or behind a proxy.")
    ] = "127.0.0.1",
    home: Home = None,
) -> None:
    """Only the web UI, e.g. to look at what the demo did: `ems ui --home .ems/demo`."""
    from ems_pipeline.orchestration import live

    _use(home)
    console.print(f"http://{host}:{port}  (Ctrl-C ends it)", highlight=False)
    live.serve_ui(host, port)


def _use(home: Path | None) -> None:
    import os

    if home is not None:
        os.environ["EMS_HOME"] = str(home.resolve())
