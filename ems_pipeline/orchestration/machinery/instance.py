"""Dagster's own home: its settings file and its database, prepared for every process that needs them."""

import os
import shutil

import dagster as dg

from ems_pipeline import settings
from ems_pipeline.orchestration import first_day
from ems_pipeline.warehouse import migrate
from ems_pipeline.warehouse.engine import Warehouse, dagster_database_url, ensure_databases, open_warehouse
from ems_pipeline.warehouse.local import home, prepare_home, private

EVENTS_AT_ONCE = "200"
"""A range run materialises hundreds of partitions; one by one, their events took longer than the data."""


def prepare() -> Warehouse:
    """Bring both databases up to date, write Dagster's home and point this process (and its children) at it.

    Raises:
        HomeUnusable: the folder of local state cannot be written, or not be closed to others.
        DatabaseUnavailable: the database does not answer.
        SchemaBehind: it has to be migrated by somebody else.
        FileNotFoundError: `dagster.yaml` is not in the working directory.
    """
    prepare_home()
    ensure_databases()
    warehouse = open_warehouse()
    migrate.ensure(warehouse)
    file = settings.DAGSTER_SETTINGS.read().resolve()
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing: start in the project's folder, or name it: EMS_DAGSTER_SETTINGS")
    shutil.copyfile(file, private(home() / "dagster") / "dagster.yaml")
    _point_at_home()
    first_day.tell(warehouse)
    return warehouse


def open_instance() -> dg.DagsterInstance:
    """Dagster's storage as `prepare` set it up, in this process or another.

    Raises:
        FileNotFoundError: nobody prepared it yet.
    """
    if not (home() / "dagster" / "dagster.yaml").exists():
        raise FileNotFoundError(f"{home()} holds no settings of Dagster yet; `ems up` or `ems demo` writes them")
    _point_at_home()
    return dg.DagsterInstance.get()


def _point_at_home() -> None:
    os.environ["DAGSTER_HOME"] = str(home() / "dagster")
    settings.DAGSTER_DATABASE_URL.hand_over(dagster_database_url())
    settings.HOME.hand_over(str(home()))
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENTS_AT_ONCE)
