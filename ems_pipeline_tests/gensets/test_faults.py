"""The table of faults in the documentation names tests that are there."""

from __future__ import annotations

import re

from ems_pipeline_tests.conftest import ROOT

NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


def test_every_fault_of_the_table_has_a_test() -> None:
    table = (
        (ROOT / "docs" / "gensets.md").read_text(encoding="utf-8").partition("## Faults, and")[2].partition("\n## ")[0]
    )
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 15
    for row in rows:
        named = NAMED.findall(row)
        assert named, row
        for file, test in named:
            texts = [one.read_text(encoding="utf-8") for one in (ROOT / "ems_pipeline_tests").rglob(file)]
            assert any(f"def {test}(" in text for text in texts), f"{file} has no {test}"
