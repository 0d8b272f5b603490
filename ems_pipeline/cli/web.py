"""`ems web`: the HTTP API in a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ems_pipeline import settings
from ems_pipeline.cli.up import Home, use
from ems_pipeline.sites.wiring import LOOPBACK
from ems_pipeline.warehouse import local

RETURNED = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_ARENA_MAX": "2"}
"""Of glibc: the 19 MiB that a password takes to check are the system's again afterwards."""
Pem = Path | None


def web(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine only behind a proxy with TLS.")
    ] = "127.0.0.1",
    tls_cert: Annotated[Pem, typer.Option(help="Certificate chain (PEM).", exists=True, dir_okay=False)] = None,
    tls_key: Annotated[Pem, typer.Option(help="Its key (PEM).", exists=True, dir_okay=False)] = None,
    behind_tls: Annotated[
        bool, typer.Option("--behind-tls", help="TLS is done by what stands in front of it.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option(help="Stand still at this instant (2026-03-01T12:00:00Z): a look at what a demo left."),
    ] = None,
    home: Home = None,
) -> None:
    """Serve the pages and the HTTP API. It waits for the database, asks the pipeline for work, reaches no device."""
    if host not in LOOPBACK and not behind_tls and not (tls_cert and tls_key):
        raise typer.BadParameter(
            f"{host} is heard beyond this machine, and passwords would go there in the clear: keep 127.0.0.1 and put "
            "a proxy with TLS or a tunnel in front, name --tls-cert and --tls-key, or say --behind-tls where something "
            "in front of it does that (docs/operations.md)"
        )
    use(home)
    if at is not None:
        settings.WEB_AT.hand_over(at)
        settings.WEB_AT.read()
    # The home is named in its environment, where `ems doors` finds it.
    tls = [str(tls_cert), str(tls_key)] if tls_cert and tls_key else []
    program = [sys.executable, "-m", "ems_pipeline.web.serve", host, str(port), *tls]
    os.execve(program[0], program, RETURNED | os.environ | {"EMS_HOME": str(local.home())})
