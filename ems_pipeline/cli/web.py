"""`ems web`: the HTTP API in a process of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

HIGHEST_MESSAGE = 64 * 1024
"""Bytes of a message over a WebSocket."""
POLITENESS = 5
"""Of nice(2): where the processor is short, clients wait and the house does not."""


def web(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine only behind a proxy with TLS.")
    ] = "127.0.0.1",
    home: Annotated[Path | None, typer.Option("--home", help="Folder of local state instead of EMS_HOME.")] = None,
) -> None:
    """Serve the HTTP API. It waits for the database, asks the pipeline for work, and never talks to a device."""
    import uvicorn

    from ems_pipeline.api.app import create_app
    from ems_pipeline.api.web import Settings, Web
    from ems_pipeline.warehouse.local import prepare_home

    if home is not None:
        os.environ["EMS_HOME"] = str(home.resolve())
    prepare_home()
    settings = Settings.from_environ()
    os.nice(POLITENESS)
    uvicorn.run(
        create_app(Web(settings)),
        host=host,
        port=port,
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies or None,
        ws_max_size=HIGHEST_MESSAGE,
        ws_per_message_deflate=False,
        limit_concurrency=2000,
        timeout_graceful_shutdown=5,
    )


LOGGING: dict[str, object] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"psycopg.pool": {"level": "ERROR"}},
}
"""A line per request on stderr, where `ems up`, systemd or Docker keep it; `ems_pipeline.api` counts failures."""
