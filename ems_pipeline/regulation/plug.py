"""A language model, where one is named, may propose tasks for lines that rules could not read.

It is asked by `POST` with ``{"language", "lines": [{"page", "line", "text"}]}`` and answers ``{"tasks": [{"page",
"line", "text", "level", "hours", "months"}]}``. It is believed in nothing: a proposal stays only where its words stand
in the document at that line, its figures are those of the line, and whatever it says is a draft. Without it nothing is
lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from ems_pipeline import http
from ems_pipeline.plain_text import plain
from ems_pipeline.regulation import words
from ems_pipeline.regulation.draft import Draft, DraftTask, Unread

TIMEOUT_S = 120.0


class Model(Protocol):
    """Whoever reads lines and proposes tasks."""

    def tasks(self, language: str, lines: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        """Proposals, unchecked; http.HttpError: there is no answer."""
        ...


class Service:
    """A service at an address that is named in the environment."""

    def __init__(self, address: str) -> None:
        self._address = address

    def tasks(self, language: str, lines: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        body = json.dumps({"language": language, "lines": lines}, ensure_ascii=False).encode()
        reply = http.post(self._address, body, {"Content-Type": "application/json"}, timeout_s=TIMEOUT_S)
        try:
            said = json.loads(reply)["tasks"]
        except (ValueError, KeyError, TypeError):
            return []
        return [one for one in said if isinstance(one, Mapping)] if isinstance(said, list) else []


def with_proposals(draft: Draft, model: Model) -> Draft:
    """The draft with what a model proposes for its unread lines, as far as the document says it."""
    unread = {str(one.at): one for one in draft.unread}
    lines = [{"page": one.at.page, "line": one.at.line, "text": one.text} for one in draft.unread]
    taken: dict[str, DraftTask] = {}
    for proposal in model.tasks(draft.language, lines) if lines else []:
        line = unread.get(f"page {proposal.get('page')}, line {proposal.get('line')}")
        if line is not None and (task := _believed(proposal, line, draft)) is not None:
            taken[str(line.at)] = task
    left = [one for one in draft.unread if str(one.at) not in taken]
    return replace(draft, tasks=[*draft.tasks, *taken.values()], unread=left)


def _believed(proposal: Mapping[str, Any], line: Unread, draft: Draft) -> DraftTask | None:
    """A proposal whose text stands in its line; its figures are the line's, its level a known one."""
    text = plain(proposal.get("text", ""), 300)
    if not text or _bare(text) not in _bare(line.text):
        return None
    told = words.interval(line.text)
    level = proposal.get("level")
    known = level if level in {one.level for one in draft.levels} else None
    task = DraftTask(
        text, line.at, known, told.hours, told.months, words.kind(text), is_interval_known=not told.doubt, by="model"
    )
    claimed = (proposal.get("hours"), proposal.get("months"))
    is_other = any(said is not None and said != found for said, found in zip(claimed, told[:2], strict=True))
    return task.doubted(
        told.doubt,
        "proposed by a language model",
        "it named an interval that its line does not say" if is_other else "",
    )


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()
