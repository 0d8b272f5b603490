"""The commands of docs/backtest.md do what the page says, in its order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ems_pipeline import settings
from ems_pipeline.cli import app
from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.conftest import ROOT

PAGE = (ROOT / "docs" / "backtest.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^ems (backtest .+)$", PAGE, re.MULTILINE)


@pytest.fixture
def said(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What each command says."""
    url = warehouse.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv(settings.DATABASE_URL.name, url)
    monkeypatch.setenv(settings.HOME.name, str(tmp_path))
    monkeypatch.chdir(ROOT)
    found = {}
    for command in COMMANDS:
        words = [str(tmp_path / word) if word == "study.html" else word for word in command.split()]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        found[command] = done.output
    assert "<svg" in (tmp_path / "study.html").read_text(encoding="utf-8")
    return found


def test_a_study_is_run_shown_and_compared_as_the_page_says(said: dict[str, str]) -> None:
    run, show, _, compare = said.values()
    assert "1 of 1 home-months are lived" in run
    assert "evening double: 3 of 3 days lived" in show
    assert re.search(r"digest [0-9a-f]{64}", show)
    saved = re.search(r"double\s*│ all\s*│ 1, 3\s*│\s*([\d.]+)\s*│ ([\d.]+) \(([\d.]+) to ([\d.]+)\) CZK", show)
    assert saved is not None, show
    assert 0 < float(saved[3]) < float(saved[2]) < float(saved[4]), "twice the battery saves, for sure"
    assert f"{saved[2]} ({saved[3]} to {saved[4]}) CZK" in compare
    yaml = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert yaml is not None
    assert yaml[1] in (ROOT / "examples" / "study.yaml").read_text(encoding="utf-8"), "the page shows the example"


def test_a_question_is_answered_as_its_page_says(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = warehouse.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv(settings.DATABASE_URL.name, url)
    monkeypatch.setenv(settings.HOME.name, str(tmp_path))
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "what-if.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ems (what-if .+)$", page, re.MULTILINE)
    words = [str(tmp_path / word) if word == "what-if.html" else word for word in command.split()]
    done = CliRunner().invoke(app, [*words, "--jobs", "1", "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    _, double = told["variants"]
    assert double["invested"] == 15 * 9000
    assert 0 < double["saved"]["low"] < double["saved"]["value"]
    assert double["payback_years"]["value"] == pytest.approx(double["invested"] / double["saved"]["value"])
    assert "21 days stand for a year" in told["notes"][1]
    assert "<svg" in (tmp_path / "what-if.html").read_text(encoding="utf-8")


def test_what_is_wrong_is_said_with_what_there_is(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    url = warehouse.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv(settings.DATABASE_URL.name, url)
    with pytest.raises(LookupError, match="no study is called 'nothing'"):
        CliRunner().invoke(app, ["backtest", "show", "nothing"], catch_exceptions=False)
    with pytest.raises(ValueError, match="'one' is not STUDY/VARIANT"):
        CliRunner().invoke(app, ["backtest", "compare", "one", "two"], catch_exceptions=False)
