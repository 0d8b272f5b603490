"""Between a server of ours and its clients on this machine: a Unix socket in a folder that its owner alone can enter.

A line of JSON asks, a line of JSON answers. The folder is the lock: who cannot enter it steers nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import stat
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ems_pipeline import settings
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Quality

LONGEST_SOCKET = 100
"""Characters of a Unix socket's path; Linux allows 107, macOS 103."""
PATIENCE_S = 45.0
"""Longer than all that one request has a device do."""
LONGEST_LINE = 1 << 18
logger = logging.getLogger(__name__)


class NotOurs(OSError):
    """The folder of the socket is somebody else's, or others can enter it."""


def path_of(server: str, name: str) -> Path:
    """Where the server of a kind listens under a name."""
    home = settings.HOME.read().resolve()
    wanted = home / server / f"{name}.sock"
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET:
        return wanted
    short = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"ems-{server}-{os.geteuid()}-{short}" / f"{name}.sock"


def closed(folder: Path) -> None:
    """See that a folder is this user's alone. NotOurs: it is not; OSError: it is not there."""
    found = folder.lstat()
    is_open = stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or is_open:
        raise NotOurs(f"{folder} is not this user's alone; remove it, or make it so")


async def listen(path: Path, answer: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]) -> asyncio.Server:
    """Answer at a path until closed. OSError: its folder is not ours, or it cannot be listened at."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await answer(json.loads(line))).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            logger.warning("somebody went away in the middle of a question")
        finally:
            writer.close()

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    closed(path.parent)
    path.unlink(missing_ok=True)
    return await asyncio.start_unix_server(serve, path, limit=LONGEST_LINE)


class Asking:
    """One connection to a server, for all that is asked of it; opened when it is needed."""

    def __init__(self, path: Callable[[], Path], away: str) -> None:
        """``away`` is what is told where nobody answers, e.g. "the server of chargers does not answer"."""
        self._path, self._away = path, away
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """DeviceFault: nobody listens there."""
        async with self._turn:
            await self._opened()

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request, which says by ``fault`` what went wrong.

        Raises:
            DeviceFault: the server is away, or does not answer.
        """
        async with self._turn:
            reader, writer = await self._opened()
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                line = await asyncio.wait_for(reader.readline(), PATIENCE_S)
                answer = json.loads(line)
            except (OSError, ValueError, TimeoutError) as error:
                self._drop()
                raise self._fault(error) from None
            if not isinstance(answer, dict):
                self._drop()
                raise self._fault(ValueError("no answer"))
            return answer

    async def close(self) -> None:
        """Let the connection go."""
        self._drop()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            path = self._path()
            try:
                closed(path.parent)
                self._streams = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
            except OSError as error:
                raise self._fault(error) from None
        return self._streams

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    def _fault(self, error: Exception) -> DeviceFault:
        """A lost server is not a lost device."""
        why = str(error) if isinstance(error, NotOurs) else type(error).__name__
        return DeviceFault(Quality.NO_ANSWER, f"{self._away} ({why}); `ems up` keeps it", device_wide=True)
