"""A person says what the document does not; a model proposes what stands there; neither overrules the document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ems_pipeline.plant.web_server import serving_http
from ems_pipeline.regulation import confirm, plug, reading, source
from ems_pipeline.regulation.confirm import Answers, Unsaid
from ems_pipeline.regulation.draft import Draft

TEXT = (
    "TO-1: every 250 h\n- Check the belts\n- The magneto\n"
    "TO-2\n- Replace plugs every 1000 h\nPlease grease the hinges every 500 h.\n"
)
ANSWERS = Answers("ours", "Our plan", system="general", kind="check", minutes=15, levels={"TO-2": (500.0, 12)})


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    path = tmp_path / "plan.txt"
    path.write_text(TEXT, encoding="utf-8")
    return reading.draft(source.read(path), path.name)


def test_all_that_is_unsaid_is_listed_at_once(draft: Draft) -> None:
    with pytest.raises(Unsaid) as caught:
        confirm.document(draft, Answers("ours", "Our plan"))
    for told in ("TO-2: hours or months", "T1-02 (page 1, line 3): kind, system", "how many minutes"):
        assert told in str(caught.value)


def test_answers_fill_and_never_overrule(draft: Draft) -> None:
    said = confirm.document(draft, Answers(**{**vars(ANSWERS), "levels": {"TO-1": (9.0, 9), "TO-2": (500.0, 12)}}))
    assert [(one["level"], one["hours"], one["months"]) for one in said["levels"]] == [
        ("TO-1", 250.0, None), ("TO-2", 500.0, 12),
    ]  # fmt: skip
    assert [(one["code"], one["kind"], one["hours"]) for one in said["tasks"]] == [
        ("T1-01", "check", None), ("T1-02", "check", None), ("T2-01", "replace", 1000.0),
    ]  # fmt: skip


def test_lines_left_out_are_gone_and_a_code_that_is_none_is_told(draft: Draft) -> None:
    said = confirm.document(draft, Answers(**{**vars(ANSWERS), "left_out": frozenset({"T1-02"})}))
    assert [one["text"]["en"] for one in said["tasks"]] == ["Check the belts", "Replace plugs every 1000 h"]
    with pytest.raises(Unsaid, match="T9-09: no line is called so"):
        confirm.document(draft, Answers(**{**vars(ANSWERS), "left_out": frozenset({"T9-09"})}))


def test_another_language_is_shown_as_it_is_only_where_somebody_says_so(tmp_path: Path) -> None:
    path = tmp_path / "plan.txt"
    path.write_text("ТО-1 каждые 250 м/ч\n- Заменить масло\n", encoding="utf-8")
    found = reading.draft(source.read(path), path.name)
    with pytest.raises(Unsaid, match="the texts are in ru"):
        confirm.document(found, ANSWERS)
    said = confirm.document(found, Answers(**{**vars(ANSWERS), "is_original_shown": True}))
    assert said["tasks"][0]["text"] == {"en": "Заменить масло", "ru": "Заменить масло"}


@dataclass
class Dreamer:
    """A model that says what it is told to say."""

    said: list[Any]

    def tasks(self, language: str, lines: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        return self.said


def test_a_proposal_stays_only_where_its_words_stand_and_its_figures_are_the_lines(draft: Draft) -> None:
    at = {"page": 1, "line": 6}
    found = plug.with_proposals(draft, Dreamer([
        {**at, "text": "grease the hinges", "level": "TO-9", "hours": 250},
        {"page": 1, "line": 2, "text": "Check the belts"},  # read already
        {"page": [1], "line": {}, "text": "x"}, {"page": 7, "line": 7, "text": "Invented work"}, {},
    ]))  # fmt: skip
    (task,) = found.tasks[len(draft.tasks) :]
    assert (task.text, task.hours, task.level, task.by) == ("grease the hinges", 500.0, None, "model")
    assert task.doubts == ("proposed by a language model", "it named an interval that its line does not say")
    assert found.unread == []
    invented = plug.with_proposals(draft, Dreamer([{**at, "text": "oil the hinges"}]))
    assert invented == draft


def test_without_an_answer_that_can_be_read_nothing_is_lost(draft: Draft) -> None:
    for answer in (b"{}", b"[]", b"not json", b'{"tasks": 5}', b'{"tasks": ["x"]}'):
        with serving_http("127.0.0.1", 0, lambda path, query, body, said=answer: (200, said)) as port:  # type: ignore[misc]
            assert plug.with_proposals(draft, plug.Service(f"http://127.0.0.1:{port}/")) == draft


def test_a_service_is_told_the_unread_lines_alone(draft: Draft) -> None:
    heard: list[Any] = []

    def ask(path: str, query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        heard.append(json.loads(body))
        return 200, json.dumps({"tasks": [{"page": 1, "line": 6, "text": "Please grease the hinges"}]}).encode()

    with serving_http("127.0.0.1", 0, ask) as port:
        found = plug.with_proposals(draft, plug.Service(f"http://127.0.0.1:{port}/"))
    assert heard == [
        {"language": "en", "lines": [{"page": 1, "line": 6, "text": "Please grease the hinges every 500 h."}]}
    ]
    assert found.tasks[-1].hours == 500.0
