"""One master per wire: who may talk to which gateway address now (``ems.gateway_lease``).

A *controller* is master of a gateway from its first look to its last, so that no two of them decide at once; whoever
*talks* has the wire, a controller or somebody who reads. A controller that waits goes before those who read, and one
that lets a device settle leaves the wire to them.

A party is alive as long as a session of its own keeps its row locked: one that dies takes its session along, and
what it held is free. A row lock needs the right to update, so a reader of the database can take none of this.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.engine import Warehouse


class Grant(StrEnum):
    """What a controller that asked for gateways got."""

    TAKEN = "taken"
    AWAITED = "awaited"
    """It is master, and has the wire when whoever talks there has said what he was at."""
    REFUSED = "refused"
    """Another controller is master."""


class GatewayLocks:
    """What one party holds; safe to use from several threads, each call a short transaction of its own."""

    def __init__(self, warehouse: Warehouse, party_id: int) -> None:
        self._warehouse, self.party_id = warehouse, party_id

    def steer(self, addresses: Collection[str]) -> Grant:
        """Become master of all of the addresses (``host:port``) or of none; never waits. Ask again while `AWAITED`."""
        answers = self._take(addresses, steers=True)
        return next((Grant(answer) for answer in answers.values()), Grant.TAKEN)

    def talk(self, addresses: Collection[str]) -> set[str]:
        """Take the wires that are free, to read; those obtained. Never waits."""
        return set(self._take(addresses, steers=False))

    def pause(self, addresses: Collection[str]) -> None:
        """Leave wires to others; a controller stays master."""
        self._update("talker = NULL", "talker = :party", addresses)

    def release(self, addresses: Collection[str]) -> None:
        """Let gateways go."""
        self.pause(addresses)
        self._update("controller = NULL, is_awaited = false", "controller = :party", addresses)

    def _take(self, addresses: Collection[str], *, steers: bool) -> dict[str, str]:
        with self._warehouse.begin() as connection:
            rows = connection.execute(
                sa.text("SELECT address, answer FROM ems.fn_gateway_take(CAST(:addresses AS text[]), :party, :steers)"),
                {"addresses": sorted(set(addresses)), "party": self.party_id, "steers": steers},
            ).all()
        return {str(row.address): str(row.answer) for row in rows}

    def _update(self, change: str, held: str, addresses: Collection[str]) -> None:
        with self._warehouse.begin() as connection:
            connection.execute(
                sa.text(f"UPDATE ems.gateway_lease SET {change} WHERE address = ANY(:addresses) AND {held}"),
                {"addresses": sorted(set(addresses)), "party": self.party_id},
            )


ALIVE = "SELECT NOT EXISTS (SELECT FROM ems.gateway_party WHERE party_id = :party FOR SHARE SKIP LOCKED)"
IS_THERE = "SELECT EXISTS (SELECT FROM ems.gateway_party WHERE party_id = :party)"


def is_alive(connection: Connection, party_id: int) -> bool:
    """Whether a party still keeps its row; one whose session broke holds nothing any more, whatever it believes."""
    asked = {"party": party_id}
    is_there = connection.execute(sa.text(IS_THERE), asked).scalar_one()
    return bool(is_there and connection.execute(sa.text(ALIVE), asked).scalar_one())


@contextmanager
def gateway_locks(warehouse: Warehouse, name: str = "controller") -> Iterator[GatewayLocks]:
    """A party for as long as the block lasts; whatever it still holds is free afterwards.

    Args:
        name: what it does, for whoever wonders who is master.
    """
    with warehouse.engine.connect() as keeper:
        party_id = _entered(keeper, f"{name}, process {os.getpid()} of {socket.gethostname()}")
        try:
            yield GatewayLocks(warehouse, party_id)
        finally:
            _leave(keeper, party_id)


def master_of(connection: Connection, addresses: Collection[str]) -> str:
    """Who is master of one of the addresses, in words; empty when nobody is noted."""
    found = connection.execute(
        sa.text("""SELECT p.name || ' since ' || to_char(p.since_at, 'HH24:MI:SS') || ' UTC'
                   FROM ems.gateway_lease l JOIN ems.gateway_party p ON p.party_id = l.controller
                   WHERE l.address = ANY(:addresses) ORDER BY l.address LIMIT 1"""),
        {"addresses": list(addresses)},
    ).scalar()
    return str(found or "")


def _entered(keeper: Connection, name: str) -> int:
    """The number of a row that this session keeps locked from now on; rows that nobody keeps are cleared away.

    Somebody else who clears away may come between the commit and the lock, hence the loop.
    """
    while True:
        keeper.exec_driver_sql(
            """DELETE FROM ems.gateway_party
               WHERE party_id IN (SELECT party_id FROM ems.gateway_party FOR UPDATE SKIP LOCKED)"""
        )
        add = sa.text("INSERT INTO ems.gateway_party (name) VALUES (:name) RETURNING party_id")
        party_id = int(keeper.execute(add, {"name": name}).scalar_one())
        keeper.commit()
        keeper.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        keep = sa.text("SELECT party_id FROM ems.gateway_party WHERE party_id = :party FOR UPDATE")
        if keeper.execute(keep, {"party": party_id}).scalar() is not None:
            return party_id
        keeper.rollback()


def _leave(keeper: Connection, party_id: int) -> None:
    """A session that broke has left already."""
    if keeper.invalidated:
        return
    try:
        keeper.execute(sa.text("DELETE FROM ems.gateway_party WHERE party_id = :party"), {"party": party_id})
        keeper.commit()
    except sa.exc.DBAPIError:
        keeper.invalidate()
