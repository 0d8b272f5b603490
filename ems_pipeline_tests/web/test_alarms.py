"""The page of alarms: what is open, who may say that he knows, and what is whose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ems_pipeline_tests.api.conftest import House

PATH = "/ui/home01/alarms"
MARKUP = "<img src=x onerror=alert(1)> & more; close the cover"


@pytest.fixture(autouse=True)
def alarmed(lived: object, house: House) -> Iterator[None]:
    """One more alarm, with a text that would be an element."""
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ems.alarm (site_key, kind, severity, text, raised_at, last_at) "
            "VALUES ('home01', 'odd', 'critical', %(text)s, '2026-03-01 10:00+00', '2026-03-01 10:30+00')",
            {"text": MARKUP},
        )
    yield
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.alarm WHERE kind = 'odd'")
        connection.exec_driver_sql("UPDATE ems.alarm SET acknowledged_at = NULL, acknowledged_by = NULL")


def number(house: House, kind: str) -> int:
    ((found,),) = house.rows("SELECT alarm_id FROM ems.alarm WHERE kind = :kind", kind=kind)
    return int(found)


def test_the_gravest_open_alarm_comes_first_and_what_is_over_is_asked_for(house: House) -> None:
    anna = house.login("anna")
    shown = anna.get(PATH).text
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; more; close the cover" in shown
    assert shown.index("close the cover") < shown.index("look at it")
    assert "· over</p>" not in shown
    past = anna.get(PATH + "?past=true").text
    assert past.index("look at it") < past.index("· over</p>")


def test_alarms_of_the_installation_are_for_who_sees_all_sites(house: House) -> None:
    assert "of the installation" in house.login("anna").get(PATH).text
    otto = house.login("otto").get(PATH).text
    assert "of the installation" not in otto
    assert "elsewhere" not in otto


def test_who_says_that_he_knows_is_noted_and_viewers_are_not_asked(house: House) -> None:
    otto, silent = house.login("otto"), number(house, "silent")
    csrf = otto.headers.pop("X-CSRF-Token")
    path = f"{PATH}/{silent}/acknowledge"
    assert f'action="{path}"' in otto.get(PATH).text
    answer = otto.post(path, data={"csrf": csrf}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?done=known")
    assert house.rows("SELECT acknowledged_by FROM ems.alarm WHERE kind = 'silent'") == [("web:otto",)]
    after = otto.get(answer.headers["location"]).text
    assert "It is noted that you know" in after
    assert "known to otto" in after
    assert f'action="{path}"' not in after
    assert "acknowledge" not in house.login("ada").get(PATH).text


def test_an_alarm_that_ended_meanwhile_is_said_beside_the_open_ones(house: House) -> None:
    anna = house.login("anna")
    answer = anna.post(f"{PATH}/{number(house, 'old')}/acknowledge")
    assert answer.status_code == 409
    assert "is over" in answer.text
    assert "look at it" in answer.text
