"""A release tells what is new under a newer number, or is refused before anything is written."""

from __future__ import annotations

from datetime import date

import pytest

from ems_pipeline import __version__
from ems_pipeline_tests.release import CHANGELOG, COMPOSE, IMAGE, PACKAGE, NotReleasable, dated, renumbered

DAY = date(2026, 12, 1)
LOG = "# Changelog\n\n## Unreleased\n\n- A car starts once.\n\n## 0.1.0 (2026-11-01)\n\n- The first.\n"


def test_what_was_unreleased_stands_under_the_version_and_its_day() -> None:
    assert dated(LOG, "0.2.0", DAY) == (
        "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-12-01)\n\n- A car starts once.\n\n"
        "## 0.1.0 (2026-11-01)\n\n- The first.\n"
    )


def test_a_release_of_nothing_is_refused() -> None:
    with pytest.raises(NotReleasable, match="write what changes for people first"):
        dated(dated(LOG, "0.2.0", DAY), "0.2.1", DAY)


@pytest.mark.parametrize("version", ["0.1.0", "0.0.9", "0.1"])
def test_a_version_is_three_numbers_and_newer(version: str) -> None:
    with pytest.raises(NotReleasable, match=r"write three numbers|name a later one"):
        renumbered('__version__ = "0.1.0"\n', version)


def test_ten_comes_after_nine() -> None:
    assert renumbered('__version__ = "0.9.0"\n', "0.10.0") == '__version__ = "0.10.0"\n'


def test_this_project_could_be_released() -> None:
    package = PACKAGE.read_text(encoding="utf-8")
    assert renumbered(package, "999.0.0").replace("999.0.0", "") != package
    assert "## 999.0.0 (2026-12-01)" in dated(CHANGELOG.read_text(encoding="utf-8"), "999.0.0", DAY)


def test_the_image_is_named_by_the_version() -> None:
    found = IMAGE.search(COMPOSE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == f"image: ems-pipeline:{__version__}"
