"""Where the database is, and one engine per process.

``EMS_DATABASE_URL`` names a server's database (``postgresql://user@host/ems``); unset, an embedded server starts under
``EMS_HOME``. Dagster's own storage is a second database of that server, ``dagster``, or ``EMS_DAGSTER_DATABASE_URL``.
Two drivers on purpose: ours is psycopg 3, dagster-postgres speaks psycopg 2 only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
from psycopg.errors import (
    DiskFull,
    InvalidSchemaName,
    LockNotAvailable,
    QueryCanceled,
    UndefinedColumn,
    UndefinedFunction,
    UndefinedTable,
)
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.engine import Connection as Connection  # what everybody above the warehouse calls it

from ems_pipeline import settings
from ems_pipeline.errors import EmsError
from ems_pipeline.warehouse import embedded
from ems_pipeline.warehouse.local import home

PATIENT = sa.text("SELECT set_config('lock_timeout', :lock, true), set_config('statement_timeout', :all, true)")
PATIENT_WORK = 3
"""A statement that waits for nobody may still take so many times the patience."""
MISSING = (InvalidSchemaName, UndefinedColumn, UndefinedFunction, UndefinedTable)
EMS_DATABASE = "ems"
DAGSTER_DATABASE = "dagster"


class DatabaseUnavailable(EmsError):
    """The database cannot be reached; the text names it (without password) and the remedy."""


class SchemaBehind(EmsError):
    """The schema is older than the program, or is not there; the text says what is missing and what brings it."""


class Blocked(RuntimeError):
    """Somebody else holds what a transaction needs for longer than it may wait; nothing of it was kept."""


@dataclass
class Warehouse:
    """A connection pool to the `ems` database. Create it after a fork, never at import."""

    url: URL
    _engine: Engine | None = field(default=None, repr=False)

    @property
    def engine(self) -> Engine:
        """The pool, made on first use."""
        if self._engine is None:
            self._engine = sa.create_engine(
                self.url,
                pool_pre_ping=True,
                pool_size=4,
                connect_args={"connect_timeout": 10, "options": "-c timezone=UTC"},
            )
        return self._engine

    @contextmanager
    def begin(self, patience_s: float | None = None) -> Iterator[Connection]:
        """One transaction: commits at the end, rolls back on any error.

        Args:
            patience_s: how long a statement may wait for what others have locked, and take in all; None: for ever.

        Raises:
            DatabaseUnavailable: no connection could be made, it broke, or the disk of the server is full.
            Blocked: the patience is over.
        """
        with self._explained(), self.engine.begin() as connection:
            if patience_s is not None:
                connection.execute(PATIENT, {"lock": f"{patience_s:g}s", "all": f"{PATIENT_WORK * patience_s:g}s"})
            yield connection

    @contextmanager
    def savepoint(self, connection: Connection) -> Iterator[None]:
        """A part of a transaction that is kept or undone by itself; same errors as `begin`."""
        with self._explained(), connection.begin_nested():
            yield

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Reads of one instant, whatever is written meanwhile; same errors as `begin`."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._explained(), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DiskFull as error:  # from below SQLAlchemy: a COPY
            raise DatabaseUnavailable(*_full(self.url, error)) from error
        except (LockNotAvailable, QueryCanceled) as error:
            raise Blocked(_first_line(self.url, error)) from error
        except MISSING as error:  # from below SQLAlchemy
            raise SchemaBehind(*_behind(self.url, error)) from error
        except sa.exc.ProgrammingError as error:
            if isinstance(error.orig, MISSING):
                raise SchemaBehind(*_behind(self.url, error.orig)) from error
            raise
        except sa.exc.OperationalError as error:
            if isinstance(error.orig, LockNotAvailable | QueryCanceled):
                raise Blocked(_first_line(self.url, error.orig)) from error
            if isinstance(error.orig, DiskFull):
                raise DatabaseUnavailable(*_full(self.url, error.orig)) from error
            if error.connection_invalidated or not self.is_up():
                raise DatabaseUnavailable(*_unreachable(self.url, error)) from error
            raise

    def is_up(self) -> bool:
        """Whether the database answers now."""
        try:
            with self.engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.OperationalError:
            return False
        return True

    def close(self) -> None:
        """Give all connections back."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _behind(url: URL, error: BaseException) -> tuple[str, str]:
    return f"{_first_line(url, error)}; its schema is not there, or older than this program:", "run `ems db migrate`"


def _first_line(url: URL, error: BaseException) -> str:
    return f"{url.database}: {str(error).strip().splitlines()[0]}"


def open_warehouse() -> Warehouse:
    """The warehouse this process is configured for; starts the embedded server when none is named."""
    return Warehouse(database_url(EMS_DATABASE).set(drivername="postgresql+psycopg"))


def dagster_database_url() -> str:
    """Address of Dagster's storage in the one form dagster-postgres accepts, ``postgresql+psycopg2://...``."""
    url = database_url(DAGSTER_DATABASE)
    return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def target_url(address: str) -> URL:
    """An address given by hand, as our driver wants it; same errors as `database_url`."""
    return _parsed("the target", address).set(drivername="postgresql+psycopg")


def database_url(database: str) -> URL:
    """Address of one of our two databases on the configured (or embedded) server.

    Raises:
        WrongSetting, DatabaseUnavailable: the environment names what is no address.
    """
    own = {EMS_DATABASE: settings.DATABASE_URL, DAGSTER_DATABASE: settings.DAGSTER_DATABASE_URL}[database]
    if address := own.read():
        return _parsed(own.name, address)
    if address := settings.DATABASE_URL.read():
        return _parsed(settings.DATABASE_URL.name, address).set(database=database)
    return make_url(embedded.start(home() / "postgres")).set(database=database)


def ensure_databases() -> None:
    """Create the two databases where they are missing, closed to everybody who is not granted entry.

    Dagster's may lose its last second: it is disposable.

    Raises:
        DatabaseUnavailable: see `ensure_database`.
    """
    ensure_database(database_url(EMS_DATABASE))
    ensure_database(database_url(DAGSTER_DATABASE), is_disposable=True)


def ensure_database(url: URL, *, is_disposable: bool = False) -> None:
    """Create one database where it is missing.

    Raises:
        DatabaseUnavailable: its server does not answer, or this login may not create it.
    """
    admin = sa.create_engine(
        url.set(drivername="postgresql+psycopg", database="postgres"), isolation_level="AUTOCOMMIT"
    )
    try:
        with admin.connect() as connection:
            found = connection.execute(sa.text("SELECT 1 FROM pg_database WHERE datname = :n"), {"n": url.database})
            if found.first() is None:
                connection.exec_driver_sql(f'CREATE DATABASE "{url.database}"')
                connection.exec_driver_sql(f'REVOKE ALL ON DATABASE "{url.database}" FROM PUBLIC')
                if is_disposable:
                    connection.exec_driver_sql(f'ALTER DATABASE "{url.database}" SET synchronous_commit = off')
    except (sa.exc.OperationalError, sa.exc.ProgrammingError) as error:
        raise DatabaseUnavailable(*_unreachable(url, error)) from error
    finally:
        admin.dispose()


def _parsed(variable: str, address: str) -> URL:
    try:
        url = make_url(address)
    except (sa.exc.ArgumentError, ValueError) as error:  # the second: a port that is no number
        raise DatabaseUnavailable(
            f"{variable} is not a database address", "write postgresql://user@host:5432/ems (password: ~/.pgpass)"
        ) from error
    if not url.drivername.startswith("postgresql"):
        raise DatabaseUnavailable(
            f"{variable} names {url.drivername!r}; only PostgreSQL is supported:", "write postgresql://..."
        )
    return url


def _full(url: URL, error: DiskFull) -> tuple[str, str]:
    where = url.render_as_string(hide_password=True)
    first_line = str(error).strip().splitlines()[0]
    return f"the disk of database {where} is full: {first_line}.", "Make room there; nothing of this was written"


def _unreachable(url: URL, error: Exception) -> tuple[str, str]:
    first_line = str(getattr(error, "orig", error)).strip().splitlines()[0]
    where = url.render_as_string(hide_password=True)
    if "does not exist" in first_line:
        return f"{first_line} ({where})", "create it with `ems db migrate`"
    if "permission denied" in first_line:
        return f"{first_line} ({where})", f'have it created: CREATE DATABASE "{url.database}" OWNER "{url.username}"'
    return (
        f"database {where} does not answer: {first_line}.",
        "Start it (embedded: `ems db start`), or check EMS_DATABASE_URL; nothing was written",
    )
