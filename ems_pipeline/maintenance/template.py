"""A maintenance template: levels of service, each with the tasks that join at it. A version is never edited.

The shipped one stands in `templates/`; an owner's own is a file of the same shape, or the same as JSON over HTTP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from ems_pipeline.errors import EmsError
from ems_pipeline.maintenance.limits import limits
from ems_pipeline.plain_text import plain
from ems_pipeline.sites import document
from ems_pipeline.sites.record import Key, Record

SOURCE = "en"
"""The language in which every text is there."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Texts = Annotated[Mapping[Language, Line], Field(min_length=1)]
Said = Annotated[Texts, BeforeValidator(lambda said: {SOURCE: said} if isinstance(said, str) else said)]
"""The same, or one text alone, which is English or needs no words (``kPa``)."""
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", max_length=20)]
Hours = Annotated[float, Field(gt=0, le=100_000)]
Months = Annotated[int, Field(ge=1, le=600)]
SAID_BESIDE = ("consumable", "quantity", "accept", "unit")
"""What a line of a checklist says beside its text, where it has it, in as many languages."""
KINDS = ("check", "clean", "adjust", "test", "replace")


class TemplateError(EmsError, ValueError):
    """A template cannot be taken."""

    usual = "correct the template; docs/maintenance.md says what stands in one"


class Level(Record):
    """A service; levels stand from the smallest to the largest, and each includes those before it."""

    level: Code
    hours: Hours | None = None
    months: Months | None = None
    notice_days: Annotated[int, Field(ge=1, le=365)] = 7
    """People are warned so many days before it is due: parts of a large service take longer to come."""

    @model_validator(mode="after")
    def _is_due_sometime(self) -> Level:
        if self.hours is None and self.months is None:
            raise ValueError(f"{self.level} is never due; give it hours, months or both: whichever comes first counts")
        return self


class Task(Record):
    """One line of a checklist. ``hours``, ``months`` other than its level's: it joins only when it is due itself."""

    code: Code
    level: Code
    hours: Hours | None = None
    months: Months | None = None
    system: Line
    kind: Literal["check", "clean", "adjust", "test", "replace"]
    minutes: Annotated[int, Field(ge=0, le=2880)]
    """Of one person."""
    is_critical: bool = False
    """While it is open its level stays due."""
    needs_standstill: bool = False
    """The engine has to stand: an open order with such a task is a reason not to start it."""
    text: Texts
    consumable: Said | None = None
    quantity: Said | None = None
    accept: Said | None = None
    unit: Said | None = None
    """Of the value that is written down."""
    supersedes: tuple[Code, ...] = ()

    @property
    def texts(self) -> dict[str, Mapping[str, str]]:
        """What is said in languages, by its name."""
        said = {"text": self.text} | {name: getattr(self, name) for name in SAID_BESIDE}
        return {name: texts for name, texts in said.items() if texts is not None}


class Template(Record):
    """Levels and tasks.

    Raises:
        ValidationError: a name stands twice or means nothing, or a text lacks English.
    """

    template: Key
    name: Texts
    source: Line
    licence: Line
    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=12)]
    tasks: Annotated[tuple[Task, ...], Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _names_mean_something(self) -> Template:
        for fault in self._faults():
            raise ValueError(fault)
        return self

    def _faults(self) -> Iterator[str]:
        ranks, codes = self.ranks, {task.code for task in self.tasks}
        twice = Counter([*(one.level for one in self.levels), *(task.code for task in self.tasks)])
        yield from (
            f"{name} stands {count} times; every name stands once" for name, count in twice.items() if count > 1
        )
        if SOURCE not in self.name:
            yield f"the template's name lacks {SOURCE}; write it in English as well"
        for task in self.tasks:
            if task.level not in ranks:
                yield f"{task.code} is of level {task.level}, which is none of {', '.join(ranks)}; name one of them"
            yield from (
                f"{task.code} lacks its {what} in {SOURCE}; write it in English as well"
                for what, said in task.texts.items()
                if SOURCE not in said
            )
            yield from (
                f"{task.code} supersedes {other}, which is no other task; name one"
                for other in task.supersedes
                if other not in codes - {task.code}
            )

    @property
    def ranks(self) -> dict[str, int]:
        """By level its place, 1 the smallest."""
        return {one.level: rank for rank, one in enumerate(self.levels, 1)}

    def document(self) -> dict[str, Any]:
        """As it is stored, and read again."""
        return self.model_dump(mode="json")

    def levels_with_limits(self) -> list[dict[str, Any]]:
        """Levels as the database compares with them: with rank, and the limits that follow from intervals."""
        return [
            {"level": one.level, "rank": rank, "hours": one.hours, "months": one.months}
            | limits(one.hours, one.months, one.notice_days)._asdict()
            for rank, one in enumerate(self.levels, 1)
        ]


def read(document: Any) -> Template:
    """A template from what a file or a program says.

    Raises:
        TemplateError: names the first place that cannot be taken.
    """
    try:
        return Template.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the template"
        raise TemplateError(f"{place}: {plain(first['msg'], 300)}") from None


def load(path: Path) -> Template:
    """A template from a file.

    Raises:
        TemplateError: it cannot be read, or is no template.
    """
    try:
        return read(document.read(path))
    except document.DocumentError as error:
        raise TemplateError(f"{path} {error.what}", error.remedy) from None


def shipped() -> list[Template]:
    """Templates that come with the program."""
    folder = resources.files("ems_pipeline.maintenance") / "templates"
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return [read(document.parsed((folder / name).read_text(encoding="utf-8"))) for name in found]


def in_language(texts: Mapping[str, str], wanted: Sequence[str]) -> str:
    """A text in the first of these languages that it has, else in English."""
    return next((texts[language] for language in wanted if language in texts), texts.get(SOURCE, ""))
