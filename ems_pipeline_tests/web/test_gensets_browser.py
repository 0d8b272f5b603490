"""Controllers in a real browser: a tile follows its poller, a command is confirmed by hand, a refusal can be read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from ems_pipeline.sites import Site
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.web import halls
from ems_pipeline_tests.web.conftest import Open
from ems_pipeline_tests.web.halls import HALL, RUNNING, SET, seen
from ems_pipeline_tests.web.test_browser import CONTRAST, DESK, PHONE, SPILT, UNNAMED

pytestmark = pytest.mark.usefixtures("lived")
PATH = f"/ui/{HALL}/gensets"


@pytest.fixture(autouse=True)
def polled(house: House, home01: Site, now_is_now: None) -> None:
    """The hall, polled now and for a while."""
    now = house.clock.now()
    with house.warehouse.begin() as connection:
        halls.empty(connection, home01)
        halls.polled(connection, now)
        halls.kept(connection, now)


def poll(house: House, **changed: object) -> None:
    """One more poll of the first set."""
    at = datetime.now(UTC)
    with house.warehouse.begin() as connection:
        halls.polled(connection, at, seen(SET, at, RUNNING | changed))


def field(page: Page, name: str) -> str:
    return page.locator(f'[data-genset="{SET}"] span[data-field="{name}"]').first.inner_text()


def test_a_tile_follows_what_is_polled_and_writes_nothing_else(opened: Open, house: House) -> None:
    page = opened(PATH)
    shown = page.locator(f'[data-genset="{SET}"]')
    power = shown.locator('span[data-field="power_w"]')
    expect(power).to_have_text("120.4\N{NO-BREAK SPACE}kW")
    page.evaluate("document.querySelector('[data-genset=\"set-2\"]').dataset.mark = 'as it was'")
    poll(house, power_w=131_900.0, coolant_c=None)
    expect(power).to_have_text("131.9\N{NO-BREAK SPACE}kW")
    expect(shown.locator('span[data-field="coolant_c"]')).to_have_text("\N{EN DASH}")
    wide = float(shown.locator('rect[data-field="power_w"]').get_attribute("width") or 0)
    assert wide == pytest.approx(358 * 131.9 / 176, abs=0.1), "the gauge reaches to 110 % of 160 kW"
    assert page.locator('[data-genset="set-2"]').get_attribute("data-mark") == "as it was"
    ((stored,),) = house.rows("SELECT readings ->> 'power_w' FROM ems.genset_live WHERE device_key = 'set-1'")
    assert float(stored) == 131_900.0


def test_a_state_that_turns_brings_the_page_with_its_words(opened: Open, house: House) -> None:
    page = opened(PATH)
    poll(house, engine_state="cooling", generator_breaker="open", power_w=0.0, sync_v=None, sync_hz=None)
    expect(page.locator(f'[data-genset="{SET}"] [data-field="engine_state"]')).to_have_text("cooling down")
    expect(page.locator(f'[data-genset="{SET}"] [data-field="generator_breaker"]')).to_have_text("opened")


def test_a_command_is_asked_for_confirmed_and_taken_back_on_a_phone(opened: Open, house: House) -> None:
    page = opened(f"{PATH}/{SET}", size=PHONE)
    page.get_by_text("Command", exact=True).click()
    page.get_by_text("stop", exact=True).click()
    page.get_by_label("Why").fill("the peak is over")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("gas-1: stop")
    assert house.rows("SELECT state FROM ems.genset_command") == [("asked",)]
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_role("status").first).to_contain_text("It is confirmed")
    assert house.rows("SELECT state FROM ems.genset_command") == [("confirmed",)]
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("status").first).to_contain_text("taken back")


def test_a_refusal_can_be_read_and_does_not_go_away(opened: Open) -> None:
    page = opened(PATH, size=PHONE)
    page.locator(f'[data-genset="{SET}"]').get_by_text("Command", exact=True).click()
    card = page.locator(f'[data-genset="{SET}"]')
    card.get_by_text("power", exact=True).click()
    card.get_by_label("Power, kW").fill("20")
    card.get_by_label("Why").fill("less")
    card.get_by_role("button", name="Ask for it").click()
    refused = page.get_by_role("alert")
    expect(refused).to_contain_text("outside 48000 to 160000 W")
    expect(refused).to_contain_text("ask for a power within")
    opened.faults.clear()  # the browser counts an answer 422


def test_without_a_script_the_page_is_there_and_commands_are_asked(opened: Open, house: House) -> None:
    page = opened(PATH, java_script_enabled=False)
    assert field(page, "power_w") == "120.4\N{NO-BREAK SPACE}kW"
    page.goto(f"{PATH}/{SET}")
    page.get_by_role("link", name="As a table").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("gas-1")


@pytest.mark.parametrize(("scheme", "locale"), [("light", "en-GB"), ("dark", "cs-CZ")])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_pages_of_controllers_fit_are_named_and_can_be_read(
    opened: Open, size: tuple[int, int], scheme: str, locale: str
) -> None:
    page = opened(PATH, size=size, color_scheme=scheme, locale=locale)
    for path in (PATH, f"{PATH}/{SET}", f"{PATH}/{SET}/table", f"{PATH}/board"):
        page.goto(path)
        for summary in page.locator("summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(CONTRAST) == [], path
        assert page.evaluate(UNNAMED) == [], path
        assert page.evaluate(SPILT) == [], path
