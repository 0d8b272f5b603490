"""`ems web`: the HTTP API in a process of its own."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from ems_pipeline.cli.up import Home, use
from ems_pipeline.warehouse import local

RETURNED = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_ARENA_MAX": "2"}
"""Of glibc: the 19 MiB that a password takes to check are the system's again afterwards."""


def web(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine only behind a proxy with TLS.")
    ] = "127.0.0.1",
    home: Home = None,
) -> None:
    """Serve the HTTP API. It waits for the database, asks the pipeline for work, and never talks to a device."""
    use(home)
    # The home is named in its environment, where `ems doors` finds it.
    program = [sys.executable, "-m", "ems_pipeline.web.serve", host, str(port)]
    os.execve(program[0], program, RETURNED | os.environ | {"EMS_HOME": str(local.home())})
