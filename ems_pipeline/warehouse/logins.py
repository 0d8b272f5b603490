"""Who may log in to the database, and for how long they may hold it up."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline import settings
from ems_pipeline.warehouse import embedded, local
from ems_pipeline.warehouse.engine import Warehouse, open_warehouse
from ems_pipeline.warehouse.roles import ROLES, SESSIONS, SETTINGS


@dataclass(frozen=True)
class Login:
    """A role that may log in, with what binds it."""

    name: str
    is_superuser: bool
    sessions: int
    """At a time; -1: any number."""
    settings: dict[str, str]
    roles: frozenset[str]
    """Those of ours that it has, itself or through others."""

    def unbound(self) -> list[str]:
        """Limits that its roles ask for and it does not have; a superuser's are its own affair."""
        if self.is_superuser:
            return []
        wanted = {name for role in self.roles for name in SETTINGS.get(role, {}) if name.endswith("_timeout")}
        missing = sorted(name for name in wanted if self.settings.get(name, "0") in ("0", "0s", "0ms"))
        return missing + (["CONNECTION LIMIT"] if self.roles & set(SESSIONS) and self.sessions < 0 else [])


LOGINS = """
    SELECT l.rolname, l.rolsuper, l.rolconnlimit, coalesce(l.rolconfig, '{}'),
           ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.rolname = ANY(:roles)
                 AND NOT l.rolsuper AND pg_has_role(l.oid, r.oid, 'MEMBER'))
    FROM pg_roles l WHERE l.rolcanlogin ORDER BY 1"""


def logins(connection: Connection) -> list[Login]:
    """All of the server, by name."""
    rows = connection.execute(sa.text(LOGINS), {"roles": list(ROLES.values())}).all()
    return [
        Login(name, is_super, sessions, dict(entry.split("=", 1) for entry in config), frozenset(roles))
        for name, is_super, sessions, config, roles in rows
    ]


def is_connected(connection: Connection, login: str) -> bool:
    """Whether somebody works in this database as a login."""
    found = connection.execute(
        sa.text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND usename = :login LIMIT 1"),
        {"login": login},
    )
    return found.first() is not None


def database_if_up() -> Warehouse | None:
    """The database, without starting an embedded one: None where that does not run."""
    if settings.DATABASE_URL.is_set() or embedded.is_running(local.home() / "postgres"):
        return open_warehouse()
    return None
