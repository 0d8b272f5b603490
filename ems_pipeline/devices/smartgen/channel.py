"""Where the process that polls controllers listens for us, and by what a controller is known there.

It is known by where it answers, not by its key: what a set-point was meant for is a place (`installed.address`).
"""

from __future__ import annotations

from pathlib import Path

from ems_pipeline.devices.installed.address import socket_of
from ems_pipeline.devices.local_socket import Asking, path_of


def socket_path() -> Path:
    """The socket of this installation's poller."""
    return path_of("scada", "poller")


def place(host: str, port: int, unit_id: int) -> str:
    """A controller by its address; a name is resolved, which may ask a name server."""
    return f"{socket_of(host, port)} unit {unit_id}"


class Channel(Asking):
    """One connection to the poller. Where it is away nothing is known, and nothing is told."""

    def __init__(self) -> None:
        super().__init__(socket_path, "the poller of gensets does not answer")
