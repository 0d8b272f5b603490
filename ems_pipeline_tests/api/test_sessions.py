"""People log in, are who they are for a while, and nobody else becomes them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ems_pipeline.api.sessions import COOKIE
from ems_pipeline_tests.api.conftest import PASSWORD, House


def test_who_logs_in_is_known_until_logging_out(house: House) -> None:
    browser = house.login("otto")
    said = browser.get("/api/v1/me").json()
    assert (said["name"], said["role"], said["sites"]) == ("otto", "operator", ["home01"])
    assert browser.post("/api/v1/logout").status_code == 204
    assert browser.get("/api/v1/me").status_code == 401


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(house: House) -> None:
    wrong = house.client.post("/api/v1/login", json={"name": "anna", "password": "guess"})
    unknown = house.client.post("/api/v1/login", json={"name": "nobody", "password": "guess"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}


def test_the_cookie_is_not_stored_and_no_script_reads_it(house: House) -> None:
    said = house.client.post("/api/v1/login", json={"name": "anna", "password": PASSWORD})
    header = said.headers["set-cookie"]
    assert "HttpOnly" in header
    assert "SameSite=strict" in header
    stored = house.rows("SELECT encode(session_hash, 'escape') || encode(session_hash, 'hex') FROM ems.web_session")
    assert all(said.cookies[COOKIE] not in text for (text,) in stored)


def test_a_cookie_that_somebody_handed_over_is_never_logged_in(house: House) -> None:
    """Session fixation: the browser gets another cookie than the one it came with, and that one ends."""
    thief = house.login("otto")
    handed = thief.cookies[COOKIE]
    said = house.client.post(
        "/api/v1/login", json={"name": "anna", "password": PASSWORD}, headers={"Cookie": f"{COOKIE}={handed}"}
    )
    assert said.cookies[COOKIE] != handed
    assert thief.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(("hours", "status"), [(11, 200), (12, 401)])
def test_twelve_hours_without_a_request_end_a_session(house: House, hours: int, status: int) -> None:
    browser = house.login("anna")
    house.clock.wait_until(house.clock.now() + timedelta(hours=hours))
    assert browser.get("/api/v1/me").status_code == status


def test_a_new_password_ends_the_sessions_of_before(house: House) -> None:
    from ems_pipeline.api.passwords import hashed
    from ems_pipeline.warehouse import people

    browser = house.login("vera")
    later = house.clock.now() + timedelta(minutes=1)
    with house.warehouse.begin() as connection:
        people.set_password(connection, "vera", hashed(PASSWORD), later)
    house.clock.wait_until(later)
    assert browser.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("word", [None, "", "0" * 64])
def test_a_write_by_cookie_wants_the_word_of_the_session(house: House, word: str | None) -> None:
    browser = house.login("anna")
    del browser.headers["X-CSRF-Token"]
    headers = {} if word is None else {"X-CSRF-Token": word}
    said = browser.post("/api/v1/logout", headers=headers)
    assert (said.status_code, said.json()["code"]) == (403, "csrf")
    assert browser.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
def test_another_sites_page_writes_nothing(house: House, headers: dict[str, str]) -> None:
    said = house.login("anna").post("/api/v1/logout", headers=headers)
    assert (said.status_code, said.json()["code"]) == (403, "foreign_page")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "192.0.2.1"])
def test_a_name_that_is_not_ours_is_not_answered(house: House, host: str) -> None:
    assert house.client.get("/health", headers={"Host": host}).status_code == 421


def test_a_name_is_tried_five_times_a_minute(house: House) -> None:
    body = {"name": "anna", "password": "guess"}
    assert [house.client.post("/login", json=body).status_code for _ in range(6)] == [401] * 5 + [429]
    right = house.client.post("/login", json={"name": "anna", "password": PASSWORD})
    assert (right.status_code, right.headers["retry-after"]) == (429, "12")
    house.seconds.at += 12
    assert house.client.post("/login", json={"name": "anna", "password": PASSWORD}).status_code == 200
