"""What the pages of a site show is what the database holds; what nobody knows is a dash; a form does what it says."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.api.lived import PLAN

pytestmark = pytest.mark.usefixtures("lived")


def words(house: House, path: str, who: str = "anna") -> str:
    """The texts of a page, tags and spaces taken out."""
    answer = house.login(who).get(path)
    assert answer.status_code == 200, answer.text[:2000]
    return plain_words(answer.text)


def plain_words(html: str) -> str:
    """A page's texts alone."""
    plain = re.sub(r"<(?:script|svg).*?</(?:script|svg)>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", plain)).replace("\N{NO-BREAK SPACE}", " ").split())


def test_now_says_what_and_why_until_when_and_what_next(house: House) -> None:
    told = words(house, "/ui/home01/now")
    assert "The battery charges until 13:15 cheap Then from 13:15: hold. dear" in told  # 12:15 in UTC
    assert "Buying now 4.10 CZK/kWh Selling now 1.90 CZK/kWh" in told
    assert "Stored 9.38 kWh of 15.0 kWh" in told  # 62.5 %


def test_now_without_a_plan_says_so_and_still_shows_what_is_measured(house: House) -> None:
    house.clock.advance_to(house.clock.now() + timedelta(hours=1))
    told = words(house, "/ui/home01/now")
    assert "No plan holds now" in told
    assert "Not everything is measured now" in told or "Nothing is measured now" in told


def test_what_is_not_known_is_a_dash_and_never_nothing(house: House) -> None:
    told = words(house, "/ui/home01/slot?at=2026-03-01T12:15:00Z")
    assert "Grid –" in told, "the plan holds NaN there"
    assert "0 W" not in told.partition("What was decided")[2].partition("Battery")[0]


def test_why_tells_known_decided_told_obeyed_and_worth_of_a_settled_quarter_hour(house: House) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            f"""INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, writes, changes,
                    planning_run_id, asset_keys, reason, is_shadow, state, valid_until, intended_at, sent_at, echoed_at,
                    config_hash, wire)
                VALUES ('home01', 'inverter', '2026-03-01 12:00+00', 'plan', '{{"mode": "charge"}}', '[]', '{{}}',
                    '{PLAN}', '{{pack}}', 'cheap', false, 'echoed', '2026-03-01 12:20+00', '2026-03-01 12:00:01+00',
                    '2026-03-01 12:00:02+00', '2026-03-01 12:00:03+00', 'hash', 'wire')"""
        )
    told = words(house, "/ui/home01/slot?at=2026-03-01T12:00:00Z")
    assert "✓ intended 13:00:01 ✓ sent 13:00:02 ✓ echoed 13:00:03 – effective" in told
    settled = words(house, "/ui/home01/slot?at=2026-03-01T10:00:00Z")
    assert "Cost 1.00 CZK As planned 2.00 CZK" in settled  # 1 kW and 2 kW for a quarter-hour at 4
    assert "No plan held for this quarter-hour" in settled


def test_a_wish_is_priced_confirmed_filed_and_taken_back(house: House, now_is_now: None) -> None:
    anna = house.login("anna")
    form = {"asset": "pack", "mode": "hold", "minutes": "60", "until": "", "power_kw": "", "reason": "guests"}
    asked = anna.post("/ui/home01/override/check", data=form)
    assert asked.status_code == 200
    assert house.rows("SELECT 1 FROM ems.control_override WHERE reason = 'guests'") == [], "nothing is filed by asking"
    done = anna.post("/ui/home01/override", data=form, follow_redirects=False)
    assert done.headers["location"] == "/ui/home01/override?done=filed"
    ((number, mode, until),) = house.rows(
        "SELECT control_override_id, mode, until_at - from_at FROM ems.control_override WHERE reason = 'guests'"
    )
    assert mode == "hold"
    assert timedelta(minutes=59) < until <= timedelta(hours=1)
    assert "guests" in words(house, "/ui/home01/now")
    anna.post(f"/ui/home01/override/{number}/end", data={})
    ((cancelled,),) = house.rows(f"SELECT cancelled_by FROM ems.control_override WHERE control_override_id = {number}")
    assert cancelled == "web:anna"


def test_a_wish_is_not_priced_by_a_charge_that_was_measured_long_ago(house: House) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE ems.planning_device_interval SET stored_value_per_kwh = 3")
    form = {"asset": "pack", "mode": "hold", "minutes": "10"}
    priced = house.login("anna").post("/ui/home01/override/check", data=form)
    assert "than the plan" in priced.text
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE ems.telemetry SET reported_at = reported_at - interval '10 minutes'")
    stale = house.login("anna").post("/ui/home01/override/check", data=form)
    assert "What it costs cannot be said" in stale.text


def test_hand_back_ends_every_override_and_asks_for_the_release(house: House, now_is_now: None) -> None:
    anna = house.login("anna")
    for asset in ("pack", "car-1"):
        mode = "hold" if asset == "pack" else "off"
        anna.post("/ui/home01/override", data={"asset": asset, "mode": mode, "minutes": "30"})
    assert anna.post("/ui/home01/hand-back", data={}, follow_redirects=False).status_code == 303
    assert house.rows("SELECT 1 FROM ems.control_override WHERE cancelled_at IS NULL AND until_at > now()") == []
    ((kind,),) = house.rows("SELECT kind FROM ems.request WHERE site_key = 'home01' ORDER BY requested_at DESC LIMIT 1")
    assert kind == "release"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"mode": "hold", "target_soc_pct": "80"}, "hold has no target"),
        ({"mode": "self-use", "power_kw": "2"}, "self-use takes no power"),
        ({"mode": "charge", "current_a": "10"}, "charge takes no current"),
        ({"mode": "charge", "power_kw": "two"}, "power_kw"),
        ({"mode": "fly"}, "mode fly is none of"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_its_reason(
    house: House, now_is_now: None, form: dict[str, str], said: str
) -> None:
    answer = house.login("anna").post("/ui/home01/override", data={"asset": "pack", "minutes": "30", **form})
    assert answer.status_code == 422
    assert said in answer.text


def test_who_may_only_look_sees_no_form(house: House) -> None:
    house.login("anna")
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE ems.person SET sites = '{home01}' WHERE name = 'vera'")
    vera = house.login("vera").get("/ui/home01/override")
    assert vera.status_code == 200
    assert 'action="/ui/home01/override' not in vera.text
    assert "hand-back" not in vera.text


def test_text_from_outside_is_shown_and_never_run(house: House) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE ems.alarm SET severity = 'critical', text = '<img src=x onerror=alert(1)>' WHERE kind = 'silent'"
        )
    answer = house.login("anna").get("/ui/home01/now")
    assert "&lt;img src=x" in answer.text
    assert "<img src=x" not in answer.text


@pytest.mark.parametrize("page", ["now", "plan"])
@pytest.mark.parametrize("language", ["en", "cs"])
def test_what_is_kept_of_a_plan_is_what_is_drawn_anew_whatever_the_clock_says(
    house: House, page: str, language: str
) -> None:
    anna = house.login("anna")
    anna.headers["Accept-Language"] = language
    for minutes in (0, 4, 20):
        house.clock.advance_to(house.clock.now() + timedelta(minutes=minutes))
        answer = anna.get(f"/ui/home01/{page}")
        assert answer.status_code == 200, answer.text
        kept = answer.text
        for memory in (house.web.drawn, house.web.planned):
            memory.clear()
        assert anna.get(f"/ui/home01/{page}").text == kept


def test_a_plan_that_is_kept_is_still_nobodys_who_may_not_see_its_site(house: House) -> None:
    assert house.login("anna").get(f"/ui/home01/plan?plan_id={PLAN}").status_code == 200
    assert PLAN in {str(plan) for plan, _ in house.web.planned}
    path = f"/ui/home02/plan?plan_id={PLAN}"
    assert "No plan holds now" in house.login("anna").get(path).text
