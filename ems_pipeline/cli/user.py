"""`ems user`: who may log in to the web process. Passwords are typed or piped, never given as an argument."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline.cli import channel
from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.who import who

app = typer.Typer(no_args_is_help=True)
app.add_typer(channel.app, name="channel", help="How each person is told: chats, e-mail, and what is wanted of each.")
console = Console()
Name = Annotated[str, typer.Argument(help="By which the person logs in.")]


class Role(StrEnum):
    """Those of a person in `api.rights.RIGHTS`, which is too much to import for a list of names."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    OWNER = "owner"
    ANALYST = "analyst"


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Argument(help="What the person may do; see docs/security.md.")],
    site: Annotated[list[str] | None, typer.Option(help="A site that exists for the person; none: all.")] = None,
) -> None:
    """Let somebody log in. Asks for the password; what is piped in is its first line."""
    from ems_pipeline.api.passwords import hashed
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse, people

    person = people.Person(name, role, tuple(site) if site else None)
    stored = hashed(_password())
    with open_warehouse().begin() as connection:
        people.add(connection, person, stored, who(), SystemClock().now())
    console.print(words(f"{name} may log in as {role}, for {', '.join(site) if site else 'all sites'}"))


@app.command("list")
def listed() -> None:
    """Who may log in."""
    from ems_pipeline.warehouse import open_warehouse, people

    with open_warehouse().begin() as connection:
        found = people.listed(connection)
    shown = Rows("name", "role", "sites", "last login")
    for person in found:
        sites = "all" if person.sites is None else ", ".join(person.sites)
        last = "never" if person.last_login_at is None else f"{person.last_login_at:%Y-%m-%d %H:%M} UTC"
        shown.add_row(person.name, person.role, sites, last)
    console.print(shown)


@app.command()
def password(name: Name) -> None:
    """Give somebody a new password, and end all sessions of before."""
    from ems_pipeline.api.passwords import hashed
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse, people

    stored = hashed(_password())
    with open_warehouse().begin() as connection:
        people.set_password(connection, name, stored, SystemClock().now())
    console.print(words(f"{name} has a new password; sessions of before have ended"))


@app.command()
def remove(name: Name) -> None:
    """Let somebody in no more: sessions end, and the tokens that the person gave are taken back."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse, people

    with open_warehouse().begin() as connection:
        revoked = people.remove(connection, name, who(), SystemClock().now())
    console.print(words(f"{name} is not let in any more; {revoked} tokens were taken back"))


def _password() -> str:
    """Typed twice on a terminal, else the first line of what is piped in."""
    if sys.stdin.isatty():
        return str(typer.prompt("password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
