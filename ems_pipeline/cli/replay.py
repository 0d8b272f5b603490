"""`ems replay`: decisions made again, from what was known then; does the same come out?"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import Console

from ems_pipeline.cli.progress import steps
from ems_pipeline.cli.site import site_of
from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.wall_clock import LOCAL_TIME, instant, shown

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from ems_pipeline.sites import Site
    from ems_pipeline.steps.replaying import Replay
    from ems_pipeline.warehouse import Warehouse

console = Console()
SHOWN = 20
"""Differences of one kind that are printed; the rest is counted."""


def replay(
    site: Annotated[str, typer.Argument(help="Key of the site.")],
    at: Annotated[
        datetime | None,
        typer.Option("--at", help="The plan that held then, local time of the site.", formats=LOCAL_TIME),
    ] = None,
    plan: Annotated[UUID | None, typer.Option("--plan", help="One plan by its number.")] = None,
    day: Annotated[
        datetime | None, typer.Option("--day", help="Every plan decided on this local day.", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """Make a decision again: read its inputs as known then, compare the problem, solve it, compare money and rows.

    Exit code 0: the same came out. 1: something differs. 3: something was not recorded, so nothing can be said.
    """
    from ems_pipeline.steps import replaying
    from ems_pipeline.time_grid import zone
    from ems_pipeline.warehouse import open_warehouse

    if sum(given is not None for given in (at, plan, day)) > 1:
        raise ValueError("--at, --plan and --day each say which plans; keep one")
    warehouse, chosen = open_warehouse(), site_of(site)
    wanted = _wanted(warehouse, chosen, at, plan, day)
    found = []
    with steps(console) as tell:
        for number, one in enumerate(wanted):
            tell(f"plan {one}", number, len(wanted))
            found.append(replaying.replay(warehouse, one))
    _print(found, zone(chosen.timezone))
    verdicts = {one.verdict for one in found}
    if verdicts != {"same"}:
        raise typer.Exit(1 if "differs" in verdicts else 3)


def _wanted(
    warehouse: Warehouse, site: Site, at: datetime | None, plan: UUID | None, day: datetime | None
) -> list[UUID]:
    from ems_pipeline.steps.replaying import NoSuchPlan
    from ems_pipeline.time_grid import SystemClock, day_bounds, zone
    from ems_pipeline.warehouse import plans

    if plan is not None:
        return [plan]
    where = zone(site.timezone)
    with warehouse.begin() as connection:
        if day is not None:
            found = plans.decided_between(connection, site.key, *day_bounds(day.date(), where))
        else:
            then = SystemClock().now() if at is None else instant(at, where)
            held = plans.in_force_at(connection, site.key, then)
            found = [] if held is None else [held]
    if not found:
        raise NoSuchPlan(f"no plan of {site.key} was in force then", "name another time; the pages list older plans")
    return found


def _print(found: list[Replay], where: ZoneInfo) -> None:
    table = Rows("decided", "plan", "inputs", "outcome", "read, solved (then)")
    for one in found:
        took = f"{one.read_s:.2f} s, {one.solve_s:.2f} s ({_seconds(one.plan.solve_s)})"
        which = f"{one.plan.kind} {str(one.plan.plan_id)[:8]}"
        table.add_row(shown(one.plan.decided_at, where), which, _side(one.inputs), _side(one.rows), took)
    console.print(table)
    for one in found:
        for text in one.unrecorded:
            console.print(words(f"{one.plan.decided_at:%H:%M} UTC: {text}", "red"))
        for name, (then, now) in one.other_code.items():
            console.print(words(f"{one.plan.decided_at:%H:%M} UTC: {name} was {then}, is {now}", "yellow"))
        for side in (one.inputs or (), one.rows or ()):
            for difference in side[:SHOWN]:
                console.print(words(f"{one.plan.decided_at:%H:%M} UTC: {difference}"))
            if len(side) > SHOWN:
                console.print(words(f"... and {len(side) - SHOWN} more"))
    counted = Counter(one.verdict for one in found)
    console.print(words(", ".join(f"{number} {verdict}" for verdict, number in counted.items())))


def _side(differences: tuple[object, ...] | None) -> str:
    if differences is None:
        return "not recorded"
    return f"{len(differences)} differ" if differences else "same"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
