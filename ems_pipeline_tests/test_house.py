"""The house is counted and drawn as it is (`benchmarks/house.py`), and nothing in it imports itself by a detour."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.test_architecture import LAYERS

MOST_BYTES = 40_000
SMALL = {
    "ems_pipeline.plan": "",
    "ems_pipeline.plan.modes": "from ems_pipeline.plan import rows",
    "ems_pipeline.plan.rows": "def late():\n    from ems_pipeline.plan.modes import x\n",
    "ems_pipeline.control.cycle": "import os\nfrom ems_pipeline.plan import modes\nos.environ\n",
}


@pytest.fixture
def house_code(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import house_code

    yield house_code
    sys.modules.pop("house_code")


def test_the_house_as_it_stands_has_no_cycle_and_a_small_picture(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    command = [sys.executable, "benchmarks/house.py", "--svg", str(tmp_path), "--json", str(told)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    values = {row["name"].partition("/")[0]: row["value"] for row in json.loads(told.read_text(encoding="utf-8"))}
    assert {values[f"cycles of {what}"] for what in ("packages", "modules", "modules when loaded")} == {0}
    (picture,) = (file.read_text(encoding="utf-8") for file in tmp_path.glob("*.svg"))
    assert len(picture.encode()) < MOST_BYTES
    assert [name for name, layer in LAYERS.items() if layer and f">{name}</text>" not in picture] == []


def test_a_cycle_behind_a_late_import_is_counted(house_code: Any) -> None:
    house = house_code.House({name: ast.parse(text) for name, text in SMALL.items()}, SMALL, {"plan": 2, "control": 5})
    assert house_code.cycles(house.imports) == [["ems_pipeline.plan.modes", "ems_pipeline.plan.rows"]]
    assert house_code.cycles(house.imports_when_loaded) == []
    assert house.arrows == {("control", "plan"): 1}
    assert house.read_environment == ["ems_pipeline.control.cycle"]
    assert [(name, lines) for _, name, lines in house.functions] == [("late", 2)]


def test_lines_that_stand_twice_are_one_place_however_many_they_are(house_code: Any) -> None:
    shared = "\n".join(f"x{i} = {i}" for i in range(house_code.TWICE_LINES + 2))
    texts = {"a": f"import os\n{shared}\n", "b": f'"""Words."""\ny = 0\n{shared}\n', "c": "z = 0\n"}
    house = house_code.House({name: ast.parse(text) for name, text in texts.items()}, texts, {})
    assert house.twice == [(house_code.TWICE_LINES + 2, "a", "b")]
