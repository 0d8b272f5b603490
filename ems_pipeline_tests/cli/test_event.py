"""`ems event`: what a person types is what the next plan knows, on the site's clock."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner, Result

from ems_pipeline.cli import app
from ems_pipeline.cli import event as cli_event
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import Warehouse, events, sites

PRAGUE = ZoneInfo("Europe/Prague")


@pytest.fixture
def known(warehouse: Warehouse, home01: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The command line finds the site and the database."""
    (tmp_path / "home01.yaml").write_text(yaml.safe_dump(home01.model_dump(mode="json")))
    monkeypatch.setenv("EMS_SITES", str(tmp_path))
    monkeypatch.setattr(cli_event, "console", Console(width=200))
    url = warehouse.url.set(drivername="postgresql")
    monkeypatch.setenv("EMS_DATABASE_URL", url.render_as_string(hide_password=False))
    with warehouse.begin() as connection:
        sites.register(connection, [home01], SystemClock().now())
    return warehouse


def ems(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["event", *arguments])


def test_an_event_is_entered_on_the_local_clock_listed_and_withdrawn(known: Warehouse) -> None:
    terms = ("--from", "2999-06-01 18:00", "--until", "2999-06-01 20:00", "--limit-w", "3000")
    said = ems("add", "home01", "evening", *terms)
    assert said.exit_code == 0, said.output
    assert "2999-06-01 18:00+02:00 to 2999-06-01 20:00+02:00" in said.output
    assert "known already" in ems("add", "home01", "evening", *terms).output
    with known.begin() as connection:
        (event,) = events.of(events.listing(connection, ["home01"], SystemClock().now()))
    assert event.starts_at.astimezone(PRAGUE).hour == 18
    assert (event.limit_w, event.price_per_kwh) == (3000.0, 0.0)
    listed = ems("list", "home01").output
    assert "evening" in listed
    assert "3000" in listed
    assert ems("cancel", "home01", "evening").exit_code == 0
    assert "evening" not in ems("list", "home01").output


def test_what_cannot_be_kept_is_refused(known: Warehouse) -> None:
    nothing = ems("add", "home01", "idle", "--from", "2999-06-01 18:00", "--until", "2999-06-01 20:00")
    assert "give a limit, or a price and a baseline" in str(nothing.exception)
    over = ems("add", "home01", "past", "--from", "2020-06-01 18:00", "--until", "2020-06-01 20:00", "--limit-w", "1")
    assert "name a later end" in str(over.exception)
    with known.begin() as connection:
        assert events.listing(connection, ["home01"], SystemClock().now()).is_empty()
