"""Between the server of chargers and whoever drives them: where it listens, and how it is asked."""

from __future__ import annotations

from pathlib import Path

from ems_pipeline.devices.local_socket import LONGEST_LINE, Asking, NotOurs, closed, path_of

__all__ = ["LONGEST_LINE", "Channel", "NotOurs", "closed", "socket_path"]


def socket_path(port: int) -> Path:
    """Where the server that listens for chargers at a port listens for us."""
    return path_of("ocpp", str(port))


class Channel(Asking):
    """One connection to the server, for all chargers that call in at one port. A lost server is not a lost charger:
    what stands there ends by itself."""

    def __init__(self, port: int) -> None:
        super().__init__(lambda: socket_path(port), f"the server of chargers at port {port} does not answer")
        self.port = port
