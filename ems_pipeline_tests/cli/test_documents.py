"""What the documents tell people to type exists, and every command explains itself."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from ems_pipeline.cli import app
from ems_pipeline_tests.conftest import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"(?:^|`)(?:\.venv/bin/)?(ems [^`#\n]+)", re.MULTILINE)
PLACEHOLDERS = {"FILE": "sites/home01.yaml", "FILE...": "sites/home01.yaml", "SITE": "home01", "GATEWAY": "rs485"}


def commands() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for line in COMMAND.findall(document.read_text(encoding="utf-8")):
            yield document.name, line.strip()


def resolved(group: click.Command, words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and what is left for it."""
    while isinstance(group, click.Group) and words and not words[0].startswith("-"):
        found = group.commands.get(words[0])
        assert found is not None, f"there is no command {words[0]!r}; there are {sorted(group.commands)}"
        group, words = found, words[1:]
    return group, words


@pytest.mark.parametrize(("document", "line"), sorted(set(commands())))
def test_a_command_in_a_document_is_one_the_program_takes(
    document: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(line)[1:]]
    command, rest = resolved(typer.main.get_command(app), words)
    if isinstance(command, click.Group) or not rest:
        return  # a mention of the command, not a line to type
    with contextlib.suppress(click.exceptions.Exit):  # --help and --version end by themselves
        command.make_context("ems", rest)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_between_documents_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}, which is not there"


def test_every_command_and_option_is_explained() -> None:
    def walk(command: click.Command, path: str) -> None:
        assert command.help, f"{path} says nothing about itself"
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, (
                f"{path}: {parameter.name} is not explained"
            )
        if isinstance(command, click.Group):
            for name, child in command.commands.items():
                walk(child, f"{path} {name}")

    walk(typer.main.get_command(app), "ems")
