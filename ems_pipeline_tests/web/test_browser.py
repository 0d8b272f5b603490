"""Pages in a real browser, as people use them: by pointer and keyboard, on a phone and a desk, off and on the line."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.web.conftest import Open

pytestmark = pytest.mark.usefixtures("lived")
PHONE, DESK = (390, 844), (1280, 800)
LONGEST_PATHS = ["now", "plan", "slot?at=2026-03-01T12:00:00Z", "override"]
CONTRAST = """() => {
  const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
  const linear = (v) => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const found = [];
  for (const e of document.querySelectorAll("body *:not(svg *)")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || e.closest(".skip")) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) found.push(`${e.tagName} ${e.textContent.trim().slice(0, 40)}`);
  }
  return found;
}"""
"""WCAG 2.2, 1.4.3: texts whose contrast to what is behind them is below 4.5."""
UNNAMED = """() => [
  ...[...document.querySelectorAll("input:not([type=hidden]), select, textarea")].filter((e) => !e.labels.length),
  ...[...document.querySelectorAll("section")].filter((e) =>
    !document.getElementById(e.getAttribute("aria-labelledby"))),
  ...[...document.querySelectorAll("button, a")].filter((e) => !e.textContent.trim()),
  ...[...document.querySelectorAll("svg")].filter((e) => !e.querySelector("title") && !e.getAttribute("aria-label")),
].map((e) => e.outerHTML.slice(0, 120))"""
"""Fields without a label, regions, buttons and pictures without a name."""
SPILT = """() => [...document.querySelectorAll(".choices span, dd, button")]
  .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.trim())"""
"""Buttons and values whose text is wider than they are."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_pages_fit_their_screen_are_named_and_can_be_read(opened: Open, size: tuple[int, int], scheme: str) -> None:
    page = opened("/ui/home01/now", size=size, color_scheme=scheme)
    for path in LONGEST_PATHS:
        page.goto(f"/ui/home01/{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(CONTRAST) == [], path
        assert page.evaluate(UNNAMED) == [], path


def test_a_chart_is_read_by_pointer_and_by_arrow_keys(opened: Open) -> None:
    page = opened("/ui/home01/plan")
    figure, readout = page.locator("figure[data-chart]"), page.locator(".readout")
    figure.focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("13:15 · battery hold")
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text("13:00 · battery charge")
    box = page.locator(".long-picture svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 40)
    expect(readout).to_contain_text("13:15")
    figure.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Why: 13:15")


@pytest.mark.usefixtures("now_is_now")
def test_an_override_is_priced_confirmed_counted_down_and_taken_back(opened: Open, house: House) -> None:
    page = opened("/ui/home01/override", size=PHONE)
    card = page.get_by_role("region", name="Battery pack")
    card.get_by_text("hold", exact=False).first.click()
    card.get_by_role("button", name="What would that cost?").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("pack: hold")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("status").first).to_contain_text("The wish is filed")
    assert page.locator("[data-left]").first.inner_text().startswith(("0:59:", "1:00:"))
    page.get_by_role("button", name="Take back").first.click()
    expect(page.get_by_role("status").first).to_contain_text("taken back")
    assert house.rows("SELECT 1 FROM ems.control_override WHERE cancelled_at IS NULL AND until_at > now()") == []


@pytest.mark.usefixtures("now_is_now")
def test_hand_back_is_one_press(opened: Open, house: House) -> None:
    page = opened("/ui/home01/now", size=PHONE)
    page.get_by_role("button", name="Hand back").click()
    expect(page.get_by_role("status").first).to_contain_text("being let go")
    ((kind,),) = house.rows("SELECT kind FROM ems.request WHERE site_key = 'home01' ORDER BY requested_at DESC LIMIT 1")
    assert kind == "release"


def test_a_lost_connection_is_said_and_its_return_brings_the_page_up_to_date(opened: Open, house: House) -> None:
    page = opened("/ui/home01/now")
    lost = page.locator("[data-lost]")
    expect(lost).to_be_hidden()
    break_off(page)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(lost).to_be_visible()
    expect(lost).to_contain_text("The connection is lost")
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE ems.site SET name = 'Renamed' WHERE site_key = 'home01'")
    page.unroute("**/ui/home01/now")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(lost).to_be_hidden()
    expect(page.locator(".top .site")).to_have_text("Renamed")
    opened.faults.clear()  # the browser counts what could not be had


def break_off(page: Page) -> None:
    """From now on the page cannot be had."""

    def refuse(route: Route, *_more: Any) -> None:
        route.fulfill(status=503, body="")

    page.route("**/ui/home01/now", refuse)


def test_everything_works_without_a_script(opened: Open) -> None:
    page = opened("/ui/home01/plan", java_script_enabled=False)
    page.get_by_text("As a table").click()
    page.get_by_role("link", name="13:15").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Why: 13:15")


def test_the_language_is_the_browsers_until_another_is_chosen(opened: Open) -> None:
    page = opened("/ui/home01/now")
    assert page.evaluate("document.documentElement.lang") == "en"
