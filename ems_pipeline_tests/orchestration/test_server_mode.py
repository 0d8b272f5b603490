"""The installation on a PostgreSQL server of its own: migrated by its owner, run by a login that owns nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL
from typer.testing import CliRunner, Result

from ems_pipeline import time_grid
from ems_pipeline.cli.app import app
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.plant import running_plant
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.orchestration.conftest import LOGGED_DAYS, PRAGUE, TODAY, small
from ems_pipeline_tests.orchestration.conftest import lived as a_quarter_hour
from ems_pipeline_tests.servers import OWNER, PASSWORD, tcp_server

pytestmark = pytest.mark.slow
SECRET = "a long: \\password"
MIDNIGHT = time_grid.day_bounds(TODAY, PRAGUE)[0]


@dataclass
class Server:
    """A second PostgreSQL, and a machine that is told of it by environment only."""

    url: URL
    folder: Path
    environment: pytest.MonkeyPatch

    def become(self, login: str) -> None:
        """Work as a login from now on; its password comes from libpq's password file."""
        for variable, database, driver in (
            ("EMS_DATABASE_URL", "ems", "postgresql"),
            ("EMS_DAGSTER_DATABASE_URL", "dagster", "postgresql+psycopg2"),
        ):
            self.environment.setenv(variable, f"{driver}://{login}@127.0.0.1:{self.url.port}/{database}")

    def owner(self) -> Warehouse:
        return Warehouse(self.url.set(database="ems"))


def ems(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, f"{result.output}{result.exception!r}"
    return result


def escaped(password: str) -> str:
    """As ~/.pgpass wants it."""
    return password.replace("\\", "\\\\").replace(":", "\\:")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Migrated by its owner, who makes a login for the pipeline and is not needed any more."""
    folder = tmp_path_factory.mktemp("machine")
    passwords = folder / "pgpass"
    with pytest.MonkeyPatch.context() as environment, tcp_server() as url:
        passwords.write_text(f"*:*:*:{OWNER}:{escaped(PASSWORD)}\n*:*:*:pipeline:{escaped(SECRET)}\n", encoding="utf-8")
        passwords.chmod(0o600)
        for name, value in {"EMS_HOME": folder, "PGPASSFILE": passwords, "DAGSTER_HOME": folder / "dagster"}.items():
            environment.setenv(name, str(value))
        environment.chdir(ROOT)
        server = Server(url, folder, environment)
        server.become(OWNER)
        assert "none -> " in ems("db", "migrate").output
        (folder / "secret").write_text(SECRET + "\n", encoding="utf-8")
        ems("db", "login", "pipeline", "service", "--password-file", str(folder / "secret"))
        server.become("pipeline")
        yield server


@pytest.fixture(scope="module")
def lived(server: Server, home01: Site) -> Iterator[InProcess]:
    """The pipeline's login fills what a plan needs and lives through one quarter-hour on the virtual plant."""
    clock = SimulatedClock(MIDNIGHT)
    with running_plant(small(home01), clock, seed=1, history_days=LOGGED_DAYS) as plant:
        for name, value in plant.environ.items():
            server.environment.setenv(name, value)
        with a_quarter_hour(plant, clock) as runs:
            yield runs
        runs.platform.warehouse.close()


def test_the_server_is_the_only_database_there_is(server: Server, lived: InProcess) -> None:
    assert not (server.folder / "postgres").exists(), "no embedded server was started"
    with lived.platform.warehouse.begin() as connection:
        where = connection.exec_driver_sql("SELECT inet_server_port(), session_user, current_database()").one()
    assert tuple(where) == (server.url.port, "pipeline", "ems")


def test_the_cycle_planned_wrote_and_proved_on_the_server(lived: InProcess) -> None:
    with lived.platform.warehouse.begin() as connection:
        told = connection.exec_driver_sql(
            "SELECT device_key, source, echoed_at IS NOT NULL, planning_run_id IS NOT NULL FROM ems.setpoint ORDER BY 1"
        ).all()
        measured = connection.exec_driver_sql("SELECT count(DISTINCT reported_at) FROM ems.telemetry WHERE quality = 0")
        assert measured.scalar_one() >= 14
    assert told
    assert {row[1:] for row in told} == {("plan", True, True)}


def test_its_runs_are_in_dagsters_database_there(server: Server, lived: InProcess) -> None:
    jobs = {run.job_name for run in lived.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))}
    assert {"plan_rolling", "apply_control", "read_telemetry", "verify_setpoints"} <= jobs
    dagster = Warehouse(server.url.set(database="dagster"))
    with dagster.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM runs").scalar_one() >= 4
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        assert connection.exec_driver_sql(owner).scalar_one() == "ems_service"
    dagster.close()


def test_the_pipelines_login_cannot_change_what_it_runs_on(lived: InProcess) -> None:
    for statement in ("DROP TABLE ems.setpoint", "DELETE FROM ems.setpoint_event", "CREATE ROLE mine"):
        refused = pytest.raises(sa.exc.ProgrammingError, match=r"must be owner|permission denied")
        with refused, lived.platform.warehouse.begin() as connection:
            connection.exec_driver_sql(statement)


def test_a_stranger_and_a_wrong_password_do_not_get_in(server: Server) -> None:
    where = {"host": "127.0.0.1", "port": server.url.port, "dbname": "ems"}
    psycopg.connect(**where, user="pipeline", password=SECRET).close()  # type: ignore[arg-type]
    for user, password in (("pipeline", "guess"), ("pipeline", ""), ("stranger", SECRET)):
        with pytest.raises(psycopg.OperationalError, match=r"password authentication failed|no password supplied"):
            psycopg.connect(**where, user=user, password=password, passfile="/nowhere")  # type: ignore[arg-type]
    with server.owner().begin() as connection:
        connection.exec_driver_sql("CREATE ROLE stranger LOGIN PASSWORD 'known'")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(**where, user="stranger", password="known")  # type: ignore[arg-type]


def test_status_and_backup_work_as_on_the_embedded_server(server: Server, lived: InProcess, tmp_path: Path) -> None:
    shown = ems("db", "status").output
    assert f"postgresql+psycopg://pipeline@127.0.0.1:{server.url.port}/ems" in shown.replace("\n", "")
    assert "home01" in ems("status").output
    server.become(OWNER)
    try:
        ems("db", "backup", str(tmp_path / "a.dump"))
    finally:
        server.become("pipeline")
    assert (tmp_path / "a.dump").stat().st_size > 10_000
