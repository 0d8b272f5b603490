"""What people see is what was said: no markup is eaten, no escape sequence reaches the terminal, no traceback."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from rich.console import Console
from typer.testing import CliRunner

import ems_pipeline.cli
from ems_pipeline.cli import control as cli_control
from ems_pipeline.cli import status
from ems_pipeline.cli.app import app
from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.conftest import ROOT

CLI = Path(ems_pipeline.cli.__file__).parent
NASTY = "[pack] [/b] [red]x :smile: \x1b[2J\x07\x9b31m \u202egnp"
PLAIN = "[pack] [/b] [red]x :smile: \\x1b[2J\\x07\\x9b31m \\u202egnp"


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda p: p.name)
def test_everything_a_command_prints_goes_through_the_one_place_that_cleans(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = path.name == "terminal.py"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("rich.table", "rich.text"):
            names = {alias.name for alias in node.names}
            assert own or names <= {"Column"}, f"{path.name}:{node.lineno}: use Rows and words"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "print":
            (shown,) = node.args
            assert not isinstance(shown, ast.Constant | ast.JoinedStr), f"{path.name}:{node.lineno}: words(...)"
            called = shown.left if isinstance(shown, ast.BinOp) else shown
            is_clean = isinstance(called, ast.Call) and getattr(called.func, "id", "") == "words"
            assert is_clean or isinstance(shown, ast.Name), f"{path.name}:{node.lineno}: words(...)"


def test_words_and_rows_are_shown_as_they_stand() -> None:
    console = Console(width=200)
    table = Rows("what")
    table.add_row(NASTY)
    with console.capture() as shown:
        console.print(words(NASTY))
        console.print(table)
    assert shown.get().count(PLAIN) == 2
    assert "\x1b" not in shown.get()


@pytest.fixture
def files(warehouse: Warehouse, home01: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    now = datetime.now(UTC)
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE ems.site CASCADE"))
        registry.register(connection, [home01], now)
    monkeypatch.setenv("EMS_SITES", str(tmp_path))
    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    address = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("EMS_DATABASE_URL", address)
    for module in (status, cli_control):
        monkeypatch.setattr(module, "console", Console(width=250))
    return warehouse


def test_an_alarm_and_the_name_of_a_token_are_shown_as_they_stand(files: Warehouse) -> None:
    now = datetime.now(UTC)
    with files.begin() as connection:
        alarms.raise_alarm(connection, "home01", "setpoint-failed", "critical", NASTY, now)
        connection.execute(
            sa.text("""INSERT INTO ems.device_health
                           (site_key, device_key, state, last_attempt_at, last_changed_at, error_streak, last_error)
                       VALUES ('home01', 'inverter', 'open', :at, :at, 3, :said)"""),
            {"at": now, "said": NASTY},
        )
        connection.execute(
            sa.text("""INSERT INTO ems.control_override
                           (site_key, asset_key, mode, limits, from_at, until_at, created_at, created_by)
                       VALUES ('home01', 'pack', 'hold', '{}', :at, :until, :at, :by)"""),
            {"at": now, "until": now + timedelta(hours=1), "by": NASTY},
        )
    told = CliRunner().invoke(app, ["status"])
    assert told.output.count(PLAIN) == 2, told.output
    listed = CliRunner().invoke(app, ["control", "override", "list"])
    assert PLAIN in listed.output
    assert "\x1b" not in told.output + listed.output


def ems(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command as people run it."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("ems")), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "300"} | environ,
        cwd=ROOT,
        check=False,
    )


def test_a_fault_keeps_its_brackets_and_a_value_its_own(tmp_path: Path) -> None:
    text = (ROOT / "sites" / "home01.yaml").read_text(encoding="utf-8")
    file = tmp_path / "home01.yaml"
    file.write_text(text.replace("capacity_wh: 15000", "capacity_wh: '[/b]'").replace("zone: CZ", "zone: '[red]'"))
    said = ems("site", "check", str(file))
    assert (said.returncode, said.stdout) == (1, "")
    assert "batteries[pack].capacity_wh = '[/b]'" in said.stderr
    assert "market_zone = '[red]'" in said.stderr
    assert "Traceback" not in said.stderr
