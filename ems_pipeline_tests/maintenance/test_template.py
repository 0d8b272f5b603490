"""A template is taken whole or refused with the place that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ems_pipeline.maintenance.template import TemplateError, in_language, load, read, shipped

(TEMPLATE,) = shipped()


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = TEMPLATE.document()
    change(document)
    return document


def test_the_shipped_one_has_56_tasks_in_four_levels_and_three_languages() -> None:
    by_level = {level: sum(task.level == level for task in TEMPLATE.tasks) for level in TEMPLATE.ranks}
    assert by_level == {"TO-1": 10, "TO-2": 18, "TO-3": 15, "TO-4": 13}
    assert all(set(task.text) == {"en", "cs", "ru"} for task in TEMPLATE.tasks)
    assert [(one.hours, one.months) for one in TEMPLATE.levels] == [(250, 6), (500, 12), (1000, 24), (2000, 48)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d["tasks"][0].update(level="TO-9"), "T1-01 is of level TO-9, which is none of TO-1"),
        (lambda d: d["tasks"][1].update(code="T1-01"), "T1-01 stands 2 times"),
        (lambda d: d["tasks"][0].update(supersedes=["T9-99"]), "T9-99, which is no other task"),
        (lambda d: d["tasks"][0]["text"].pop("en"), "T1-01 lacks its text in en"),
        (lambda d: d["levels"][0].update(hours=None, months=None), "TO-1 is never due"),
        (lambda d: d["levels"][0].update(hours=-1), "levels.0.hours"),
        (lambda d: d["tasks"][0].update(critical=True), "tasks.0.critical"),
        (lambda d: d.update(levels=[]), "levels"),
    ],
)
def test_one_that_means_nothing_is_refused_with_its_place(
    change: Callable[[dict[str, Any]], object], told: str
) -> None:
    with pytest.raises(TemplateError, match=told) as refused:
        read(changed(change))
    assert refused.value.remedy


def test_a_file_of_an_owner_is_read_as_the_shipped_one_is(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("template: [", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"own.yaml"):
        load(path)
    path.write_text(
        "template: own\nname: {en: Own}\nsource: the maker\nlicence: ours\nlevels: [{level: A, hours: 100}]\n"
        "tasks: [{code: a1, level: A, system: oil, kind: check, minutes: 5, text: {en: Look}}]\n",
        encoding="utf-8",
    )
    assert load(path).ranks == {"A": 1}


def test_a_text_is_told_in_the_first_language_it_has_else_in_english() -> None:
    text = TEMPLATE.tasks[0].text
    assert in_language(text, ("ru",)).startswith("Слить")
    assert in_language(text, ("de", "cs", "en")).startswith("Vypustit")
    assert in_language(text, ("de",)).startswith("Drain")


def test_what_a_line_says_beside_its_text_is_there_in_its_languages_or_needs_no_words() -> None:
    first = TEMPLATE.tasks[0]
    assert first.accept is not None
    assert in_language(first.accept, ("cs",)) == "hladina mezi ryskami po 5 min chodu"
    said = [texts for task in TEMPLATE.tasks for name, texts in task.texts.items() if name in ("consumable", "accept")]
    assert {tuple(sorted(texts)) for texts in said} == {("cs", "en", "ru")}
    document = changed(lambda d: d["tasks"][0].update(accept="dry", unit="kPa"))
    assert (read(document).tasks[0].accept, read(document).tasks[0].unit) == ({"en": "dry"}, {"en": "kPa"})
    with pytest.raises(TemplateError, match="T1-01 lacks its accept in en"):
        read(changed(lambda d: d["tasks"][0].update(accept={"cs": "suché"})))
