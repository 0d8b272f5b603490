"""The set-up as somebody does it who has never seen it: in a browser, with every click and every field counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from ems_pipeline.steps.site_folder import read_site
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.web.conftest import Open
from ems_pipeline_tests.web.setting_up import Home, moved_in

pytestmark = pytest.mark.usefixtures("now_is_now")
PHONE = 390, 844
MOST_CLICKS, MOST_FIELDS = 12, 20
"""From the login to a site in shadow with a plan asked for; who needs more has found something that annoys."""


@pytest.fixture
def home(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with moved_in(house, tmp_path, monkeypatch) as found:
        yield found


@dataclass
class Hand:
    """Whoever sits before it; a phone's screen must be wide enough for every page."""

    page: Page
    clicks: int = 0
    fields: int = 0

    def fill(self, **texts: str) -> None:
        for name, text in texts.items():
            self.page.fill(f"input[name='{name}']", text)
            self.fields += 1

    def press(self, button: str) -> None:
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), self.page.url
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button).click()
        self.clicks += 1

    def follow(self, link: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=link).click()
        self.clicks += 1

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()


def test_a_newcomer_gets_from_a_login_to_shadow(opened: Open, home: Home) -> None:
    hand = Hand(opened("/ui", size=PHONE, timezone_id="Europe/Amsterdam"))
    page = hand.page
    assert page.url.endswith("/ui/setup/place"), "nothing is set up yet, so this is where an owner begins"
    assert page.input_value("input[name=timezone]") == "Europe/Amsterdam"
    hand.fill(name="Thuis", coordinates="52.37, 4.89", fuse_a="25", export_kw="8")
    hand.press("On to the devices")
    hand.fill(host="127.0.0.1", port=f"{home.port}", units="1-2")
    hand.press("Look there")
    hand.sees("Looking who answers")
    home.work()
    hand.sees("Unit 2")
    hand.press("Take these and read them")
    home.work()
    page.get_by_role("cell", name="grid (import is above 0)").first.wait_for()
    home.kettle(2000)
    home.house.clock.advance_to(home.house.clock.now() + timedelta(seconds=10))
    hand.press("It is on: read again")
    home.work()
    hand.sees("Its sign is right")
    hand.follow("On to battery and roof")
    assert page.input_value("input[name='inverter.ac_kw']") != "", "the inverter says its rating"
    hand.fill(**{
        "inverter.capacity_kwh": "10", "inverter.charge_kw": "5", "inverter.discharge_kw": "5",
        "inverter.min_soc": "10", "inverter.reserve_soc": "15", "inverter.peak1_kw": "6", "inverter.tilt1": "35",
    })  # fmt: skip
    page.select_option("select[name='inverter.azimuth1']", "180")
    hand.press("On to the contract")
    assert page.input_value("input[name=template]") == "nl-dynamic", "that of the country is offered first"
    hand.press("On to the review")
    hand.press("Write it")
    home.work()
    hand.sees("runs in shadow")
    hand.press("Make the first plan now")
    hand.sees("prices are fetched")
    (file,) = home.folder.glob("*.yaml")
    site = read_site(file)
    assert (site.key, site.control.enabled) == ("thuis", False)
    assert "unverified" in site.tariff.name
    assert hand.clicks <= MOST_CLICKS, f"{hand.clicks} clicks, {hand.fields} fields"
    assert hand.fields <= MOST_FIELDS


def test_back_leads_back_and_what_was_typed_is_still_there(opened: Open, home: Home) -> None:
    page = opened("/ui/setup/place", java_script_enabled=False)
    page.fill("input[name=name]", "Thuis")
    page.fill("input[name=timezone]", "Europe/Amsterdam")
    page.fill("input[name=coordinates]", "52.37, 4.89")
    page.fill("input[name=fuse_a]", "25")
    page.fill("input[name=export_kw]", "8")
    hand = Hand(page)
    hand.press("On to the devices")
    hand.follow("Place")
    assert page.input_value("input[name=coordinates]") == "52.37, 4.89"
