"""`ems user channel`: how each person is told. A code that is made here binds the chat it is sent from, once."""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.who import who

if TYPE_CHECKING:
    from ems_pipeline.notify.choice import Quiet

app = typer.Typer(no_args_is_help=True)
console = Console()
Person = Annotated[str, typer.Argument(help="Name of the person, as `ems user list` shows it.")]
Number = Annotated[int, typer.Argument(help="Number of a channel, as `ems user channel list` shows it.")]
CLOCK = "%H:%M"


class Least(StrEnum):
    """Severities of alarms."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@app.command("list")
def listed(
    name: Annotated[str | None, typer.Argument(help="Name of a person; everybody by default.")] = None,
) -> None:
    """Channels with what is wanted of each."""
    from ems_pipeline.warehouse import channels, open_warehouse

    with open_warehouse().begin() as connection:
        found = channels.listed(connection, name)
    shown = Rows("no.", "person", "kind", "address", "state", "alarms from", "quiet", "reports", "sites")
    for channel in found:
        wishes, quiet = channel.wishes, channel.wishes.quiet
        hours = "" if quiet is None else f"{quiet.from_time:{CLOCK}}-{quiet.until_time:{CLOCK}} {quiet.zone}"
        if hours and wishes.critical_breaks_quiet:
            hours += ", not critical"
        reports = [word for word, wanted in (("daily", wishes.wants_daily), ("weekly", wishes.wants_weekly)) if wanted]
        state = f"{channel.state}: {channel.state_reason}" if channel.state_reason else channel.state
        sites = "all" if wishes.sites is None else ", ".join(sorted(wishes.sites))
        shown.add_row(
            str(channel.number), channel.person, channel.kind, channel.shown, state, wishes.least_severity, hours,
            ", ".join(reports), sites,
        )  # fmt: skip
    console.print(shown)


@app.command("add-email")
def add_email(
    name: Person, address: Annotated[str, typer.Argument(help="One address, such as anna@example.org.")]
) -> None:
    """Tell somebody by e-mail; alarms from a warning on, until `wishes` says otherwise."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import channels, open_warehouse

    with open_warehouse().begin() as connection:
        number = channels.add_email(connection, name, address, SystemClock().now())
    console.print(words(f"channel {number}: {name} is told at {address}; `ems notify test {name}` tries it"))


@app.command()
def telegram(name: Person) -> None:
    """Make a code that binds the chat it is sent from to somebody: once, within 15 minutes."""
    from ems_pipeline.notify import ways
    from ems_pipeline.notify.notice import NotSent
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import channels, open_warehouse

    bot, bot_name = ways.telegram(), ""
    with open_warehouse().begin() as connection:
        code = channels.make_code(connection, name, who(), SystemClock().now())
    try:
        if bot is None:
            raise NotSent("EMS_TELEGRAM_TOKEN is not set here", "docs/notices.md says how a bot is made")
        bot_name = bot.name()
    except NotSent as error:
        console.print(words(f"who the bot is cannot be said: {error}", "yellow"))
    console.print(words(f"within 15 minutes write this to the bot, from the chat in which {name} wants to be told:"))
    console.print(words(f"  /start {code}"))
    if bot_name:
        console.print(words(f"or open https://t.me/{bot_name}?start={code}"), soft_wrap=True)


@app.command()
def remove(number: Number) -> None:
    """Tell nothing there any more."""
    from ems_pipeline.warehouse import channels, open_warehouse

    with open_warehouse().begin() as connection:
        channels.remove(connection, number)
    console.print(words(f"channel {number} is removed"))


@app.command()
def wishes(
    number: Number,
    least: Annotated[Least | None, typer.Option(help="Alarms from this severity on.")] = None,
    quiet: Annotated[
        str | None, typer.Option(help="Hours in which nobody is disturbed, such as 22:00-06:30; none: at any time.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of these hours, such as Europe/Prague; that of the first site.")
    ] = None,
    critical: Annotated[
        bool | None, typer.Option("--critical/--no-critical", help="Critical alarms also in quiet hours.")
    ] = None,
    daily: Annotated[bool | None, typer.Option("--daily/--no-daily", help="A report of each day.")] = None,
    weekly: Annotated[bool | None, typer.Option("--weekly/--no-weekly", help="On Monday one of the week.")] = None,
    site: Annotated[list[str] | None, typer.Option(help="Only of this site; `all`: of all.")] = None,
) -> None:
    """Say what is wanted of a channel; what is not named stays as it is."""
    from dataclasses import replace

    from ems_pipeline.warehouse import channels, open_warehouse
    from ems_pipeline.warehouse import sites as registry

    with open_warehouse().begin() as connection:
        before = channels.one(connection, number).wishes
        zones = registry.zones(connection)
        if unknown := set(site or ()) - zones.keys() - {"all"}:
            raise LookupError(f"there is no site {', '.join(sorted(unknown))}; `ems site list` names those there are")
        usual = before.quiet.zone if before.quiet else next((str(wall) for _, wall in sorted(zones.items())), None)
        after = replace(
            before,
            least_severity=before.least_severity if least is None else least.value,
            quiet=before.quiet if quiet is None else _quiet(quiet, zone or usual),
            critical_breaks_quiet=before.critical_breaks_quiet if critical is None else critical,
            wants_daily=before.wants_daily if daily is None else daily,
            wants_weekly=before.wants_weekly if weekly is None else weekly,
            sites=before.sites if not site else None if "all" in site else frozenset(site),
        )
        channels.put_wishes(connection, number, after)
    console.print(words(f"channel {number} is told so from now on"))


def _quiet(text: str, zone: str | None) -> Quiet | None:
    from ems_pipeline import time_grid
    from ems_pipeline.notify.choice import Quiet

    if text == "none":
        return None
    if zone is None:
        raise ValueError("--quiet without --zone, and there is no site yet; name a zone such as Europe/Prague")
    first, _, last = text.partition("-")
    try:
        found = Quiet(_clock(first), _clock(last), str(time_grid.civil_zone(zone)))
    except ValueError as error:
        raise ValueError(f"--quiet {text!r}: {error}; write e.g. 22:00-06:30, or none") from None
    if found.from_time == found.until_time:
        raise ValueError(f"--quiet {text!r} begins when it ends; write e.g. 22:00-06:30, or none")
    return found


def _clock(text: str) -> time:
    return datetime.strptime(text.strip(), CLOCK).time()  # noqa: DTZ007 - a time of the wall clock has no zone
