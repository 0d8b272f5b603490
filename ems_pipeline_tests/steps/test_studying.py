"""A study that is interrupted goes on where it was, and comes out the same; whoever controls a house cannot read it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa

from ems_pipeline import time_grid
from ems_pipeline.backtest.study import Study
from ems_pipeline.orchestration.assets.study import study_day
from ems_pipeline.sites import Site
from ems_pipeline.sites.revised import said_by
from ems_pipeline.steps import studying
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, migrate, studies

NOW = datetime(2026, 5, 1, tzinfo=UTC)
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of an evening household and hourly prices."""
    starts = [datetime(2025, 12, 10, tzinfo=UTC) + k * time_grid.SLOT for k in range(60 * 96)]
    hour = np.array([at.hour + at.minute / 60 for at in starts])
    file = tmp_path_factory.mktemp("history") / "home.parquet"
    pl.DataFrame(
        {
            "ts_utc": starts,
            "load_w": 300 + 1500 * np.exp(-0.5 * ((hour - 18) / 2) ** 2),
            "pv_w": 1500 * np.maximum(0, np.sin(np.pi * (hour - 7) / 9)),
            "price_eur_mwh": 80 + 60 * np.sin(2 * np.pi * (hour - 10) / 24),
        }
    ).write_parquet(file)
    return file


@pytest.fixture(scope="module")
def study(home01: Site, history: Path) -> Study:
    """The last day of January and the first of February."""
    home = {"key": "h", "site": said_by(home01), "history": {"files": [str(history)], "per_eur": 25}}
    return Study.model_validate(
        {
            "study": "s", "first": "2026-01-31", "last": "2026-02-01", "homes": [home],
            "variants": {"as-is": {"forecaster": "persistence"}},
        }
    )  # fmt: skip


@pytest.fixture
def platform(warehouse: Warehouse) -> Platform:
    migrate.upgrade(warehouse)  # a database cloned from a template has no rights of its own
    with studies.opened(warehouse) as connection:
        connection.exec_driver_sql("DELETE FROM study.definition")
    return Platform(warehouse, SimulatedClock(NOW), list)


def parts(platform: Platform) -> dict[date, str]:
    with studies.opened(platform.warehouse) as connection:
        return {part.month: part.rows_digest for part in studies.parts(connection, "s")}


def test_an_interrupted_study_goes_on_where_it_was_and_comes_out_the_same(platform: Platform, study: Study) -> None:
    studying.ask(platform, study)
    assert studying.asked(platform) == {"s": study}
    steps: list[str] = []
    studying.live(platform, study, 0, lambda name, done, of: steps.append(f"{name} {done}/{of}"), month=FEBRUARY)
    february = parts(platform)
    assert list(february) == [FEBRUARY]
    platform.clock = SimulatedClock(NOW + timedelta(hours=1))
    found = studying.live(platform, study, 0, lambda name, done, of: steps.append(f"{name} {done}/{of}"))
    assert not found.faults
    assert steps == ["h 2026-02 1/1", "h 2026-01 1/2", "h 2026-02 2/2"]
    whole = parts(platform)
    assert whole[FEBRUARY] == february[FEBRUARY]
    with studies.opened(platform.warehouse) as connection:
        asked = connection.exec_driver_sql("SELECT month, recorded_at FROM study.part ORDER BY 1")
        assert dict(list(asked)) == {JANUARY: NOW + timedelta(hours=1), FEBRUARY: NOW}, "what was done stayed"
        assert studies.days(connection, "s")["day"].to_list() == [date(2026, 1, 31), date(2026, 2, 1)]
        connection.exec_driver_sql("DELETE FROM study.part WHERE month = '2026-02-01'")
    key = dg.MultiPartitionKey({"home": "s.h", "month": "2026-02-01"})
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("study_home", ["s.h"])
        made = dg.materialize([study_day], instance=instance, partition_key=key, resources={"ems": platform})
    assert made.success
    assert parts(platform) == whole, (
        "lived again, by a run of Dagster in a process of its own: the same to the last bit"
    )


def test_what_cannot_be_lived_costs_itself_and_says_why(platform: Platform, study: Study) -> None:
    lost = study.homes[0].model_copy(update={"key": "lost", "history": study.homes[0].history.model_copy(  # type: ignore[union-attr]
        update={"files": (Path("nowhere.parquet"),)})})  # fmt: skip
    broken = study.model_copy(update={"homes": (lost,)})
    studying.ask(platform, broken)
    found = studying.live(platform, broken, 0, lambda *_: None, month=JANUARY)
    assert [str(fault) for fault in found.faults.values()] == [
        "history nowhere.parquet cannot be read: No such file or directory; name a file that is there"
    ]


def test_the_pipeline_itself_cannot_read_what_never_was(platform: Platform) -> None:
    with platform.warehouse.begin() as connection:
        connection.exec_driver_sql("SET LOCAL ROLE ems_service")
        with (
            pytest.raises(sa.exc.ProgrammingError, match="permission denied for schema study"),
            connection.begin_nested(),
        ):
            connection.exec_driver_sql("SELECT count(*) FROM study.day")
        version: str = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
        if int(version) >= 160000:
            member = "SELECT pg_has_role('ems_service', 'ems_study', 'SET')"
            assert connection.exec_driver_sql(member).scalar_one(), "and takes the role on where it lives a study"
    with studies.opened(platform.warehouse) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM study.day").scalar_one() == 0
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), connection.begin_nested():
            connection.exec_driver_sql("SELECT count(*) FROM ems.setpoint")
