"""The pages of controllers tell what the database has, say so where a link is lost, and ask twice for a command."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from starlette.testclient import TestClient

from ems_pipeline.sites import Site
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.web import halls
from ems_pipeline_tests.web.halls import BOARD, HALL, RESTING, RUNNING, SET, seen

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
PATH = f"/ui/{HALL}/gensets"


@pytest.fixture
def now(house: House) -> datetime:
    return house.clock.now()


@pytest.fixture
def anna(house: House, home01: Site, now: datetime) -> TestClient:
    """The hall as it is polled now: a set on load, one at rest."""
    with house.warehouse.begin() as connection:
        halls.empty(connection, home01)
        halls.polled(connection, now)
    return house.login("anna")


def tile(page: str, device: str) -> str:
    """What a page says of a controller, its tags taken away."""
    (found,) = re.findall(rf'<section [^>]*data-genset="{device}".*?</section>', page, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found)).replace("\N{NO-BREAK SPACE}", " ")


def test_a_tile_says_what_was_polled_and_a_missing_sensor_is_a_dash(anna: TestClient) -> None:
    page = anna.get(PATH).text
    shown = tile(page, SET)
    for said in (
        "running",
        "AUTO",
        "120.4 kW",
        "of 160 kW",
        "80 %",
        "82 °C",
        "410 kPa",
        "27.6 V",
        "1,234.5 h",
        "87",
        "heard",
    ):
        assert said in shown, said
    assert "Fuel –" in shown
    assert "at rest" in tile(page, "set-2")
    assert "no sync" in tile(page, "set-2")
    assert "no sync" not in shown
    board = tile(page, BOARD)
    assert "31.0 kW" in board
    assert "50.01 Hz" in board


def test_of_a_lost_link_stands_what_was_known_last_and_how_old_it_is(
    house: House, anna: TestClient, now: datetime
) -> None:
    with house.warehouse.begin() as connection:
        halls.kept(connection, now - timedelta(minutes=5))
        halls.polled(connection, now, seen(SET, now - timedelta(minutes=5), RUNNING, "down"))
    shown = tile(anna.get(PATH).text, SET)
    for said in ("link lost", "what was known last", "5 minutes ago", "120.0 kW", "82 °C", "running"):
        assert said in shown, said
    assert "Starts –" in shown


def test_what_nobody_polls_is_not_told_as_it_is(house: House, anna: TestClient, now: datetime) -> None:
    with house.warehouse.begin() as connection:
        halls.polled(connection, now - timedelta(minutes=2), seen(SET, now - timedelta(minutes=2), RUNNING))
    shown = tile(anna.get(PATH).text, SET)
    assert "not polled now" in shown
    assert "2 minutes ago" in shown


def test_of_what_was_never_heard_nothing_is_zero(house: House, home01: Site, anna: TestClient) -> None:
    with house.warehouse.begin() as connection:
        halls.empty(connection, home01)
    shown = tile(anna.get(PATH).text, SET)
    assert "Nothing was ever heard" in shown
    assert not re.search(
        r"\b0(\.0)? (kW|%|°C|kPa|V|h)\b", shown.split("Coolant")[1].split("Command")[0].split("no sync")[0]
    )


def test_an_alarm_that_is_gone_is_told_as_gone_and_behind_one_that_stands(
    house: House, anna: TestClient, now: datetime
) -> None:
    add = """INSERT INTO ems.genset_alarm (site_key, device_key, source, group_name, name, state, first_raised_at,
                 raised_at, returned_at, times, place)
             VALUES (:site, :device, 'bit', :kind, :name, :state, :at, :at, :gone_at, 1, :place) RETURNING 1"""
    on_set = {"site": HALL, "device": SET, "at": now - timedelta(hours=4)}
    gone = {"kind": "shutdown", "name": "overspeed", "state": "latched", "gone_at": now, "place": 1}
    house.rows(add, **on_set, **gone)
    assert "gone; look at the engine Overspeed" in tile(anna.get(PATH).text, SET)
    stands = {"kind": "warning", "name": "low_fuel", "state": "unacknowledged", "gone_at": None, "place": None}
    house.rows(add, **on_set, **stands)
    shown = tile(anna.get(PATH).text, SET)
    assert "1 alarm Fuel level too low" in shown
    assert "gone" not in shown


def test_a_sequence_says_who_what_and_how_long_yet(house: House, anna: TestClient, now: datetime) -> None:
    with house.warehouse.begin() as connection:
        number = halls.under_way(connection, "coming_up", now - timedelta(seconds=30))
    page = anna.get(PATH).text
    shown = tile(page, SET)
    for said in (
        "start · anna",
        "peak tonight",
        "the engine comes up",
        "30 seconds ago",
        "at most until",
        "Take it back",
    ):
        assert said in shown, said
    (ends_at,) = re.findall(r'<time datetime="([^"]+)" data-until>', page)
    assert datetime.fromisoformat(ends_at) - now == pytest.approx(timedelta(seconds=210), abs=timedelta(seconds=1))
    anna.post(f"{PATH}/{SET}/commands/{number}/cancel")
    assert house.rows("SELECT cancelled_by FROM ems.genset_command") == [("web:anna",)]


def asked(browser: TestClient, **fields: object) -> tuple[int, str]:
    said = browser.post(f"{PATH}/{SET}/command", data={name: str(value) for name, value in fields.items()})
    return said.status_code, said.text


def test_a_command_is_asked_twice_and_nothing_is_told_in_shadow(house: House, anna: TestClient) -> None:
    status, page = asked(anna, kind="power", power_kw=100, reason="peak tonight")
    assert status == 200
    assert "The target of power becomes another one" in page
    assert "a command is noted, and nothing is told" in page
    assert house.rows("SELECT state FROM ems.genset_command") == [("asked",)]
    ((action, code),) = re.findall(r'action="([^"]+/confirm)".*?name="code" value="(\w+)"', page, re.DOTALL)
    after = anna.post(action, data={"code": code})
    assert after.status_code == 200
    assert "It is confirmed" in after.text
    assert house.rows("SELECT state, kind, power_w, asked_by FROM ems.genset_command") == [
        ("confirmed", "power", 100_000.0, "web:anna")
    ]
    again = anna.post(action, data={"code": code})
    assert again.status_code == 422
    assert "is confirmed, about to begin already; file another" in again.text


def test_a_refusal_is_said_in_the_interlocks_words_with_what_mends_it(house: House, anna: TestClient) -> None:
    status, page = asked(anna, kind="power", power_kw=20, reason="less")
    assert status == 422
    assert "outside 48000 to 160000\N{NO-BREAK SPACE}W" in page
    assert "ask for a power within" in page
    refusal = "shutdown: gas_leak stands; remove its cause, then reset"
    with house.warehouse.begin() as connection:
        number = halls.under_way(connection, "check", house.clock.now())
        connection.exec_driver_sql(
            "UPDATE ems.genset_command SET state = 'refused', ended_at = now(), state_reason = %(why)s "
            "WHERE genset_command_id = %(number)s",
            {"why": refusal, "number": number},
        )
    in_english = "Gas leak (shutdown) stands; remove its cause, then reset"
    assert in_english in tile(anna.get(PATH).text, SET)
    assert in_english in anna.get(f"{PATH}/{SET}").text
    anna.cookies.set("ems_language", "cs")
    in_czech = "trvá výstraha Únik plynu (okamžité odstavení); odstraňte její příčinu, pak kvitujte"
    assert in_czech in tile(anna.get(PATH).text, SET)
    assert in_czech in anna.get(f"{PATH}/{SET}").text
    status, page = asked(anna, kind="power", power_kw=20, reason="méně")
    assert (status, "zadejte výkon v něm" in page, "within" in page) == (422, True, False)


def test_commands_are_offered_to_who_may_and_a_site_that_gave_start_away_offers_none(
    house: House, home01: Site, anna: TestClient
) -> None:
    assert 'value="start"' in anna.get(PATH).text
    assert 'name="kind"' not in house.login("ada").get(PATH).text
    with house.warehouse.begin() as connection:
        halls.empty(connection, home01, start_by="auto")
    page = anna.get(PATH).text
    assert 'value="start"' not in page
    assert 'value="stop"' in page
    for never in ("breaker", "emergency-stop", "test"):
        assert f'value="{never}"' not in page


def test_the_page_of_a_set_has_its_hours_as_the_warehouse_keeps_them(
    house: House, anna: TestClient, now: datetime
) -> None:
    with house.warehouse.begin() as connection:
        halls.kept(connection, now)
    assert "Nothing was kept of these hours" in anna.get(f"{PATH}/{BOARD}").text
    page = anna.get(f"{PATH}/{SET}").text
    assert 'data-chart="hours"' in page
    assert "Nobody has asked for anything yet" in page
    table = anna.get(f"{PATH}/{SET}/table?hours=3").text
    rows = re.findall(r"<tr[^>]*><th scope=\"row\">[^<]*</th><td>([^<]*)</td>\s*<td class=\"n\">([^<]*)</td>", table)
    told = [(state, power.replace("\N{NO-BREAK SPACE}", " ")) for state, power in rows]
    assert told[0] == ("–", "–"), "nothing was heard yet"
    assert ("at rest", "0.0 kW") in told
    assert told[-1] == ("running", "120.0 kW")


def test_a_controller_that_is_not_there_has_no_page(anna: TestClient) -> None:
    assert anna.get(f"{PATH}/set-9").status_code == 404
    assert anna.get(f"{PATH}/set-9/table").status_code == 404


def test_the_page_is_named_where_there_are_controllers_only(anna: TestClient) -> None:
    assert f'href="{PATH}"' in anna.get(f"/ui/{HALL}/now").text
    for page in ("now", "more", "alarms"):
        shown = anna.get(f"/ui/home01/{page}").text
        assert not [of for of in ("gensets", "genset-alarms", "maintenance") if f'href="/ui/home01/{of}"' in shown]
    assert f'href="/ui/{HALL}/maintenance"' in anna.get(f"/ui/{HALL}/more").text
    assert f'href="/ui/{HALL}/genset-alarms"' in anna.get(f"/ui/{HALL}/alarms").text
    assert "no controller of a generating set" in anna.get("/ui/home01/gensets").text


def test_the_list_of_sites_says_how_many_run_and_who_is_not_heard(
    house: House, anna: TestClient, now: datetime
) -> None:
    assert "1 of 2 run" in anna.get("/ui/sites").text
    with house.warehouse.begin() as connection:
        halls.polled(connection, now, seen(SET, now, RUNNING, "down"), seen("set-2", now, RESTING))
    page = anna.get("/ui/sites").text
    assert "0 of 1 run" in page
    assert "1 not heard" in page
