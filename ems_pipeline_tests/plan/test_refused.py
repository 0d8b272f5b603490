"""A plan that breaks a law on its way is told: model and verifier differ, which nobody would hear of else."""

from __future__ import annotations

import pytest

from ems_pipeline.plan import Problem, solve
from ems_pipeline.plan.solving import search
from ems_pipeline.plan.verifier.violation import Violation
from ems_pipeline_tests.plan.small import battery, house


def test_a_plan_the_verifier_refuses_is_said_and_the_rules_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier that knows a law the model does not: the solver's plans are refused, the simple rule's is not."""

    def stricter(problem: Problem, plan: search.Plan) -> list[Violation]:
        return [] if plan.by_rule else [Violation("a law nobody told the model", "pack", 3, 1.0, "W")]

    problem = house([0.1] * 4 + [0.5] * 4, 1000.0, batteries=(battery(),))
    assert solve(problem).refused == ()
    monkeypatch.setattr(search, "verify", stricter)
    plan = solve(problem)
    assert plan.by_rule
    assert set(plan.refused) == {"solver: a law nobody told the model of pack broken by 1 W in slot 3"}
    assert '"refused":["solver: ' in plan.to_json()
