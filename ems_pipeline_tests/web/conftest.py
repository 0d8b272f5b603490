"""The pages on the database of the API's tests; `opened` shows them in the system's Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ems_pipeline_tests.api.conftest import PASSWORD, House, house, lived, now_is_now, stocked
from ems_pipeline_tests.api.loopback import on_loopback

__all__ = ["house", "lived", "now_is_now", "stocked"]
CHROMIUM = shutil.which("chromium")
DESK = 1280, 800
LONGEST_MS = 20_000
"""A bound for what is broken, not a measurement."""
Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for all tests of a worker."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: `apt-get install chromium` has the pages opened in a browser")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, house: House) -> Iterator[Open]:
    """Opens a path as somebody who has logged in; errors of the page's script or policy fail the test."""
    faults: list[str] = []
    with on_loopback(house.client) as port:

        def open_page(path: str, who: str = "anna", size: tuple[int, int] = DESK, **options: object) -> Page:
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]}, base_url=f"http://localhost:{port}",
                locale="en-GB", **options,  # type: ignore[arg-type]
            )  # fmt: skip
            page = context.new_page()
            page.set_default_timeout(LONGEST_MS)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
            page.goto(f"/ui/login?next={path}")
            page.fill("input[name=name]", who)
            page.fill("input[name=password]", PASSWORD)
            page.click("button.main")
            page.wait_for_load_state()
            return page

        yield open_page
        for context in browser.contexts:
            context.close()
    assert not faults
