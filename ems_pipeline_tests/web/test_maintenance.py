"""Maintenance on a page: a plan is given, a checklist filled in with no script, a service ended, the log taken away."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import services
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.api.conftest import NOON, House
from ems_pipeline_tests.warehouse.serviced import NOW, TABLES, yard

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
PATH = "/ui/yard/maintenance"


@pytest.fixture
def anna(house: House, home01: Site) -> TestClient:
    """An owner, and a site with two sets of which nothing is known."""
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {TABLES} CASCADE")
        registry.register(connection, [yard(home01)], NOON)
    return house.login("anna")


def pressed(browser: TestClient, path: str, **fields: object) -> str:
    """A form is sent; the page that it leads to."""
    said = browser.post(path, data={name.replace("__", "."): str(value) for name, value in fields.items()})
    assert said.status_code == 200, said.text
    return said.text


def begun(browser: TestClient, hours: float = 1260) -> int:
    """A set with a plan, all done at 1000 h, and a task for TO-1; its number."""
    pressed(browser, f"{PATH}/seed")
    (template,) = set(re.findall(r'name="template_id"><option value="(\d+)"', browser.get(PATH).text))
    pressed(browser, f"{PATH}/plan", asset="gen-1", template_id=template, hours=hours)
    day = (NOW - timedelta(days=20)).date()
    pressed(browser, f"{PATH}/last", asset="gen-1", level="TO-4", done_h=1000, done_on=day)
    found = browser.post(f"{PATH}/tasks", data={"asset": "gen-1", "level": "TO-1"})
    return int(str(found.url).rsplit("/", 1)[1])


def lines(page: str) -> list[str]:
    return re.findall(r'name="result\.([^"]+)" value="done"', page)


def test_a_set_gets_its_plan_and_a_service_goes_to_the_log(house: House, anna: TestClient) -> None:
    assert "No template yet" in anna.get(PATH).text
    task = begun(anna)
    assert "overdue" in anna.get(PATH).text
    path = f"{PATH}/tasks/{task}"
    codes = lines(anna.get(path).text)
    assert len(codes) == 10
    page = pressed(
        anna, path, **{f"result__{code}": "done" for code in codes if code != "T1-05"}, **{"value__T1-07": 4}
    )
    assert "9 of 10 lines answered" in page
    assert "Saved." in page
    page = pressed(anna, f"{path}/complete", done_h=1258, report="two\nlines", part_1="oil filter", quantity_1=2)
    assert "The service is in the log." in page
    assert "T1-05" in page
    listed = anna.get(PATH).text
    assert "in time" in listed
    assert "T1-05 Read the restriction indicator" in listed
    (finding,) = set(re.findall(r"findings/(\d+)/close", page))
    assert "cleaned next day" in pressed(anna, f"{PATH}/findings/{finding}/close", remedy="cleaned next day")
    assert f"/tasks/{task}" in anna.get(f"{PATH}/log").text


def test_what_is_sent_twice_is_done_once(house: House, anna: TestClient) -> None:
    task = begun(anna)
    path = f"{PATH}/tasks/{task}"
    codes = lines(anna.get(path).text)
    for _ in range(2):
        pressed(anna, path, **{f"result__{code}": "done" for code in codes})
    for _ in range(2):
        pressed(anna, f"{path}/complete", done_h="")
    done = house.rows("SELECT count(*) FROM ems.maintenance_done WHERE order_id IS NOT NULL")
    assert [tuple(row) for row in done] == [(1,)]


def test_what_is_refused_is_told_beside_what_was_typed(anna: TestClient) -> None:
    path = f"{PATH}/tasks/{begun(anna)}"
    said = anna.post(path, data={"result.T1-01": "na", "note.T1-05": "kept"})
    assert said.status_code == 422
    assert "that it does not apply needs a reason" in said.text
    assert 'value="kept"' in said.text
    assert anna.post(f"{PATH}/meter", data={"asset": "gen-1", "kind": "accepted", "hours": "5"}).status_code == 422


def test_a_badge_stands_on_every_page_of_the_site_until_it_is_done(house: House, anna: TestClient) -> None:
    begun(anna)
    with house.warehouse.begin() as connection:
        services.settle(connection, NOW)
    for page in ("/ui/yard/now", "/ui/sites", "/ui/yard/more"):
        assert "1 service due" in anna.get(page).text, page
    (alert,) = set(re.findall(r"alerts/(\d+)/acknowledge", anna.get(PATH).text))
    assert "known to anna" in pressed(anna, f"{PATH}/alerts/{alert}/acknowledge")


def test_lines_are_told_in_the_readers_language(anna: TestClient) -> None:
    task = begun(anna)
    assert "Drain warm engine oil" in anna.get(f"{PATH}/tasks/{task}").text
    russian = {"accept-language": "ru-RU,ru;q=0.9"}
    assert "Слить тёплое масло" in anna.get(f"{PATH}/tasks/{task}", headers=russian).text
    assert "Vypustit teplý" in anna.get(f"{PATH}/tasks/{task}", headers={"accept-language": "cs"}).text
    assert "Слить тёплое масло" in anna.get(f"{PATH}/tasks/{task}?language=ru").text


def test_the_log_is_taken_away_as_csv_and_printed_without_a_script(anna: TestClient) -> None:
    task = begun(anna)
    path = f"{PATH}/tasks/{task}"
    pressed(anna, path, **{f"result__{code}": "done" for code in lines(anna.get(path).text)})
    pressed(anna, f"{path}/complete", report="a, b", part_1="filter", quantity_1=2)
    csv = anna.get(f"{PATH}/log.csv")
    rows = csv.text.splitlines()
    assert csv.headers["content-type"].startswith("text/csv")
    assert (rows[0].split(",")[:4], len(rows)) == (["task", "site", "genset", "level"], 11)
    assert '"a, b",2 filter' in rows[1]
    assert "č. zprávy" in anna.get(f"{PATH}/log.csv", headers={"accept-language": "cs"}).text
    for query in ("", f"?task={task}&language=cs"):
        page = anna.get(f"{PATH}/print{query}").text
        assert "<script" not in page
        assert "print.css" in page
        assert "T1-01" in page


def test_a_viewer_looks_and_changes_nothing(house: House, anna: TestClient) -> None:
    task = begun(anna)
    ada = house.login("ada")
    page = ada.get(f"{PATH}/tasks/{task}").text
    assert "Drain warm engine oil" in page
    assert 'name="result' not in page
    assert ada.post(f"{PATH}/tasks/{task}", data={"result.T1-01": "done"}).status_code == 403
    assert house.login("otto").get(PATH).status_code == 404
