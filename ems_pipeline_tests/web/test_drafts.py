"""A draft on a page: everything with its place, and a form that needs no script."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from ems_pipeline.regulation import reading
from ems_pipeline.regulation.source import Page
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.api.conftest import NOON, House
from ems_pipeline_tests.warehouse.serviced import yard

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
PATH = "/ui/yard/maintenance/drafts"
LINES = ("ТО-1 (каждые 250 м/ч)", "- Заменить масло", "- Магнето", "ТО-2", "- Проверить ремни", "Остановить двигатель.")
FORM = {
    "template": "own",
    "name": "Наш",
    "minutes": "15",
    "system": "двигатель",
    "kind": "check",
    "is_original_shown": "on",
}


@pytest.fixture
def draft(house: House, home01: Site) -> int:
    with house.warehouse.begin() as connection:
        registry.register(connection, [yard(home01)], NOON)
    found = reading.draft([Page(1, LINES)], "регламент.txt")
    rows = house.rows(
        """INSERT INTO ems.maintenance_draft (source, digest, document, imported_at, imported_by)
           VALUES ('регламент.txt', md5(random()::text) || md5(random()::text), CAST(:said AS jsonb), now(), 'anna')
           RETURNING draft_id""",
        said=json.dumps(found.stored()),
    )
    return int(rows[0][0])


@pytest.fixture
def anna(house: House) -> TestClient:
    return house.login("anna")


def test_every_line_is_shown_with_its_place(anna: TestClient, draft: int) -> None:
    assert "регламент.txt" in anna.get(PATH).text
    page = anna.get(f"{PATH}/{draft}").text
    for told in (
        "Заменить масло",
        "page 1, line 2",
        "Остановить двигатель.",
        "page 1, line 6",
        "TO-2: hours or months",
    ):
        assert told in page


def test_what_is_still_unknown_is_told_and_then_it_becomes_a_template(
    house: House, anna: TestClient, draft: int
) -> None:
    refused = anna.post(f"{PATH}/{draft}", data=FORM)
    assert (refused.status_code, "TO-2: hours or months" in refused.text) == (422, True)
    assert "TO-2=x" in anna.post(f"{PATH}/{draft}", data=FORM | {"intervals": "TO-2=x"}).text
    done = anna.post(f"{PATH}/{draft}", data=FORM | {"intervals": "TO-2=500h,12mo", "left_out": "T1-02"})
    assert (done.status_code, "is a template now" in done.text) == (200, True)
    (row,) = house.rows("SELECT document -> 'tasks' FROM ems.maintenance_template WHERE template_key = 'own'")
    assert [task["text"]["ru"] for task in row[0]] == ["Заменить масло", "Проверить ремни"]


def test_a_viewer_sees_it_and_has_no_form(house: House, draft: int) -> None:
    ada = house.login("ada")
    assert "<button" not in ada.get(f"{PATH}/{draft}").text.split("<h1>")[1].split("</main>")[0]
    assert ada.post(f"{PATH}/{draft}", data=FORM).status_code == 403


def test_it_is_put_away(anna: TestClient, draft: int) -> None:
    assert "is put away" in anna.post(f"{PATH}/{draft}/away", data={}).text
    assert anna.get(f"{PATH}/{draft}").status_code == 404
