"""Settings, disarming, people and tokens: what a form does, and what none can do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from ems_pipeline_tests.api.conftest import PASSWORD, House

PATH = "/ui/home01/settings"


@pytest.fixture(autouse=True)
def clean(lived: object, house: House) -> Iterator[None]:
    """As it was after every test."""
    yield
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request; DELETE FROM ems.web_token")
        connection.exec_driver_sql("UPDATE ems.control_arm SET disarmed_at = NULL, disarmed_by = NULL")


def requests(house: House) -> list[tuple[str, dict[str, object]]]:
    found = house.rows("SELECT kind, parameters FROM ems.request ORDER BY kind")
    return [(row.kind, row.parameters) for row in found]


def told(shown: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", shown).split())


def test_settings_tell_what_the_site_is_and_who_steers(house: House) -> None:
    shown = told(house.login("anna").get(PATH).text)
    assert "Clock Europe/Prague" in shown
    assert "May draw 17.0 kW" in shown
    assert "pack · battery · inverter" in shown
    assert "Armed by local:anna" in shown
    ((version,),) = house.rows("SELECT config_hash FROM ems.site_config WHERE site_key = 'home01'")
    assert f"{version} from 13:00 · holds now" in shown
    elsewhere = told(house.login("vera").get("/ui/home02/settings").text)
    assert "Change" not in elsewhere
    assert "Disarm" not in elsewhere


def test_a_change_is_the_document_with_it_and_a_request_that_is_followed(house: House) -> None:
    anna = house.login("anna")
    form = {"name": "Home <3", "usual_load_w": "500"}
    answer = anna.post(PATH, data=form, follow_redirects=False)
    ((kind, parameters),) = requests(house)
    document = parameters["document"]
    assert kind == "site-document"
    assert isinstance(document, dict)
    assert (document["name"], document["usual_load_w"]) == ("Home <3", 500)
    ((number,),) = house.rows("SELECT request_id FROM ems.request")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/ui/requests/{number}")
    followed = anna.get(answer.headers["location"]).text
    assert "Change the site's document" in followed


def test_a_form_that_changes_nothing_files_nothing_and_no_other_field_is_taken(house: House) -> None:
    anna = house.login("anna")
    ((name, load),) = house.rows(
        "SELECT config ->> 'name', config ->> 'usual_load_w' FROM ems.site_config WHERE site_key = 'home01'"
    )
    assert anna.post(PATH, data={"name": name, "usual_load_w": load}, follow_redirects=False).status_code == 303
    assert anna.post(PATH, data={"name": "x", "control": "armed"}).status_code == 422
    assert house.login("otto").post(PATH, data={"name": "x"}).status_code == 403
    assert requests(house) == []


def test_a_change_that_cannot_be_is_shown_again_with_why(house: House) -> None:
    answer = house.login("anna").post(PATH, data={"name": "Home", "usual_load_w": "-5"})
    assert answer.status_code == 422
    assert "usual_load_w" in told(answer.text)
    assert 'value="-5"' in answer.text
    assert requests(house) == []


@pytest.mark.usefixtures("now_is_now")
def test_disarming_is_asked_for_twice_and_lets_the_devices_go(house: House) -> None:
    otto = house.login("otto")
    assert "Disarm and let go" in otto.get("/ui/home01/disarm").text
    ((disarmed_at,),) = house.rows("SELECT disarmed_at FROM ems.control_arm")
    assert disarmed_at is None, "looking changes nothing"
    answer = otto.post("/ui/home01/disarm", follow_redirects=False)
    assert answer.headers["location"].startswith("/ui/requests/")
    assert house.rows("SELECT disarmed_by FROM ems.control_arm") == [("web:otto",)]
    assert requests(house) == [("release", {})]
    shown = told(house.login("anna").get(PATH).text)
    assert "ems control arm home01 --days 30" in shown
    assert "Disarm…" not in shown
    assert house.login("ada").post("/ui/home01/disarm").status_code == 403


def given(anna: TestClient, **form: str) -> str:
    answer = anna.post("/ui/people", data={"name": "program", "may": "look", "site": "home01", "days": "30"} | form)
    assert answer.status_code == 200, told(answer.text)
    (token,) = re.findall(r"<textarea[^>]*>([^<]+)</textarea>", answer.text)
    return str(token)


def test_a_token_is_shown_once_counts_and_is_taken_back(house: House) -> None:
    anna = house.login("anna")
    token = given(anna)
    program = house.browser()
    program.portal = house.client.portal
    program.headers["Authorization"] = f"Bearer {token}"
    assert program.get("/api/v1/sites/home01/telemetry").status_code == 200
    assert program.get("/api/v1/sites/home02/telemetry").status_code == 404
    assert program.post("/api/v1/sites/home01/release").status_code == 403
    shown = anna.get("/ui/people").text
    assert token not in shown
    (action,) = re.findall(r'action="(/ui/people/[0-9a-f-]+/revoke)"', shown)
    assert "The token is taken back." in anna.post(action).text
    house.clock.advance_to(house.clock.now() + timedelta(minutes=2))
    assert program.get("/api/v1/sites/home01/telemetry").status_code == 401


def test_tokens_want_the_password_again_and_an_owner(house: House) -> None:
    anna = house.login("anna")
    house.clock.advance_to(house.clock.now() + timedelta(minutes=16))
    assert "Type the password" in anna.get("/ui/people").text
    answer = anna.post("/ui/people", data={"name": "program"}, follow_redirects=False)
    assert answer.headers["location"].startswith("/ui/confirm")
    assert house.rows("SELECT FROM ems.web_token") == []
    going = anna.post("/ui/confirm", data={"password": PASSWORD, "next": "/ui/people"}, follow_redirects=False)
    assert going.headers["location"] == "/ui/people"
    assert "Give a token" in anna.get("/ui/people").text
    assert house.login("otto").get("/ui/people").status_code == 403


def test_people_are_told_with_what_they_may_and_nothing_of_a_password(house: House) -> None:
    shown = house.login("anna").get("/ui/people").text
    assert "otto · operator · home01" in told(shown)
    assert "ada · analyst · all sites" in told(shown)
    assert "argon2" not in shown


def test_a_name_that_cannot_be_is_the_form_again(house: House) -> None:
    answer = house.login("anna").post("/ui/people", data={"name": " ", "days": "30"})
    assert answer.status_code == 422
    assert "home-assistant" in answer.text
    assert house.login("anna").post("/ui/people", data={"name": "x", "days": "4000"}).status_code == 422


def test_more_links_to_what_the_reader_may_follow(house: House) -> None:
    anna, otto = house.login("anna"), house.login("otto")
    for path in re.findall(r'href="(/ui/[^"]+)"', anna.get("/ui/home01/more").text):
        assert anna.get(path).status_code == 200, path
    assert "/ui/people" not in otto.get("/ui/home01/more").text
