"""How often: in three languages, and never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.regulation.words import Interval, interval, kind, language, levels


@pytest.mark.parametrize(
    ("text", "hours", "months"),
    [
        ("every 500 h", 500, None), ("Every 1,000 operating hours", 1000, None), ("each 250 hrs or 6 months", 250, 6),
        ("каждые 500 м/ч", 500, None), ("через 1 000 моточасов", 1000, None), ("каждые 250 мч или 6 мес.", 250, 6),
        ("каждые 2000 ч, 4 года", 2000, 48), ("раз в год", None, 12), ("раз в полгода", None, 6),
        ("po 500 mth", 500, None), ("každých 1 000 motohodin nebo 2 roky", 1000, 24), ("ročně", None, 12),
        ("po 250 provozních hodin", 250, None), ("annually", None, 12), ("semi-annually", None, 6),
        ("every 2 years", None, 24), ("каждые 500 мото-часов", 500, None), ("every 8000 engine hours", 8000, None),
    ],
)  # fmt: skip
def test_an_interval_in_words(text: str, hours: float | None, months: int | None) -> None:
    assert interval(text) == Interval(hours, months)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("every 1000-3000 h", "range"), ("каждые 1000–3000 ч", "range"), ("every 1000 to 3000 h", "range"),
        ("250/500/1000 h", "range"), ("every 250 h, at the latest after 500 h", "several"),
        ("first change after 50 h", "once"), ("после первых 50 ч", "once"), ("první výměna po 50 mth", "once"),
        ("every week", "shorter"), ("ежедневно", "shorter"), ("every 14 days", "shorter"), ("denně", "shorter"),
        ("every 0 h", "no interval"), ("every 999999 h", "no interval"),
    ],
)  # fmt: skip
def test_what_is_no_interval_of_a_service_is_doubted_and_not_taken(text: str, doubt: str) -> None:
    found = interval(text, is_told=True)
    assert not found
    assert doubt in found.doubt


@pytest.mark.parametrize(
    "text",
    ["Fill 25 l of oil", "torque 500 Nm", "let it run 2 h", "wait 8 hours", "pressure 400 hPa", "E-500 h-series"],
)
def test_figures_of_other_things_are_no_intervals(text: str) -> None:
    assert interval(text) == Interval()


@given(st.integers(1, 99_999))
def test_a_number_means_the_same_with_and_without_signs_between_thousands(hours: int) -> None:
    written = [f"{hours}", f"{hours:,}", f"{hours:,}".replace(",", " "), f"{hours:,}".replace(",", ".")]
    assert {interval(f"every {text} h") for text in written} == {Interval(float(hours))}


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading_or_gives_an_interval_without_a_number_or_its_word(text: str) -> None:
    found = interval(text, is_told=True)
    assert found.hours is None or any(one.isdigit() for one in text)
    levels(text), kind(text), language(text)


@pytest.mark.parametrize(
    "text", ["TO-2", "ТО-2", "TО 2", "T0-2", "ТО №2", "ТО2", "Service level 2", "stupeň 2", "Уровень 2"]
)
def test_a_level_in_whatever_letters(text: str) -> None:
    assert levels(text) == ["TO-2"]


def test_several_levels_and_words_that_hold_one() -> None:
    assert levels("TO-1, TO-2") == ["TO-1", "TO-2"]
    assert levels("ETO-2000 photo 2 авто 3") == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Replace the oil filter", "replace"), ("Заменить масло", "replace"), ("Vyměnit filtr", "replace"),
        ("Check and clean the sieve", "check"), ("Очистить сапун", "clean"), ("Seřídit vůli ventilů", "adjust"),
        ("Опробовать останов", "test"), ("Осмотреть рукава", "check"), ("Unchanged oil", None), ("Масло", None),
    ],
)  # fmt: skip
def test_the_kind_is_that_of_the_first_word_of_work(text: str, wanted: str | None) -> None:
    assert kind(text) == wanted


def test_the_language_by_its_letters() -> None:
    assert [language(one) for one in ("Replace oil", "Заменить oil", "Vyměnit olej")] == ["en", "ru", "cs"]
