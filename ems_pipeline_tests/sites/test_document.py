"""What YAML would forgive, swallow or choke on is refused with its line."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.sites import SiteFileError, document, load_site


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: 'a' is given twice"),
        ("a:\n  - {b: 1, c: 2, b: 1}", "line 2: 'b' is given twice"),
        ("control: {enabled: false}\n'control': {enabled: true}", "line 2: 'control' is given twice"),
        ("1: a\n1.0: b", "line 2: 1.0 is given twice"),
        ("a: &x [1]\nb: *x", "line 2: *x is an alias; write the value out"),
        ("a: &x [*x]", "line 1: *x is an alias"),
        ("<<: {a: 1}\nb: 2", "line 1: << merges mappings"),
        ("a: 1\nb: " + "[" * 100_000, "line 2: is nested more than 20 deep"),
        ("{a: " * 50_000, "is nested more than 20 deep"),
        ("? " * 30_000, "is nested more than 20 deep"),
        ("- " * 30_000 + "a", "is nested more than 20 deep"),
        ("a: " + "9" * 5000, "line 1: a number of 5000 digits"),
        ("a: 0x" + "f" * 5000, "a number of 5002 digits"),
        ("a: " + "1:" * 3000 + "1", "a number of 6001 digits"),
        ("a: !!int '" + "9" * 5000 + "'", "a number of 5000 digits"),
        ('a: "\\ud800"', "line 1: '\\\\ud800' holds a character that cannot be printed"),
        ('a: 1\n"\\0": 2', "line 2: '\\\\x00' holds a character"),
        ('a: "\\e[31m"', "holds a character that cannot be printed"),
        ("a: \x00", "is not YAML"),
        ("a: 2024-13-45", "line 1: cannot be understood: month must be in 1..12"),
        ("a: !!timestamp x", "line 1: cannot be understood"),
        ("a: !!bool maybe", "line 1: cannot be understood"),
        ("a: !!python/object/apply:os.system [x]", "is not YAML"),
        ("? {a: 1}\n: 2", "is no name of an option"),
        ("2024-01-01: 1", "is no name of an option"),
        ("--- a\n--- b", "is not YAML"),
        ("%YAML 9.9\n---\na: 1", "is not YAML"),
    ],
)
def test_a_document_is_refused_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(document.DocumentError) as caught:
        document.parsed(text)
    assert said in str(caught.value)
    (tmp_path / "site.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SiteFileError) as told:
        load_site(tmp_path / "site.yaml", environ={})
    assert said in str(told.value)
    assert str(told.value).isprintable()


def test_what_is_plainly_written_is_read() -> None:
    said = document.parsed('a: 1\nb: {c: [1.5, "x\\ty", no], d: 2024-02-29}\ne: |\n  two\n  lines\n')
    assert said["b"]["c"] == [1.5, "x\ty", False]
    assert said["e"] == "two\nlines\n"


@given(st.text(st.characters() | st.sampled_from("{}[]:,-?&*!|>'\"%@`#~<\n\t 0123456789.eE+x_")))
def test_any_text_is_a_document_or_a_document_error(text: str) -> None:
    with contextlib.suppress(document.DocumentError):
        document.parsed(text)
