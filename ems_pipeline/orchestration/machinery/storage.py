"""Dagster's PostgreSQL storage, with connections and answers about its schema kept for the life of the process.

dagster-postgres opens a connection per statement, several dozen for a run, and asks the catalogue of the database with
almost every event. The server pays for both: a backend is forked for each connection. Named in `dagster.yaml`.

`dagster definitions validate` and `dg check defs` open a storage, too, and leave nothing in it: where no database is
named, as in a checkout, they get a folder that is gone with them.
"""

import functools
import logging
import os
import tempfile
from collections.abc import Mapping
from typing import Any

from dagster_postgres import DagsterPostgresStorage

from ems_pipeline import settings
from ems_pipeline.orchestration.machinery import dagster_private
from ems_pipeline.orchestration.machinery.dagster_private import (
    ConfigurableClassData,
    create_pg_engine,
    pg_url_from_config,
)

ONLY_LOOKED_AT = "DAGSTER_IS_DEFS_VALIDATION_CLI"
"""Set by Dagster's two commands that look at definitions."""

SCHEMA_QUESTIONS = (
    "has_table",
    "has_asset_key_col",
    "has_run_stats_index_cols",
    "has_backfill_id_column",
    "has_bulk_actions_selector_cols",
    "has_bulk_action_job_name_column",
    "has_built_index",
    "has_instigators_table",
)
"""Their answers change with a migration of Dagster only, and nothing runs through one."""
POOL: dict[str, Any] = {"pool_size": 3, "max_overflow": 20, "pool_recycle": 3600, "pool_pre_ping": True}
"""A database that was restarted costs a ping, not a failed run."""

tables_exist = False
"""Set by processes which know that somebody has opened this storage before them: they need not look for its tables."""
_first: dict[tuple[int, str], "KeptStorage"] = {}


@functools.cache
def _passing_folder() -> tempfile.TemporaryDirectory[str]:
    """Gone with the process: Dagster lets go of the storage, and goes on with its parts."""
    return tempfile.TemporaryDirectory(prefix="ems-definitions-")


class KeptStorage(DagsterPostgresStorage):
    """The first storage of a process for a database makes the pool; later ones, one per sensor tick, borrow it."""

    _limited: Any = None
    """The pool of a web server."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        first = _first.get((os.getpid(), postgres_url))
        super().__init__(postgres_url, should_autocreate_tables=first is None and not tables_exist, inst_data=inst_data)
        self._borrow(first) if first else self._lead(postgres_url)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Any:
        """The storage at the address of `dagster.yaml`, or of the environment where that names none.

        Raises:
            LookupError: neither names one.
        """
        named = set(config_value) & {"postgres_url", "postgres_db"}
        address = pg_url_from_config(config_value) if named else settings.DAGSTER_DATABASE_URL.read()
        if address:
            return cls(address, inst_data)
        if os.environ.get(ONLY_LOOKED_AT):
            return dagster_private.DagsterSqliteStorage.from_local(_passing_folder().name, inst_data)
        raise LookupError(
            f"Dagster's storage has no address: {settings.DAGSTER_DATABASE_URL.name} is not set. "
            "`ems up`, `ems ui` and `ems demo` set it; a "
            "command of Dagster's own needs DAGSTER_HOME and it (docs/operations.md)"
        )

    @property
    def _parts(self) -> tuple[Any, ...]:
        return self._run_storage, self._event_log_storage, self._schedule_storage

    def _lead(self, postgres_url: str) -> None:
        """Not inherited over a fork: the child's process number is another."""
        # dagster-postgres warns of a database that is away through the root logger, which Python then gives a handler
        # for good: every line of the daemon would come twice from then on.
        logging.getLogger("dagster").propagate = False
        self._share(create_pg_engine(postgres_url, isolation_level="AUTOCOMMIT", **POOL))
        for part in self._parts:
            part.optimize_for_webserver = self._limit_statements
            for question in SCHEMA_QUESTIONS:
                if hasattr(part, question):
                    setattr(part, question, functools.cache(getattr(part, question)))
        _first[os.getpid(), postgres_url] = self

    def _share(self, engine: Any) -> None:
        for part in self._parts:
            part._engine = engine

    def _limit_statements(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:  # noqa: ARG002
        """What the web server asks each part for: statements end after so many ms. Dagster would replace our pool by
        one that pings nobody, and after a restart of the database the first clicks would fail."""
        engine = self._parts[0]._engine
        if engine is not self._limited:
            options = f"{engine.url.query.get('options', '')} -c statement_timeout={statement_timeout}".strip()
            engine.dispose()
            given = POOL | {"isolation_level": "AUTOCOMMIT", "connect_args": {"options": options}}
            self._limited = create_pg_engine(self._parts[0].postgres_url, **given)
            self._share(self._limited)

    def _borrow(self, first: "KeptStorage") -> None:
        for own, kept in zip(self._parts, first._parts, strict=True):
            own._engine = kept._engine
            own.optimize_for_webserver = first._limit_statements
            for question in SCHEMA_QUESTIONS:
                if hasattr(own, question):
                    setattr(own, question, getattr(kept, question))
