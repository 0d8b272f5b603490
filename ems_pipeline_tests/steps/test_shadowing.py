"""A challenger plans beside the live planner, from the same inputs, and is told to no device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from ems_pipeline.sites import PlanningPolicy, Site
from ems_pipeline.sites.planner import Challenger
from ems_pipeline.steps import replaying, shadowing
from ems_pipeline.steps.deciding import Decision, Wanted, decisions
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import MINUTE, SimulatedClock
from ems_pipeline.warehouse import market, plans
from ems_pipeline_tests.steps.test_known import AT, LOGGER, START, knowing, plain, platform

__all__ = ["platform"]
LOOSE = PlanningPolicy(courses=False, challenger=Challenger(key="loose", gap=0.2, tolerance=0.2))


def challenged(home01: Site, key: str = "elm", policy: PlanningPolicy = LOOSE) -> Site:
    return plain(home01, key).model_copy(update={"planning": policy})


def live(platform: Platform, *those: Site) -> list[Decision]:
    return [decide() for _, decide in decisions(platform, those, Wanted("rolling", START.date(), AT), LOGGER)]


def beside(platform: Platform, *those: Site) -> list[Decision | Exception]:
    later = Platform(platform.warehouse, SimulatedClock(AT + 4 * MINUTE), list)
    return [made for _, made in shadowing.beside(later, those, None, LOGGER)]


def stored(platform: Platform, columns: str, is_shadow: bool) -> Sequence[Any]:
    with platform.warehouse.begin() as connection:
        return connection.execute(
            sa.text(f"SELECT {columns} FROM ems.planning_run WHERE is_shadow = :shadow"), {"shadow": is_shadow}
        ).all()


def test_what_a_shadow_plans_is_stored_marked_and_never_in_force(platform: Platform, home01: Site) -> None:
    site = knowing(platform, challenged(home01))
    live(platform, site)
    (made,) = beside(platform, site)
    assert isinstance(made, Decision)
    assert made.violations == []
    ((name, verified, status, number),) = stored(platform, "planner, is_verified, status, planning_run_id", True)
    assert (name, verified, status) == ("loose", False, "optimal")
    with platform.warehouse.begin() as connection:
        held = plans.in_force_at(connection, site.key, AT + 10 * MINUTE)
        connection.execute(sa.text("DELETE FROM ems.planning_run WHERE NOT is_shadow"))
        assert held != number
        assert plans.planned(connection, site, START, AT + 10 * MINUTE) is None, "nothing is left that control may see"


@pytest.mark.parametrize(
    "write",
    ["UPDATE ems.planning_run SET is_verified = true WHERE is_shadow",
     "UPDATE ems.planning_run SET is_shadow = true WHERE is_verified",
     """INSERT INTO ems.planning_run (planning_run_id, site_key, kind, day, decided_at, horizon_start, horizon_end,
                                       status, is_verified, inputs, config_hash, code_version, recorded_at, is_shadow)
        SELECT gen_random_uuid(), site_key, kind, day, decided_at + interval '1 s', horizon_start, horizon_end, status,
               true, inputs, config_hash, code_version, recorded_at, true FROM ems.planning_run WHERE is_verified"""],
)  # fmt: skip
def test_the_database_refuses_a_shadow_that_may_be_executed(platform: Platform, home01: Site, write: str) -> None:
    site = knowing(platform, challenged(home01))
    live(platform, site)
    beside(platform, site)
    with pytest.raises(sa.exc.IntegrityError, match="planning_run_shadow"), platform.warehouse.begin() as connection:
        connection.execute(sa.text(write))


def test_a_live_plan_is_the_same_to_the_byte_with_and_without_a_challenger(platform: Platform, home01: Site) -> None:
    alone = knowing(platform, challenged(home01, "elm", PlanningPolicy(courses=False)))
    with_one = knowing(platform, challenged(home01, "oak"))
    first = live(platform, alone, with_one)
    beside(platform, alone, with_one)
    assert first[0].plan.to_json().replace('"elm"', '"oak"') == first[1].plan.to_json()
    said = [(dict(row.made_with), str(row.problem).replace("elm", "oak"), row.planner)
            for row in stored(platform, "made_with, problem, planner", False)]  # fmt: skip
    assert said[0] == said[1]


def test_a_challenger_knows_what_the_live_plan_knew_and_nothing_of_the_minutes_since(
    platform: Platform, home01: Site
) -> None:
    site = knowing(platform, challenged(home01))
    live(platform, site)
    later = pl.DataFrame({"starts_at": [START]}).with_columns(
        site_key=pl.lit(site.key), buy_per_kwh=99.0, sell_per_kwh=98.0, spot_per_kwh=2.0, currency=pl.lit("CZK"),
        is_provisional=False, components=pl.lit("{}"), known_at=pl.lit(AT + MINUTE),
    )  # fmt: skip
    with platform.warehouse.begin() as connection:
        market.add_effective_prices(connection, later, AT + MINUTE)
    beside(platform, site)
    assert [row.problem for row in stored(platform, "problem", True)] == [
        row.problem for row in stored(platform, "problem", False)
    ]
    ((number,),) = stored(platform, "planning_run_id", True)
    assert replaying.replay(platform.warehouse, number).is_same


def test_a_challenger_that_fails_costs_itself_and_is_said(
    platform: Platform, home01: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ill, well = (knowing(platform, challenged(home01, key)) for key in ("elm", "oak"))
    live(platform, ill, well)
    decide = shadowing.decide

    def failing(where: Platform, site: Site, *asked: Any, **how: Any) -> Decision:
        if site is ill:
            raise RuntimeError("out of memory")
        return decide(where, site, *asked, **how)

    monkeypatch.setattr(shadowing, "decide", failing)
    made = beside(platform, ill, well)
    assert isinstance(made[0], RuntimeError)
    assert isinstance(made[1], Decision)
    assert len(stored(platform, "planning_run_id", False)) == 2


def test_what_is_planned_already_or_too_late_is_skipped_and_said(
    platform: Platform, home01: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = knowing(platform, challenged(home01))
    live(platform, site)
    beside(platform, site)
    (again,) = beside(platform, site)
    assert isinstance(again, shadowing.Skipped)
    assert "no live plan" in str(again)
    monkeypatch.setattr(shadowing, "BUDGET_S", -1.0)
    (spent,) = beside(platform, site)
    assert "had their" in str(spent)
