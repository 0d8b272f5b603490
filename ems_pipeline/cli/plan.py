"""`ems plan`: solve one problem file without database or Dagster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.padding import Padding

from ems_pipeline.cli.terminal import words

if TYPE_CHECKING:
    from ems_pipeline.plan import Plan

console = Console()


def plan(
    problem: Annotated[Path, typer.Option(help="Problem as JSON (see docs/planner.md).", exists=True, dir_okay=False)],
    out: Annotated[Path | None, typer.Option(help="Where the plan is written as JSON.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print the plan slot by slot, with its reasons.")] = False,
    time_limit_s: Annotated[float, typer.Option(help="Seconds the solver may take.", min=0.0)] = 30.0,
    resolved_slots: Annotated[
        int, typer.Option(help="In how many of the first slots other battery actions are solved again.", min=0)
    ] = 8,
) -> None:
    """Plan one problem, verify the plan, write it. Exit code 1 when it fails or the verifier refuses it."""
    from ems_pipeline import plan as planner
    from ems_pipeline.plan.wording.explain import paragraphs

    wanted = planner.Problem.from_json(problem.read_text(encoding="utf-8"))
    made = planner.solve(wanted, time_limit_s=time_limit_s, resolved_slots=resolved_slots)
    violations = planner.verify(wanted, made) if made.status != "failed" else []
    if out is not None:
        out.write_text(made.to_json() + "\n", encoding="utf-8")
    if explain and made.status != "failed":
        for line in paragraphs(made):
            shown = Padding.indent(words(line.lstrip()), len(line) - len(line.lstrip()))
            console.print(shown)
    by_rule = " by the simple rule" if made.by_rule else ""
    console.print(words(f"{made.status}{by_rule}{_figures(made)}"))
    for conflict in made.conflicts:
        console.print(words(f"cannot hold together: {conflict}"))
    for item in made.unmet:
        console.print(words(f"not met: {item}"))
    for fault in made.refused:
        console.print(words(f"refused on the way, a fault of the planner: {fault}", "yellow"))
    for violation in violations:
        console.print(words(f"refused by the verifier: {violation}", "red"))
    if made.status == "failed" or violations:
        raise typer.Exit(1)


def _figures(made: Plan) -> str:
    """Money, and how much of it a better plan could save at most; a failed plan has none."""
    if made.objective is None:
        return ""
    gap = "" if made.gap is None else f", gap {made.gap:.2%}"
    return f": objective {made.objective:.4f} {made.problem.currency}{gap}, {made.solve_s:.3f} s"
