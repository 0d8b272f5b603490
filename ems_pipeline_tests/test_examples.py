"""What stands in examples/ runs as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from ems_pipeline.devices.points.map_file import read_map
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.conftest import ROOT

EXAMPLES = ROOT / "examples"


def run(name: str, *arguments: str, **environ: str) -> str:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_planner_problem_is_solved_and_found_lawful() -> None:
    said = run("planner_problem.py")
    assert said.startswith("optimal: ")
    assert "what the second opinion found: nothing" in said


@pytest.mark.parametrize("number", [0, 1])
def test_the_questions_of_analysts_are_answered_by_the_schema(warehouse: Warehouse, number: int) -> None:
    question = (EXAMPLES / "savings.sql").read_text(encoding="utf-8").split(";")[number]
    with warehouse.begin() as connection:
        assert connection.exec_driver_sql(question).all() == [], "nothing has been settled or written yet"


def test_prices_and_plans_are_read_as_they_are_known(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.engine.begin() as connection:
        registry.register(connection, [home01], datetime.now(UTC))
    said = run(
        "prices_and_plans.py", "home01", EMS_DATABASE_URL=warehouse.engine.url.render_as_string(hide_password=False)
    )
    assert "no plan of home01 reaches beyond now" in said


@pytest.mark.parametrize("path", sorted((EXAMPLES / "maps").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_map_of_an_own_device_is_valid(path: object) -> None:
    assert read_map(path).points  # type: ignore[arg-type]


def test_the_page_names_every_example() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = [p for p in EXAMPLES.rglob("*") if p.is_file() and p.name != "README.md" and "__pycache__" not in p.parts]
    assert not [p.name for p in files if str(p.relative_to(EXAMPLES)) not in page]
