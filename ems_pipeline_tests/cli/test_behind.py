"""Without the schema, or with an older one, every command says in one message what is missing and what brings it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import typer
from sqlalchemy.engine import URL
from typer.testing import CliRunner

from ems_pipeline.cli.app import app
from ems_pipeline.errors import EmsError
from ems_pipeline.warehouse import Warehouse, embedded

READERS = {
    "release": ["home01"],
    "status": [],
    "metrics": [],
    "site list": [],
    "site remove": ["home01"],
    "user add": ["anna", "viewer"],
    "user password": ["anna"],
    "user list": [],
    "user remove": ["anna"],
    "user channel list": [],
    "user channel add-email": ["anna", "anna@example.org"],
    "user channel telegram": ["anna"],
    "user channel remove": ["1"],
    "user channel wishes": ["1", "--least", "critical"],
    "notify test": ["anna"],
    "device write": ["home01", "inverter", "solar_sell", "1"],
    "control arm": ["home01"],
    "control disarm": ["home01"],
    "control setpoints": ["home01"],
    "control fallback": ["home01"],
    "control acknowledge": ["1"],
    "control override add": ["home01", "pack", "hold"],
    "control override list": [],
    "control override cancel": ["1"],
    "control goal add": ["home01", "car-1", "--source", "solar"],
    "control goal list": [],
    "control goal cancel": ["1"],
    "control schedule list": ["home01"],
    "control schedule add": ["home01", "quiet", "heating", "blocked", "--start", "23:00", "--end", "05:00"],
    "control schedule remove": ["home01", "quiet"],
    "control schedule switch": ["home01", "quiet", "off"],
    "gensets command": ["home01", "set-1", "stop", "--reason", "tried"],
    "gensets commands": [],
    "gensets steps": ["1"],
    "gensets cancel": ["1"],
    "gensets lock add": ["home01", "set-1", "--reason", "tried"],
    "gensets lock list": [],
    "gensets lock lift": ["1"],
    "battery discover": ["--broadcast", "127.255.255.255", "--seconds", "0.1"],
    "battery list": [],
    "planner list": [],
    "planner promote": ["home01"],
    "planner why": ["home01"],
    "gensets list": [],
    "gensets alarms list": [],
    "gensets alarms journal": [],
    "gensets alarms report": [],
    "gensets alarms acknowledge": ["1"],
    "gensets alarms shelve": ["1", "--reason", "sensor ordered"],
    "gensets alarms unshelve": ["1"],
    "replay": ["home01"],
    "why": ["home01"],
    "event add": ["home01", "e", "--from", "2030-01-01T00:00+00:00", "--until", "2030-01-01T01:00+00:00"],
    "event list": ["home01"],
    "event cancel": ["home01", "e"],
    "maintenance seed": [],
    "maintenance list": [],
    "maintenance plan": ["yard", "gen-1"],
    "maintenance due": [],
    "maintenance log": [],
    "maintenance done": ["yard", "gen-1", "TO-1"],
    "maintenance meter": [],
    "maintenance import": ["docs/maintenance.md"],
    "maintenance drafts": [],
    "maintenance confirm": ["1", "--template", "own", "--name", "own"],
    "db login": ["somebody", "reader"],
    "cadence": [],  # the last: it brings what it lacks
}
"""Commands that read what a schema holds, with what they need to get there."""
OTHERS = {
    *("demo", "up", "ui", "code-server", "backfill", "site add", "db migrate", "db copy", "db restore"),  # bring it
    *("backtest run", "backtest offer", "backtest show", "backtest compare", "what-if"),  # bring it, too
    *(
        "db start",
        "db stop",
        "db status",
        "db token",
        "doctor",
        "doors",
        "plan",
        "site check",
        "web",
        "notify run",
        "notify push-key",
        "homeassistant run",
        "homeassistant forget",
    ),  # work without it
    *(
        "device read",
        "device watch",
        "device scan",
        "db backup",
        "device map check",
        "device map list",
        "device map show",
        "plant faults",
        "plant on",
        "plant off",
        "plant show",
        "gensets map check",
        "gensets map list",
        "gensets map show",
    ),
}
STOPPED_BEFORE = {
    *(
        "metrics",
        "cadence",
        "control fallback",
        "event add",
        "event list",
        "event cancel",
        "db login",
        "user add",
        "user password",
        "replay",
        "why",
    ),
}
"""Of the readers, those that need something else first: Dagster's settings, a site, a prompt."""
FORESEEN = (EmsError, ValueError, LookupError, RuntimeError, OSError)
"""What `app` shows as one message."""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    if not hasattr(command, "commands"):
        yield " ".join(path)
        return
    for name, below in command.commands.items():
        yield from commands(below, (*path, name))


def test_every_command_is_looked_at() -> None:
    assert set(commands(typer.main.get_command(app))) == READERS.keys() | OTHERS


@pytest.fixture(scope="module", params=["CREATE SCHEMA ems", "SELECT 1"], ids=["an empty schema", "no schema"])
def behind(request: pytest.FixtureRequest, database_server: URL) -> Iterator[Warehouse]:
    name = f"behind_{request.param_index}"
    maintenance = sa.create_engine(database_server, isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    maintenance.dispose()
    found = Warehouse(database_server.set(database=name))
    with found.begin() as connection:
        connection.exec_driver_sql(request.param)
    yield found
    found.close()


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """In a home of its own: `ems cadence` prepares it, and the checkout's may be somebody's."""

    def no_server(*_: object) -> str:
        raise AssertionError("the embedded server was asked for")

    monkeypatch.setattr(embedded, "start", no_server)
    monkeypatch.setenv("EMS_HOME", str(tmp_path / "home"))
    return CliRunner()


def at(monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse) -> None:
    address = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("EMS_DATABASE_URL", address)
    monkeypatch.setenv("EMS_DAGSTER_DATABASE_URL", address)


@pytest.mark.parametrize("command", READERS)
def test_a_command_says_what_brings_the_schema(
    behind: Warehouse, runner: CliRunner, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    at(monkeypatch, behind)
    said = runner.invoke(app, [*command.split(), *READERS[command]])
    assert said.exception is None or isinstance(said.exception, (*FORESEEN, SystemExit)), repr(said.exception)
    told = str(said.exception) + said.output
    assert command in STOPPED_BEFORE or (said.exit_code == 1 and "ems db migrate" in told), told


def test_a_schema_that_lacks_a_column_says_so_too(
    warehouse: Warehouse, runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warehouse.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE ems.control_arm DROP COLUMN bound_to CASCADE")
        connection.exec_driver_sql("ALTER TABLE ems.site DROP COLUMN is_active CASCADE")
    at(monkeypatch, warehouse)
    for command in ("site list", "status"):
        said = runner.invoke(app, [*command.split(), *READERS[command]])
        assert isinstance(said.exception, FORESEEN), command
        assert "is_active" in str(said.exception)
        assert "ems db migrate" in str(said.exception)
