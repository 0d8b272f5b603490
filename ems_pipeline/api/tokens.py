"""Tokens for programs: a signed text (JWT) with a row behind it; without the row it is worth nothing."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

import jwt

from ems_pipeline.api.database import Database
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.remembered import Remembered
from ems_pipeline.api.rights import Caller
from ems_pipeline.api.together import Together
from ems_pipeline.time_grid import MINUTE, Clock

ALGORITHM, ISSUER, AUDIENCE = "HS256", "ems-pipeline", "ems-web"
DEMANDED = ["exp", "iat", "iss", "aud", "jti", "sub"]
LONGEST_TOKEN = 8192
REMEMBERED = timedelta(days=30)
"""A token that has ended is listed for so long."""
SCHEME = "bearer "
LEEWAY = timedelta(seconds=30)
Reason = Literal["bad_signature", "expired", "unknown", "revoked"]
COLUMNS = "token_id, name, note, resources, sites, created_at, created_by, expires_at, last_used_at, revoked_at"


def text_of(said: str) -> str | None:
    """The token in a header ``Authorization``; None: it is of another kind."""
    return said[len(SCHEME) :].strip() if said[: len(SCHEME)].lower() == SCHEME else None


class NotTaken(Exception):
    """A token that is worth nothing; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Tokens:
    """Of one installation: all of its web processes sign with the same secret."""

    def __init__(self, database: Database, clock: Clock, secret: str) -> None:
        self._database, self._clock, self._secret = database, clock, secret
        self.key_id = hashlib.sha256(b"kid:" + secret.encode()).hexdigest()[:16]
        self._known: Remembered[dict[str, Any]] = Remembered(clock)
        self._rows = Together(self._read)
        self._holders: Remembered[tuple[str, float, Caller]] = Remembered(clock)

    async def generate(
        self, giver: Caller, name: str, resources: frozenset[str], sites: frozenset[str] | None, ttl: timedelta
    ) -> tuple[str, dict[str, Any]]:
        """A new token and its row; the text is shown this once.

        Raises:
            Problem: 403, the giver may not do what is asked for.
        """
        _demand_own(giver, resources, sites)
        token_id, now = uuid4(), self._clock.now()
        async with self._database.own_write() as connection:
            made = await connection.execute(
                f"""INSERT INTO ems.web_token (token_id, name, resources, sites, created_at, created_by, expires_at)
                    VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING {COLUMNS}""",
                [token_id, name, sorted(resources), None if sites is None else sorted(sites), now, giver.subject,
                 now + ttl],
            )  # fmt: skip
            row = await made.fetchone()
        assert row is not None
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "jti": str(token_id), "sub": name, "role": "program",
            "resources": row["resources"], "sites": row["sites"], "iat": now, "exp": now + ttl,
        }  # fmt: skip
        return jwt.encode(claims, self._secret, ALGORITHM, {"kid": self.key_id}), row

    async def find(self, token: str) -> Caller:
        """Who holds this token.

        Raises:
            NotTaken: it is worth nothing.
        """
        claims = self._checked(token)
        row = self._known.get(claims["jti"])
        if row is None:
            row = await self._row(UUID(claims["jti"]))
            self._known.put(claims["jti"], row)
        if row["revoked_at"] is not None:
            raise NotTaken("revoked")
        # Rights are those that both say: neither a row that was widened nor a text of another row gives more.
        if claims["sites"] != row["sites"] or claims["resources"] != row["resources"]:
            raise NotTaken("bad_signature")
        caller = Caller(
            name=row["name"],
            kind="program",
            role="program",
            resources=frozenset(row["resources"]),
            sites=None if row["sites"] is None else frozenset(row["sites"]),
            token_id=row["token_id"],
        )
        self._holders.put(token, (claims["jti"], float(claims["exp"]), caller))
        return caller

    async def known(self, said: str) -> Caller | None:
        """Who sends this header ``Authorization``; None: nobody, or it cannot be said now."""
        token = text_of(said)
        if token is None:
            return None
        if (remembered := self._remembered(token)) is not None:
            return remembered
        with suppress(NotTaken, Problem):
            return await self.find(token)
        return None

    def _remembered(self, token: str) -> Caller | None:
        """Its holder, where that was looked up a moment ago and still counts."""
        found = self._holders.get(token)
        if found is None:
            return None
        number, ends_at, caller = found
        row = self._known.get(number)  # forgotten when it is taken back
        is_over = self._clock.now().timestamp() > ends_at
        return None if row is None or row["revoked_at"] is not None or is_over else caller

    async def row(self, token: str) -> dict[str, Any]:
        """The row behind a token that is ours, also of one that was revoked; NotTaken: as for `find`."""
        return await self._row(UUID(self._checked(token)["jti"]))

    async def _row(self, token_id: UUID) -> dict[str, Any]:
        if (row := await self._rows.get(token_id)) is None:
            raise NotTaken("unknown")
        return row

    async def _read(self, token_ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
        """Their rows; that they are used is noted once a minute."""
        rows = await self._database.look_up(
            f"SELECT {COLUMNS} FROM ems.web_token WHERE token_id = ANY (%s)", [token_ids]
        )
        now = self._clock.now()
        used = [r["token_id"] for r in rows if r["last_used_at"] is None or now - r["last_used_at"] > MINUTE]
        if used:
            async with self._database.own() as connection:
                await connection.execute(
                    "UPDATE ems.web_token SET last_used_at = %s WHERE token_id = ANY (%s)", [now, used]
                )
        return {row["token_id"]: row for row in rows}

    def _checked(self, token: str) -> dict[str, Any]:
        """Its claims, once signature, key, times and shape are right."""
        if len(token) > LONGEST_TOKEN:
            raise NotTaken("bad_signature")
        try:
            if jwt.get_unverified_header(token).get("kid") != self.key_id:
                raise NotTaken("unknown")
            demanded: Any = {"require": DEMANDED, "verify_exp": False, "verify_iat": False}
            claims: dict[str, Any] = jwt.decode(
                token, self._secret, [ALGORITHM], options=demanded, audience=AUDIENCE, issuer=ISSUER
            )
            UUID(claims["jti"])
            ends_at = float(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise NotTaken("bad_signature") from None
        if self._clock.now().timestamp() > ends_at + LEEWAY.total_seconds():
            raise NotTaken("expired")
        return claims | {"sites": claims.get("sites"), "resources": claims.get("resources")}

    async def save(self, token_id: UUID, name: str | None, note: str | None, owner: Caller) -> dict[str, Any] | None:
        """Give another name or note; None: there is no such token of theirs."""
        async with self._database.own_write() as connection:
            found = await connection.execute(
                f"""UPDATE ems.web_token SET name = coalesce(%s, name), note = coalesce(%s, note)
                    WHERE token_id = %s AND {_THEIRS} RETURNING {COLUMNS}""",
                [name, note, token_id, *_theirs(owner)],
            )
            row = await found.fetchone()
        self._known.forget(str(token_id))
        return row

    async def revoke(self, token_id: UUID, owner: Caller) -> datetime | None:
        """Take it back; when that was (again: when it was first). None: there is no such token of theirs."""
        async with self._database.own_write() as connection:
            found = await connection.execute(
                f"""UPDATE ems.web_token
                    SET revoked_by = coalesce(revoked_by, %s), revoked_at = coalesce(revoked_at, %s)
                    WHERE token_id = %s AND {_THEIRS} RETURNING revoked_at""",
                [owner.subject, self._clock.now(), token_id, *_theirs(owner)],
            )
            row = await found.fetchone()
        self._known.forget(str(token_id))
        return None if row is None else row["revoked_at"]

    async def listed(
        self, owner: Caller, before: datetime | None, limit: int, name: str | None = None
    ) -> list[dict[str, Any]]:
        """Newest first, those given before an instant."""
        async with self._database.own() as connection:
            found = await connection.execute(
                f"""SELECT {COLUMNS} FROM ems.web_token
                    WHERE (%s::timestamptz IS NULL OR created_at < %s) AND (%s::text IS NULL OR name = %s) AND {_THEIRS}
                    ORDER BY created_at DESC, token_id LIMIT %s""",
                [before, before, name, name, *_theirs(owner), limit],
            )
            return await found.fetchall()

    async def clean(self) -> int:
        """Forget those that ended long ago; how many."""
        async with self._database.own() as connection:
            gone = await connection.execute(
                "DELETE FROM ems.web_token WHERE expires_at <= %s", [self._clock.now() - REMEMBERED]
            )
            return gone.rowcount

    def state(self, row: dict[str, Any]) -> Literal["valid", "expired", "revoked"]:
        """How a token stands now."""
        if row["revoked_at"] is not None:
            return "revoked"
        return "expired" if row["expires_at"] <= self._clock.now() else "valid"


_THEIRS = "(%s::text[] IS NULL OR (sites IS NOT NULL AND sites <@ %s::text[]))"
"""A token for sites beyond somebody's own does not exist for him."""


def _theirs(owner: Caller) -> tuple[list[str] | None, list[str] | None]:
    sites = owner.listed_sites
    return sites, sites


def _demand_own(giver: Caller, resources: frozenset[str], sites: frozenset[str] | None) -> None:
    """Nobody gives what he does not have."""
    if more := sorted(resources - giver.resources):
        raise Problem(
            403, "permission_missing", "More than you may do yourself", f"{giver.name} may not {', '.join(more)}",
            "leave them out, or let somebody who may give the token", "list_of_resources",
        )  # fmt: skip
    if giver.sites is not None and (sites is None or not sites <= giver.sites):
        raise Problem(
            403, "permission_missing", "More than you may do yourself",
            f"{giver.name} is bound to {', '.join(sorted(giver.sites)) or 'no site'}; the token would reach further",
            "name only sites of yours in sites", "sites",
        )  # fmt: skip
