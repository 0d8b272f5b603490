"""What stands behind a quarter-hour is told in one answer, each part as known then; what nobody knows is null."""

from __future__ import annotations

from typing import Any

import pytest

from ems_pipeline.api.edge import at_the_edge
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.api.lived import PLAN
from ems_pipeline_tests.api.test_reading import got, otto, refused

__all__ = ["otto"]
pytestmark = pytest.mark.usefixtures("lived")
TOLD = """
INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, writes, changes, reason, is_shadow, state,
        state_reason, planning_run_id, valid_until, intended_at, sent_at, echoed_at, effective_at)
VALUES ('home01', 'inverter', '2026-03-01 12:00+00', 'plan', '{"mode": "charge", "charge_limit_w": 2000}',
        '[["grid_charge", 1], ["charge_power", 2000]]', '{charge_power}', 'cheap', false, 'effective', '', NULL,
        '2026-03-01 12:20+00', '2026-03-01 12:00:01+00', '2026-03-01 12:00:02+00', '2026-03-01 12:00:03+00',
        '2026-03-01 12:02:30+00');
INSERT INTO ems.setpoint_event (setpoint_id, at, state, reason, measured)
SELECT setpoint_id, '2026-03-01 12:02:30+00', 'effective', '', '{"battery_power_w": -2010.0}' FROM ems.setpoint
WHERE reason = 'cheap';
"""


def why(browser: Any, at: str) -> Any:
    return got(browser, f"/sites/home01/why?at={at}")


def test_a_quarter_hour_tells_what_was_known_decided_told_obeyed(house: House, otto: Any) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(TOLD)
    found = why(otto, "2026-03-01T12:07:00Z")
    assert (found["starts_at"], found["plan"]["plan_id"]) == ("2026-03-01T12:00:00Z", PLAN)
    assert found["known"]["price"] == {
        "buy_per_kwh": "4.1000", "sell_per_kwh": "1.9000", "spot_per_kwh": "2.2500", "is_provisional": False,
        "known_at": "2026-02-28T12:30:00Z",
    }  # fmt: skip
    assert (found["decided"]["mode"], found["decided"]["battery_kw"]) == ("charge", -2.0)
    assert found["decided"]["assets"][0]["limits"] == {"charge_limit_w": 2000}
    (told,) = found["told"]
    assert told["writes"] == [["grid_charge", 1.0], ["charge_power", 2000.0]]
    assert (told["effective_at"], told["steps"][0]["measured"]) == (
        "2026-03-01T12:02:30Z",
        {"battery_power_w": -2010.0},
    )
    assert found["worth"] is None


def test_of_two_forecasts_the_newest_known_at_the_decision_counts(otto: Any) -> None:
    known = why(otto, "2026-03-01T12:15:00Z")["known"]
    assert (known["load"]["power_kw"], known["load"]["model"]) == (0.48, "gbm")
    assert [(one["asset"], one["power_kw"]) for one in known["pv"]] == [("roof-south", 2.0), ("roof-west", 0.5)]


def test_what_is_no_number_is_null_and_what_is_not_known_too(otto: Any) -> None:
    assert why(otto, "2026-03-01T12:15:00Z")["decided"]["grid_kw"] is None
    nothing = why(otto, "2026-02-01T00:00:00Z")
    assert (nothing["plan"], nothing["decided"], nothing["worth"], nothing["told"]) == (None, None, None, [])
    assert nothing["known"]["price"] is None


def test_what_a_quarter_hour_was_worth_is_what_the_audit_says(otto: Any) -> None:
    worth = why(otto, "2026-03-01T10:00:00Z")["worth"]
    assert (worth["cost"], worth["planned_cost"]) == ("1.0000", "2.0000"), "1 kW and 2 kW for 0.25 h at 4"
    assert why(otto, "2026-03-01T10:30:00Z")["worth"]["cost"] is None, "nothing was measured"


def test_what_was_told_is_for_whoever_may_read_control(house: House) -> None:
    assert why(house.program("plans:read"), "2026-03-01T12:07:00Z")["told"] is None


def test_a_site_of_others_is_not_there(otto: Any) -> None:
    assert refused(otto, "/sites/home02/why")[0] == 404


def test_units_change_at_the_edge_by_the_ends_of_names_and_limits_keep_theirs() -> None:
    document = {"power_w": 1234.56, "energy_wh": 500.0, "cost": 1.0, "limits": {"power_w": 7.0}, "planning_run_id": "x"}
    assert at_the_edge(document) == {
        "power_kw": 1.2346, "energy_kwh": 0.5, "cost": "1.0000", "limits": {"power_w": 7.0}, "plan_id": "x",
    }  # fmt: skip
    assert at_the_edge({"cost": "NaN", "count": 3, "is_open": True}) == {"cost": None, "count": 3, "is_open": True}
