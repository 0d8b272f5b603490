"""Goals over HTTP: bounded, in somebody's name, with a plan that is to know them; what one costs is a request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.api.test_writing import posted, requests

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
PATH = "/sites/home01/goals"
SOON = datetime.now(UTC) + timedelta(hours=5)


@pytest.fixture
def otto(house: House) -> TestClient:
    """An operator of home01, and of nothing else, with nothing filed yet."""
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request, ems.asset_goal")
    return house.login("otto")


def filed(house: House) -> list[tuple[Any, ...]]:
    columns = "asset_key, source, energy_wh, ready_at = until_at, comfort_min_c, created_by, cancelled_by"
    return [tuple(row) for row in house.rows(f"SELECT {columns} FROM ems.asset_goal ORDER BY 1")]


def test_a_goal_is_filed_in_a_name_with_a_plan_that_is_to_know_it_and_taken_back_by_whoever_may(
    house: House, otto: TestClient
) -> None:
    found = posted(otto, PATH, asset="car-1", source="solar", energy_wh=9000, ready_at=SOON.isoformat(), reason="trip")
    assert filed(house) == [("car-1", "solar", 9000.0, True, None, "web:otto", None)]
    assert requests(house) == [("plan-rolling", "home01", {}, "queued", "web:otto")]
    (listed,) = otto.get(f"/api/v1{PATH}").json()["items"]
    assert (listed["goal_id"], listed["source"], listed["reason"]) == (found["goal_id"], "solar", "trip")
    anna = house.login("anna")
    assert anna.delete(f"/api/v1{PATH}/{found['goal_id']}").json()["cancelled_at"] is not None
    assert otto.delete(f"/api/v1{PATH}/{found['goal_id']}").json()["code"] == "is_over"
    assert otto.get(f"/api/v1{PATH}").json()["items"] == []
    assert len(otto.get(f"/api/v1{PATH}?past=true").json()["items"]) == 1


def test_a_dry_run_files_neither_the_goal_nor_the_plan(house: House, otto: TestClient) -> None:
    found = posted(otto, f"{PATH}?dry_run=true", 200, asset="heating", comfort_min_c=16, duration_minutes=600)
    assert found["goal_id"] is None
    assert (filed(house), requests(house)) == ([], [])


def test_a_goal_is_filed_once_however_often_it_is_sent(house: House, otto: TestClient) -> None:
    once = {"Idempotency-Key": "goal-of-tonight"}
    said = [otto.post(f"/api/v1{PATH}", json={"asset": "car-1", "source": "solar"}, headers=once) for _ in range(2)]
    assert [one.status_code for one in said] == [202, 202]
    assert said[0].json() == said[1].json()
    assert len(filed(house)) == 1


@pytest.mark.parametrize(
    ("wish", "detail"),
    [
        ({"asset": "pack", "source": "solar"}, "pack takes no goal"),
        ({"asset": "car-1"}, "wants nothing"),
        ({"asset": "car-1", "comfort_min_c": 17}, "says source, energy_wh and ready_at"),
        ({"asset": "car-1", "source": "moon"}, "source"),
        ({"asset": "heating", "comfort_min_c": 4}, "comfort_min_c"),
        ({"asset": "heating", "comfort_min_c": 24}, "is no band"),
        ({"asset": "car-1", "ready_at": "2020-01-01T00:00:00Z"}, "name a later instant"),
        ({"asset": "car-1", "source": "solar", "duration_minutes": 5, "ends_at": SOON.isoformat()}, "beside"),
    ],
)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/price"])
def test_what_no_plan_can_reach_is_neither_filed_nor_priced(
    house: House, otto: TestClient, path: str, wish: dict[str, Any], detail: str
) -> None:
    assert detail in posted(otto, path, 422, **wish)["detail"]
    assert (filed(house), requests(house)) == ([], [])


def test_what_a_goal_would_cost_is_a_request_that_files_no_goal(house: House, otto: TestClient) -> None:
    until = SOON.isoformat()
    told = posted(otto, f"{PATH}/price", asset="heating", comfort_min_c=16, ends_at=until)
    assert otto.get(told["href"]).json()["state"] == "queued"
    ((kind, site, parameters, _, _),) = requests(house)
    assert (kind, site) == ("goal-price", "home01")
    assert parameters.pop("from_at") < parameters["until_at"] == until
    assert parameters == {"asset": "heating", "comfort_min_c": 16.0, "until_at": until}
    assert filed(house) == []


def test_who_may_only_look_files_no_goal_and_nobody_one_of_another_site(house: House, otto: TestClient) -> None:
    wish = {"asset": "car-1", "source": "solar"}
    assert posted(house.login("vera"), PATH, 403, **wish)["code"] == "permission_missing"
    assert posted(otto, "/sites/home02/goals", 404, **wish)["code"] == "site_unknown"
    assert house.login("vera").get("/api/v1/sites/home02/goals").status_code == 200
