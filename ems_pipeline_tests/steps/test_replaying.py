"""A decision made again from what was known then is the same, to the last digit; what is not recorded is said aloud."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import polars as pl
import pytest
import sqlalchemy as sa

from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.sites import Site
from ems_pipeline.steps import replaying
from ems_pipeline.steps.deciding import Wanted, decisions
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import window
from ems_pipeline.time_grid import MINUTE, SLOT
from ems_pipeline.warehouse import market, plans, telemetry
from ems_pipeline_tests.readings import answers
from ems_pipeline_tests.steps.test_known import AT, KNOWN, LOGGER, START, knowing, plain, platform

__all__ = ["platform"]


@pytest.fixture
def decided(platform: Platform, home01: Site) -> Iterator[tuple[Platform, Site, UUID]]:
    """A site with a battery and one rolling plan."""
    site = knowing(platform, plain(home01, "elm"))
    for _, decide in decisions(platform, [site], Wanted("rolling", START.date(), AT), LOGGER):
        decide()
    with platform.warehouse.begin() as connection:
        held = plans.in_force_at(connection, site.key, AT + MINUTE)
    assert held is not None
    return platform, site, held


def changed(platform: Platform, statement: str, **values: object) -> None:
    with platform.warehouse.begin() as connection:
        assert connection.execute(sa.text(statement), values).rowcount


def test_a_decision_made_again_is_the_same_to_the_last_digit(decided: tuple[Platform, Site, UUID]) -> None:
    platform, _, plan = decided
    found = replaying.replay(platform.warehouse, plan)
    assert (found.verdict, found.unrecorded, found.inputs, found.rows) == ("same", (), (), ())
    assert found.other_code == {}
    assert found.plan.made_with is not None
    assert found.plan.made_with["options"]["time_limit_s"] == 8.0


def test_what_became_known_later_changes_nothing(decided: tuple[Platform, Site, UUID]) -> None:
    platform, site, plan = decided
    later = pl.DataFrame({"starts_at": [START + SLOT * i for i in range(4)]}).with_columns(
        site_key=pl.lit(site.key), buy_per_kwh=99.0, sell_per_kwh=98.0, spot_per_kwh=2.0, currency=pl.lit("CZK"),
        is_provisional=False, components=pl.lit("{}"), known_at=pl.lit(AT + MINUTE),
    )  # fmt: skip
    with platform.warehouse.begin() as connection:
        assert market.add_effective_prices(connection, later, AT + MINUTE) == 4
    assert replaying.replay(platform.warehouse, plan).is_same


@pytest.mark.parametrize("received", [AT, AT + MINUTE], ids=["at the decision's instant", "later"])
def test_a_reading_that_came_with_the_decision_or_later_changes_nothing(
    decided: tuple[Platform, Site, UUID], received: datetime
) -> None:
    platform, site, plan = decided
    told = Reading("inverter", "battery_soc_pct", "%", 90.0, AT - MINUTE / 2, received, Quality.GOOD)
    with platform.warehouse.begin() as connection:
        assert telemetry.store(connection, answers([(site.key, told)])) == 1
    assert replaying.replay(platform.warehouse, plan).is_same


def test_an_input_that_was_written_over_is_named_with_both_sides(decided: tuple[Platform, Site, UUID]) -> None:
    platform, site, plan = decided
    changed(
        platform,
        """UPDATE ems.effective_price SET buy_per_kwh = 7
           WHERE site_key = :site AND starts_at = :at AND known_at = :then""",
        site=site.key, at=START + SLOT * 3, then=KNOWN,
    )  # fmt: skip
    found = replaying.replay(platform.warehouse, plan)
    assert found.verdict == "differs"
    assert found.rows == ()
    assert found.inputs is not None
    assert "buy_per_kwh[3]: 5.0 is stored, 7.0 came again" in [str(one) for one in found.inputs]


def test_a_row_that_was_written_over_is_named_with_both_sides(decided: tuple[Platform, Site, UUID]) -> None:
    platform, _, plan = decided
    changed(
        platform,
        "UPDATE ems.planning_interval SET grid_w = 1 WHERE planning_run_id = :plan AND starts_at = :at",
        plan=plan, at=START + SLOT,
    )  # fmt: skip
    found = replaying.replay(platform.warehouse, plan)
    assert found.inputs == ()
    assert found.rows is not None
    assert len(found.rows) == 1
    assert str(found.rows[0]).startswith("planning_interval 2026-05-04 10:15:00+00:00.grid_w: 1.0 is stored, ")


@pytest.mark.parametrize(
    ("statement", "missed"),
    [
        ("UPDATE ems.planning_run SET made_with = NULL", "with which options and libraries it was solved"),
        ("UPDATE ems.planning_run SET problem = NULL", "its problem was not recorded"),
        ("DELETE FROM ems.site_config", "document of version"),
        ("DELETE FROM ems.effective_price", "effective_price of elm is not known"),
    ],
)
def test_what_is_not_recorded_is_said_aloud(decided: tuple[Platform, Site, UUID], statement: str, missed: str) -> None:
    platform, _, plan = decided
    changed(platform, statement)
    found = replaying.replay(platform.warehouse, plan)
    assert not found.is_same
    assert found.verdict == "unrecorded"
    assert missed in "; ".join(found.unrecorded)


def test_other_code_is_named_and_what_came_out_is_compared_all_the_same(decided: tuple[Platform, Site, UUID]) -> None:
    platform, _, plan = decided
    changed(platform, "UPDATE ems.planning_run SET code_version = '0.0.1+old'")
    found = replaying.replay(platform.warehouse, plan)
    assert found.other_code["code"][0] == "0.0.1+old"
    assert found.is_same


def test_a_night_makes_the_same_decisions_again_and_keeps_what_came_of_it(decided: tuple[Platform, Site, UUID]) -> None:
    platform, site, plan = decided
    of_day = window(site, START.date(), START.date())
    (found,) = replaying.nightly(platform.warehouse, of_day, AT + MINUTE)
    assert found.plan.plan_id == plan
    with platform.warehouse.begin() as connection:
        kept = connection.execute(sa.text("SELECT planning_run_id, verdict, differences FROM ems.plan_replay")).all()
    assert kept == [(plan, "same", [])]


def test_a_night_that_is_made_twice_at_one_instant_is_kept_once(decided: tuple[Platform, Site, UUID]) -> None:
    platform, site, _ = decided
    of_day = window(site, START.date(), START.date())
    for _ in range(2):
        replaying.nightly(platform.warehouse, of_day, AT + MINUTE)
    with platform.warehouse.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM ems.plan_replay")).scalar_one() == 1


def test_a_plan_that_does_not_exist_is_refused_with_where_to_look(platform: Platform) -> None:
    with pytest.raises(replaying.NoSuchPlan, match="ems replay SITE --at TIME"):
        replaying.replay(platform.warehouse, UUID(int=0))
