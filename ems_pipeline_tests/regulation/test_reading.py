"""A regulation becomes a draft that says of everything where it stands; what is not understood is told, not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.regulation import reading, source
from ems_pipeline.regulation.draft import Draft, Place
from ems_pipeline.regulation.source import Page, UnreadableRegulation
from ems_pipeline_tests.regulation import made

HEAD = ["No", "Task", "TO-1", "TO-2", "TO-3"]
WIDTHS = [30, 250, 60, 60, 60]


def drafted(path: Path) -> Draft:
    return reading.draft(source.read(path), path.name)


def of_text(tmp_path: Path, text: str) -> Draft:
    path = tmp_path / "plan.txt"
    path.write_text(text, encoding="utf-8")
    return drafted(path)


def test_headings_and_lists_of_a_text_in_two_languages(tmp_path: Path) -> None:
    found = of_text(
        tmp_path,
        "Maintenance of the gas engine\nTO-1: every 250 h or 6 months\n1. Change the oil\n2. Replace the filter\n"
        "   and its seal\nТО-2 (каждые 500 м/ч, 1 год)\n- Проверить зазоры\n- Заменить свечи каждые 1 000 ч\n",
    )
    assert [(one.level, one.hours, one.months) for one in found.levels] == [("TO-1", 250, 6), ("TO-2", 500, 12)]
    assert [(code, task.text, task.at, task.hours) for code, task in found.coded()] == [
        ("T1-01", "Change the oil", Place(1, 3), None),
        ("T1-02", "Replace the filter and its seal", Place(1, 4), None),
        ("T2-01", "Проверить зазоры", Place(1, 7), None),
        ("T2-02", "Заменить свечи каждые 1 000 ч", Place(1, 8), 1000),
    ]
    assert [one.text for one in found.unread] == ["Maintenance of the gas engine"]


def test_a_table_of_a_pdf_goes_on_over_the_page_and_a_row_across_all_columns_names_the_system(tmp_path: Path) -> None:
    first = made.table(
        [HEAD, ["1", "Clean the air filter", "X", "X", "X"], ["Cooling"], ["2", "Flush it", "", "", "X"]], 760, WIDTHS
    )
    second = made.table([["3", "Test the stop", "", "X", "X"], ["4", "Check it", "X", "", "X"]], 790, WIDTHS)
    found = drafted(made.write(tmp_path / "plan.pdf", [[*made.lines(["Annex"]), *first], second]))
    assert [(code, task.text, task.kind, task.system, task.at) for code, task in found.coded()] == [
        ("T1-01", "Clean the air filter", "clean", None, Place(1, 3)),
        ("T3-01", "Flush it", "clean", "Cooling", Place(1, 5)),
        ("T2-01", "Test the stop", "test", None, Place(2, 1)),
        ("T1-02", "Check it", "check", None, Place(2, 2)),
    ]
    assert found.tasks[3].doubts == ("not marked at TO-2, which includes it all the same",)
    assert [(one.hours, one.months) for one in found.levels] == [(None, None)] * 3
    assert found.missing()[:3] == [f"TO-{i}: hours or months" for i in (1, 2, 3)]


def test_cyrillic_of_a_pdf_and_a_table_with_intervals_beside_the_work(tmp_path: Path) -> None:
    rows = [
        ["Работа", "Период"],
        ["Заменить масло", "250 м/ч"],
        ["Осмотреть рукава", "ТО-2"],
        ["Очистить сапун", "по износу"],
    ]
    drawn = [*made.lines(["ТО-1 (каждые 250 м/ч)", "ТО-2 (каждые 500 м/ч)"]), *made.table(rows, 700, [300, 120])]
    found = drafted(made.write(tmp_path / "план.pdf", [drawn]))
    assert found.language == "ru"
    assert [(task.text, task.level, task.hours, task.is_interval_known) for task in found.tasks] == [
        ("Заменить масло", "TO-1", None, True), ("Осмотреть рукава", "TO-2", None, True),
        ("Очистить сапун", "TO-2", None, False),
    ]  # fmt: skip
    assert "по износу" in found.tasks[2].doubts[0]
    assert "interval" in found.missing()[-1]


def turned(at: tuple[int, int], words: str) -> str:
    return f"BT /F1 9 Tf 0 1 -1 0 {at[0]} {at[1]} Tm ({words}) Tj ET"


def test_heads_that_are_turned_on_their_side_are_read_as_written(tmp_path: Path) -> None:
    rules = ["50 760 m 370 760 l S", "50 660 m 370 660 l S", "50 640 m 370 640 l S"]
    rules += [f"{x} 760 m {x} 640 l S" for x in (50, 250, 310, 370)]
    words = [made.text((60, 670), "Task"), turned((285, 670), "TO-1 (250 h)"), turned((345, 670), "TO-2 (1200 h)")]
    drawn = [*rules, *words, made.text((60, 646), "Check belts"), made.text((280, 646), "X")]
    found = drafted(made.write(tmp_path / "plan.pdf", [drawn]))
    assert [(one.level, one.hours) for one in found.levels] == [("TO-1", 250), ("TO-2", 1200)]
    assert [(task.text, task.level) for task in found.tasks] == [("Check belts", "TO-1")]


def test_bold_print_is_read_once_and_small_print_in_words(tmp_path: Path) -> None:
    bold = [piece for shift in (0, 0.3) for piece in [made.text((50 + shift, 700), "TO-1 (50 h)")]]
    small, x = [], 50.0
    for word in ["1.", "Replace", "oil", "filter"]:
        small.append(f"BT /F1 6 Tf {x:.1f} 680 Td ({word}) Tj ET")
        x += 3 * len(word) + 1.8
    found = drafted(made.write(tmp_path / "plan.pdf", [[*bold, *small]]))
    assert [(one.level, one.hours) for one in found.levels] == [("TO-1", 50)]
    assert [task.text for task in found.tasks] == ["Replace oil filter"]


def test_an_interval_said_twice_and_differently_is_none(tmp_path: Path) -> None:
    found = of_text(tmp_path, "TO-1: every 250 h\n- Check it\nTO-1: every 300 h\n- Clean it\n")
    assert (found.levels[0].hours, found.levels[0].doubts) == (
        None,
        ("hours differ: page 1, line 1 and page 1, line 3",),
    )


WORDS = st.text(st.sampled_from("abc ТО-1 250 h every каждые 500 м/ч | - 1. Check Замена\t"), max_size=60)


@given(st.lists(WORDS, max_size=25))
def test_every_line_is_accounted_for(lines: list[str]) -> None:
    """A line is a heading, work, goes on a line before, or is told as unread; none is dropped in silence."""
    pages = [Page(1, tuple(" ".join(line.split()) for line in lines))]
    found = reading.draft(pages, "x")
    placed = {one.at.line for one in [*found.tasks, *found.unread]}
    for number, line in enumerate(pages[0].lines, start=1):
        if line and number not in placed and not reading.PAGE_NUMBER.match(line):
            is_part = any(line in task.text or task.text.endswith(line) for task in found.tasks)
            assert is_part or reading._Reader(Draft("", "en"))._is_head(line), line


def test_a_draft_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    import json

    found = of_text(tmp_path, "TO-1: every 250 h\n- Check it every 1-2 h\nprose\n")
    assert Draft.read(json.loads(json.dumps(found.stored()))) == found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty; name another file"),
        (b"\x00\x01binary", "neither PDF nor text"),
        (b"%PDF-1.4 and then nothing", "cannot be read as PDF"),
        (b"x\n" * 20_001, "more than 20000 lines"),
    ],
)
def test_what_is_no_document_is_refused_with_a_remedy(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "plan.pdf"
    path.write_bytes(content)
    with pytest.raises(UnreadableRegulation, match=words):
        source.read(path)


def test_a_scan_without_text_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        UnreadableRegulation, match=r"pictures, as a scanner makes them; run it through text recognition"
    ):
        source.read(made.write(tmp_path / "scan.pdf", [["50 50 m 100 100 l S"]]))


def test_a_document_that_is_too_large_or_too_slow_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made.write(tmp_path / "long.pdf", [[]] * 201)
    with pytest.raises(UnreadableRegulation, match="201 pages, and 200 are the most"):
        source.read(path)
    with pytest.raises(UnreadableRegulation, match=r"not read within 0\.01 s"):
        source.read(path, longest_s=0.01)
    monkeypatch.setattr(source, "MOST_BYTES", 100)
    with pytest.raises(UnreadableRegulation, match="are the most; import the pages"):
        source.read(path)


def test_a_text_of_an_old_windows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "план.txt"
    path.write_bytes("ТО-1 каждые 250 м/ч\n- Заменить масло\n".encode("cp1251"))
    assert [task.text for task in drafted(path).tasks] == ["Заменить масло"]
