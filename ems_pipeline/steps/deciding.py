"""A decision: what was known at an instant, the plan that follows from it, and the second opinion about that plan.

What is known is read for all sites of a run at once; each is then planned by itself, from what was read and nothing
else. Its plan is stored when it is made, not with those of the others: control asks for it a minute after it was asked
for, when others are still being solved, and a run that dies has stored what it had made.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from logging import Logger
from typing import Any, Literal
from zoneinfo import ZoneInfo

from ems_pipeline import time_grid
from ems_pipeline.devices.installed import obedience
from ems_pipeline.plan import Plan, Violation, as_one, assemble, device_rows, of_members, slot_rows, solve, verify
from ems_pipeline.plan.solving import solver
from ems_pipeline.plan.solving.solve import EFFORT
from ems_pipeline.sites import Site
from ems_pipeline.sites.planner import Planner, roles
from ems_pipeline.steps import known, reads
from ems_pipeline.steps.known import Known
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.situation import LeftAlone, plan_inputs
from ems_pipeline.version import code_version, libraries
from ems_pipeline.warehouse import planners, plans
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import Connection

Kind = Literal["daily", "rolling"]
DAILY_DECISION = time(15, 0)
"""Local time on the day before: prices are out since 13:05 and corrections are in."""
WORTH_STEERING = 2 * time_grid.MINUTE
"""With less of a quarter-hour left, the next one is as good a begin."""


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


INSTANTS: dict[Kind, Callable[[date, ZoneInfo, datetime], Iterator[datetime]]] = {
    "daily": daily_instants,
    "rolling": rolling_instants,
}
"""When a day is decided, in order."""


@dataclass(frozen=True)
class Wanted:
    """Plans that are asked for: of which kind, for which day, now, and by which Dagster run (for their provenance)."""

    kind: Kind
    day: date
    now: datetime
    run_id: str | None = None


def decisions(
    platform: Platform, sites: Sequence[Site], wanted: Wanted, logger: Logger
) -> Iterator[tuple[Site, Callable[[], Decision]]]:
    """All decisions of a day, instant by instant: what was known then is read for all sites, and each makes its own.

    A decision is made when it is called for: solved, verified and stored. An unverified plan is stored too, and never
    executed. No decision looks at another one of the same day: one for now is the only one of its site, and those of
    the past are hindsight.

    Raises:
        DatabaseUnavailable: that is everybody's; what else goes wrong is raised by the decision of the site it is of,
            `InputsMissing` where no price, forecast or state is known.
    """
    for at, those in _rounds(sites, wanted):
        read = partial(_read, kind=wanted.kind, day=wanted.day, at=at)
        for site, of_site in zip(those, reads.of_each(platform.warehouse, those, read, logger).values(), strict=True):
            yield site, partial(_decide, platform, site, of_site, wanted)


def _rounds(sites: Iterable[Site], wanted: Wanted) -> Iterator[tuple[datetime, list[Site]]]:
    """Instants at which the day is decided, in order, each with the sites that decide then."""
    found: dict[datetime, list[Site]] = {}
    for site in sites:
        for at in INSTANTS[wanted.kind](wanted.day, time_grid.zone(site.timezone), wanted.now):
            found.setdefault(at, []).append(site)
    yield from sorted(found.items(), key=lambda item: item[0])


@dataclass(frozen=True)
class ToDecide:
    """What a decision is made from: what was known then, and who plans."""

    known: Known
    planner: Planner


def _read(connection: Connection, sites: Sequence[Site], kind: Kind, day: date, at: datetime) -> dict[str, ToDecide]:
    promoted = planners.promoted(connection, sites, at)
    live = {site.key: roles(site.planning, promoted.get(site.key)).live for site in sites}
    planned = [site.planned_by(live[site.key]) for site in sites]
    found = known.read(connection, planned, first_slots(connection, sites, kind, day, at), at)
    return {key: ToDecide(stored, live[key]) for key, stored in found.items()}


def _decide(platform: Platform, site: Site, of_site: Callable[[], ToDecide], wanted: Wanted) -> Decision:
    return decide(platform, site, of_site(), wanted)


def decide(platform: Platform, site: Site, asked: ToDecide, wanted: Wanted, is_shadow: bool = False) -> Decision:
    """Compute, and write once.

    Args:
        is_shadow: it is planned beside the live plan, and told to no device.

    Raises:
        InputsMissing: no price, forecast or state is known.
    """
    stored, planned = asked.known, site.planned_by(asked.planner)
    steered = obedience.steerable(planned)
    knowledge = plan_inputs(stored, steered, LeftAlone.of(planned, steered))
    kind = wanted.kind
    problem = assemble(*as_one(steered, knowledge.inputs))
    options = {**EFFORT[kind], "resolved_slots": site.planning.resolved_slots, **planned.planning.solver}
    plan = solve(problem, **options)
    violations = verify(problem, plan)
    head = plans.PlanningRun(
        site_key=site.key,
        kind=kind,
        day=wanted.day,
        planner=asked.planner.name,
        is_shadow=is_shadow,
        decided_at=stored.at,
        horizon_start=stored.start,
        horizon_end=knowledge.inputs.starts[-1] + time_grid.SLOT,
        status=plan.status,
        is_verified=plan.status != "failed" and not violations and not is_shadow,
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
        made_with=_made_with(options, asked.planner, plan),
        dagster_run_id=wanted.run_id,
    )
    with platform.warehouse.begin() as connection:
        soc_pct = knowledge.inputs.state.soc_pct
        plans.store(connection, head, slot_rows(plan), of_members(device_rows(plan), steered, soc_pct))
    return Decision(plan, violations)


def _made_with(options: Mapping[str, Any], planner: Planner, plan: Plan) -> dict[str, Any]:
    """What is stored of how a plan was made; of the site file's own planner its document says all."""
    made_with = {"options": dict(options), "solver": solver.OPTIONS, "libraries": libraries()}
    where_said = {"planning": dict(planner.options), "refused": list(plan.refused)}
    return made_with | {name: value for name, value in where_said.items() if value}


def first_slots(
    connection: Connection, sites: Sequence[Site], kind: Kind, day: date, at: datetime
) -> dict[str, datetime]:
    """By site the next quarter-hour; the running one where no plan may be followed in it and enough of it is left."""
    following, running = time_grid.ceil_slot(at), time_grid.floor_slot(at)
    current = [s for s in sites if kind == "rolling" and day == time_grid.local_day(at, time_grid.zone(s.timezone))]
    starts = dict.fromkeys((site.key for site in sites), following)
    if not current or following - at < WORTH_STEERING or following == running:
        return starts
    holds_since = plans.decided_at(connection, [site.key for site in current], running, at)
    oldest = {site.key: at - time_grid.MINUTE * site.control.max_plan_age_minutes for site in current}
    unled = (key for key in oldest if key not in holds_since or holds_since[key] < oldest[key])
    return starts | dict.fromkeys(unled, running)
