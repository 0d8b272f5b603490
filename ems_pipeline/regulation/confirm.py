"""A draft becomes a template, when a person has said what was unknown. What the document says is never overruled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ems_pipeline.errors import EmsError
from ems_pipeline.regulation.draft import Draft, DraftTask

ENGLISH = "en"


class Unsaid(EmsError, ValueError):
    """The draft lacks what a template must have; the text lists all of it."""

    usual = "say it in the draft's file or by the options of `ems maintenance confirm`, or leave those lines out"


@dataclass(frozen=True)
class Answers:
    """What a person says where the document does not; what it does say stays.

    ``left_out``: codes of lines that are no tasks. ``is_original_shown``: a text that is not English is shown as it
    is to those who read English, too.
    """

    template: str
    name: str
    licence: str = "the owner's own"
    system: str | None = None
    kind: str | None = None
    minutes: int | None = None
    level: str | None = None
    levels: Mapping[str, tuple[float | None, int | None]] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    is_original_shown: bool = False


def answered(draft: Draft, answers: Answers) -> Draft:
    """The draft with what a person says of it."""
    levels = []
    for one in draft.levels:
        hours, months = answers.levels.get(one.level, (None, None))
        is_silent = one.hours is None and one.months is None
        levels.append(replace(one, hours=hours, months=months) if is_silent else one)
    tasks = [
        replace(
            task, level=task.level or answers.level, kind=task.kind or answers.kind,
            system=task.system or answers.system,
        )
        for code, task in draft.coded() if code not in answers.left_out
    ]  # fmt: skip
    return replace(draft, levels=levels, tasks=tasks)


def document(draft: Draft, answers: Answers) -> dict[str, Any]:
    """The template as a document, in the form of `maintenance.template`.

    Raises:
        Unsaid: something that a template must have is said by nobody.
    """
    strange = answers.left_out - {code for code, _ in draft.coded()}
    whole = answered(draft, answers)
    wants = [*(f"{code}: no line is called so" for code in sorted(strange)), *whole.missing()]
    if not whole.tasks:
        wants.append("not one line of work")
    if answers.minutes is None and whole.tasks:
        wants.append("how many minutes a line takes, for no regulation says it")
    if draft.language != ENGLISH and not answers.is_original_shown:
        wants.append(f"the texts are in {draft.language}: that they may be shown as they are to those who read English")
    if wants:
        raise Unsaid("the draft does not say\n" + "\n".join(f"  {want}" for want in wants) + "\n")
    used = {task.level for task in whole.tasks}
    return {
        "template": answers.template, "name": _texts(answers.name, draft.language), "source": draft.source,
        "licence": answers.licence,
        "levels": [
            {"level": one.level, "hours": one.hours, "months": one.months} for one in whole.levels if one.level in used
        ],
        "tasks": [_task(code, task, draft.language, answers) for code, task in whole.coded()],
    }  # fmt: skip


def _task(code: str, task: DraftTask, language: str, answers: Answers) -> dict[str, Any]:
    return {
        "code": code, "level": task.level, "hours": task.hours, "months": task.months, "system": task.system,
        "kind": task.kind, "minutes": answers.minutes, "text": _texts(task.text, language),
    }  # fmt: skip


def _texts(text: str, language: str) -> dict[str, str]:
    return {ENGLISH: text} if language == ENGLISH else {ENGLISH: text, language: text}
