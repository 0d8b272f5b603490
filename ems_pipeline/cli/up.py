"""`ems up` and `ems ui`: the installation on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline import settings
from ems_pipeline.cli.terminal import words

console = Console()
Home = Annotated[Path | None, typer.Option("--home", help="Folder of local state instead of EMS_HOME, e.g. .ems/demo.")]
CodeServer = Annotated[
    str | None,
    typer.Option(help="HOST:PORT of a code server that runs already (`ems code-server`), instead of one of its own."),
]
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
    web_port: Annotated[int, typer.Option(help="Port of the HTTP API on this machine.", min=1, max=65535)] = 8000,
    with_web: Annotated[bool, typer.Option("--web/--no-web", help="Serve the HTTP API too.")] = True,
    with_notices: Annotated[
        bool, typer.Option("--notices/--no-notices", help="Tell people by their own channels, where a way is set up.")
    ] = True,
    history_days: Annotated[int, typer.Option(help="Days of history the virtual plant begins with.", min=0)] = 7,
    metrics_port: Annotated[int, typer.Option(help="Port for Prometheus; 0: none.", min=0, max=65535)] = 9464,
    metrics_host: Annotated[
        str, typer.Option(help="Address for Prometheus. It has no login: keep it on this machine.")
    ] = "127.0.0.1",
    log: Annotated[
        Path | None, typer.Option(help="File for what the services say; `-`: stderr, where systemd or Docker keep it.")
    ] = None,
    code_server: CodeServer = None,
    home: Home = None,
) -> None:
    """Run everything: database, Dagster daemon, web UI, HTTP API, virtual plant for the demo site. Ctrl-C stops it.

    Stopping hands every device that was steered back to its own safe mode.
    """
    from ems_pipeline.orchestration.installation import up as installation
    from ems_pipeline.warehouse import local

    use(home)
    installation.serve(
        port if with_ui else None,
        plant,
        history_days,
        lambda text: console.print(words(text)),
        (metrics_host, metrics_port) if metrics_port else None,
        None if log == Path("-") else log or local.home() / "services.log",
        _host_and_port(code_server),
        web_port if with_web else None,
        with_notices,
    )


def ui(
    port: Port = 3000,
    host: Annotated[
        str, typer.Option(help="Address to listen on. The UI has no login: keep it on this machine or behind a proxy.")
    ] = "127.0.0.1",
    code_server: CodeServer = None,
    path: Annotated[str, typer.Option(help="Path at which a proxy shows it, such as /dagster.")] = "",
    home: Home = None,
) -> None:
    """Only the web UI, e.g. to look at what the demo did: `ems ui --home .ems/demo`."""
    from ems_pipeline.orchestration.installation import up as installation

    use(home)
    console.print(words(f"http://{host}:{port}{path}  (Ctrl-C ends it)"))
    installation.serve_ui(host, port, _host_and_port(code_server), path)


def code(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 4000,
    host: Annotated[
        str, typer.Option(help="Address to listen on. It runs code for whoever asks: only daemon and UI may reach it.")
    ] = "127.0.0.1",
    home: Home = None,
) -> None:
    """Only the code server, for a daemon and a web UI that run elsewhere."""
    from ems_pipeline.orchestration.installation import up as installation

    use(home)
    installation.serve_code(host, port)


def _host_and_port(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"--code-server {text!r} is not HOST:PORT; write e.g. --code-server code:4000")
    return host, int(port)


def use(home: Path | None) -> None:
    """Work in a home that can be worked in; what cannot is refused before anything is promised."""
    from ems_pipeline.warehouse.local import prepare_home

    if home is not None:
        settings.HOME.hand_over(str(home.resolve()))
    prepare_home()
