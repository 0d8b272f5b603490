"""``/ws``: what happens, to whoever may know it; ``/ws/metrics``: the figures of this process."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from fastapi import APIRouter
from starlette.websockets import WebSocket

from ems_pipeline.api.asked import NOBODY, Asked, take
from ems_pipeline.api.live import topics
from ems_pipeline.api.live.parley import OVERLOAD, Pace, Parley
from ems_pipeline.api.web import serving

router = APIRouter()
MOST_CLIENTS = 1000
PACE = Pace()
FIGURES = "stats:read"
NEEDS = {"/ws": ("live:read",), "/ws/metrics": (FIGURES, topics.TELEMETRY)}
"""Of what somebody must be allowed one to be told anything there; topics have rights of their own."""


@router.websocket("/ws")
async def follow(socket: WebSocket) -> None:
    """Topics as they change; `parley` has the protocol."""
    await _talk(socket, metrics=False)


@router.websocket("/ws/metrics")
async def follow_metrics(socket: WebSocket) -> None:
    """The same, with live values of controllers for those who may see ``telemetry``.

    And with this process's figures every few seconds for those who may see ``stats``.
    """
    await _talk(socket, metrics=True)


async def _talk(socket: WebSocket, *, metrics: bool) -> None:
    web = serving(socket)
    take(Asked("GET", socket.url.path, socket.client.host if socket.client else NOBODY))
    if web.figures.ws_clients >= MOST_CLIENTS:
        await socket.accept()
        await socket.close(OVERLOAD, "too many clients")
        return
    web.figures.ws_clients += 1
    try:
        if metrics:
            await Parley(socket, web, PACE, NEEDS["/ws/metrics"]).run(_figures)
        else:
            await Parley(socket, web, PACE, NEEDS["/ws"]).run()
    finally:
        web.figures.ws_clients -= 1


async def _figures(parley: Parley) -> NoReturn:
    if parley.caller.may(topics.TELEMETRY):
        await parley.follow([topics.GENSETS])
    while True:
        if parley.caller.may(FIGURES):
            await parley.say("metrics", **parley.web.figures.told(), told=parley.web.hub.seq)
        await asyncio.sleep(parley.pace.metrics_s)
