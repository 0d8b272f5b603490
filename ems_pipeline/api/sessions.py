"""Browsers that logged in: a cookie of 256 random bits, of which only the hash is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline.api.database import Database
from ems_pipeline.api.remembered import Remembered
from ems_pipeline.api.rights import RIGHTS, Caller
from ems_pipeline.time_grid import MINUTE, Clock

COOKIE = "ems_session"
IDLE = timedelta(hours=12)
LONGEST = timedelta(days=30)
CONFIRMED = timedelta(minutes=15)
"""So long after a password was typed, what wants one again is done without."""
FOUND = """
    SELECT s.session_hash, s.seen_at, s.confirmed_at, p.name, p.role, p.sites
    FROM ems.web_session s JOIN ems.person p ON p.name = s.person
    WHERE s.session_hash = %s AND s.seen_at > %s AND s.started_at > %s AND s.started_at >= p.changed_at"""


def hash_of(cookie: str) -> bytes:
    """What stands in the table for a cookie."""
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()


def csrf_of(cookie: str) -> str:
    """The word that a page of ours sends with every write (``X-CSRF-Token``): another site's page cannot know it."""
    return hmac.digest(cookie.encode("utf-8", "replace"), b"csrf", hashlib.sha256).hex()


class Sessions:
    """Of one web process; what was found is remembered for seconds, what was ended here is forgotten at once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._known: Remembered[dict[str, Any]] = Remembered(clock)

    async def begin(self, person: str, of_before: str | None) -> str:
        """A new session; its cookie. The browser's session of before ends: nobody goes on with one he was handed."""
        cookie, now = secrets.token_urlsafe(32), self._clock.now()
        async with self._database.own_write() as connection:
            if of_before is not None:
                await connection.execute("DELETE FROM ems.web_session WHERE session_hash = %s", [hash_of(of_before)])
            await connection.execute(
                "INSERT INTO ems.web_session (session_hash, person, started_at, seen_at, confirmed_at) "
                "VALUES (%s, %s, %s, %s, %s)",
                [hash_of(cookie), person, now, now, now],
            )
            await connection.execute("UPDATE ems.person SET last_login_at = %s WHERE name = %s", [now, person])
        if of_before is not None:
            self._known.forget(hash_of(of_before).hex())
        return cookie

    async def find(self, cookie: str) -> Caller | None:
        """Who holds this cookie; None: it is none, or has ended."""
        hashed, now = hash_of(cookie), self._clock.now()
        row = self._known.get(hashed.hex())
        if row is None:
            async with self._database.own() as connection:
                found = await connection.execute(FOUND, [hashed, now - IDLE, now - LONGEST])
                row = await found.fetchone()
                if row is None:
                    return None
                if now - row["seen_at"] > MINUTE:
                    await connection.execute(
                        "UPDATE ems.web_session SET seen_at = %s WHERE session_hash = %s", [now, hashed]
                    )
            self._known.put(hashed.hex(), row)
        return _caller(row, now)

    async def confirm(self, caller: Caller) -> None:
        """The password was typed again."""
        assert caller.session_id is not None
        async with self._database.own_write() as connection:
            await connection.execute(
                "UPDATE ems.web_session SET confirmed_at = %s WHERE session_hash = %s",
                [self._clock.now(), bytes.fromhex(caller.session_id)],
            )
        self._known.forget(caller.session_id)

    async def end(self, caller: Caller) -> None:
        """Log out."""
        assert caller.session_id is not None
        async with self._database.own_write() as connection:
            hashed = bytes.fromhex(caller.session_id)
            await connection.execute("DELETE FROM ems.web_session WHERE session_hash = %s", [hashed])
        self._known.forget(caller.session_id)

    async def clean(self) -> int:
        """Remove those that have ended; how many."""
        now = self._clock.now()
        async with self._database.own() as connection:
            gone = await connection.execute(
                "DELETE FROM ems.web_session WHERE seen_at <= %s OR started_at <= %s", [now - IDLE, now - LONGEST]
            )
            return gone.rowcount


def _caller(row: dict[str, Any], now: datetime) -> Caller:
    return Caller(
        name=row["name"],
        kind="person",
        role=row["role"],
        resources=RIGHTS[row["role"]],
        sites=None if row["sites"] is None else frozenset(row["sites"]),
        session_id=row["session_hash"].hex(),
        is_confirmed=now - row["confirmed_at"] < CONFIRMED,
    )
