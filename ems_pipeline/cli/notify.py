"""`ems notify`: the process that tells people, and a message to try it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline import settings
from ems_pipeline.cli.terminal import words
from ems_pipeline.cli.up import Home, use
from ems_pipeline.warehouse import local

app = typer.Typer(no_args_is_help=True)
console = Console()


@app.command()
def run(home: Home = None) -> None:
    """Tell people by their own channels, and listen to the bot; `ems up` does it where a way is set up."""
    use(home)
    settings.HOME.hand_over(str(local.home()))  # named in its environment, where `ems doors` finds it
    program = [sys.executable, "-m", "ems_pipeline.notices.serve"]
    os.execv(program[0], program)


@app.command("push-key")
def push_key(
    file: Annotated[Path, typer.Argument(help="File to write the private key to; it must not exist.")],
) -> None:
    """Make the key that what browsers are told is signed with, and say which variables name it."""
    from ems_pipeline.notify.push import new_key

    private, public = new_key()
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise OSError(f"{file} cannot be made ({error.strerror}); name a file that is not there yet") from None
    with os.fdopen(handle, "w") as made:
        made.write(f"{private}\n")
    console.print(
        words(f"{file} holds the private key, which nobody else may read; set where `ems up` starts:"), soft_wrap=True
    )
    console.print(words(f"  EMS_PUSH_KEY_FILE={file.resolve()}"), soft_wrap=True)
    console.print(words(f"  EMS_PUSH_PUBLIC_KEY={public}"), soft_wrap=True)
    console.print(words("  EMS_PUSH_CONTACT=mailto:you@example.org"), soft_wrap=True)


@app.command()
def test(name: Annotated[str, typer.Argument(help="Name of the person, as `ems user list` shows it.")]) -> None:
    """Say something to somebody by each of their channels; exit code 1 where one of them did not take it."""
    from ems_pipeline.notices import telling
    from ems_pipeline.notify import ways
    from ems_pipeline.notify.notice import NotSent
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import channels, open_warehouse

    warehouse, known = open_warehouse(), {way.kind: way for way in ways.to_persons()}
    with warehouse.begin() as connection:
        found = channels.listed(connection, name)
    if not found:
        raise LookupError(
            f"{name} has no channel; `ems user channel add-email` or `ems user channel telegram` makes one"
        )
    failed = 0
    for channel in found:
        what = f"{channel.kind} {channel.shown}"
        try:
            if channel.kind not in known:
                raise NotSent(f"{channel.kind} is not set up here", "docs/notices.md says how")
            telling.try_out(known[channel.kind], channel, warehouse, SystemClock())
        except NotSent as error:
            failed += 1
            console.print(words(f"{what}: ") + words(f"{error}", "red"), soft_wrap=True)
        else:
            console.print(words(f"{what}: taken by the service"))
    if failed:
        raise typer.Exit(1)
