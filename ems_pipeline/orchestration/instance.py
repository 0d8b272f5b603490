"""Dagster's own home: its settings file and its database, prepared for every process that needs them."""

import functools
import os
import shutil
from pathlib import Path

import dagster as dg

from ems_pipeline.warehouse import migrate
from ems_pipeline.warehouse.engine import Warehouse, dagster_database_url, ensure_databases, home, open_warehouse

SCHEMA_QUESTIONS = ("has_table", "has_asset_key_col", "has_run_stats_index_cols", "has_backfill_id_column")
"""Asked of the catalogue with almost every event, 7 % of a run's time; no schema changes while a process runs."""


def prepare() -> Warehouse:
    """Bring both databases up to date, write Dagster's home and point this process (and its children) at it.

    Raises:
        DatabaseUnavailable: the database does not answer.
        SchemaBehind: it has to be migrated by somebody else.
        FileNotFoundError: `dagster.yaml` is not in the working directory.
    """
    ensure_databases()
    warehouse = open_warehouse()
    migrate.ensure(warehouse)
    folder = home() / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    settings = Path("dagster.yaml").resolve()
    if not settings.exists():
        raise FileNotFoundError(f"{settings} is missing: start this command in the folder of the project")
    shutil.copyfile(settings, folder / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ["EMS_DAGSTER_DATABASE_URL"] = dagster_database_url()
    os.environ["EMS_HOME"] = str(home())
    return warehouse


def open_instance() -> dg.DagsterInstance:
    """Dagster's storage as `prepare` set it up, with its connections kept open."""
    return keep_connections(dg.DagsterInstance.get())


def keep_connections(instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """Hold connections to Dagster's storage instead of opening one per statement, some 80 for a run of one asset.

    Not before a fork: a worker keeps its own.
    """
    instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=8)
    for storage in (instance.event_log_storage, instance.run_storage):
        for question in SCHEMA_QUESTIONS:
            if hasattr(storage, question):
                setattr(storage, question, functools.cache(getattr(storage, question)))
    return instance
