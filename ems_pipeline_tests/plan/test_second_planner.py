"""The planner agrees in money with a second one that was written apart from it (`benchmarks/small_planner.py`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PROBLEMS = 40


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    for name in ("planner_fuzz", "small_planner", "small_devices", "small_gensets", "small_model", "small_problems"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("batch", range(4))
def test_plans_cost_what_a_second_planner_needs_and_are_accepted(batch: int) -> None:
    import planner_fuzz

    seeds = [f"suite/{number}" for number in range(batch, PROBLEMS, 4)]
    assert [f"{seed}: {fault}" for seed in seeds if (fault := planner_fuzz.compare(seed).fault)] == []


def test_the_second_planner_knows_nothing_of_the_first() -> None:
    for name in ("small_planner", "small_devices", "small_gensets", "small_model", "small_problems"):
        assert "ems_pipeline" not in (BENCHMARKS / f"{name}.py").read_text()


def test_a_fault_of_either_planner_is_told_apart() -> None:
    from planner_fuzz import Comparison, figures

    agree = Comparison("a", 2.0, 2.00001, (), 0.1, 0.2)
    found = [
        agree,
        Comparison("b", 2.1, 2.0, (), 0.1, 0.2),
        Comparison("c", 1.9, 2.0, (), 0.1, 0.2),
        Comparison("d", 2.0, 2.0, ("balance of bus broken by 9 W in slot 1",), 0.1, 0.2),
    ]
    assert agree.fault is None
    assert [(one.fault or "").split()[0] for one in found[1:]] == ["dearer", "cheaper", "refused:"]
    report = {row["name"]: row["value"] for row in figures(found)}
    assert (report["problems dearer"], report["problems refused"], report["problems cheaper"]) == (1, 1, 1)
    assert report["worst difference"] == pytest.approx(0.1)
