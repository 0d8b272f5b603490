"""A draft as a file that a person corrects, and intervals as people type them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain
from ems_pipeline.regulation.draft import Draft

INTERVAL = re.compile(r"([A-Za-z0-9-]{1,20})=(?:(\d{1,6})h)?,?(?:(\d{1,3})mo)?")


class WrongDraft(EmsError, ValueError):
    """A file that is no draft, or an interval that is none."""


def write(path: Path, draft: Draft) -> None:
    """Write a draft as YAML, for a person to correct."""
    path.write_text(yaml.safe_dump(_plain(draft.stored()), allow_unicode=True, sort_keys=False), encoding="utf-8")


def read(path: Path) -> Draft:
    """A draft as a person corrected it. WrongDraft: the file holds none."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongDraft(f"{path} is no YAML ({plain(str(error), 200)})", "correct it") from None
    return of_stored(document if isinstance(document, dict) else {})


def of_stored(document: Mapping[str, Any]) -> Draft:
    """A draft as it was stored. WrongDraft: it is none."""
    try:
        return Draft.read(document)
    except (KeyError, TypeError, ValueError) as error:
        raise WrongDraft(
            f"it is no draft ({type(error).__name__}: {plain(str(error), 200)})",
            "write one with `ems maintenance import FILE --out`",
        ) from None


def interval_of(text: str) -> tuple[str, tuple[float | None, int | None]]:
    """A level with its interval, ``TO-2=500h,12mo``. WrongDraft: it is none."""
    found = INTERVAL.fullmatch(text)
    if found is None or (found[2] is None and found[3] is None):
        raise WrongDraft(f"{text!r} is no interval of a level", "write such as TO-2=500h,12mo, TO-2=500h or TO-2=12mo")
    return found[1], (None if found[2] is None else float(found[2]), None if found[3] is None else int(found[3]))


def _plain(value: object) -> object:
    """As YAML writes it: lists for tuples."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
