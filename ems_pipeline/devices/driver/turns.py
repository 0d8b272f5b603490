"""Whose turn it is to talk to a gateway, for those who only read.

Some gateways take one connection, some say what the bus says to every client: two masters at once get no answers, or
each other's. Who may be where is known to the database; here is only what a reader needs of it.
"""

from __future__ import annotations

from typing import Protocol


class Turns(Protocol):
    """Turns at wires, each named by its gateway's ``address:port``."""

    async def take(self, address: str) -> bool:
        """Wait for a wire; False when somebody kept it for too long."""
        ...

    async def give_back(self, address: str) -> None:
        """Leave a wire that was taken."""
        ...


class Alone:
    """Nobody else is there: every wire is free, and connections may stay open."""

    async def take(self, address: str) -> bool:  # noqa: ARG002 - see `Turns`
        return True

    async def give_back(self, address: str) -> None:
        pass


ALONE = Alone()
