"""Between the server of chargers and whoever drives them: a Unix socket in a folder that its owner alone can enter.

A line of JSON asks, a line of JSON answers. The folder is the lock: who cannot enter it steers no charger.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ems_pipeline import settings
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Quality

LONGEST_SOCKET = 100
"""Characters of a Unix socket's path; Linux allows 107, macOS 103."""
PATIENCE_S = 45.0
"""Longer than all that one request has a charger do."""
LONGEST_LINE = 1 << 18


class NotOurs(OSError):
    """The folder of the socket is somebody else's, or others can enter it."""


def socket_path(port: int) -> Path:
    """Where the server that listens for chargers at a port listens for us."""
    home = settings.HOME.read().resolve()
    wanted = home / "ocpp" / f"{port}.sock"
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET:
        return wanted
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"ems-ocpp-{os.geteuid()}-{name}" / f"{port}.sock"


def closed(folder: Path) -> None:
    """See that a folder is this user's alone. NotOurs: it is not; OSError: it is not there."""
    found = folder.lstat()
    is_open = stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or is_open:
        raise NotOurs(f"{folder} is not this user's alone; remove it, or make it so")


class Channel:
    """One connection to the server, for all chargers that call in at one port; opened when it is needed."""

    def __init__(self, port: int) -> None:
        self.port = port
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
                raise _away(self.port, error) from None
            if not isinstance(answer, dict):
                self._drop()
                raise _away(self.port, ValueError("no answer"))
            return answer

    async def close(self) -> None:
        """Let the connection go."""
        self._drop()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            path = socket_path(self.port)
            try:
                closed(path.parent)
                self._streams = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
            except OSError as error:
                raise _away(self.port, error) from None
        return self._streams

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _away(port: int, error: Exception) -> DeviceFault:
    """A lost server is not a lost charger: what stands there ends by itself."""
    why = str(error) if isinstance(error, NotOurs) else type(error).__name__
    reason = f"the server of chargers at port {port} does not answer ({why}); `ems up` keeps it"
    return DeviceFault(Quality.NO_ANSWER, reason, device_wide=True)
