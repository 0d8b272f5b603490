"""Dagster's storage in a web server: the pool is kept, statements end, and a restarted database is no failed click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ems_pipeline.orchestration.machinery import instance as instances
from ems_pipeline.orchestration.machinery.storage import KeptStorage
from ems_pipeline.warehouse import embedded
from ems_pipeline_tests.conftest import ROOT

TIMEOUT_MS = 15_000


@pytest.fixture
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("EMS_DATABASE_URL", "EMS_DAGSTER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EMS_HOME", str(folder))
    monkeypatch.setenv("EMS_DAGSTER_SETTINGS", str(ROOT / "dagster.yaml"))
    monkeypatch.setenv("DAGSTER_HOME", "")  # taken back with the others
    monkeypatch.setenv("EMS_DAGSTER_DATABASE_URL", "")
    yield folder
    embedded.stop(folder / "postgres")


def asked(instance: dg.DagsterInstance) -> None:
    """What every page of the UI asks of all three parts of the storage."""
    instance.get_runs(limit=1)
    instance.all_asset_keys()
    instance.all_instigator_state()


def test_a_web_server_survives_a_restart_of_the_database(home: Path) -> None:
    instances.prepare().close()
    with instances.open_instance() as instance:
        instance.optimize_for_webserver(statement_timeout=TIMEOUT_MS, pool_recycle=3600, max_overflow=20)
        asked(instance)
        embedded.stop(home / "postgres")
        embedded.start(home / "postgres")
        asked(instance)


def test_a_web_server_keeps_the_pool_and_ends_long_statements(home: Path) -> None:
    instances.prepare().close()
    with instances.open_instance() as instance:
        before = instance.run_storage._engine  # type: ignore[attr-defined]
        instance.optimize_for_webserver(statement_timeout=TIMEOUT_MS, pool_recycle=3600, max_overflow=20)
        parts = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
        engines = {id(part._engine): part._engine for part in parts}  # type: ignore[union-attr]
        assert len(engines) == 1
        (engine,) = engines.values()
        assert engine is not before
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "15s"
        with instances.open_instance() as another:
            another.optimize_for_webserver(statement_timeout=TIMEOUT_MS, pool_recycle=3600, max_overflow=20)
            assert another.run_storage._engine is engine, "an instance more is no pool more"  # type: ignore[attr-defined]
    assert KeptStorage._limited is None, "of the storage that made it, not of all"
