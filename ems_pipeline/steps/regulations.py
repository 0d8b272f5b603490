"""A regulation on its way to a template: what a model proposes for it, and what a person corrected in a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ems_pipeline import settings
from ems_pipeline.errors import EmsError
from ems_pipeline.http import HttpError
from ems_pipeline.regulation import plug
from ems_pipeline.regulation.draft import Draft, Place, Unread

INTERVAL = re.compile(r"([A-Za-z0-9-]{1,20})=(?:(\d{1,6})h)?,?(?:(\d{1,3})mo)?")


class WrongDraft(EmsError, ValueError):
    """A file that is no draft, or an interval that is none."""


def with_model(draft: Draft) -> Draft:
    """The draft with what a language model proposes, where one is named; one that does not answer costs nothing."""
    address = settings.REGULATION_MODEL.read()
    if address is None:
        return draft
    try:
        return plug.with_proposals(draft, plug.Service(address))
    except HttpError as error:
        return Draft(
            draft.source, draft.language, draft.levels, draft.tasks,
            [*draft.unread, Unread("", Place(1, 1), f"the language model did not answer: {error.reason}")],
        )  # fmt: skip


def of_stored(document: Mapping[str, Any]) -> Draft:
    """A draft as it was stored. WrongDraft: it is none."""
    try:
        return Draft.read(document)
    except (KeyError, TypeError, ValueError) as error:
        raise WrongDraft(
            f"it is no draft ({type(error).__name__}: {error})", "write one with `ems maintenance import FILE --out`"
        ) from None


def corrected(file: Path) -> Draft:
    """A draft as a person corrected it. WrongDraft: the file holds none."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongDraft(f"{file} is no YAML ({type(error).__name__})", "correct it") from None
    return of_stored(document if isinstance(document, dict) else {})


def interval_of(text: str) -> tuple[str, tuple[float | None, int | None]]:
    """A level with its interval, ``TO-2=500h,12mo``. WrongDraft: it is none."""
    found = INTERVAL.fullmatch(text)
    if found is None or (found[2] is None and found[3] is None):
        raise WrongDraft(f"{text!r} is no interval of a level", "write such as TO-2=500h,12mo, TO-2=500h or TO-2=12mo")
    return found[1], (None if found[2] is None else float(found[2]), None if found[3] is None else int(found[3]))
