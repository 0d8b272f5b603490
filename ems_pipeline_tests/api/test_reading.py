"""What routes read, against numbers added up by hand; what is missing is null, and another's site is not there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.api.lived import PLAN

pytestmark = pytest.mark.usefixtures("lived")


@pytest.fixture
def otto(house: House) -> TestClient:
    """An operator of home01, and of nothing else."""
    return house.login("otto")


def got(browser: TestClient, path: str) -> Any:
    said = browser.get(f"/api/v1{path}")
    assert said.status_code == 200, said.text
    return said.json()


def refused(browser: TestClient, path: str) -> tuple[int, str]:
    said = browser.get(f"/api/v1{path}")
    assert said.json()["remedy"]
    return said.status_code, said.json()["code"]


def test_the_bus_adds_up_and_says_how_old_it_is(otto: TestClient) -> None:
    found = got(otto, "/sites/home01/now")
    flow = found["flow"]
    assert (flow["grid_kw"], flow["pv_kw"], flow["battery_kw"], flow["genset_kw"]) == (1.25, 3.1, -2.0, 0.0)
    assert flow["load_kw"] == 0.6, "1.25 + 3.1 - 2 + 0 - 0 - 1.75"
    assert (flow["soc_pct"], flow["as_of"], flow["is_stale"]) == (62.5, "2026-03-01T11:59:10Z", False)
    assert (found["plan"]["mode"], found["plan"]["until"]) == ("charge", "2026-03-01T12:15:00Z")
    assert (found["buy_per_kwh"], found["currency"]) == ("4.1000", "CZK")
    assert (found["authority"], found["open_alarms"]) == ("armed", 1)


def test_a_silent_part_leaves_the_house_unknown_and_never_at_rest(house: House, otto: TestClient) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("""
            INSERT INTO ems.telemetry
            SELECT point_id, '2026-03-01 11:59:40+00', '2026-03-01 11:59:41+00', NULL, 2, 'silent'
            FROM ems.point WHERE device_key = 'wallbox-2'""")
    flow = got(otto, "/sites/home01/now")["flow"]
    assert (flow["ev_kw"], flow["load_kw"], flow["is_stale"]) == (None, None, True)
    assert flow["grid_kw"] == 1.25
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.telemetry WHERE quality = 2")


def test_a_value_older_than_five_minutes_is_not_now(house: House, otto: TestClient) -> None:
    house.clock.advance_to(house.clock.now().replace(minute=5))
    flow = got(otto, "/sites/home01/now")["flow"]
    assert (flow["grid_kw"], flow["soc_pct"], flow["as_of"], flow["is_stale"]) == (None, None, None, True)


def test_a_plan_comes_with_its_reasons_and_no_number_that_is_none(otto: TestClient) -> None:
    plan = got(otto, "/sites/home01/plan")
    assert (plan["plan_id"], plan["starts_at"]) == (PLAN, "2026-03-01T12:00:00Z")
    charge, hold = plan["slots"]
    assert (charge["grid_kw"], charge["cost"], charge["mode"], charge["reason"]) == (1.25, "1.2813", "charge", "cheap")
    (pack,) = charge["assets"]
    assert (pack["asset"], pack["power_kw"], pack["limits"]) == ("pack", -2.0, {"charge_limit_w": 2000})
    assert (hold["grid_kw"], hold["cost"], hold["assets"]) == (None, "-0.5000", [])
    assert got(otto, f"/sites/home01/plan?plan_id={PLAN}") == plan
    assert refused(otto, "/sites/home01/plan?at=2026-02-01T00:00:00Z") == (404, "absent")


def test_days_cost_what_was_settled_and_today_counts_only_what_is(otto: TestClient) -> None:
    found = got(otto, "/sites/home01/money?from=2026-02-28")
    (day,) = found["days"]
    assert (day["cost"], day["no_battery_saving"], day["import_kwh"], day["pv_kwh"]) == (
        "38.1200",
        "22.9100",
        18.2,
        None,
    )
    today = found["today"]
    assert today["cost"] == "0.5000", "1 kW at 4 for a quarter-hour is 1.00, 1 kW sold at 2 is -0.50"
    assert today["planned_cost"] == "1.5000", "2.00 - 0.50, of the same two quarter-hours"
    assert (today["settled_slots"], today["past_slots"]) == (2, 52), "thirteen hours of Prague are over"


def test_baselines_are_rows_and_a_correction_leaves_what_was_said(otto: TestClient) -> None:
    path = "/sites/home01/baselines?from=2026-02-28"
    rows = {row["baseline"]: row for row in got(otto, path)["items"]}
    assert (rows["timer"]["cost"], rows["timer"]["net_cost"], rows["timer"]["version"]) == ("41.5000", "40.0000", 2)
    assert (rows["timer"]["saving"], rows["measured"]["saving"]) == ("2.0000", None), "40 of the timer, 38 of the site"
    assert (rows["last_plan"]["cost"], rows["last_plan"]["missing"]) == (None, "the plan reaches 4 of 96")
    then = got(otto, f"{path}&known_at=2026-03-01T01:00:00Z")["items"]
    assert {row["baseline"]: row["cost"] for row in then}["timer"] == "43.5000"
    assert refused(otto, "/sites/home01/baselines?known_at=1999-01-01T00:00:00Z") == (422, "out_of_range")


def test_what_cost_more_than_it_had_to_is_rows_that_add_up(otto: TestClient) -> None:
    path = "/sites/home01/regret?from=2026-02-28"
    rows = {row["part"]: row for row in got(otto, path)["items"]}
    assert (rows["load"]["amount"], rows["load"]["version"]) == ("2.5000", 2)
    assert (rows["pv"]["amount"], rows["pv"]["missing"]) == (None, "not stored")
    told = [Decimal(row["amount"]) for name, row in rows.items() if row["amount"] and name != "total"]
    assert sum(told) == Decimal(rows["total"]["amount"])
    then = got(otto, f"{path}&known_at=2026-03-01T01:00:00Z")["items"]
    assert {row["part"]: row["amount"] for row in then}["load"] == "2.0000"


def test_a_quarter_hour_that_pv_did_not_answer_has_no_load(otto: TestClient) -> None:
    (slot,) = got(otto, "/sites/home01/telemetry?start=2026-03-01T11:00:00Z&end=2026-03-01T12:00:00Z")["items"]
    assert (slot["grid_kw"], slot["pv_kw"], slot["battery_kw"], slot["load_kw"]) == (0.8, None, 0.0, None)


def test_measurements_come_page_by_page_in_their_order(otto: TestClient) -> None:
    path = "/measurements?site=home01&start=2026-03-01T11:00:00Z&limit=4"
    first = got(otto, path)
    second = got(otto, f"{path}&cursor={first['next_cursor']}")
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (4, 3, None)
    whole = got(otto, "/measurements?site=home01&start=2026-03-01T11:00:00Z")["items"]
    assert first["items"] + second["items"] == whole
    (soc,) = got(otto, "/measurements?site=home01&quantity=battery_soc_pct&start=2026-03-01T11:00:00Z")["items"]
    assert (soc["device"], soc["value"], soc["unit"]) == ("inverter", 62.5, "%")


def test_a_forecast_is_the_one_that_was_known_then(otto: TestClient) -> None:
    now = got(otto, "/forecast/consumption?site=home01")
    assert (now["issued_at"], now["model"]) == ("2026-03-01T11:00:00Z", "gbm")
    (quarter,) = now["quarters"]
    assert (quarter["p10_kw"], quarter["p50_kw"], quarter["p90_kw"]) == (0.31, 0.48, 0.9)
    then = got(otto, "/forecast/consumption?site=home01&issued_at=2026-03-01T10:30:00Z")
    assert (then["model"], then["quarters"][0]["p50_kw"]) == ("profile", 0.4)
    assert refused(otto, "/forecast/consumption?site=home01&issued_at=2026-03-01T09:00:00Z") == (404, "absent")
    (sun,) = got(otto, "/forecast/generation?site=home01")["quarters"]
    assert (sun["p10_kw"], sun["p50_kw"], sun["p90_kw"]) == (1.2, 2.5, 3.9)


def test_a_forecast_of_the_day_before_yesterday_is_none(house: House) -> None:
    house.clock.advance_to(house.clock.now().replace(day=2, hour=11, minute=30))
    otto = house.login("otto")
    path = "/forecast/consumption?site=home01&start=2026-03-01T12:00:00Z&end=2026-03-02T12:00:00Z"
    assert refused(otto, path) == (503, "forecast_too_old")
    assert got(otto, f"{path}&issued_at=2026-03-01T12:00:00Z")["model"] == "gbm"


def test_errors_of_forecasts_count_each_quarter_hour_once(otto: TestClient) -> None:
    (score,) = got(otto, "/forecast/metrics?site=home01")["items"]
    assert (score["n"], score["days"], score["mae_kw"]) == (128, 2, 0.25), "(96 x 200 + 32 x 400) / 128 W"
    assert (score["bias_kw"], score["coverage_p80"], score["vs_naive"]) == (0.0, 0.8, 0.5), "(-1920 + 1920) / 128 W"


def test_prices_are_decimals_and_a_contract_without_market_has_no_spot(otto: TestClient) -> None:
    first, second = got(otto, "/sites/home01/prices?start=2026-03-01T12:00:00Z")["items"]
    assert (first["buy_per_kwh"], first["spot_per_kwh"], second["spot_per_kwh"]) == ("4.1000", "2.2500", None)


def test_a_battery_says_what_it_holds_and_who_steers_it(otto: TestClient) -> None:
    (pack,) = got(otto, "/batteries")["items"]
    assert (pack["id"], pack["soc_pct"], pack["power_kw"], pack["capacity_kwh"]) == ("home01.pack", 62.5, -2.0, 15.0)
    assert pack["limits"] == {"charge_kw": 8.0, "discharge_kw": 8.0, "min_soc_pct": 10.0, "max_soc_pct": 100.0}
    assert (pack["steered"], pack["wanted"], pack["told"], pack["status"]) == ("armed", None, None, "ok")
    assert got(otto, "/batteries/home01.pack") == pack
    assert refused(otto, "/batteries/home01.nothing") == (404, "battery_unknown")
    assert got(otto, "/batteries/home01.pack/health")["error_streak"] == 0


def test_cycles_are_throughput_over_twice_the_capacity(otto: TestClient) -> None:
    (found,) = got(otto, "/batteries/analytics/summary")["items"]
    assert (found["days"], found["throughput_kwh"], found["cycles"]) == (2, 45.0, 1.5)
    assert (found["saved"], found["saved_to_self_use"], found["coverage_pct"]) == ("42.9100", None, 97.5)


def test_devices_tell_their_health_and_no_address(otto: TestClient) -> None:
    found = {device["device"]: device for device in got(otto, "/devices")["items"]}
    assert set(found) == {"inverter", "wallbox-1", "wallbox-2", "heat-pump", "loxone"}
    pump = found["heat-pump"]
    assert (pump["state"], pump["error_streak"], pump["open_alarms"]) == ("degraded", 1, 1)
    assert found["loxone"]["state"] == "unknown"
    assert "127.0.0.1" not in str(found)


def test_an_overview_adds_up_what_is_known_and_nothing_else(house: House, otto: TestClient) -> None:
    found = got(otto, "/overview")
    assert (found["sites"], found["armed"], found["planned"], found["open_alarms"]) == (1, 1, 1, 1)
    assert found["devices"] == {"total": 2, "online": 1, "faulty": 1}
    assert (found["power"]["grid_kw"], found["power"]["load_kw"]) == (1.25, 0.6)
    whole = got(house.login("anna"), "/overview")
    assert (whole["sites"], whole["power"]["grid_kw"]) == (2, None), "of home02 nothing is measured"


def test_a_site_tells_its_parts_and_its_versions(otto: TestClient) -> None:
    found = got(otto, "/sites/home01")
    kinds = {asset["asset"]: asset["kind"] for asset in found["assets"]}
    assert (kinds["pack"], kinds["roof-west"]) == ("batteries", "pv")
    assert (found["control_enabled"], found["import_limit_kw"]) == (True, 17.0)
    (version,) = got(otto, "/sites/home01/versions")["items"]
    assert version["config_hash"] == found["config_hash"]


ELSEWHERE = [
    "/sites/home02", "/sites/home02/versions", "/sites/home02/now", "/sites/home02/plan", "/sites/home02/money",
    "/sites/home02/baselines", "/sites/home02/regret",
    "/sites/home02/telemetry", "/sites/home02/prices", "/sites/home02/overrides", "/sites/home02/alarms",
    "/sites/home02/arm", "/measurements?site=home02", "/forecast/consumption?site=home02",
    "/forecast/generation?site=home02", "/forecast/metrics?site=home02", "/batteries/home02.pack",
    "/batteries/home02.pack/health", "/batteries/analytics/summary?site=home02", "/devices?site=home02",
    "/devices/home02.inverter", "/requests?site=home02",
]  # fmt: skip


@pytest.mark.parametrize("path", ELSEWHERE)
def test_the_site_of_somebody_else_is_not_there(otto: TestClient, path: str) -> None:
    assert refused(otto, path) == (404, "site_unknown")
    assert refused(otto, path.replace("home02", "home99")) == (404, "site_unknown"), "nor is it told apart from none"


@pytest.mark.parametrize("path", [path for path in ELSEWHERE if "requests" not in path and "site=" not in path[:8]])
def test_a_site_that_never_was_is_not_there_for_who_sees_all(house: House, path: str) -> None:
    said = house.login("anna").get(f"/api/v1{path.replace('home02', 'home99')}")
    assert said.status_code == 404 or said.json().get("items") == [], said.text


def test_lists_hold_what_is_ones_own(house: House, otto: TestClient) -> None:
    assert [site["site"] for site in got(otto, "/sites")["items"]] == ["home01"]
    assert [arm["site"] for arm in got(otto, "/control")["items"]] == ["home01"]
    assert {alarm["kind"] for alarm in got(otto, "/alarms")["items"]} == {"silent"}
    assert {alarm["kind"] for alarm in got(house.login("anna"), "/alarms")["items"]} == {
        "silent",
        "site-config",
        "disk",
    }
    assert {event["type"] for event in got(otto, "/events")["items"]} == {"silent", "old"}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/sites/home01/telemetry?start=2026-03-01T11:00:00", "time_ambiguous"),
        ("/sites/home01/telemetry?start=1772362800000", "time_ambiguous"),
        ("/sites/home01/telemetry?start=2026-03-02T00:00:00Z&end=2026-03-01T00:00:00Z", "out_of_range"),
        ("/sites/home01/telemetry?start=1999-03-02T00:00:00Z", "out_of_range"),
        ("/sites/home01/money?from=yesterday", "out_of_range"),
        ("/sites/home01/money?to=0001-01-01", "out_of_range"),
        ("/forecast/metrics?site=home01&end=0001-01-01T00:00:00Z", "out_of_range"),
        ("/forecast/metrics?site=home01&start=9999-12-31T23:59:59Z", "out_of_range"),
        ("/measurements?site=home01&cursor=nonsense", "bad_cursor"),
        ("/measurements?site=home01&cursor=WyJ4Iiwi4oKs", "bad_cursor"),
        ("/sites?cursor=WyJcdTAwMDAiXQ", "bad_cursor"),
        ("/requests?cursor=WyIyMDI2IiwgMV0", "bad_cursor"),
    ],
)
def test_what_could_mean_two_things_is_refused(otto: TestClient, path: str, code: str) -> None:
    status, said = refused(otto, path)
    assert said == code
    assert status in (400, 422)
