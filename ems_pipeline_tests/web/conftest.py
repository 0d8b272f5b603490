"""The pages on the database of the API's tests; `opened` shows them in the system's Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ems_pipeline_tests.api.conftest import PASSWORD, House, house, lived, now_is_now, stocked
from ems_pipeline_tests.api.loopback import on_loopback

__all__ = ["house", "lived", "now_is_now", "stocked"]
CHROMIUM = shutil.which("chromium")
DESK = 1280, 800
LONGEST_MS = 20_000
"""A bound for what is broken, not a measurement."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, one for the tests of a module: while it runs, its loop is the thread's, and `asyncio.run` fails."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: `apt-get install chromium` has the pages opened in a browser")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@dataclass
class Open:
    """Opens a path as somebody who has logged in; ``faults``: errors of a page's script or policy."""

    browser: Browser
    port: int
    faults: list[str] = field(default_factory=list)

    def __call__(self, path: str, who: str = "anna", size: tuple[int, int] = DESK, **options: Any) -> Page:
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, base_url=f"http://localhost:{self.port}",
            **({"locale": "en-GB"} | options),
        )  # fmt: skip
        page = context.new_page()
        page.set_default_timeout(LONGEST_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        page.goto(f"/ui/login?next={path}")
        page.fill("input[name=name]", who)
        page.fill("input[name=password]", PASSWORD)
        with page.expect_navigation():  # a click returns before the answer is there
            page.click("button.main")
        return page


@pytest.fixture
def opened(browser: Browser, house: House) -> Iterator[Open]:
    """A page that has an error fails its test."""
    with on_loopback(house.client) as port:
        opener = Open(browser, port)
        yield opener
        for context in browser.contexts:
            context.close()
    assert not opener.faults
