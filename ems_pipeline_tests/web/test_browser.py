"""Pages in a real browser, as people use them."""

from __future__ import annotations

import pytest

from ems_pipeline_tests.web.conftest import Open

pytestmark = pytest.mark.usefixtures("lived")
PHONE = 390, 844


@pytest.mark.parametrize("size", [PHONE, (1280, 800)])
def test_a_page_is_no_wider_than_its_screen(opened: Open, size: tuple[int, int]) -> None:
    page = opened("/ui/home01/now", size=size)
    assert page.title().startswith("Now")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
