"""The web process itself: ``python -m ems_pipeline.web.serve HOST PORT [CERT KEY]``, as `ems web` becomes it.

Apart from the command line, whose libraries would stay in memory for as long as it runs.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys

import uvicorn

from ems_pipeline.api.app import layered
from ems_pipeline.api.connection import BoundedConnection
from ems_pipeline.api.database import Database
from ems_pipeline.api.lines import LOGGER
from ems_pipeline.api.live.parley import MOST_BYTES
from ems_pipeline.api.web import Settings, Web
from ems_pipeline.errors import EmsError
from ems_pipeline.sites.wiring import LOOPBACK
from ems_pipeline.time_grid import SimulatedClock, SystemClock
from ems_pipeline.web import pages

AT_ONCE = 2000
"""Connections; more are answered 503."""
YOUNG = 20_000
"""New objects between two looks for garbage that refers to itself; with the usual 700 a message to 500 clients is
worth several looks, a seventh of what it costs."""
POLITENESS = 5
"""Of nice(2): where the processor is short, clients wait and the house does not."""
LOGGING: dict[str, object] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "whole": {"format": "%(message)s"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "requests": {"class": "logging.StreamHandler", "formatter": "whole"},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"psycopg.pool": {"level": "ERROR"}, LOGGER: {"handlers": ["requests"], "propagate": False}},
}
"""A line per request on stderr, where `ems up`, systemd or Docker keep it; the pool's every try is none."""


def main(host: str, port: int, cert: str | None = None, key: str | None = None) -> None:
    """Until SIGTERM or SIGINT; requests under way have some seconds then."""
    try:
        settings = Settings.from_environ()
    except (EmsError, OSError) as error:
        sys.exit(f"error: {error}")
    if cert is not None and host not in LOOPBACK and not asyncio.run(somebody(settings)):
        sys.exit(
            f"error: nobody may log in, so nobody is to reach {host}; enter somebody with `ems user add NAME owner`"
        )
    os.nice(POLITENESS)
    clock = SystemClock() if settings.at is None else SimulatedClock(settings.at)
    app = layered(Web(settings, clock), pages.ROUTERS)
    gc.collect()
    gc.freeze()  # what stands for ever is not looked through again with every few hundred requests
    gc.set_threshold(YOUNG)
    uvicorn.run(
        app,
        host=host,
        port=port,
        ssl_certfile=cert,
        ssl_keyfile=key,
        http=BoundedConnection,
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies or None,
        ws_max_size=MOST_BYTES,
        ws_per_message_deflate=False,
        limit_concurrency=AT_ONCE,
        timeout_graceful_shutdown=5,
    )


async def somebody(settings: Settings) -> bool:
    """Whether anybody may log in; Problem: the database cannot be asked."""
    database = Database(settings.database, sessions=1)
    await database.open()
    try:
        return bool(await database.look_up("SELECT FROM ems.person LIMIT 1", []))
    finally:
        await database.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:5])
