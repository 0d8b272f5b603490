"""The application of a test on a real socket, for programs that are not handed it: curl, a client, a browser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.testclient import TestClient

from ems_pipeline_tests.servers import free_ports

SOON_S = 20
"""A bound for what is broken, not a measurement."""


@contextmanager
def on_loopback(client: TestClient) -> Iterator[int]:
    """The port on which it answers, with the clock of the test, in the event loop in which its connections live."""
    (port,) = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(client.app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    started = threading.Event()

    async def serve() -> None:
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        started.set()
        await task

    assert client.portal is not None
    running = client.portal.start_task_soon(serve)
    assert started.wait(SOON_S)
    try:
        yield port
    finally:
        server.should_exit = True
        running.result(SOON_S)
