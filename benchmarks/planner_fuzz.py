"""The planner against a second one, written apart from it, on random small problems with everything a site can have.

``python benchmarks/planner_fuzz.py [--problems 600] [--seed 0] [--gensets] [--json FILE]``

Each problem is planned and verified by us and solved by `small_planner`. A plan that is refused, that costs more than
the second planner's, or less, is a fault of one of the two and named with its seed. The report has the counts, the
worst difference and the time of both.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import small_planner
import small_problems

from ems_pipeline.plan import Problem, solve, verify

GAP, TOLERANCE = 1e-4, 1e-5
"""A difference in money counts beyond this share of the objective, and beyond this amount."""
LIMIT_S = 300.0
"""For either planner: one that stops before its proof, as on a busy machine, is named as what it is."""


@dataclass(frozen=True)
class Comparison:
    """One problem: what each planner needs in money and seconds, and what the verifier refuses."""

    seed: str
    ours: float
    theirs: float
    refused: tuple[str, ...]
    ours_s: float
    theirs_s: float

    @property
    def dearer(self) -> float:
        """Money we spend beyond the second planner, beyond the tolerance > 0."""
        return self.ours - self.theirs

    @property
    def fault(self) -> str | None:
        """What is wrong; None where both agree and the plan is accepted."""
        allowed = GAP * abs(self.theirs) + TOLERANCE
        if self.refused:
            return f"refused: {'; '.join(self.refused)}"
        if self.dearer > allowed:
            return f"dearer by {self.dearer:.6f} than {self.theirs:.6f}"
        return f"cheaper by {-self.dearer:.6f} than {self.theirs:.6f}" if self.dearer < -allowed else None


def compare(seed: str) -> Comparison:
    """Both planners on the problem of one seed."""
    wanted = small_problems.problem(seed)
    problem = Problem.from_json(json.dumps(wanted))
    begun = perf_counter()
    plan = solve(problem, time_limit_s=LIMIT_S, gap=1e-6, tolerance=1e-7)
    ours_s = perf_counter() - begun
    refused = tuple(str(violation) for violation in verify(problem, plan))
    begun = perf_counter()
    status, theirs = small_planner.optimum(wanted, time_limit_s=LIMIT_S)
    if plan.status != "optimal":
        refused += (f"our plan is {plan.status}",)
    if status != "optimal":
        refused += (f"the second planner says {status}",)
    ours = float("nan") if plan.objective is None else plan.objective
    return Comparison(seed, ours, theirs, refused, ours_s, perf_counter() - begun)


def seeds(first: int, with_gensets: bool) -> Iterator[str]:
    """Seeds of problems without end."""
    for number in itertools.count():
        seed = f"{first}/{number}"
        if not with_gensets or small_problems.problem(seed)["gensets"]:
            yield seed


def figures(found: list[Comparison]) -> list[dict[str, Any]]:
    """The report."""
    faults = [one.fault or "" for one in found]
    counts = {word: sum(fault.startswith(word) for fault in faults) for word in ("dearer", "refused", "cheaper")}
    rows = [(f"problems {word}", float(count), "problems", 0.0) for word, count in counts.items()]
    rows.append(("worst difference", max(abs(one.dearer) for one in found), "EUR", TOLERANCE))
    rows.append(("total time", sum(one.ours_s for one in found), "s", sum(one.theirs_s for one in found)))
    return [
        {"name": name, "value": value, "unit": unit, "reference": bound, "ratio": value / bound if bound else None}
        for name, value, unit, bound in rows
    ]


def main() -> None:
    """Parse, compare, print; exit code 1 when the planners differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gensets", action="store_true", help="only problems that have a generating set")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    found: list[Comparison] = []
    for seed in itertools.islice(seeds(chosen.seed, chosen.gensets), chosen.problems):
        found.append(compare(seed))
        if found[-1].fault:
            print(f"{found[-1].seed}: {found[-1].fault}", flush=True)
        if len(found) % 50 == 0:
            print(
                f"{len(found)} of {chosen.problems}, {sum(one.fault is not None for one in found)} faults", flush=True
            )
    report = figures(found)
    for row in report:
        print(f"{row['name']:24s} {row['value']:12.6g} {row['unit']:9s} {row['reference']:12.6g}")
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=1) + "\n")
    sys.exit(any(one.fault for one in found))


if __name__ == "__main__":
    main()
