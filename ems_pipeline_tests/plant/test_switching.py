"""Faults of a plant are switched from another process, and what cannot be is said with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ems_pipeline.cli import app
from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.plant.gensets import SWITCHES
from ems_pipeline.plant.switching import NotSwitched, asked, faults_switched
from ems_pipeline.sites import load_site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.plant.conftest import EVENING


@pytest.fixture
def north(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Plant]:
    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    with (
        running_plant(load_site(ROOT / "examples" / "gensets-north.yaml"), SimulatedClock(EVENING)) as plant,
        faults_switched(plant),
    ):
        yield plant


def said(*arguments: str, columns: int = 200) -> str:
    done = CliRunner().invoke(app, ["plant", *arguments], env={"COLUMNS": str(columns)})
    assert done.exit_code == 0, done.output
    return done.output


def test_a_terminal_switches_faults_of_devices_lines_and_sets(north: Plant) -> None:
    assert "nothing is wrong" in said("show", "gensets-north")
    said("on", "gensets-north", "crank-fail", "genset-1", "2")
    said("on", "gensets-north", "busy", "genset-2")
    shown = said("on", "gensets-north", "half-open", "converter")
    assert all(kind in shown for kind in ("crank-fail", "busy", "half-open"))
    assert north.hall.sets["genset-1"].faults == {"crank-fail": 2}
    assert north.lines["converter"] == {"half-open"}
    assert "nothing is wrong" in said("off", "gensets-north")
    assert north.troubles() == []


def test_what_cannot_be_switched_is_said_with_its_remedy(north: Plant) -> None:
    for kind, key, why in (
        ("storm", "genset-1", "fault 'storm' is unknown"),
        ("hot", "genset-9", "'genset-9' is no controller"),
        ("blackout", "genset-1", "'genset-1' is a set"),
    ):
        with pytest.raises(NotSwitched, match=f"{why}.*ems plant faults"):
            asked("gensets-north", {"do": "on", "kind": kind, "key": key})
    with pytest.raises(NotSwitched, match=r"no virtual plant of home01 answers.*ems up"):
        asked("home01", {"do": "show"})


@pytest.mark.parametrize("columns", [80, 200])
def test_every_fault_of_a_genset_is_whole_in_the_list_of_a_terminal(columns: int) -> None:
    shown = said("faults", columns=columns)
    assert [kind for kind in SWITCHES if kind not in shown] == []
