"""A challenger takes over on at least 28 days and a lower bound above zero, and is taken back by the same rule."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa

from ems_pipeline.backtest.promotion import LEAST_DAYS, judged
from ems_pipeline.plan import Problem
from ems_pipeline.plan.problem import BatteryStore, GridLimits
from ems_pipeline.sites import PlanningPolicy, Site
from ems_pipeline.sites.planner import BY_SITE_FILE, Challenger, Planner, roles
from ems_pipeline.steps import contest
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import window
from ems_pipeline.time_grid import SLOT, day_bounds, slots, zone
from ems_pipeline.warehouse import planners, sites
from ems_pipeline.warehouse.frames import upsert
from ems_pipeline.warehouse.planners import Contest
from ems_pipeline_tests.steps.test_known import KNOWN, plain, platform

__all__ = ["platform"]
FIRST = date(2026, 1, 1)
NIGHT = datetime(2026, 2, 20, tzinfo=UTC)
SURE = [0.2 + 0.1 * (k % 3) for k in range(LEAST_DAYS)]
"""Each day a gain: no draw of days has a sum below 28 x 0.2."""
LUCK = [9.0] + [-0.1] * (LEAST_DAYS - 1)
"""One good day: the sum is 6.3, and of all draws more than a third are without it and lose."""


def elm(home01: Site, promote: str = "itself") -> Site:
    policy = PlanningPolicy.model_validate({"promote": promote, "challenger": {"key": "alone", "courses": False}})
    return plain(home01, "elm").model_copy(update={"planning": policy})


def lived(platform: Platform, site: Site, gains: list[float], first: date = FIRST, swapped: bool = False) -> date:
    """The last day of some on which the planner beside gained so much."""
    with platform.warehouse.begin() as connection:
        sites.register(connection, [site], KNOWN - timedelta(days=365))
        challenger = Planner("alone", {"courses": False})
        pair = Contest.of(site, roles(site.planning, challenger if swapped else None))
        for k, gain in enumerate(gains):
            planners.put_day(connection, {
                "site_key": site.key, "day": first + timedelta(days=k), **pair.values, "decisions": 96, "compared": 96,
                "currency": "CZK", "net_cost": 30.0, "shadow_net_cost": 30.0 - gain, "code_version": "v",
                "known_at": NIGHT,
            })  # fmt: skip
    return first + timedelta(days=len(gains) - 1)


def judge(platform: Platform, site: Site, last: date, at: datetime = NIGHT) -> tuple[str | None, str, list[str]]:
    """The outcome, who plans afterwards, and which alarms stand."""
    with platform.warehouse.begin() as connection:
        verdict = contest.judge(connection, site, last, at)
        held = roles(site.planning, planners.promoted(connection, [site], at + SLOT).get(site.key))
        told = connection.execute(sa.text("SELECT kind FROM ems.alarm WHERE cleared_at IS NULL ORDER BY 1")).scalars()
        return (None if verdict is None else verdict.outcome), held.live.name, list(told)


def test_the_rule_is_four_weeks_and_a_lower_bound_above_zero() -> None:
    assert judged([]).outcome == "wait"
    assert judged(SURE[:-1]).outcome == "wait"
    won, luck = judged(SURE), judged(LUCK)
    assert (won.days, won.outcome, luck.outcome) == (28, "wins", "not shown")
    assert won.gain is not None
    assert won.gain.low >= 28 * 0.2 - 1e-9
    assert luck.gain is not None
    assert luck.gain.value == pytest.approx(6.3)
    assert luck.gain.low < 0


def test_one_is_promoted_and_another_refused_each_with_its_numbers(platform: Platform, home01: Site) -> None:
    site = elm(home01)
    assert judge(platform, site, lived(platform, site, SURE[:-1])) == ("wait", BY_SITE_FILE, [])
    assert judge(platform, site, lived(platform, site, LUCK), NIGHT + SLOT) == ("not shown", BY_SITE_FILE, [])
    last = lived(platform, site, SURE)
    assert judge(platform, site, last, NIGHT + 2 * SLOT) == ("wins", "alone", [contest.CHANGED])
    with platform.warehouse.begin() as connection:
        (row,) = planners.changes(connection, site.key).iter_rows(named=True)
    assert (row["planner"], row["former"], row["changed_by"], row["days"]) == ("alone", BY_SITE_FILE, "ems", 28)
    assert row["reason"].startswith(f"{sum(SURE):.2f} CZK less (")


def test_a_promoted_one_is_taken_back_by_the_same_rule(platform: Platform, home01: Site) -> None:
    site = elm(home01)
    judge(platform, site, lived(platform, site, SURE))
    later = NIGHT + timedelta(days=40)
    begin = NIGHT.date() + timedelta(days=1)
    last = lived(platform, site, SURE[:-1], begin, swapped=True)
    assert judge(platform, site, last, later)[:2] == ("wait", "alone"), "days of before the change do not count"
    last = lived(platform, site, SURE, begin, swapped=True)
    assert judge(platform, site, last, later + SLOT)[:2] == ("wins", BY_SITE_FILE)


@pytest.mark.parametrize(("promote", "told"), [("ask", [contest.READY]), ("never", [])])
def test_unless_the_owner_says_so_nobody_takes_over_by_himself(
    platform: Platform, home01: Site, promote: str, told: list[str]
) -> None:
    site = elm(home01, promote)
    assert judge(platform, site, lived(platform, site, SURE)) == ("wins", BY_SITE_FILE, told)
    with platform.warehouse.begin() as connection:
        if promote == "never":
            with pytest.raises(ValueError, match=r"says planning.promote: never"):
                planners.promote(connection, site.key, "cli:anna", "", NIGHT + SLOT)
        else:
            assert planners.promote(connection, site.key, "cli:anna", "", NIGHT + SLOT) == "alone"


def test_who_has_shown_nothing_cannot_be_promoted_by_anybody(platform: Platform, home01: Site) -> None:
    site = elm(home01)
    judge(platform, site, lived(platform, site, LUCK))
    with platform.warehouse.begin() as connection, pytest.raises(ValueError, match=r"alone has not shown .* 28 of 28"):
        planners.promote(connection, site.key, "cli:anna", "", NIGHT + SLOT)
    forged = """INSERT INTO ems.planner_change
                    (site_key, changed_at, planner, options, former, judged_at, changed_by, reason)
                SELECT site_key, judged_at, shadow, shadow_options, live, judged_at, 'x', 'x'
                FROM ems.planner_verdict"""
    bent = "UPDATE ems.planner_verdict SET outcome = 'wins'"
    for write, refused in ((forged, "planner_change_site_key_judged_at_outcome_fkey"), (bent, "planner_verdict_rule")):
        with pytest.raises(sa.exc.IntegrityError, match=refused), platform.warehouse.begin() as connection:
            connection.execute(sa.text(write))


def test_with_other_options_it_is_another_challenger() -> None:
    policy = PlanningPolicy(challenger=Challenger(key="alone", courses=False))
    was = Planner("alone", {"courses": False})
    assert roles(policy, was).live == was
    other = PlanningPolicy(challenger=Challenger(key="alone", courses=False, gap=0.01))
    assert roles(other, was).live == Planner()
    assert roles(PlanningPolicy(), was) == roles(PlanningPolicy(), None)


def day_of(platform: Platform, site: Site, day: date, dear: float) -> None:
    """A measured day of a battery, 2 kW and 4 kWh: cheap until noon, then dear; the one beside does not know that."""
    start, end = day_bounds(day, zone(site.timezone))
    starts, n = slots(start, end), 96
    battery = BatteryStore("pack", 4000, 2000, 2000, 1.0, 1.0, 0.0, 4000, 0.0)
    price = np.where(np.arange(n) < 48, 1.0, dear)

    def problem(t: int, known: np.ndarray[Any, Any]) -> str:
        full, left = np.full(n - t, 9000.0), known[t:]
        grid = GridLimits(full, full)
        return Problem(
            "elm", "CZK", starts[t], left, left - 0.5, np.full(n - t, 1000.0), grid, batteries=(battery,)
        ).to_json()

    rows = pl.DataFrame({"starts_at": [start - SLOT, *starts]}).with_columns(
        site_key=pl.lit(site.key), known_at=pl.lit(NIGHT), coverage_pct=100.0, load_w=1000.0,
        pv_w=0.0, ev_w=0.0, heat_pump_w=0.0, genset_w=0.0,
        battery_w=0.0, grid_w=1000.0, soc_pct=0.0, buy_per_kwh=pl.Series([1.0, *price]),
        sell_per_kwh=pl.Series([0.5, *(price - 0.5)]),
    )  # fmt: skip
    with platform.warehouse.begin() as connection:
        upsert(connection, "ems.audit_interval", rows, ("site_key", "starts_at"))
        for t, at in enumerate(starts):
            for is_shadow, known in ((False, price), (True, np.full(n, 1.0))):
                connection.execute(
                    sa.text("""INSERT INTO ems.planning_run
                        (planning_run_id, site_key, kind, day, decided_at, horizon_start, horizon_end, status, inputs,
                         is_verified, is_shadow, planner, problem, made_with, config_hash, code_version, recorded_at)
                        VALUES (gen_random_uuid(), 'elm', 'rolling', :day, :at, :at, :end, 'optimal', '{}', NOT :shadow,
                                :shadow, :planner, CAST(:problem AS jsonb), '{"options": {}}', 'c', 'v', :at)"""),
                    {"day": day, "at": at, "end": end, "shadow": is_shadow, "problem": problem(t, known),
                     "planner": "alone" if is_shadow else BY_SITE_FILE},
                )  # fmt: skip


def test_a_day_is_worth_what_arithmetic_says_it_is_under_both(platform: Platform, home01: Site) -> None:
    """4 kWh bought at 1 and used at 3 save 8; who sees one price leaves them."""
    site = elm(home01)
    pack = site.batteries[0].model_copy(update={
        "capacity_wh": 4000.0, "charge_limit_w": 2000.0, "discharge_limit_w": 2000.0, "charge_efficiency": 1.0,
        "discharge_efficiency": 1.0, "min_soc_pct": 0.0, "reserve_soc_pct": 0.0, "max_soc_pct": 100.0,
    })  # fmt: skip
    site = site.model_copy(update={"batteries": (pack,), "inverters": ()})
    lived(platform, site, [])
    day_of(platform, site, FIRST, 3.0)
    with platform.warehouse.begin() as connection:
        row = contest.settle(connection, site, window(site, FIRST, FIRST), NIGHT)
    assert row is not None
    assert row["refused"] is None
    assert row["shadow_net_cost"] == pytest.approx(12 * 1.0 + 12 * 3.0)
    assert row["shadow_net_cost"] - row["net_cost"] == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [("UPDATE ems.audit_interval SET load_w = NULL WHERE starts_at = '2026-01-01 12:00Z'", "95 of 96 quarter-hours"),
     ("DELETE FROM ems.planning_run WHERE is_shadow AND extract(hour FROM decided_at) = 12", "92 of 96 .* too far"),
     ("UPDATE ems.planning_run SET planner = 'other' WHERE is_shadow", "another planner decided")],
)  # fmt: skip
def test_a_day_that_cannot_be_compared_says_why(platform: Platform, home01: Site, spoil: str, why: str) -> None:
    site = elm(home01).model_copy(update={"inverters": ()})
    lived(platform, site, [])
    day_of(platform, site, FIRST, 3.0)
    with platform.warehouse.begin() as connection:
        assert connection.execute(sa.text(spoil)).rowcount
        row = contest.settle(connection, site, window(site, FIRST, FIRST), NIGHT)
    assert row is not None
    assert row["refused"] is not None
    assert re.search(why, row["refused"])
    assert row["net_cost"] is None


def test_a_site_that_cannot_be_lived_through_is_refused_by_name(platform: Platform, home01: Site) -> None:
    site = home01.model_copy(update={"planning": elm(home01).planning})
    lived(platform, site, [])
    with platform.warehouse.begin() as connection:
        row = contest.settle(connection, site, window(site, FIRST, FIRST), NIGHT)
    assert row is not None
    assert "car-1" in str(row["refused"])
    assert "cannot be lived through" in str(row["refused"])
