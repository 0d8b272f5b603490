"""How one is told, said by a form: what is kept is what it says, and what cannot be is refused."""

from __future__ import annotations

import pytest

from ems_pipeline.warehouse import channels
from ems_pipeline_tests.api.conftest import NOON, House

pytestmark = pytest.mark.usefixtures("lived")
FORM = {"least_severity": "critical", "quiet_from": "22:00", "quiet_until": "06:30", "zone": "Europe/Prague"}


@pytest.fixture
def number(house: House) -> int:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.notice_channel")
        return channels.add_email(connection, "anna", "anna@example.org", NOON)


def test_what_a_form_says_is_what_is_kept(house: House, number: int) -> None:
    anna = house.login("anna")
    form = FORM | {"wants_daily": "yes", "sites": "home01 home02"}
    kept = anna.post(f"/ui/notices/{number}", data=form, follow_redirects=False)
    assert kept.headers["location"] == "/ui/notices?done=kept"
    (row,) = house.rows(
        "SELECT least_severity, quiet_from::text, quiet_until::text, quiet_zone, critical_breaks_quiet, wants_daily,"
        " wants_weekly, sites FROM ems.notice_channel"
    )
    assert tuple(row) == (
        "critical", "22:00:00", "06:30:00", "Europe/Prague", False, True, False, ["home01", "home02"],
    )  # fmt: skip
    assert 'value="22:00"' in anna.get("/ui/notices").text


@pytest.mark.parametrize("wrong", [{"quiet_until": ""}, {"zone": "Elsewhere"}, {"sites": "home09"}, {"zone": "\x07"}])
def test_what_cannot_be_is_refused_and_nothing_is_changed(house: House, number: int, wrong: dict[str, str]) -> None:
    before = house.rows("SELECT * FROM ems.notice_channel")
    answer = house.login("anna").post(f"/ui/notices/{number}", data=FORM | wrong)
    assert answer.status_code in (404, 422)
    assert "What to do:" in answer.text
    assert house.rows("SELECT * FROM ems.notice_channel") == before


def test_another_persons_channel_is_not_there(house: House, number: int) -> None:
    assert house.login("otto").post(f"/ui/notices/{number}", data=FORM).status_code == 404
    assert "anna@example.org" not in house.login("otto").get("/ui/notices").text
