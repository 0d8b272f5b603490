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
from ems_pipeline.warehouse import sites as registry

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


MEASURED = """
INSERT INTO ems.point (site_key, device_key, quantity, unit)
VALUES ('home01', 'inverter', 'grid_power_w', 'W'), ('home01', 'inverter', 'pv_power_w', 'W'),
       ('home01', 'wallbox-1', 'ev_power_w', 'W');
SELECT ems.fn_ensure_partitions('telemetry_15m', '2026-01-20', '2026-02-04');
INSERT INTO ems.telemetry_15m (site_key, device_key, quantity, starts_at, mean_value, samples,
                               coverage_pct)
SELECT 'home01', device_key, quantity, g,
       CASE quantity WHEN 'pv_power_w' THEN 200 WHEN 'ev_power_w' THEN 300
                     ELSE 800 + 600 * sin(extract(epoch FROM g) / 13751) END, 15, 100
FROM ems.point, generate_series('2026-01-20 00:00+00'::timestamptz, '2026-02-03 23:45+00', '15 min') g;
INSERT INTO ems.market_interval_price
SELECT 'CZ', g, 90 + 50 * sin(extract(epoch FROM g) / 13751), 'EUR', 15, 'test',
       date_trunc('day', g + interval '1 h') - interval '12 h', 'nominal', now()
FROM generate_series('2026-01-30 00:00+00'::timestamptz, '2026-02-03 22:45+00', '15 min') g;
INSERT INTO ems.market_interval_price VALUES
    ('CZ', '2026-01-31 18:00+00', 900, 'EUR', 15, 'test', '2026-01-31 12:00+00', 'received', now());
INSERT INTO ems.fx_rate (base, quote, rate_on, rate, is_provisional, source, known_at)
SELECT 'EUR', 'CZK', d, 25, false, 'test', '2026-01-20'
FROM generate_series('2026-01-20'::date, '2026-02-05', '1 day') d;
"""
"""A fortnight of a home, and market prices of which one is corrected at noon of its day."""


def test_a_registered_site_is_lived_on_what_the_warehouse_knew_then(platform: Platform, home01: Site) -> None:
    site = home01.model_copy(update={"heat_pumps": (), "gensets": ()})
    with platform.warehouse.begin() as connection:
        registry.register(connection, [site], NOW)
        connection.connection.cursor().execute(MEASURED)
    study = Study.model_validate(
        {
            "study": "own", "first": "2026-01-31", "last": "2026-01-31",
            "homes": [{"key": "h", "site": said_by(site)}], "variants": {"as-is": {"forecaster": "persistence"}},
        }
    )  # fmt: skip
    studying.ask(platform, study)
    assert not studying.live(platform, study, 0, lambda *_: None).faults
    with studies.opened(platform.warehouse) as connection:
        day = studies.days(connection, "own").row(0, named=True)
    assert (day["slots"], day["currency"]) == (96, "CZK")
    assert day["pv_wh"] == pytest.approx(96 * 200 / 4)
    assert day["consumption_wh"] - day["pv_wh"] == pytest.approx(96 * 800 / 4, rel=0.1), "the car drew what it drew"
    month = studying.month_of(platform, study, study.homes[0], JANUARY)
    record = month.history.record(month.history.measured(), "as-is", site)
    assert record.known is not None
    at = record.starts.index(datetime(2026, 1, 31, 18, tzinfo=UTC))
    morning, afternoon = at - 12 * 4, at - 4 * 4
    before, after = (record.known.at(t)[0][at - t] for t in (morning, afternoon))
    assert after - before == pytest.approx(
        1.21 * 25 * (900 - 90 - 50 * np.sin(record.starts[at].timestamp() / 13751)) / 1000
    )
    assert record.buy_per_kwh[at] == after, "it is settled at what holds in the end"
