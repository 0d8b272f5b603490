"""A decision made again: inputs read as known then, the same problem, the same solve; does the same come out?

Two questions, each answered by itself. What is stored as known then must still say what it said: the problem read
again is compared with the stored one, field by field. And the stored problem must lead to the stored plan: money and
every row. What was not recorded with a plan, or has been deleted since, is named, never passed over.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl

from ems_pipeline.devices.installed import obedience
from ems_pipeline.errors import EmsError
from ems_pipeline.plan import (
    Plan,
    PlanInputs,
    Problem,
    as_one,
    assemble,
    device_rows,
    difference,
    of_members,
    slot_rows,
    solve,
)
from ems_pipeline.plan.difference import Difference
from ems_pipeline.sites import Site
from ems_pipeline.sites.planner import Planner
from ems_pipeline.steps import known
from ems_pipeline.steps.situation import InputsMissing, LeftAlone, plan_inputs
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.version import code_version, libraries
from ems_pipeline.warehouse import Warehouse, plans, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.plans import Rows, Stored

STORED_ROWS: Mapping[Rows, list[str]] = {
    "planning_interval": ["starts_at"],
    "planning_device_interval": ["starts_at", "asset_key"],
}
"""Rows of a plan by table, with what tells them apart."""


SAMPLE = 3
"""Decisions of a site that are made again each night: a second or two of a home's day."""
KEPT = 50
"""Differences of a replay that are kept: more say nothing more."""


class NoSuchPlan(EmsError, LookupError):
    """There is no such plan; the text says which there are."""


@dataclass(frozen=True)
class Replay:
    """What came of making a decision again.

    Attributes:
        unrecorded: what the replay would need and nobody recorded, or somebody deleted.
        inputs: where the problem read again differs from the stored one; None: it could not be read again.
        rows: where the plan solved again differs from the stored one, its money first; None: it was not solved.
        other_code: versions that are not those of then, by name: (then, now). Another outcome may come from them.
        read_s, solve_s: what it took; ``solved_s`` is what the solve took then.
    """

    plan: Stored
    unrecorded: tuple[str, ...]
    inputs: tuple[Difference, ...] | None
    rows: tuple[Difference, ...] | None
    other_code: dict[str, tuple[str, str]]
    read_s: float
    solve_s: float

    @property
    def is_same(self) -> bool:
        """Nothing was missing, and nothing differs."""
        return not self.unrecorded and self.inputs == () and self.rows == ()

    @property
    def verdict(self) -> str:
        """In a word: ``same``, ``differs``, or ``unrecorded`` where what was needed is not there to compare."""
        if self.inputs or self.rows:
            return "differs"
        return "same" if self.is_same else "unrecorded"

    @property
    def in_words(self) -> str:
        """Which decision, and the first of what is not the same."""
        said = (*self.unrecorded, *(self.inputs or ()), *(self.rows or ()))
        return f"plan {self.plan.plan_id} of {self.plan.decided_at:%Y-%m-%d %H:%M} UTC: {said[0] if said else 'same'}"


def nightly(warehouse: Warehouse, window: SiteWindow, at: datetime) -> list[Replay]:
    """Some decisions of a window made again, and what came of it kept; `SAMPLE` says how many."""
    with warehouse.begin() as connection:
        chosen = plans.sample(connection, window.site.key, window.start, window.end, SAMPLE)
    found = [replay(warehouse, plan_id) for plan_id in chosen]
    if found:
        with warehouse.begin() as connection:
            plans.put_replays(connection, pl.DataFrame([_row(one, at) for one in found]))
    return found


def _row(one: Replay, at: datetime) -> dict[str, Any]:
    said = [dataclasses.asdict(d) for d in (*(one.inputs or ()), *(one.rows or ()))][:KEPT]
    return {
        "site_key": one.plan.site_key,
        "planning_run_id": str(one.plan.plan_id),
        "replayed_at": at,
        "verdict": one.verdict,
        "unrecorded": json.dumps(one.unrecorded),
        "differences": json.dumps(said, default=str),
        "other_code": json.dumps(one.other_code),
        "read_s": one.read_s,
        "solve_s": one.solve_s,
    }


def replay(warehouse: Warehouse, plan_id: UUID) -> Replay:
    """Make a stored decision again; nothing is written.

    Raises:
        NoSuchPlan: no plan has this number.
    """
    with warehouse.begin() as connection:
        stored = plans.stored(connection, plan_id)
        if stored is None:
            raise NoSuchPlan(f"no plan has the number {plan_id}", "`ems replay SITE --at TIME` finds the one that held")
        begun = time.perf_counter()
        unrecorded = list(_unrecorded(stored))
        known_then = _known_then(connection, stored, unrecorded)
        inputs = _read_again(connection, stored, known_then, unrecorded)
        read_s = time.perf_counter() - begun
    begun = time.perf_counter()
    rows = _solved_again(warehouse, stored, known_then)
    return Replay(stored, tuple(unrecorded), inputs, rows, _other_code(stored), read_s, time.perf_counter() - begun)


def _unrecorded(stored: Stored) -> Iterator[str]:
    if stored.problem is None:
        yield "its problem was not recorded"
    if stored.made_with is None:
        yield "with which options and libraries it was solved was not recorded"


@dataclass(frozen=True)
class KnownThen:
    """The site as it could be steered then, and what its plan was made of, read again."""

    site: Site
    inputs: PlanInputs


def _known_then(connection: Connection, stored: Stored, unrecorded: list[str]) -> KnownThen | None:
    """What was known then, read now; why it cannot be is told ``unrecorded``."""
    site = registry.version(connection, stored.site_key, stored.config_hash)
    if site is None:
        unrecorded.append(f"the site's document of version {stored.config_hash} cannot be read")
        return None
    site = site.planned_by(planner_of(stored))
    steered, at = obedience.steerable(site), stored.decided_at
    read = known.read(connection, [site], {site.key: stored.horizon_start}, at)[site.key]
    found = known.as_told(read, stored.inputs.get("services", {}))
    try:
        return KnownThen(steered, plan_inputs(found, steered, LeftAlone.of(site, steered)).inputs)
    except InputsMissing as fault:
        unrecorded.append(str(fault))
        return None


def planner_of(stored: Stored) -> Planner:
    """Who made a plan, with what differed from the site file then."""
    return Planner(stored.planner, (stored.made_with or {}).get("planning", {}))


def _read_again(
    connection: Connection, stored: Stored, then: KnownThen | None, unrecorded: list[str]
) -> tuple[Difference, ...] | None:
    """Where what was known then, read now, makes another problem; what explains it is told ``unrecorded``."""
    if then is None or stored.problem is None:
        return None
    problem = assemble(*as_one(then.site, then.inputs))
    found = tuple(difference.of_documents(json.loads(stored.problem), json.loads(problem.to_json())))
    if found:
        unrecorded += _recorded_later(connection, stored)
    return found


def _recorded_later(connection: Connection, stored: Stored) -> Iterator[str]:
    """Inputs of then that were written, or written anew, after the plan was: what they said before is not kept."""
    for what, slots, newest in telemetry.recorded_later(
        connection, stored.site_key, stored.decided_at - known.STATE_AGE, stored.decided_at, stored.recorded_at
    ).iter_rows():
        written = f"{newest:%Y-%m-%d %H:%M:%S} UTC"
        yield f"means of {what} in {slots} quarter-hours were written at {written}, after the plan was recorded"


def _solved_again(warehouse: Warehouse, stored: Stored, then: KnownThen | None) -> tuple[Difference, ...] | None:
    """Where the stored problem, solved with the options of then, leads to another plan."""
    if stored.problem is None or stored.made_with is None:
        return None
    plan = solve(Problem.from_json(stored.problem), **stored.made_with["options"])
    devices = device_rows(plan)
    if then is not None:  # a fleet is planned as one, and its rows are those of its batteries
        devices = of_members(devices, then.site, then.inputs.state.soc_pct)
    made: dict[Rows, pl.DataFrame] = {"planning_interval": slot_rows(plan), "planning_device_interval": devices}
    with warehouse.begin() as connection:
        rows = {table: plans.rows_of(connection, table, stored.plan_id) for table in STORED_ROWS}
    return tuple(_differences(stored, plan, rows, made))


def _differences(
    stored: Stored, plan: Plan, rows: Mapping[Rows, pl.DataFrame], made: Mapping[Rows, pl.DataFrame]
) -> Iterator[Difference]:
    heads = (("status", stored.status, plan.status), ("objective", stored.objective, plan.objective))
    yield from (Difference(name, then, now) for name, then, now in heads if then != now)
    for table, keys in STORED_ROWS.items():
        again = made[table]
        yield from difference.of_rows(table, keys, rows[table].select(again.columns), again)


def _other_code(stored: Stored) -> dict[str, tuple[str, str]]:
    then = {"code": stored.code_version} | (stored.made_with or {}).get("libraries", {})
    now = {"code": code_version()} | libraries()
    return {name: (said, now.get(name, "none")) for name, said in then.items() if said != now.get(name)}
