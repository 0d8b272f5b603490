"""A goal by the card of a car, in a browser: asked, priced, confirmed, taken back; without a script, too."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.web.conftest import Open
from ems_pipeline_tests.web.test_browser import CONTRAST, PHONE, UNNAMED
from ems_pipeline_tests.web.test_goal_pages import answered, nothing_filed

__all__ = ["nothing_filed"]
pytestmark = pytest.mark.usefixtures("lived", "now_is_now")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_goal_is_priced_confirmed_counted_down_and_taken_back(opened: Open, house: House, script: bool) -> None:
    page = opened("/ui/home01/override", size=PHONE, java_script_enabled=script)
    card = page.get_by_role("region", name="Car at car-1")
    card.get_by_text("only what the sun leaves").click()
    card.get_by_label("kWh more").fill("6")
    card.get_by_label("ready at").fill("06:30")
    card.get_by_role("button", name="What would that cost?").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("car-1: only from the sun, 6.00 kWh")
    expect(page.get_by_role("status")).to_contain_text("looks again by itself")
    expect(page.get_by_role("button", name="Do it")).to_have_count(0)
    answered(house)
    expect(page.get_by_text("costs about 12.30 CZK more")).to_be_visible(timeout=15_000)
    if script:
        assert page.evaluate(CONTRAST) == page.evaluate(UNNAMED) == []
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("status").first).to_contain_text("The goal is filed")
    held = page.get_by_text("Goal: car-1 only from the sun")
    expect(held).to_be_visible()
    kinds = house.rows("SELECT kind FROM ems.request WHERE state = 'queued'")
    assert kinds == [("plan-rolling",)], "a plan that is to know it"
    page.get_by_role("button", name="Take back").first.click()
    expect(page.get_by_role("status").first).to_contain_text("The goal is taken back")
    assert house.rows("SELECT 1 FROM ems.asset_goal WHERE cancelled_at IS NULL") == []
