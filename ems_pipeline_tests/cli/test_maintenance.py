"""`ems maintenance`: from the template to the log, as somebody types it."""

from __future__ import annotations

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from ems_pipeline.cli import app
from ems_pipeline.cli import maintenance as cli_maintenance
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.warehouse.serviced import NOW, TABLES, yard


@pytest.fixture
def known(warehouse: Warehouse, home01: Site, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The command line finds the database, and in it a site with two sets."""
    monkeypatch.setattr(cli_maintenance, "console", Console(width=220))
    url = warehouse.url.set(drivername="postgresql")
    monkeypatch.setenv("EMS_DATABASE_URL", url.render_as_string(hide_password=False))
    with warehouse.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {TABLES} CASCADE")
        registry.register(connection, [yard(home01)], NOW)
    return warehouse


def ems(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["maintenance", *arguments])


def said(*arguments: str) -> str:
    found = ems(*arguments)
    assert found.exit_code == 0, found.output or str(found.exception)
    return found.output


def test_a_set_is_planned_serviced_and_logged(known: Warehouse) -> None:
    assert "56 tasks" in said("seed")
    assert "TO-1, TO-2, TO-3, TO-4" in said("list")
    day = f"{NOW:%Y}-01-02"
    said("plan", "yard", "gen-1", *(part for n in range(1, 5) for part in ("--last", f"TO-{n}=1000@{day}")))
    assert "1000.0" in said("meter", "yard", "gen-1", "corrected", "1000", "--reason", "papers")
    said("meter", "yard", "gen-1", "corrected", "1260", "--reason", "papers")
    assert "overdue" in said("due", "yard")
    assert "counts anew: TO-1" in said("done", "yard", "gen-1", "TO-1", "--hours", "1255", "--left", "T1-05")
    assert "9/10" in said("log", "yard")
    assert "local:" in said("log")


def test_what_is_mistyped_is_told_with_its_remedy(known: Warehouse) -> None:
    for arguments, told in (
        (("plan", "yard", "gen-1"), "ems maintenance seed"),
        (("plan", "yard", "gen-1", "--last", "TO-1"), "write e.g. --last TO-1=16700@2026-03-01"),
        (("done", "yard", "gen-1", "TO-1"), "has no maintenance plan"),
        (("meter", "yard", "gen-1"), "what gen-1 shows is not said"),
        (("meter", "nowhere", "gen-1", "read", "5", "--at", "2026-01-01 10:00"), "is not registered"),
        (("meter", "yard", "gen-9", "read", "5"), "has a genset gen-9"),
    ):
        found = ems(*arguments)
        assert found.exit_code == 1, arguments
        assert told in str(found.exception), arguments
