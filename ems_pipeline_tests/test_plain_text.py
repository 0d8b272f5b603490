"""Whatever comes from outside leaves as text that every store and every screen takes."""

from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.plain_text import nearest, paragraph, plain

ANY = st.text(st.characters())
"""Control characters and lone surrogates included."""


@given(ANY, st.integers(2, 600))
def test_a_plain_text_is_one_printable_line_of_bounded_length(text: str, longest: int) -> None:
    shown = plain(text, longest)
    assert shown.isprintable()
    assert len(shown) <= longest
    shown.encode("utf-8")
    assert plain(shown, longest) == shown, "cleaning what is clean changes nothing"


@given(ANY)
def test_a_paragraph_keeps_its_lines_and_nothing_else_that_is_unprintable(text: str) -> None:
    shown = paragraph(text)
    assert all(line.isprintable() for line in shown.split("\n"))
    assert paragraph(shown) == shown


def test_what_is_unprintable_is_shown_and_what_is_good_stays() -> None:
    assert plain("\x1b[31mÜbertemperatur 85 °C\x00\ud800\u202e") == "\\x1b[31mÜbertemperatur 85 °C\\x00\\ud800\\u202e"
    assert plain("two\n lines\u00a0here") == "two lines here"
    assert paragraph("2 faults:\n  1. first\x07") == "2 faults:\n  1. first\\x07"
    assert plain("a" * 10_000_000) == "a" * 499 + "…"


def test_what_was_probably_meant_is_the_known_name_most_like_it() -> None:
    known = ["charge_limit_w", "discharge_limit_w"]
    assert nearest("charge_limit_kw", known) == "charge_limit_w"
    assert nearest("charge_limit_kw", known, like=0.99) is None
    assert nearest("colour", known) is None
    assert nearest("charge_limit_w" + "x" * 10**6, known) is None, "nor does it take a minute to say so"
