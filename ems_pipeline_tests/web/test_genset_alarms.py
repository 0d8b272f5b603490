"""The page of genset alarms: what came first is marked, and people acknowledge, shelve and take out of service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ems_pipeline.gensets.alarms.alarm import Controller
from ems_pipeline.gensets.states import AlarmGroup
from ems_pipeline.scada.alarms import Alarms
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.gensets.seen import POLL, bits, shot
from ems_pipeline_tests.web.conftest import Open

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
PATH = "/ui/home01/genset-alarms"


@pytest.fixture(autouse=True)
def stopped(house: House) -> Iterator[None]:
    """A set that was shut down by overspeed, with a trip after it and a warning all the time."""
    alarms = Alarms(house.warehouse, {Controller("home01", "inverter"): ()})
    at = datetime.now(UTC) - timedelta(minutes=5)
    fuel, stop = bits("low_fuel"), bits("overspeed", group=AlarmGroup.SHUTDOWN)
    rounds = [fuel, fuel | stop, fuel | stop | bits("reverse_power", group=AlarmGroup.TRIP)]
    for number, seen in enumerate(rounds):
        alarms.take(at + number * POLL, [shot(at, seen, site="home01", device="inverter")])
    yield
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.genset_alarm, ems.genset_removal CASCADE")


def number(house: House, name: str) -> int:
    ((found,),) = house.rows("SELECT genset_alarm_id FROM ems.genset_alarm WHERE name = :name", name=name)
    return int(found)


def test_the_gravest_stands_first_and_what_came_first_is_marked(house: House) -> None:
    shown = house.login("anna").get(PATH).text
    assert shown.index("Overspeed") < shown.index("Fuel level too low")
    first = shown.index("came first")
    assert first < shown.index("place 2") < shown.index("Fuel level too low")
    assert 'class="picture' in shown


def test_a_czech_reader_reads_czech(house: House) -> None:
    anna = house.login("anna")
    anna.cookies.set("ems_language", "cs")
    shown = anna.get(PATH).text
    assert "Překročení otáček" in shown
    assert "Overspeed" not in shown


def test_whoever_knows_is_noted_and_a_shelf_is_shown_with_its_reason(house: House) -> None:
    otto = house.login("otto")
    csrf = otto.headers.pop("X-CSRF-Token")
    overspeed, fuel = number(house, "overspeed"), number(house, "low_fuel")
    answer = otto.post(f"{PATH}/{overspeed}/acknowledge", data={"csrf": csrf}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?done=known")
    shelf = {"csrf": csrf, "minutes": "60", "reason": "<b>sensor</b> ordered"}
    assert otto.post(f"{PATH}/{fuel}/shelve", data=shelf, follow_redirects=False).status_code == 303
    shown = otto.get(PATH).text
    assert "known to otto" in shown
    assert "&lt;b&gt;sensor&lt;/b&gt; ordered" in shown
    assert shown.index("Overspeed") < shown.index('id="h-hidden"') < shown.index("Fuel level too low")
    assert otto.post(f"{PATH}/{fuel}/unshelve", data={"csrf": csrf}, follow_redirects=False).status_code == 303
    assert 'id="h-hidden"' not in otto.get(PATH).text


def test_a_controller_is_taken_out_of_service_and_back(house: House) -> None:
    otto = house.login("otto")
    csrf = otto.headers.pop("X-CSRF-Token")
    form = {"csrf": csrf, "device": "inverter", "reason": "TO-2"}
    assert otto.post(f"{PATH}/out-of-service", data=form, follow_redirects=False).status_code == 303
    assert f'action="{PATH}/inverter/in-service"' in otto.get(PATH).text
    otto.post(f"{PATH}/inverter/in-service", data={"csrf": csrf})
    assert f'action="{PATH}/inverter/in-service"' not in otto.get(PATH).text


def test_who_may_only_look_is_offered_nothing(house: House) -> None:
    shown = house.login("ada").get(PATH).text
    assert "Overspeed" in shown
    assert "acknowledge" not in shown
    assert "/shelve" not in shown


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_has_room_on_a_phone_and_at_a_desk(opened: Open, width: int) -> None:
    page = opened(PATH, size=(width, 800))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("summary", has_text="Shelve").first.click()
    assert page.locator("input[name=reason]").first.is_visible()
