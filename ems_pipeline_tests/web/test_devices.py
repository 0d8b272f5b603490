"""Devices as pages: what they said is what the database holds, with its age; what they were told, step by step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest

from ems_pipeline_tests.api.conftest import House

PATH = "/ui/home01/devices"
TOLD = """
INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, reason, is_shadow, state, state_reason,
                          valid_until, intended_at, sent_at, echoed_at, effective_at, wire) VALUES
    ('home01', 'inverter', '2026-03-01 12:00+00', 'plan',
     '{"command": "BatteryCommand", "mode": "charge", "charge_limit_w": 2000, "target_soc_pct": 80}', 'cheap', false,
     'echoed', '', '2026-03-01 12:20+00', '2026-03-01 11:59:01+00', '2026-03-01 11:59:02+00',
     '2026-03-01 11:59:03+00', NULL, 'bus unit 1 a-map@0f'),
    ('home01', 'wallbox-1', '2026-03-01 12:00+00', 'override', '{"mode": "off", "current_a": 0, "phases": 3}', 'guests',
     false, 'failed', 'it answered 6 A; look at <its> lock', '2026-03-01 12:20+00', '2026-03-01 11:59:01+00',
     '2026-03-01 11:59:02+00', NULL, NULL, ''),
    ('home01', 'wallbox-2', '2026-03-01 12:00+00', 'plan', '{"mode": "off", "current_a": 0, "phases": 1}', 'no car',
     true, 'intended', '', '2026-03-01 12:20+00', '2026-03-01 11:59:01+00', NULL, NULL, NULL, '');
INSERT INTO ems.point_map VALUES
    ('0f', '{"map": "a-map", "points": [{"name": "slow", "writes_per_day": 10}, {"name": "free"},
                                        {"name": "quick", "writes_per_day": 400}]}', '2026-01-01 00:00+00');
INSERT INTO ems.point_write_count VALUES ('home01', 'inverter', 'slow', '2026-03-01', 7),
    ('home01', 'inverter', 'quick', '2026-03-01', 40), ('home01', 'inverter', 'free', '2026-03-01', 900),
    ('home01', 'inverter', 'slow', '2026-02-28', 9);
"""


@pytest.fixture(autouse=True)
def told(lived: object, house: House) -> Iterator[None]:
    """A set-point that is read back, one that failed, one in shadow, and what was written today."""
    with house.warehouse.begin() as connection:
        connection.connection.cursor().execute(TOLD)
    yield
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE ems.setpoint, ems.setpoint_event, ems.point_map, ems.point_write_count, ems.request"
        )


def cards(house: House, who: str = "anna") -> dict[str, str]:
    """The text of each device's card."""
    shown = house.login(who).get(PATH).text
    parts = re.findall(r'<section .*?aria-labelledby="d-([a-z0-9-]+)">(.*?)</section>', shown, re.DOTALL)
    return {device: " ".join(unescape(re.sub(r"<[^>]+>", " ", part)).split()) for device, part in parts}


def test_what_a_device_said_is_shown_with_its_age_and_nothing_it_did_not_say(house: House) -> None:
    shown = cards(house)
    assert set(shown) == {"heat-pump", "inverter", "loxone", "wallbox-1", "wallbox-2"}
    assert "Grid 1.25\xa0kW 50 seconds ago".replace("\xa0", " ") in shown["inverter"]
    assert "Battery -2.00 kW 50 seconds ago" in shown["inverter"]
    assert "State of charge 62 % 50 seconds ago" in shown["inverter"]  # 62.5, to the even per cent
    assert "answers now and then last answer 2 minutes ago · 1 error since then" in shown["heat-pump"]
    assert "no usable answer in 2 s" in shown["heat-pump"]
    assert "look at it" in shown["heat-pump"]
    assert "It has said nothing that this page shows." in shown["loxone"]
    assert "not asked yet it never answered" in shown["loxone"]


def test_a_value_that_is_old_or_missing_says_so_with_its_reason(house: House) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ems.telemetry (point_id, reported_at, received_at, value, quality, reason) "
            "SELECT point_id, '2026-03-01 11:59:30+00', '2026-03-01 11:59:31+00', NULL, 2, 'the line is <dead>' "
            "FROM ems.point WHERE quantity = 'heat_pump_power_w'"
        )
    try:
        assert "Heat pump – 30 seconds ago · no answer: the line is <dead>" in cards(house)["heat-pump"]
        house.clock.advance_to(house.clock.now().replace(minute=6))
        assert "Grid 1.25 kW 7 minutes ago old" in cards(house)["inverter"]
    finally:
        with house.warehouse.begin() as connection:
            connection.exec_driver_sql("DELETE FROM ems.telemetry WHERE quality = 2")


def test_each_step_of_a_setpoint_has_its_time_and_no_step_is_claimed(house: House) -> None:
    shown = cards(house)
    assert "echoed charge with 2.00 kW to 80 %" in shown["inverter"]
    assert "for 13:00, by the plan · counts until 13:20 · cheap" in shown["inverter"]
    ticks = "✓ intended 12:59:01 ✓ sent 12:59:02 ✓ echoed 12:59:03 – effective"
    assert ticks in shown["inverter"]
    assert "failed off" in shown["wallbox-1"]
    assert "by an override · guests ✓ intended 12:59:01 ✓ sent 12:59:02 – echoed – effective" in shown["wallbox-1"]
    assert "it answered 6 A; look at <its> lock" in shown["wallbox-1"]
    assert "intended shadow: not told off" in shown["wallbox-2"]
    assert "sent" not in shown["wallbox-2"]


def test_the_setting_nearest_to_its_budget_is_told_of_this_utc_day(house: House) -> None:
    assert "setting written most: slow 7 of 10 times" in cards(house)["inverter"]


def test_read_now_is_a_request_that_is_followed(house: House) -> None:
    otto = house.login("otto")
    answer = otto.post(f"{PATH}/inverter/read", follow_redirects=False)
    ((number, kind, parameters),) = house.rows("SELECT request_id, kind, parameters FROM ems.request")
    assert (kind, parameters) == ("telemetry-read", {"device": "inverter", "all": False})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/ui/requests/{number}")
    assert "Read now" not in cards(house, "ada")["inverter"]
    assert house.login("ada").post(f"{PATH}/inverter/read").status_code == 403


def test_a_device_that_no_file_names_has_no_page(house: House) -> None:
    anna = house.login("anna")
    assert anna.get(f"{PATH}/inverter").status_code == 200
    assert anna.get(f"{PATH}/toaster").status_code == 404


def test_a_site_without_devices_says_so(house: House) -> None:
    assert "This site has no devices" in house.login("anna").get("/ui/home02/devices").text
