"""Faults of a plant that runs in another process, switched from a terminal: a closed Unix socket of its own.

faults_switched(plant)   the plant's side, while the block runs
asked(site, request)     the terminal's
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.local_socket import Asking, listen, path_of
from ems_pipeline.errors import EmsError
from ems_pipeline.plant.faults import Fault
from ems_pipeline.plant.plant import Plant

START_S = 10.0


class NotSwitched(EmsError):
    """A fault that the plant does not have, or a plant that does not run."""


def socket_path(site: str) -> Path:
    """Where the plant of a site listens."""
    return path_of("plant", site)


@contextmanager
def faults_switched(plant: Plant) -> Iterator[None]:
    """Take wishes for faults while the block runs.

    Raises:
        OSError: the socket's folder is not ours.
    """
    path, begun, loops = socket_path(plant.site.key), Future[None](), list[asyncio.AbstractEventLoop]()
    over = asyncio.Event()

    async def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
        return _answer(plant, request)

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        try:
            server = await listen(path, answer)
        except OSError as error:
            begun.set_exception(error)
            return
        begun.set_result(None)
        await over.wait()
        server.close()
        path.unlink(missing_ok=True)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="plant-faults", daemon=True)
    thread.start()
    begun.result(timeout=START_S)
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join(timeout=START_S)


def asked(site: str, request: Mapping[str, Any]) -> list[tuple[str, str, float | None]]:
    """Ask the plant of a site; gives the faults that are on then: kind, device or gateway, number.

    Raises:
        NotSwitched: no plant of the site runs here, or it does not have such a fault.
    """

    async def ask() -> dict[str, Any]:
        channel = Asking(lambda: socket_path(site), f"no virtual plant of {site} answers")
        try:
            return await channel.ask(request)
        finally:
            await channel.close()

    try:
        said = asyncio.run(ask())
    except DeviceFault as fault:
        raise NotSwitched(fault.reason, "start it with `ems up`, in the same EMS_HOME") from None
    if "fault" in said:
        raise NotSwitched(str(said["fault"]), "see `ems plant faults`")
    return [(kind, key, number) for kind, key, number in said["on"]]


def _answer(plant: Plant, request: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        if request["do"] == "on":
            plant.inject(Fault(str(request["kind"]), str(request["key"]), request.get("number")))
        elif request["do"] == "off":
            plant.clear()
    except (KeyError, ValueError) as error:
        return {"fault": str(error.args[0])}
    return {"on": plant.troubles()}
