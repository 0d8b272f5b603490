"""A decision: what was known at an instant, the plan that follows from it, and the second opinion about that plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from ems_pipeline import time_grid
from ems_pipeline.devices.installed import obedience
from ems_pipeline.plan import Plan, Violation, assemble, device_rows, slot_rows, solve, verify
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.situation import LeftAlone, plan_inputs
from ems_pipeline.version import code_version
from ems_pipeline.warehouse import plans
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import Connection

DAILY_DECISION = time(15, 0)
"""Local time on the day before: prices are out since 13:05 and corrections are in."""
QUICK: Any = {"time_limit_s": 8.0, "gap": 1e-3, "tolerance": 2e-3}
"""A rolling plan is made again in 15 minutes from what was measured; proving its last cents took most of its time."""
WORTH_STEERING = 2 * time_grid.MINUTE
"""With less of a quarter-hour left, the next one is as good a begin."""
Kind = Literal["daily", "rolling"]


@dataclass(frozen=True)
class Decision:
    """A plan as it was stored, and the laws it breaks."""

    plan: Plan
    violations: list[Violation]

    @property
    def faults(self) -> list[str]:
        """Why it may not be followed; empty when it may."""
        conflicts = "; ".join(map(str, self.plan.conflicts)) or "no reason known"
        nothing = [f"the solver found none: {conflicts}"] if self.plan.status == "failed" else []
        return nothing + [str(violation) for violation in self.violations]


def daily_instants(day: date, zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """Now for a day to come, 15:00 of the day before for one that has begun."""
    if day > time_grid.local_day(now, zone):
        yield now
    else:
        yield time_grid.local_instant(day - timedelta(days=1), DAILY_DECISION, zone)


def rolling_instants(day: date, zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """Now for the running day; a minute before each slot of a past one."""
    if day >= time_grid.local_day(now, zone):
        yield now
    else:
        yield from (slot - time_grid.MINUTE for slot in time_grid.day_slots(day, zone))


def decide(platform: Platform, site: Site, kind: Kind, day: date, at: datetime, run_id: str | None = None) -> Decision:
    """Read what was known at ``at``, solve, verify, store; an unverified plan is stored too, and never executed.

    Args:
        run_id: the Dagster run that asks, for the plan's provenance.

    Raises:
        InputsMissing: no price, forecast or state is known then.
    """
    steered = obedience.steerable(site)
    with platform.warehouse.begin() as connection:
        start = _first_slot(connection, site, kind, day, at)
        knowledge = plan_inputs(connection, steered, at, start, LeftAlone.of(site, steered))
    problem = assemble(steered, knowledge.inputs)
    plan = solve(problem, **(QUICK if kind == "rolling" else {}), resolved_slots=site.planning.resolved_slots)
    violations = verify(problem, plan)
    head = plans.PlanningRun(
        site_key=site.key,
        kind=kind,
        day=day,
        decided_at=at,
        horizon_start=start,
        horizon_end=knowledge.inputs.starts[-1] + time_grid.SLOT,
        status=plan.status,
        is_verified=plan.status != "failed" and not violations,
        inputs=knowledge.provenance | {"unsteered": obedience.deaf(site)},
        config_hash=registry.config_hash(site),
        code_version=code_version(),
        recorded_at=platform.clock.now(),
        objective=plan.objective,
        gap_frac=plan.gap,
        solve_s=plan.solve_s,
        build_s=plan.build_s,
        unmet=[str(item) for item in (*plan.conflicts, *plan.unmet)],
        violations=[str(violation) for violation in violations],
        problem=problem.to_json(),
        dagster_run_id=run_id,
    )
    with platform.warehouse.begin() as connection:
        plans.store(connection, head, slot_rows(plan), device_rows(plan))
    return Decision(plan, violations)


def _first_slot(connection: Connection, site: Site, kind: Kind, day: date, at: datetime) -> datetime:
    """The next quarter-hour; the running one where no plan may be followed in it and enough of it is left."""
    following = time_grid.ceil_slot(at)
    running = time_grid.floor_slot(at)
    is_live = kind == "rolling" and day == time_grid.local_day(at, time_grid.zone(site.timezone))
    if not is_live or following - at < WORTH_STEERING or following == running:
        return following
    holds_since = plans.decided_at(connection, site.key, running, at)
    oldest = at - time_grid.MINUTE * site.control.max_plan_age_minutes
    return running if holds_since is None or holds_since < oldest else following
