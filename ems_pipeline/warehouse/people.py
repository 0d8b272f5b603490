"""People who may log in to the web process: entered, changed and removed on the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.errors import EmsError


class UnknownPerson(EmsError, LookupError):
    """Nobody of this name may log in."""


class PersonExists(EmsError, ValueError):
    """Somebody of this name may log in already."""


@dataclass(frozen=True)
class Person:
    """Somebody who may log in; ``sites`` None: all there are."""

    name: str
    role: str
    sites: tuple[str, ...] | None
    last_login_at: datetime | None = None


def add(connection: Connection, person: Person, password_hash: str, by: str, at: datetime) -> None:
    """Enter somebody.

    Raises:
        PersonExists: see there.
        LookupError: a site is not registered.
        ValueError: the name is none.
    """
    if _exists(connection, person.name):
        raise PersonExists(
            f"{person.name} may log in already", f"`ems user password {person.name}` gives a new password"
        )
    for site in person.sites or ():
        known = connection.execute(sa.text("SELECT 1 FROM ems.site WHERE site_key = :key"), {"key": site}).first()
        if known is None:
            raise LookupError(f"there is no site {site}; `ems site list` names those there are")
    try:
        connection.execute(
            sa.text("""INSERT INTO ems.person (name, role, sites, password_hash, created_at, created_by, changed_at)
                       VALUES (:name, :role, :sites, :hash, :at, :by, :at)"""),
            {
                "name": person.name, "role": person.role, "hash": password_hash, "at": at, "by": by,
                "sites": None if person.sites is None else list(person.sites),
            },
        )  # fmt: skip
    except sa.exc.IntegrityError as error:
        raise ValueError(
            f"{person.name!r} is no name to log in by; take lower-case letters, digits and . _ @ - (64 at most)"
        ) from error


def listed(connection: Connection) -> list[Person]:
    """Everybody, by name."""
    rows = connection.execute(sa.text("SELECT name, role, sites, last_login_at FROM ems.person ORDER BY name")).all()
    return [Person(name, role, _tuple(sites), last) for name, role, sites, last in rows]


def set_password(connection: Connection, name: str, password_hash: str, at: datetime) -> None:
    """Give a new password; all sessions of before count no more.

    Raises:
        UnknownPerson: see there.
    """
    changed = connection.execute(
        sa.text("UPDATE ems.person SET password_hash = :hash, changed_at = :at WHERE name = :name"),
        {"hash": password_hash, "at": at, "name": name},
    )
    if changed.rowcount == 0:
        raise _unknown(name)


def remove(connection: Connection, name: str, by: str, at: datetime) -> int:
    """Let somebody in no more, and take back the tokens that he gave; how many.

    Raises:
        UnknownPerson: see there.
    """
    if connection.execute(sa.text("DELETE FROM ems.person WHERE name = :name"), {"name": name}).rowcount == 0:
        raise _unknown(name)
    revoked = connection.execute(
        sa.text("""UPDATE ems.web_token SET revoked_at = :at, revoked_by = :by
                   WHERE created_by = :name AND revoked_at IS NULL"""),
        {"at": at, "by": by, "name": name},
    )
    return revoked.rowcount


def _exists(connection: Connection, name: str) -> bool:
    found = connection.execute(sa.text("SELECT 1 FROM ems.person WHERE name = :name"), {"name": name})
    return found.first() is not None


def _tuple(sites: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if sites is None else tuple(sites)


def _unknown(name: str) -> UnknownPerson:
    return UnknownPerson(f"nobody called {name} may log in", "`ems user list` names those who may")
