"""`ems status`: an alarm names its device, and whoever has no runs yet sees sites and alarms all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from ems_pipeline.cli import status
from ems_pipeline.cli.app import app
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline.warehouse import sites as registry


def test_an_alarm_names_its_device_its_age_and_how_often(
    warehouse: Warehouse, home01: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    with warehouse.begin() as connection:
        registry.register(connection, [home01], now)
        for minutes in (125, 5):
            at = now - timedelta(minutes=minutes)
            alarms.raise_alarm(connection, "home01", "reverted", "warning", "[12] is 5", at, "inverter")
    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    monkeypatch.setenv(
        "EMS_DATABASE_URL", warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    )
    monkeypatch.setattr(status, "console", Console(width=200))
    shown = CliRunner().invoke(app, ["status"])
    assert shown.exit_code == 0, shown.output
    assert "warning home01/inverter reverted, 2 h 5 min ago, 2 times: [12] is 5" in shown.output
    with warehouse.begin() as connection:
        alarms.clear(connection, "home01", "reverted", now, "inverter")
