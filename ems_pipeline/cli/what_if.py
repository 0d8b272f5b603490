"""`ems what-if SITE`: what another battery, roof or contract would have saved over the site's own year."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ems_pipeline.cli.backtest import open_platform
from ems_pipeline.cli.progress import steps
from ems_pipeline.cli.terminal import Rows, words

if TYPE_CHECKING:
    from ems_pipeline.backtest.study import Files
    from ems_pipeline.backtest.what_if import Question
    from ems_pipeline.report.what_if import WhatIfPage

console, aside = Console(), Console(stderr=True)


def what_if(
    site: Annotated[str, typer.Argument(help="A registered site, or the path of a site file.")],
    battery: Annotated[list[float] | None, typer.Option(help="Battery size in kWh (repeatable); 0: none.")] = None,
    pv: Annotated[list[float] | None, typer.Option(help="PV size in kWp (repeatable).")] = None,
    tariff: Annotated[
        list[str] | None,
        typer.Option(
            help="fixed:PRICE, fixed:HIGH/LOW or spot:FEE (a kWh before VAT; network as today), or a patch as YAML."
        ),
    ] = None,
    battery_price: Annotated[float | None, typer.Option(help="What a kWh of battery costs.", min=0)] = None,
    pv_price: Annotated[float | None, typer.Option(help="What a kWp of PV costs.", min=0)] = None,
    history: Annotated[
        list[Path] | None, typer.Option(help="File of load_w, pv_w, price_eur_mwh (repeatable); not the warehouse.")
    ] = None,
    price_zone: Annotated[str | None, typer.Option(help="Zone of a file of prices.")] = None,
    per_eur: Annotated[float, typer.Option(help="What a euro of the files costs in the site's currency.")] = 1.0,
    pv_sleeps: Annotated[bool, typer.Option("--pv-sleeps", help="A slot of a file without PV made none.")] = False,
    first: Annotated[
        datetime | None, typer.Option(help="First day; the newest year by default.", formats=["%Y-%m-%d"])
    ] = None,
    last: Annotated[datetime | None, typer.Option(help="Last day.", formats=["%Y-%m-%d"])] = None,
    forecaster: Annotated[
        str, typer.Option(help="model: the product's, trained every week; persistence: the last week, much faster.")
    ] = "model",
    jobs: Annotated[int, typer.Option(help="Processes beside each other.", min=1, max=64)] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON, for programs.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures to this file.", dir_okay=False)] = None,
) -> None:
    """What each variant would have saved a year against the site as it is, and when an investment is back.

    Without sizes and tariffs a ladder of sizes is tried. It is a study (`ems backtest show`): interrupt it at any time,
    asked again it goes on where it was.
    """  # fmt: skip
    from ems_pipeline.report.what_if import html as page_of
    from ems_pipeline.sites import Site
    from ems_pipeline.steps import studying
    from ems_pipeline.steps import what_if as step

    if (first is None) != (last is None):
        raise ValueError("--first and --last belong together; name both or neither")
    platform = open_platform()
    found = Site.model_validate(studying.site_document(platform)(site, Path()))
    question = _question(tariff, {
        "battery_kwh": tuple(battery or ()), "pv_kwp": tuple(pv or ()), "battery_price_per_kwh": battery_price,
        "pv_price_per_kwp": pv_price, "forecaster": forecaster,
    })  # fmt: skip
    days = (first.date(), last.date()) if first is not None and last is not None else None
    wanted = step.wanted(platform, found, question, _files(history, price_zone, per_eur, pv_sleeps=pv_sleeps), days)
    with steps(aside if as_json else console) as on_step:
        page = step.live(platform, wanted, jobs, on_step)
    if as_json:
        typer.echo(json.dumps(page.as_json, ensure_ascii=False))
    else:
        _print(page)
    if html is not None:
        html.write_text(page_of(page), encoding="utf-8")
        (aside if as_json else console).print(words(f"page   {html}"), soft_wrap=True)


def _files(history: list[Path] | None, zone: str | None, per_eur: float, *, pv_sleeps: bool) -> Files | None:
    from ems_pipeline.backtest.study import Files

    if not history:
        return None
    files = tuple(file.resolve() for file in history)
    return Files(files=files, price_zone=zone, per_eur=per_eur, pv_sleeps=pv_sleeps)


def _question(tariff: list[str] | None, rest: dict[str, Any]) -> Question:
    from ems_pipeline.backtest.what_if import Contract, Question
    from ems_pipeline.sites import document

    contracts, patches = [], {}
    for said in tariff or ():
        kind, colon, price = said.partition(":")
        if colon and kind in ("fixed", "spot"):
            high, slash, low = price.partition("/")
            numbers = {"per_kwh": _number(said, high)} | ({"low_per_kwh": _number(said, low)} if slash else {})
            contracts.append(Contract.model_validate({"kind": kind} | numbers))
        elif (path := Path(said)).suffix in (".yaml", ".yml"):
            patches[path.stem.lower().replace("_", "-")] = document.read(path)
        else:
            raise ValueError(f"tariff {said!r} is none; write fixed:3.20, fixed:3.20/2.40, spot:0.40 or a YAML file")
    return Question.model_validate(rest | {"contracts": tuple(contracts), "tariffs": patches})


def _number(said: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"tariff {said!r} has the price {text!r}; write a number, e.g. fixed:3.20") from None


def _print(page: WhatIfPage) -> None:
    from ems_pipeline.report.what_if import back

    table = Rows(
        "variant", "kWh", "kWp", "bill a year", "saved a year (95 %)", "invested", "back after", "cycles, wear"
    )
    for place, row in enumerate(page.rows):
        saved = f"{row.saved.value:.0f} ({row.saved.low:.0f} to {row.saved.high:.0f})" if place else ""
        invested = "" if not place else "not said" if row.invested is None else f"{row.invested:.0f}"
        table.add_row(
            row.variant, f"{row.battery_kwh:.1f}", f"{row.pv_kwp:.1f}", f"{row.bill:.0f}", saved, invested,
            back(row) if place else "", f"{row.cycles:.0f}, {row.wear:.0f}",
        )  # fmt: skip
    console.print(words(f"{page.site}, money in {page.currency}; study {page.study}"))
    console.print(table)
    for note in page.notes:
        console.print(words(f"- {note}"), soft_wrap=True)
