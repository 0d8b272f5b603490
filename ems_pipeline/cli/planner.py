"""`ems planner`: who plans a site, who plans beside it, and who is better."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ems_pipeline.cli.site import site_of
from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.wall_clock import shown
from ems_pipeline.cli.who import who

if TYPE_CHECKING:
    from ems_pipeline.warehouse.planners import Standing

app = typer.Typer(no_args_is_help=True)
console = Console()
UNKNOWN = "-"
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
OneSite = Annotated[str, typer.Argument(help="Key of the site.")]


@app.command("list")
def planner_list(as_json: AsJson = False) -> None:
    """Of every site who plans it, who plans beside it, and what that one has shown."""
    from ems_pipeline.sites.planner import roles
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse, planners
    from ems_pipeline.warehouse import sites as registry

    found: list[dict[str, Any]] = []
    with open_warehouse().begin() as connection:
        active = registry.configured(connection)
        promoted = planners.promoted(connection, active, SystemClock().now())
        for site in active:
            held = roles(site.planning, promoted.get(site.key))
            beside = None if held.shadow is None else held.shadow.name
            newest = planners.standing(connection, site.key).verdict if beside else None
            verdict = _verdict(newest) if newest and newest["shadow"] == beside else None
            found.append({"site": site.key, "live": held.live.name, "beside": beside, "promote": site.planning.promote,
                          "verdict": verdict})  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found, indent=2, default=str))
        return
    table = Rows("site", "plans", "beside it", "promote", "has shown")
    for row in found:
        table.add_row(row["site"], row["live"], row["beside"] or UNKNOWN, row["promote"], _shown(row["verdict"]))
    console.print(table)


@app.command("promote")
def planner_promote(
    site: OneSite, reason: Annotated[str, typer.Option(help="Why, in a few words; the numbers by default.")] = ""
) -> None:
    """Let the challenger plan from the next decision on; refused unless 28 days show that it is better."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse, planners

    chosen = site_of(site)
    with open_warehouse().begin() as connection:
        name = planners.promote(connection, chosen.key, f"cli:{who()}", reason, SystemClock().now())
    console.print(words(f"{name} plans {site} from the next decision on; the planner of before goes on beside it"))


@app.command("why")
def planner_why(
    site: OneSite,
    days: Annotated[int, typer.Option("--days", help="Last days that are shown.", min=1, max=400)] = 28,
    as_json: AsJson = False,
) -> None:
    """Why this planner: changes with their numbers, the last verdict, and the days it rests on."""
    from ems_pipeline.time_grid import zone
    from ems_pipeline.warehouse import open_warehouse, planners

    chosen = site_of(site)
    with open_warehouse().begin() as connection:
        held = planners.standing(connection, site)
        listed, changed = planners.days(connection, site, days), planners.changes(connection, site)
    if as_json:
        found = {"verdict": held.verdict, "changes": changed.to_dicts(), "days": listed.to_dicts()}
        typer.echo(json.dumps(found, indent=2, default=str))
        return
    for row in changed.iter_rows(named=True):
        at = shown(row["changed_at"], zone(chosen.timezone))
        console.print(
            words(f"{at}: {row['planner']} took over from {row['former']}, by {row['changed_by']}: {row['reason']}")
        )
    console.print(words(_standing(held)))
    table = Rows("day", "plans", "beside it", "decisions", "modelled", "beside it", "gain", "measured", "not compared")
    for row in listed.iter_rows(named=True):
        money = [_money(row[name]) for name in ("net_cost", "shadow_net_cost", "gain", "measured_net_cost")]
        both = f"{row['compared']} of {row['decisions']}"
        table.add_row(str(row["day"]), row["live"], row["shadow"], both, *money, row["refused"] or "")
    console.print(table)


def _standing(held: Standing) -> str:
    if held.verdict is None:
        return "nothing was compared yet; name `planning: {challenger: ...}` in the site file (docs/planner.md)"
    return f"{held.verdict['shadow']} beside {held.verdict['live']}: {_shown(_verdict(held.verdict))}"


def _verdict(row: dict[str, Any]) -> dict[str, Any]:
    names = ("judged_at", "days", "gain", "gain_low", "gain_high", "currency", "outcome")
    return {name: row[name] for name in names}


def _shown(verdict: dict[str, Any] | None) -> str:
    if verdict is None or verdict["gain"] is None:
        return "nothing yet"
    gain, low, high = (f"{verdict[name]:+.2f}" for name in ("gain", "gain_low", "gain_high"))
    return f"{verdict['outcome']}: {gain} {verdict['currency']} in {verdict['days']} days ({low} to {high})"


def _money(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"
