"""Numbers as people type them: read whole or refused. Python's own would take ``1_000`` and ``nan`` for one."""

from __future__ import annotations

import typer

from ems_pipeline.units import number_and_unit


def number(text: str) -> float:
    """The number typed; a unit behind it is refused, the one asked for is in the option's name or help."""
    try:
        value, unit = number_and_unit(text)
    except ValueError as fault:
        raise typer.BadParameter(f"{text!r}, {fault}") from None
    if unit:
        raise typer.BadParameter(f"{text!r} has a unit; give the number alone, in the unit the help names")
    return value


def limit_of(text: str) -> tuple[str, float]:
    """A limit of a mode as typed: its name, its number. ValueError: it is none."""
    name, _, written = text.partition("=")
    try:
        return name.strip(), number(written)
    except typer.BadParameter:
        raise ValueError(f"--limit {text!r} is not name=number; write e.g. --limit charge_limit_w=3000") from None
