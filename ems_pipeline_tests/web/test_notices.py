"""How one is told, said by a form: what is kept is what it says, and what cannot be is refused."""

from __future__ import annotations

import pytest

from ems_pipeline.warehouse import channels
from ems_pipeline_tests.api.conftest import NOON, House
from ems_pipeline_tests.notices.browser import Browser, coded

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


ENDPOINT = "https://fcm.googleapis.com/fcm/send/very-secret"
KEY = "B" + "A" * 86


def where(browser: Browser, endpoint: str = ENDPOINT) -> dict[str, str]:
    return {"endpoint": endpoint, "p256dh": coded(browser.point), "auth": coded(browser.auth)}


@pytest.fixture
def none_bound(house: House) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.notice_channel")


@pytest.mark.usefixtures("none_bound")
def test_a_browser_says_where_it_is_and_takes_it_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_PUSH_PUBLIC_KEY", KEY)
    anna, otto, browser = house.login("anna"), house.login("otto"), Browser()
    for _ in range(2):
        kept = anna.post("/ui/notices/push", data=where(browser), follow_redirects=False)
        assert kept.headers["location"] == "/ui/notices?done=bound"
    page = anna.get("/ui/notices?done=bound").text
    assert f'data-push="{KEY}"' in page
    (told,) = anna.get("/api/v1/me/notices").json()["items"]
    assert (told["kind"], told["state"], told["address"].split()[0]) == ("push", "open", "fcm.googleapis.com")
    assert told["address"] in page
    assert "very-secret" not in page + str(told), "the address is never shown"
    assert "very-secret" not in str(house.rows("SELECT * FROM ems.web_write")), "nor kept elsewhere"
    otto.post("/ui/notices/push/end", data={"endpoint": ENDPOINT})
    assert len(house.rows("SELECT 1 FROM ems.notice_channel")) == 1, "nobody takes back another's"
    otto.post("/ui/notices/push", data=where(browser))
    assert house.rows("SELECT person FROM ems.notice_channel") == [("otto",)], "a browser is one person's"
    ended = otto.post("/ui/notices/push/end", data={"endpoint": ENDPOINT}, follow_redirects=False)
    assert ended.headers["location"] == "/ui/notices?done=ended"
    assert house.rows("SELECT 1 FROM ems.notice_channel") == []


@pytest.mark.usefixtures("none_bound")
def test_no_other_server_no_eleventh_browser_and_nothing_without_a_key(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, browser = house.login("anna"), Browser()
    assert anna.post("/ui/notices/push", data=where(browser)).status_code == 404
    assert "no key is set" in anna.get("/ui/notices").text
    monkeypatch.setenv("EMS_PUSH_PUBLIC_KEY", KEY)
    for wrong in (
        "https://10.0.0.1/very-secret",
        "http://fcm.googleapis.com/very-secret",
        "https://a.example/very-secret",
    ):
        refused = anna.post("/ui/notices/push", data=where(browser, wrong))
        assert refused.status_code == 422
        assert "very-secret" not in refused.text
    for number in range(11):
        said = anna.post("/ui/notices/push", data=where(browser, f"{ENDPOINT}{number}"), follow_redirects=False)
        assert said.status_code == (303 if number < 10 else 422)
    del anna.headers["X-CSRF-Token"]
    bare = anna.post("/ui/notices/push", data=where(browser), follow_redirects=False)
    assert bare.status_code == 403, "nothing without the session's word"


def test_the_worker_is_served_where_it_may_work(house: House) -> None:
    anna = house.login("anna")
    worker = anna.get("/ui/push.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert "showNotification" in worker.text
    assert '"fetch"' not in worker.text, "it stands in no page's way"
    assert "worker-src 'self'" in anna.get("/ui/notices").headers["content-security-policy"]
