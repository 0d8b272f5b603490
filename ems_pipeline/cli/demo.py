"""`ems demo`: a week of history and a day in closed loop, in minutes, with a report to look at."""

from __future__ import annotations

import secrets
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline import settings
from ems_pipeline.cli.aside import Interrupted, aside, leave, silence
from ems_pipeline.cli.progress import steps
from ems_pipeline.cli.terminal import words

console = Console()
HOME = Path(".ems/demo")
VISITOR = "demo"


def demo(
    site: Annotated[Path, typer.Option(help="Site file.", exists=True, dir_okay=False)] = Path("sites/home01.yaml"),
    replay: Annotated[
        list[Path] | None,
        typer.Option(
            "--replay",
            help="Measured series played instead of synthetic ones: Parquet or CSV with ts_utc and any of "
            "load_w, pv_w, price_eur_mwh (docs/plant.md).",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    files: Annotated[list[Path] | None, typer.Argument(help="More files to replay.", exists=True)] = None,
    price_zone: Annotated[
        str | None, typer.Option(help="Which zone of a replayed price file; by default the site's market zone.")
    ] = None,
    first: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day in closed loop; today by default.")
    ] = None,
    days: Annotated[int, typer.Option(help="Days in closed loop.", min=1, max=366)] = 1,
    history_days: Annotated[int, typer.Option(help="Past days filled before.", min=1, max=60)] = 7,
    home: Annotated[Path, typer.Option(help="Folder of the demo's state; begun anew each time.")] = HOME,
    seed: Annotated[int, typer.Option(help="Of the virtual plant's weather, load and market.")] = 1,
) -> None:
    """Run the whole pipeline on the virtual plant: past days backfilled, then closed loop over Modbus TCP and HTTP.

    Everything goes through Dagster runs: look at them afterwards with `ems ui --home .ems/demo`. Exit code 1 when a
    run failed. A replayed day takes two to three minutes. Ctrl-C ends it; the database is stopped in either case.
    """
    from ems_pipeline.api.passwords import hashed
    from ems_pipeline.orchestration.installation.demo import Demonstration, fresh_home, run
    from ems_pipeline.report import page, summary
    from ems_pipeline.warehouse import embedded

    settings.HOME.hand_over(str(fresh_home(home)))
    for address in (settings.DATABASE_URL, settings.DAGSTER_DATABASE_URL):
        address.forget()  # a demonstration never touches an installation
    played = (*(replay or []), *(files or []))
    password = secrets.token_urlsafe(9)
    wanted = Demonstration(
        site, played, price_zone, first.date() if first else None, days, history_days, seed,
        (VISITOR, hashed(password)),
    )  # fmt: skip
    try:
        with steps(console) as on_step:
            outcome = aside(lambda: run(wanted, on_step))
    except Interrupted as interrupted:
        text = f"{interrupted}: the demonstration is over, its database is stopped; begin it anew any time"
        console.print(words(text), soft_wrap=True)
        silence()
        embedded.stop(home / "postgres")
        leave(interrupted.signal)
    finally:
        embedded.stop(home / "postgres")
    report = home / "report.html"
    report.write_text(page.html(outcome.account), encoding="utf-8")
    account = summary.text(outcome.account)
    console.print(account)
    console.print(words(f"{outcome.runs} Dagster runs in {outcome.wall_s:.0f} s"))
    console.print(words(f"report   {report}"))
    ended = f"{outcome.ended_at:%Y-%m-%dT%H:%M:%SZ}"
    console.print(words(f"look     {sys.argv[0]} web --home {home} --at {ended}"), soft_wrap=True)
    console.print(words(f"         then open http://127.0.0.1:8000 as {VISITOR}, password {password}"), soft_wrap=True)
    console.print(words(f"runs     {sys.argv[0]} ui --home {home}   (then open http://127.0.0.1:3000)"))
    for failure in outcome.failures:
        console.print(words(f"failed run: {failure}", "red"))
    if outcome.failures:
        raise typer.Exit(1)
