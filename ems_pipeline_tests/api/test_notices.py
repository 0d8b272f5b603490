"""Everybody says how they are told, of their own channels and of nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from ems_pipeline.warehouse import channels
from ems_pipeline_tests.api.conftest import NOON, House

QUIET = {"from_time": "22:00", "until_time": "06:30", "zone": "Europe/Prague"}


@pytest.fixture
def numbers(house: House) -> dict[str, int]:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.notice_channel")
        return {
            name: channels.add_email(connection, name, f"{name}@example.org", NOON) for name in ("anna", "otto", "vera")
        }


def put(house: House, name: str, number: int, status: int = 200, **wishes: Any) -> Any:
    said = house.login(name).put(f"/api/v1/me/notices/{number}", json=wishes)
    assert said.status_code == status, said.text
    return said.json()


def test_one_sees_and_changes_ones_own_channels(house: House, numbers: dict[str, int]) -> None:
    wishes = {"least_severity": "critical", "quiet": QUIET, "critical_breaks_quiet": False, "wants_daily": True,
              "wants_weekly": True, "sites": ["home01"]}  # fmt: skip
    assert put(house, "otto", numbers["otto"], **wishes)["wishes"] == wishes
    (told,) = house.login("otto").get("/api/v1/me/notices").json()["items"]
    assert (told["channel_id"], told["address"], told["wishes"]) == (numbers["otto"], "otto@example.org", wishes)
    with house.warehouse.begin() as connection:
        stored = channels.one(connection, numbers["otto"]).wishes
    assert stored.quiet is not None
    assert (f"{stored.quiet.from_time}", stored.sites) == ("22:00:00", {"home01"})
    assert put(house, "otto", numbers["otto"])["wishes"]["quiet"] is None, "what is left out is as at first"


def test_anothers_channel_is_not_there(house: House, numbers: dict[str, int]) -> None:
    assert put(house, "otto", numbers["vera"], 404)["code"] == "absent"
    assert put(house, "anna", numbers["vera"], 404)["code"] == "absent", "not even for an owner"
    assert house.program("alarms:read").get("/api/v1/me/notices").json()["items"] == []


@pytest.mark.parametrize(
    ("wishes", "status", "code"),
    [
        ({"sites": ["home02"]}, 404, "site_unknown"),
        ({"quiet": QUIET | {"zone": "CET"}}, 422, "out_of_range"),
        ({"quiet": QUIET | {"until_time": "22:00"}}, 422, "out_of_range"),
        ({"quiet": QUIET | {"from_time": "24:00"}}, 422, "invalid"),
        ({"least_severity": "none"}, 422, "invalid"),
        ({"address": "eve@example.org"}, 422, "unknown_field"),
        ({"state": "open"}, 422, "unknown_field"),
    ],
)
def test_what_cannot_be_wished_is_refused_and_changes_nothing(
    house: House, numbers: dict[str, int], wishes: dict[str, Any], status: int, code: str
) -> None:
    before = house.rows("SELECT * FROM ems.notice_channel ORDER BY 1")
    assert put(house, "otto", numbers["otto"], status, **wishes)["code"] == code
    assert house.rows("SELECT * FROM ems.notice_channel ORDER BY 1") == before
