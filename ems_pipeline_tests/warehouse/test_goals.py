"""A goal is known from when it was filed to when it was taken back, ends by itself, and is refused with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from ems_pipeline.sites import Site
from ems_pipeline.sites.goal import Goal, Source, comforted
from ems_pipeline.warehouse import Warehouse, goals
from ems_pipeline.warehouse import sites as registry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def connection(warehouse: Warehouse, home01: Site) -> Iterator[Connection]:
    """A transaction that is rolled back, with the demo site registered."""
    with warehouse.engine.connect() as connection:
        registry.register(connection, [home01], NOON)
        yield connection
        connection.rollback()


def goal(asset: str = "car-1", until_at: datetime = NOON + HOUR, **wants: Any) -> Goal:
    return Goal(asset, NOON, until_at, **wants or {"source": Source.SOLAR})


def known(connection: Connection, at: datetime) -> list[int | None]:
    return [one.goal_id for one in goals.of(goals.listing(connection, ["home01"], at))]


def test_a_decision_knows_a_goal_from_its_filing_to_its_taking_back_and_the_past_stays_as_it_was(
    connection: Connection,
) -> None:
    number = goals.add(connection, "home01", goal(energy_wh=9000.0, ready_at=NOON + HOUR), "anna", NOON, "a\ntrip")
    assert known(connection, NOON - MINUTE) == []
    (found,) = goals.of(goals.listing(connection, ["home01"], NOON))
    assert found == Goal("car-1", NOON, NOON + HOUR, None, 9000.0, NOON + HOUR, goal_id=number)
    assert goals.listing(connection, None, NOON)["reason"].to_list() == ["a trip"]
    assert goals.cancel(connection, number, NOON + 10 * MINUTE, "anna") == "home01"
    assert (known(connection, NOON + 9 * MINUTE), known(connection, NOON + 10 * MINUTE)) == ([number], [])
    with pytest.raises(LookupError, match="goal list"):
        goals.cancel(connection, number, NOON + 11 * MINUTE, "anna")


def test_a_goal_is_over_at_its_end(connection: Connection) -> None:
    number = goals.add(connection, "home01", goal(), "anna", NOON)
    assert (known(connection, NOON + HOUR - MINUTE), known(connection, NOON + HOUR)) == ([number], [])


@pytest.mark.parametrize(
    ("wanted", "remedy"),
    [
        (goal("pack"), "pack takes no goal; a charger and a heat pump do, others an override"),
        (goal("loxone"), "no active site home01 has an asset loxone"),
        (goal(comfort_min_c=16.0), "a goal of car-1 says source, energy_wh and ready_at"),
        (goal("heating", source=Source.SOLAR), "a goal of heating says comfort_min_c and comfort_max_c"),
        (Goal("car-1", NOON, NOON + HOUR), "wants nothing; say source, energy_wh or ready_at"),
        (goal(energy_wh=99.0), "energy_wh 99 is outside 100 to 1000000 Wh"),
        (goal(ready_at=NOON), "is not after 2026-03-01 12:00:00+00; name a later instant"),
        (goal(ready_at=NOON + 2 * HOUR), "is after the goal's end 2026-03-01 13:00:00+00; let it hold until then"),
        (goal("heating", comfort_min_c=4.0), "comfort_min_c 4 is outside 5 to 30 °C"),
        (goal("heating", comfort_min_c=23.0), "comfort from 23 to 22.5 °C is no band"),
        (goal(until_at=NOON), "never holds; name a later end"),
        (goal(until_at=NOON + timedelta(days=7, seconds=1)), "a forgotten goal is worse than none"),
    ],
)
def test_a_goal_that_is_wrong_is_refused_with_its_remedy(connection: Connection, wanted: Goal, remedy: str) -> None:
    assert remedy in goals.fault(connection, "home01", wanted, NOON)
    with pytest.raises(ValueError, match=r"\w"):
        goals.add(connection, "home01", wanted, "anna", NOON)


def test_of_two_comfort_bands_the_later_filed_counts_whole(home01: Site) -> None:
    away, warm = goal("heating", comfort_min_c=16.0), goal("heating", comfort_max_c=24.0)
    house = comforted(home01, [away, warm]).heat_pumps[0].house
    assert (house.comfort_min_c, house.comfort_max_c) == (20.0, 24.0)
    assert comforted(home01, []) == home01
