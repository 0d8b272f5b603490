"""From nothing to a site in shadow: the set-up against devices that answer over real Modbus, and the real loader."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ems_pipeline.steps.site_folder import read_site
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.web.setting_up import ENERGY, PLACE, Home, fields_of, moved_in, search, set_up

pytestmark = pytest.mark.usefixtures("now_is_now")


@pytest.fixture
def home(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with moved_in(house, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def anna(home: Home) -> TestClient:
    return home.house.login("anna")


def test_the_set_up_writes_a_file_that_the_loader_takes_in_shadow(home: Home, anna: TestClient) -> None:
    set_up(home, anna)
    (file,) = home.folder.glob("*.yaml")
    site = read_site(file)
    assert (site.key, site.market_zone, site.currency) == ("ons-huis", "NL", "EUR")
    assert (site.latitude, site.longitude, site.grid.import_limit_w) == (52.37, 4.89, 17250)
    assert not site.control.enabled
    assert [(d.key, d.map, d.unit_id) for d in site.devices] == [
        ("inverter", "deye-sun-12k-lp3", 1), ("meter", "eastron-sdm630", 2),
    ]  # fmt: skip
    assert (site.batteries[0].capacity_wh, site.batteries[0].reserve_soc_pct, site.pv[0].azimuth_deg) == (
        10000,
        15,
        180,
    )
    assert [row.site_key for row in home.house.rows("SELECT site_key FROM ems.site WHERE is_active")] == ["ons-huis"]
    first = anna.get("/ui/setup/first").text
    assert "ems control arm ons-huis" in first
    assert anna.post("/ui/setup/first", data={}, follow_redirects=False).status_code == 303
    asked = {row.kind: row for row in home.house.rows("SELECT kind, request_id::text, parameters FROM ems.request")}
    for kind, after in (
        ("prices-site", "prices-import"), ("forecast-run", "prices-site"), ("plan-rolling", "forecast-run"),
    ):  # fmt: skip
        assert asked[kind].parameters == {"after": asked[after].request_id}


def test_the_kettle_says_whether_import_is_above_nothing(home: Home, anna: TestClient) -> None:
    set_up(home, anna)
    page = anna.get("/ui/setup/live").text
    assert page.count("Its sign is right") == 2, "of the inverter's grid and of the meter's"


@pytest.mark.parametrize(
    "host",
    ["8.8.8.8", "::ffff:8.8.8.8", "inverter.example", "localhost", "169.254.169.254", "0.0.0.0", "192.168.1.300", ""],
)
def test_an_address_that_is_none_of_this_house_is_not_even_asked_for(home: Home, anna: TestClient, host: str) -> None:
    answer = anna.post("/ui/setup/find", data=search(502, host), follow_redirects=False)
    assert answer.status_code == 422
    assert f'value="{host}"' in answer.text, "the form comes back as it was typed"
    assert home.house.rows("SELECT FROM ems.request") == []


def test_a_step_that_is_refused_loses_nothing(home: Home, anna: TestClient) -> None:
    answer = anna.post("/ui/setup/place", data=PLACE | {"coordinates": "4.89, 52.37"}, follow_redirects=False)
    assert answer.status_code == 422
    assert "swap them" in answer.text or "the other way round" in answer.text
    again = fields_of(anna.get("/ui/setup/place").text)
    assert {name: again[name] for name in ("name", "coordinates", "fuse_a")} == {
        "name": "Ons huis", "coordinates": "4.89, 52.37", "fuse_a": "25",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"coordinates": "48.85, 2.35"}, "is not in NL"),
        ({"coordinates": "somewhere"}, "are no coordinates"),
        ({"timezone": "Europe/Oslo", "coordinates": "59.9, 10.7"}, "5 price zones"),
        ({"market_zone": "CZ"}, "no zone of Europe/Amsterdam"),
        ({"export_kw": ""}, "is missing"),
        ({"fuse_a": "25000"}, "is no number from"),
    ],
)
def test_a_place_is_held_against_what_goes_with_it(
    home: Home, anna: TestClient, changed: dict[str, str], told: str
) -> None:
    answer = anna.post("/ui/setup/place", data=PLACE | changed, follow_redirects=False)
    assert (answer.status_code, told in answer.text) == (422, True), answer.text


def test_what_devices_do_not_say_is_asked_and_never_assumed(home: Home, anna: TestClient) -> None:
    set_up(home, anna)
    before = home.house.rows("SELECT draft -> 'energy' ->> 'meant' AS meant FROM ems.web_draft")[0].meant
    assert before
    for name in ("inverter.capacity_kwh", "inverter.reserve_soc", "inverter.peak1_kw", "inverter.azimuth1"):
        answer = anna.post("/ui/setup/energy", data=ENERGY | {name: ""}, follow_redirects=False)
        assert answer.status_code == 422, name
        assert "nothing is assumed for it" in answer.text


def test_a_written_site_is_not_written_twice(home: Home, anna: TestClient) -> None:
    set_up(home, anna)
    (file,) = home.folder.glob("*.yaml")
    before = file.read_text(encoding="utf-8")
    answer = anna.post("/ui/setup/place", data=PLACE, follow_redirects=False)
    assert (answer.status_code, "there is a site ons-huis already" in answer.text) == (422, True)
    assert file.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("who", ["otto", "vera", "ada"])
def test_the_set_up_is_the_owners(home: Home, who: str) -> None:
    browser = home.house.login(who)
    for step in ("place", "find", "live", "energy", "contract", "review", "first"):
        assert browser.get(f"/ui/setup/{step}", follow_redirects=False).status_code == 403
    assert browser.post("/ui/setup/find", data=search(home.port), follow_redirects=False).status_code == 403


def test_who_typed_the_password_long_ago_types_it_again_before_anything_is_looked_for(
    home: Home, anna: TestClient
) -> None:
    with home.house.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE ems.web_session SET confirmed_at = confirmed_at - interval '16 minutes'")
    home.house.clock.advance_to(home.house.clock.now() + timedelta(seconds=10))  # nothing is remembered so long
    answer: Any = anna.get("/ui/setup/find", follow_redirects=False)
    assert answer.headers["location"].startswith("/ui/confirm?next=/ui/setup/find")
    answer = anna.post("/ui/setup/find", data=search(home.port), follow_redirects=False)
    assert answer.headers["location"].startswith("/ui/confirm")
    assert home.house.rows("SELECT FROM ems.request") == []
    assert (
        home.house.rows("SELECT draft -> 'find' -> 'fields' ->> 'host' AS host FROM ems.web_draft")[0].host
        == "127.0.0.1"
    )
