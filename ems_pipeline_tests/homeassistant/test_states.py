"""What Home Assistant is told of a site is what the API says of it, and what is not known is unknown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ems_pipeline.homeassistant import standing
from ems_pipeline.homeassistant.dials import Panel
from ems_pipeline.homeassistant.house import House as Known
from ems_pipeline.homeassistant.states import LONGEST, state
from ems_pipeline.mqtt.client import Message
from ems_pipeline_tests.homeassistant.conftest import Told

STATE, STATUS = "ems/home01/state", "ems/home01/status"
BIRTH = Message("homeassistant/status", b"online")


def said(told: Told) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told.last(STATE) or "null")
    return found


def test_a_noon_in_numbers(told: Told) -> None:
    told.step()
    found = said(told)
    assert {k: found[k] for k in ("grid_w", "pv_w", "battery_w", "ev_w", "heat_pump_w", "load_w", "soc_pct")} == {
        "grid_w": 1250, "pv_w": 3100, "battery_w": -2000, "ev_w": 0, "heat_pump_w": 1750, "load_w": 600,
        "soc_pct": 62.5,
    }  # fmt: skip
    assert {k: found[k] for k in ("mode", "reason", "until", "next_mode", "authority")} == {
        "mode": "charge", "reason": "cheap", "until": "2026-03-01T12:15:00Z", "next_mode": "hold",
        "authority": "armed",
    }  # fmt: skip
    assert (found["buy_per_kwh"], found["sell_per_kwh"]) == (4.1, 1.9)
    assert (found["alarms"], found["problem"], found["gravest_alarm"]) == (1, "ON", "look at it")
    assert (found["cost_today"], found["saved_today"]) == (0.5, None)  # what no battery would have cost is not settled
    assert found["day_at"] == "2026-02-28T23:00:00+00:00"  # midnight in Prague
    assert json.loads(told.last("ems/home01/prices") or "")["ahead"] == [
        ["2026-03-01T12:00:00Z", 4.1, 1.9], ["2026-03-01T12:15:00Z", 4.2, 2.0],
    ]  # fmt: skip
    assert told.last(STATUS) == "online"


def test_what_is_measured_no_more_is_unknown_and_not_what_it_was(told: Told) -> None:
    told.step()
    told.wait(minutes=6)
    told.step()
    found = said(told)
    assert {found[f"{name}_w"] for name in ("grid", "pv", "battery", "load", "heat_pump")} == {None}
    assert found["soc_pct"] is None


def test_nothing_is_said_of_a_site_that_was_never_looked_at() -> None:
    """No plan, no money, no price: null each, and no zero."""
    found = json.loads(state(Known("home01", "Home", "CZK", "Europe/Prague"), Panel()))
    assert {k: v for k, v in found.items() if v is not None} == {
        "gravest_alarm": "none", "wishes": {}, "counters": {},
    }  # fmt: skip


def test_texts_are_one_line_and_no_longer_than_a_state_may_be() -> None:
    house = Known("home01", "Home", "CZK", "Europe/Prague")
    now = {"at": "2026-03-01T12:00:00Z", "plan": {"reason": "a\nb\x1b[31m" + "x" * 999}}
    reason = json.loads(state(replace(house, now=now), Panel()))["reason"]
    assert len(reason) <= LONGEST <= 255
    assert reason.startswith("a b\\x1b[31m")


def test_states_are_never_retained_and_entities_and_status_are(told: Told) -> None:
    told.step()
    assert {m.is_retained for m in told.said if m.topic in (STATE, "ems/home01/prices")} == {False}
    assert {m.is_retained for m in told.said if m.topic.endswith(("/config", "/status"))} == {True}


def test_a_state_is_repeated_before_it_expires_and_not_more_often(told: Told) -> None:
    told.step()
    told.wait(seconds=61)
    told.step()  # Home Assistant has settled
    before = told.count(STATE)
    for _ in range(40):
        told.wait(seconds=1)
        told.step()
    assert told.count(STATE) == before
    told.wait(seconds=20)
    told.step()
    assert told.count(STATE) == before + 1


def test_until_home_assistant_listens_the_state_is_repeated(told: Told) -> None:
    """Seen at a real one: it hears nothing that was said between an entity's config and its subscription."""
    told.step()
    for _ in range(20):
        told.wait(seconds=1)
        told.step()
    assert told.count(STATE) == 5


def test_when_home_assistant_starts_it_is_told_everything_anew(told: Told) -> None:
    told.step()
    told.wait(seconds=60)
    told.step()
    told.said.clear()
    told.step(BIRTH)
    assert told.count(STATE) == 1
    assert told.count("homeassistant/sensor/ems/home01_grid_w/config") == 1
    assert told.count(STATUS) == 1


def test_without_the_api_the_site_is_no_more_available_and_nothing_old_is_repeated(told: Told) -> None:
    told.step()
    good = told.publisher._api
    told.publisher._api = replace(good, address="http://127.0.0.1:1")
    before = told.count(STATE)
    told.wait(seconds=30)
    told.step()
    assert told.last(STATUS) == "online"
    told.wait(seconds=45)
    told.step()
    assert told.last(STATUS) == "offline"
    assert told.count(STATE) == before
    assert "the HTTP API does not answer" in (standing.found() or standing.Standing(datetime.now(UTC))).fault
    assert not [m for m in told.said if m.topic.endswith("/config") and not m.payload], "no entity was taken away"
    told.publisher._api = good
    told.wait(seconds=15)
    told.step()
    assert (told.last(STATUS), told.count(STATE)) == ("online", before + 1)


def test_a_token_that_ends_soon_is_told_before(told: Told) -> None:
    """Tokens of the test end within a day."""
    told.step()
    assert "ends on 2026-03-02; generate another" in (standing.found() or pytest.fail("nothing was said")).fault


def test_counters_grow_in_kwh(told: Told) -> None:
    told.house.rows(
        """INSERT INTO ems.point (site_key, device_key, quantity, unit) VALUES
           ('home01', 'inverter', 'grid_import_wh', 'Wh') ON CONFLICT DO NOTHING RETURNING 1"""
    )
    told.house.rows(
        """INSERT INTO ems.telemetry (point_id, reported_at, received_at, value, quality, reason)
           SELECT point_id, v.at, v.at, v.value, v.quality, v.reason FROM ems.point CROSS JOIN (VALUES
               ('2026-03-01 11:30+00'::timestamptz, 4000000.0, 0, NULL),
               ('2026-03-01 11:45+00', 4001500.0, 0, NULL),
               ('2026-03-01 11:59+00', NULL, 2, 'silent')) v (at, value, quality, reason)
           WHERE quantity = 'grid_import_wh' RETURNING 1"""
    )
    told.step()
    assert said(told)["counters"] == {"inverter": {"grid_import_wh": 4001.5}}
    config = json.loads(told.last("homeassistant/sensor/ems/home01_inverter_grid_import_wh/config") or "")
    assert (config["state_class"], config["unit_of_measurement"]) == ("total_increasing", "kWh")
    told.wait(minutes=70)
    told.step()
    assert said(told)["counters"] == {"inverter": {"grid_import_wh": None}}
    assert told.last("homeassistant/sensor/ems/home01_inverter_grid_import_wh/config") != ""
