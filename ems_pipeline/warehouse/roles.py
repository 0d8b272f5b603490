"""Logins and tokens for the roles of ``sql/roles/R__roles.sql``: made by an operator, one per program or person."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.engine import Connection

from ems_pipeline.errors import EmsError

ROLES = {
    "service": "ems_service",
    "analyst": "ems_analyst",
    "writer": "ems_writer",
    "gateway": "ems_gateway",
    "web": "ems_web",
    "notices": "ems_notices",
    "study": "ems_study",
}
WEB_LOGIN = "ems_web"
NOTICES_LOGIN = "ems_notices"
OWN_LOGINS = {"web": WEB_LOGIN, "notices": NOTICES_LOGIN}
"""Roles that log in themselves, on every machine by the same name: the web process, and whoever tells people."""
SETTINGS = {
    "ems_analyst": {
        "default_transaction_read_only": "on",
        "statement_timeout": "60s",
        "idle_in_transaction_session_timeout": "60s",
        "lock_timeout": "10s",
    },
    "ems_writer": {"statement_timeout": "10s", "idle_in_transaction_session_timeout": "10s", "lock_timeout": "5s"},
    "ems_gateway": {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "30s", "lock_timeout": "5s"},
    "ems_web": {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "30s", "lock_timeout": "5s"},
    "ems_notices": {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "30s", "lock_timeout": "5s"},
}
"""What people ask must not hold up the control of a house. A login may set its own otherwise, but not these:"""
SESSIONS = {"ems_analyst": 6, "ems_writer": 4, "ems_gateway": 20, "ems_web": 20, "ems_notices": 10}
"""At a time, per login. The pipeline's is unlimited, and has reserved ones where the server keeps some
(`reserved_connections`, PostgreSQL 16)."""

SHORTEST_SECRET = 32
"""Characters of a secret that PostgREST accepts."""


class RolesMissing(EmsError):
    """The roles do not exist: whoever migrated may not create roles."""


def missing(connection: Connection) -> list[str]:
    """Roles that the server does not have."""
    found = connection.execute(
        sa.text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names)"), {"names": list(ROLES.values())}
    ).scalars()
    return sorted(set(ROLES.values()) - set(found))


def grant_login(connection: Connection, login: str, role: str, password: str | None) -> None:
    """Make (or renew) a login and give it one role; None leaves it without a password (peer or certificate).

    The password reaches the server as its SCRAM verifier, so that no log of the server can hold it.

    Args:
        role: key of `ROLES`.

    Raises:
        RolesMissing: see there.
        PermissionError: whoever asks may not make logins.
        ValueError: ``login`` is one of the roles, or a superuser, whom a role would not bind.
    """
    if ROLES[role] in (absent := missing(connection)):
        raise RolesMissing(f"roles {absent} are missing", "let a superuser run `ems db migrate` once, or create them")
    taken = set(ROLES.values()) - {OWN_LOGINS.get(role)}
    kind = connection.execute(
        sa.text("SELECT rolsuper OR rolname = ANY(:roles) FROM pg_roles WHERE rolname = :login"),
        {"roles": list(taken), "login": login},
    ).scalar()
    if kind:
        raise ValueError(f"{login} is a superuser or one of our roles; choose another name for the login")
    name = sql.Identifier(login)
    if kind is None:
        _run(connection, sql.SQL("CREATE ROLE {} LOGIN").format(name))
    if password is not None:
        _run(connection, sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, _verifier(connection, login, password)))
    _bind(connection, login, ROLES[role])
    if login != ROLES[role]:
        _run(connection, sql.SQL("GRANT {} TO {}").format(sql.Identifier(ROLES[role]), name))


MEMBERS = """
    SELECT m.rolname, r.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
    JOIN pg_roles r ON r.oid = a.roleid
    WHERE r.rolname = ANY(:roles) AND m.rolname <> ALL (:own)
      AND m.rolcanlogin AND NOT m.rolsuper AND m.rolconnlimit < 0
    UNION ALL SELECT rolname, rolname FROM pg_roles WHERE rolname = ANY (:own) AND rolconnlimit < 0
    ORDER BY 1, 2"""


def bind_logins(connection: Connection) -> None:
    """Give logins that were made before there were limits those of their role, where whoever asks may; others stay."""
    ours = {"roles": list(SESSIONS), "own": list(OWN_LOGINS.values())}
    for login, role in connection.execute(sa.text(MEMBERS), ours).all():
        try:
            with connection.begin_nested():
                _bind(connection, login, role)
        except PermissionError:
            return


def _bind(connection: Connection, login: str, role: str) -> None:
    name = sql.Identifier(login)
    for setting, value in SETTINGS.get(role, {}).items():
        _run(connection, sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), value))
    if role in SESSIONS:
        _run(connection, sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(name, SESSIONS[role]))


def hand_over_dagster(connection: Connection) -> None:
    """Make the service role the owner of the database this connection is to, Dagster's own, and of its tables."""
    _run(
        connection,
        sql.SQL("""DO $$ DECLARE name regclass; BEGIN
                     EXECUTE format('ALTER DATABASE %I OWNER TO ems_service', current_database());
                     FOR name IN SELECT oid FROM pg_class
                                 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
                         EXECUTE format('ALTER TABLE %s OWNER TO ems_service', name);
                     END LOOP;
                 END $$"""),
    )


def token(secret: str, role: str, subject: str, until: datetime) -> str:
    """A signed claim (JWT, HS256, RFC 7519) that a REST server with this secret takes for a role, until it ends.

    Args:
        role: ``analyst`` or ``writer``.
        subject: who it is given to; noted with every override.

    Raises:
        ValueError: the secret is too short for the REST server, or nobody is named.
    """
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(f"the secret has {len(secret)} characters; a REST server wants {SHORTEST_SECRET} at least")
    if not subject.strip():
        raise ValueError("a token is given to somebody; name whom")
    claims = {"role": ROLES[role], "sub": subject, "exp": int(until.timestamp())}
    body = ".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{body}.{_base64url(hmac.digest(secret.encode(), body.encode(), hashlib.sha256))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _verifier(connection: Connection, login: str, password: str) -> str:
    driver: Any = connection.connection.driver_connection
    hashed: bytes = driver.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256")
    return hashed.decode()


def _run(connection: Connection, statement: sql.Composed | sql.SQL) -> None:
    cursor: Any = connection.connection.cursor()
    try:
        cursor.execute(statement)
    except InsufficientPrivilege as error:
        asker = connection.engine.url.username
        raise PermissionError(f"{str(error).splitlines()[0]}; ask as a superuser, {asker} may not") from error
