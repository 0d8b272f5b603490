"""A checklist in the system's Chromium, on a phone and without a script: large, whole, nothing beside the screen."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import maintenance, services
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.api.conftest import NOON, House
from ems_pipeline_tests.warehouse.serviced import NOW, begin, counts, last, yard
from ems_pipeline_tests.web.conftest import Open
from ems_pipeline_tests.web.test_browser import SPILT

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
PHONE = 390, 844
SHOTS = os.environ.get("EMS_TEST_SHOTS", "")
"""A folder for pictures of what was opened."""


@pytest.fixture
def task(house: House, home01: Site) -> int:
    """A task of a set that is overdue; its number."""
    with house.warehouse.begin() as connection:
        template = begin(connection, yard(home01), NOON)
        done = last(TO_1=(1000, 10), TO_2=(1000, 10), TO_3=(1000, 10), TO_4=(1000, 10))
        maintenance.put_plan(connection, "yard", "gen-1", template, done)
        counts(connection, 1290)
        services.settle(connection, NOW)
        registry.register(connection, [yard(home01)], NOON)
        return maintenance.make_order(connection, "yard", "gen-1", "TO-1", NOW)


def looked_at(page: Page, name: str) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
    assert page.evaluate(SPILT) == [], name
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize(("size", "locale"), [(PHONE, "en-GB"), (PHONE, "cs-CZ"), ((1280, 800), "en-GB")])
def test_every_page_fits_the_screen(opened: Open, task: int, size: tuple[int, int], locale: str) -> None:
    page, name = opened("/ui/yard/maintenance", size=size, locale=locale), f"{size[0]}-{locale}"
    looked_at(page, f"maintenance-{name}")
    for path in (f"tasks/{task}", "log", f"print?task={task}"):
        page.goto(f"/ui/yard/maintenance/{path}")
        looked_at(page, f"{path.partition('?')[0].replace('/', '-')}-{name}")


def test_a_service_is_done_with_a_thumb_and_without_a_script(opened: Open, task: int) -> None:
    page = opened(f"/ui/yard/maintenance/tasks/{task}", size=PHONE, java_script_enabled=False, locale="cs-CZ")
    choices = page.locator(".choices.large label")
    assert choices.count() == 30
    for box in (choices.nth(n).bounding_box() for n in range(3)):
        assert box is not None
        assert box["height"] >= 56
        assert box["width"] >= 80
    for n in range(10):
        choices.nth(3 * n).click()
    page.get_by_role("button", name="Uložit").click()
    expect(page.locator("body")).to_contain_text("zodpovězeno 10 z 10 řádků")
    page.get_by_role("button", name="Dokončit servis").click()
    expect(page.locator("body")).to_contain_text("Servis je v deníku.")
