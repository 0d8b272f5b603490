"""`ems why`: of one quarter-hour what was known, decided, told, obeyed, and what it was worth."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding

from ems_pipeline.cli.site import site_of
from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.wall_clock import LOCAL_TIME, instant, shown

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

console = Console()
UNKNOWN = "-"
BUS = ("grid", "pv", "battery", "genset", "load", "ev", "heat_pump")


def why(
    site: Annotated[str, typer.Argument(help="Key of the site.")],
    at: Annotated[
        datetime | None, typer.Option("--at", help="Any time of it, local time of the site; now.", formats=LOCAL_TIME)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as the database says it.")] = False,
) -> None:
    """What stands behind a quarter-hour: known, decided, told, obeyed, worth."""
    from ems_pipeline.time_grid import SystemClock, zone
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse.why import why as asked

    chosen, now = site_of(site), SystemClock().now()
    where = zone(chosen.timezone)
    with open_warehouse().begin() as connection:
        found = asked(connection, site, now if at is None else instant(at, where), now)
    if as_json or found is None:
        typer.echo(json.dumps(found, indent=2))
        return
    console.print(words(f"{site}, {_at(found['starts_at'], where)} to {_at(found['ends_at'], where)}", "bold"))
    _known(found, where)
    _decided(found, where)
    _told(found["told"], where)
    _worth(found, where)


def _known(found: dict[str, Any], where: ZoneInfo) -> None:
    known, money = found["known"], found["currency"]
    table = _table("known", "what", "value", "since")
    if price := known["price"]:
        bought, sold = _number(price["buy_per_kwh"], 4), _number(price["sell_per_kwh"], 4)
        table.add_row("price", f"buying {bought}, selling {sold} {money}/kWh", _at(price["known_at"], where))
    for name, forecast in [("house", known["load"]), *((one["asset_key"], one) for one in known["pv"] or [])]:
        if forecast:
            band = f"{_kw(forecast['power_w'])} ({_kw(forecast['p10_w'])} to {_kw(forecast['p90_w'])})"
            table.add_row(f"{name}, {forecast['model']}", band, _at(forecast["known_at"], where))
    for one in known["heat"] or []:
        told = f"{_number(one['outdoor_c'], 1)} °C outside, heat {_kw(one['heat_w'])}, COP {_number(one['cop'], 2)}"
        table.add_row(one["asset_key"], told, _at(one["known_at"], where))
    inputs = known["inputs"] or {}
    table.add_row("state of the devices", "", _at(inputs.get("state_reported_at"), where))
    if known["document"]:
        table.add_row("site file", known["document"]["config_hash"], _at(known["document"]["known_at"], where))
    console.print(table)


def _decided(found: dict[str, Any], where: ZoneInfo) -> None:
    plan, slot = found["plan"], found["decided"]
    if plan is None:
        console.print(words("decided: no plan held", "yellow"))
        return
    verified = "verified" if plan["is_verified"] else "not verified: followed by nobody"
    head = f"{plan['kind']} plan {plan['planning_run_id']}, {plan['status']}, {verified}, code {plan['code_version']}"
    console.print(words(f"decided {_at(plan['decided_at'], where)}: {head}"))
    if slot is None:
        return
    console.print(words(f"{slot['mode']}: {slot['reason']}"))
    worth = f"a kWh more is worth {_number(slot['marginal_value_per_kwh'], 4)} {found['currency']}"
    other = slot["next_best_action"]
    best = f"; next best {other}, {_number(slot['next_best_cost'], 4)} dearer" if other else ""
    console.print(words(f"{worth}{best}; bound by: {slot['binding'] or 'nothing'}"))
    table = _table("assets", "asset", "mode", "power", "why")
    for one in slot["assets"]:
        limits = " ".join(f"{name}={value:g}" for name, value in one["limits"].items())
        table.add_row(one["asset_key"], f"{one['mode']} {limits}".rstrip(), _kw(one["power_w"]), one["reason"])
    console.print(table)


def _told(told: list[dict[str, Any]], where: ZoneInfo) -> None:
    if not told:
        console.print(words("told: nothing", "yellow"))
        return
    console.print(words("told and obeyed", "italic"))
    steps = (("sent", "sent_at"), ("read back", "echoed_at"), ("effect measured", "effective_at"))
    for one in told:
        shadow = ", in shadow: not sent" if one["is_shadow"] else ""
        console.print(words(f"{one['device_key']}, by {one['source']}{shadow}: {one['reason']}"))
        registers = ", ".join(f"{point}={value:g}" for point, value in one["writes"]) or "none"
        written = Padding(words(f"registers: {registers}; written: {', '.join(one['changes']) or 'none'}"), (0, 2))
        console.print(written)
        life = ", ".join(f"{name} {_at(one[column], where, '%H:%M:%S')}" for name, column in steps)
        state = f"{one['state']} {one['state_reason']}".rstrip()
        lived = Padding(words(f"{life}; {state}"), (0, 2))
        console.print(lived)


def _worth(found: dict[str, Any], where: ZoneInfo) -> None:
    worth, money = found["worth"], found["currency"]
    if worth is None:
        console.print(words("worth: not settled", "yellow"))
        return
    table = _table("worth", "", "measured", "planned")
    for name in BUS:
        table.add_row(name.replace("_", " "), _kw(worth[f"{name}_w"]), _kw(worth[f"planned_{name}_w"]))
    table.add_row("cost", f"{_number(worth['cost'], 4)} {money}", f"{_number(worth['planned_cost'], 4)} {money}")
    console.print(table)
    others = (("without a battery", "no_battery_cost"), ("by its own logic", "self_use_cost"))
    compared = ", ".join(f"{name} {_number(worth[column], 4)} {money}" for name, column in others)
    console.print(words(f"{compared}; {worth['coverage_pct']:.0f} % measured, settled {_at(worth['known_at'], where)}"))


def _table(title: str, *columns: str) -> Rows:
    table = Rows(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    return table


def _at(stamp: str | None, where: ZoneInfo, form: str = "") -> str:
    if stamp is None:
        return UNKNOWN
    at = datetime.fromisoformat(stamp)
    return at.astimezone(where).strftime(form) if form else shown(at, where)


def _kw(power_w: float | None) -> str:
    from ems_pipeline.units import kilo

    return UNKNOWN if power_w is None else f"{kilo(power_w):.3f} kW"


def _number(value: float | None, places: int) -> str:
    return UNKNOWN if value is None else f"{value:.{places}f}"
