"""What a goal would cost is the difference of two plans from what is known; nothing of it is filed or stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.sites import Site
from ems_pipeline.steps import answering
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse.asked import Asked
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.steps.test_situation import START, known, measure

__all__ = ["known"]
NOW = START + timedelta(minutes=1)


@pytest.fixture
def platform(warehouse: Warehouse, home01: Site) -> Platform:
    """The demo site just after ten: 5 CZK to buy and 1.5 to sell, a car that wants 14 kWh until seven, and no sun."""
    measure(warehouse, NOW, battery_soc_pct=15.0, indoor_temp_c=21.5)
    measure(warehouse, NOW, ev_status=float(EvStatus.CHARGING), session_energy_wh=0.0)
    return Platform(warehouse, SimulatedClock(NOW), lambda: [home01])


def price(platform: Platform, **wants: Any) -> dict[str, Any]:
    parameters = {"until_at": (NOW + timedelta(hours=9)).isoformat(), "asset": "car-1"} | wants
    return answering.answer(platform, Asked("1", "goal-price", "home01", parameters, "web:anna", NOW, "running"))


def of_car(unmet: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in unmet if one["key"].startswith("car-1")]


def test_more_energy_by_an_earlier_hour_costs_what_it_is_bought_for(platform: Platform) -> None:
    """8.28 kWh in three hours are bought at 5 CZK: without the goal none of it is needed before the plan's end."""
    told = price(platform, energy_wh=8280.0, ready_at=(NOW + timedelta(hours=3)).isoformat())
    assert told["asset_kwh"] == pytest.approx(8.28, abs=0.01)
    assert of_car(told["unmet"]) == of_car(told["unmet_without"]) == []
    assert 0 < told["cost"] <= 8.28 * 5.0
    assert told["grid_kwh"] > 0


def test_only_the_sun_where_there_is_not_enough_of_it_leaves_the_car_without(platform: Platform) -> None:
    told = price(platform, source="solar", ready_at=(NOW + timedelta(hours=3)).isoformat())
    assert [(one["what"], one["amount"], one["unit"]) for one in of_car(told["unmet"])] == [
        ("energy missing at departure", pytest.approx(14.0), "kWh")
    ]
    assert (told["cost"], told["asset_kwh"]) == (pytest.approx(0.0, abs=0.05), 0.0)


def test_nothing_is_filed_and_no_plan_is_stored(platform: Platform) -> None:
    with platform.warehouse.begin() as connection:
        before = query(connection, "SELECT count(*) FROM ems.planning_run").item()
    assert price(platform, asset="heating", comfort_min_c=16.0)["cost"] < 0.01
    with platform.warehouse.begin() as connection:
        assert query(connection, "SELECT count(*) FROM ems.planning_run").item() == before
        assert query(connection, "SELECT count(*) FROM ems.asset_goal WHERE cancelled_at IS NULL").item() == 0


@pytest.mark.parametrize(
    ("wants", "said"),
    [
        ({"asset": "pack"}, "pack takes no goal"),
        ({"until_at": None}, "until_at is missing"),
        ({"source": "moon"}, "these parameters are no goal"),
        ({"energy_wh": 9000.0, "until_at": "tomorrow"}, "these parameters are no goal"),
    ],
)
def test_what_is_no_goal_is_refused_in_words(platform: Platform, wants: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        price(platform, **wants)
