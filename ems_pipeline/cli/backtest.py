"""`ems backtest`: homes lived through again under variants of their site, tariff, planner and forecasts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.progress import steps
from ems_pipeline.cli.terminal import Rows, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from ems_pipeline.backtest.paired import Compared
    from ems_pipeline.steps.platform import Platform

app = typer.Typer(no_args_is_help=True)
console = Console()


@app.command()
def run(
    study: Annotated[Path, typer.Argument(help="Study as YAML (docs/backtest.md).", exists=True, dir_okay=False)],
    jobs: Annotated[int, typer.Option(help="Processes beside each other.", min=1, max=64)] = 2,
    home: Annotated[list[str] | None, typer.Option(help="Only this home (repeatable); all by default.")] = None,
    month: Annotated[
        datetime | None, typer.Option(help="Only this month, YYYY-MM; all by default.", formats=["%Y-%m"])
    ] = None,
    name: Annotated[
        str | None, typer.Option("--as", help="Store it under another name, e.g. of another commit.")
    ] = None,
) -> None:
    """Live what is missing of a study, home-month by home-month; what is done already is left as it is.

    Interrupt it at any time: asked for again it goes on where it was. Exit code 1 when something could not be lived.
    """
    from ems_pipeline.backtest.study import read_study
    from ems_pipeline.steps import studying

    platform = open_platform()
    wanted = read_study(study, studying.site_document(platform))
    if name is not None:
        wanted = wanted.model_copy(update={"study": name})
    if unknown := sorted(set(home or ()) - {one.key for one in wanted.homes}):
        raise LookupError(f"{unknown}: no home of the study is called so; it has {[h.key for h in wanted.homes]}")
    studying.ask(platform, wanted)
    with steps(console) as on_step:
        progress = studying.live(platform, wanted, jobs, on_step, home or (), month.date() if month else None)
    for where, fault in progress.faults.items():
        console.print(words(f"{where}: {fault}", "red"), soft_wrap=True)
    lived = progress.done - len(progress.faults)
    console.print(words(f"{lived} of {progress.count} home-months are lived; look: ems backtest show {wanted.study}"))
    if progress.faults:
        raise typer.Exit(1)


@app.command()
def offer(
    study: Annotated[Path, typer.Argument(help="Study as YAML (docs/backtest.md).", exists=True, dir_okay=False)],
) -> None:
    """Store a study and offer its homes and months in Dagster, as partitions of the asset `study_day`."""
    from ems_pipeline.backtest.study import read_study
    from ems_pipeline.orchestration.machinery.instance import open_instance, prepare
    from ems_pipeline.orchestration.partitions import STUDY_HOMES
    from ems_pipeline.steps import studying

    prepare()
    platform = open_platform()
    wanted = read_study(study, studying.site_document(platform))
    studying.ask(platform, wanted)
    names = [f"{wanted.study}.{home.key}" for home in wanted.homes]
    with open_instance() as instance:
        instance.add_dynamic_partitions(STUDY_HOMES, names)
    months = f"{wanted.months[0]:%Y-%m} to {wanted.months[-1]:%Y-%m}"
    console.print(words(f"offered: {', '.join(names)}, months {months}; materialise study_day in the UI (`ems ui`)"))


@app.command()
def show(
    study: Annotated[str | None, typer.Argument(help="Name of the study; without it all are listed.")] = None,
    base: Annotated[
        str | None, typer.Option(help="Variant the others are compared with; the first by default.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures to this file.", dir_okay=False)] = None,
) -> None:
    """What each variant of a study saved against its first one, and how much of what was asked is lived."""
    from ems_pipeline.report.study import html as page_of
    from ems_pipeline.steps import studied, studying

    platform = open_platform()
    asked = studying.asked(platform)
    if study is None:
        _list(platform, list(asked))
        return
    if study not in asked:
        raise LookupError(f"no study is called {study!r}; there are {sorted(asked)}. `ems backtest run FILE` makes one")
    page = studied.page(platform, asked[study], base)
    _print(page.rows)
    for where, variant, lived, wanted in page.coverage:
        console.print(words(f"{where} {variant}: {lived} of {wanted} days lived"))
    console.print(words(f"digest {page.digest}"), soft_wrap=True)
    if html is not None:
        html.write_text(page_of(page), encoding="utf-8")
        console.print(words(f"page   {html}"), soft_wrap=True)


@app.command()
def compare(
    variant: Annotated[str, typer.Argument(help="STUDY/VARIANT.")],
    base: Annotated[str, typer.Argument(help="STUDY/VARIANT it is compared with; of any study.")],
) -> None:
    """Two variants, of one study or of two, on the days that both have lived: by tariff and season, with intervals."""
    from ems_pipeline.backtest.paired import compared

    platform = open_platform()
    mine, other = (_days(platform, name) for name in (variant, base))
    rows = list(compared(mine, other, variant, base))
    if not rows:
        raise LookupError(f"{variant} and {base} have no day of the same home; live both first: ems backtest run")
    _print(rows)


def open_platform() -> Platform:
    """The warehouse, brought to the newest schema; with studies no site need be registered."""
    from ems_pipeline.steps.platform import Platform
    from ems_pipeline.steps.site_folder import read_sites
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import migrate, open_warehouse
    from ems_pipeline.warehouse.engine import ensure_databases

    ensure_databases()
    warehouse = open_warehouse()
    migrate.ensure(warehouse)
    return Platform(warehouse, SystemClock(), read_sites)


def _days(platform: Platform, name: str) -> pl.DataFrame:
    from ems_pipeline.steps import studied

    study, slash, variant = name.partition("/")
    if not slash:
        raise ValueError(f"{name!r} is not STUDY/VARIANT; write for example battery-size/as-is")
    _, days = studied.read(platform, study)
    if (found := studied.variant_days(days, variant)).is_empty():
        have = sorted(days["variant"].unique()) if days.height else []
        raise LookupError(f"{name} has no days; study {study!r} has variants {have}")
    return found


def _list(platform: Platform, names: Sequence[str]) -> None:
    if not names:
        console.print(words("no study yet; `ems backtest run FILE` makes one (docs/backtest.md)"))
        return
    from ems_pipeline.steps import studied

    table = Rows("study", "home-months and variants lived", "days")
    for name in names:
        parts, days = studied.read(platform, name)
        table.add_row(name, len(parts), days.height)
    console.print(table)


def _print(rows: Sequence[Compared]) -> None:
    table = Rows("variant", "of", "homes, days", "bill", "saved (95 %)")
    for row in rows:
        saved = row.saved
        of = "all" if row.tariff == row.season == "all" else f"{row.tariff}, {row.season}"
        amount = f"{saved.value:.2f} ({saved.low:.2f} to {saved.high:.2f}) {row.currency}"
        table.add_row(row.variant, of, f"{row.homes}, {row.days}", f"{row.net_cost:.2f}", amount)
    if rows:
        console.print(words(f"against {rows[0].base}, on the same days of the same homes"))
    console.print(table)
