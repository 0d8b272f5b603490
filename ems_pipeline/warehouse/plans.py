"""Plans: written whole or not at all, read back by slot. Only verified plans are ever handed to the controller."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.sites import Site
from ems_pipeline.sites.planner import BY_SITE_FILE
from ems_pipeline.time_grid import SLOT, floor_slot
from ems_pipeline.warehouse.claims import Claim, Planned, Source
from ems_pipeline.warehouse.frames import copy_into, query, upsert

Rows = Literal["planning_interval", "planning_device_interval"]
"""Tables of a plan's rows, in ``ems``."""


@dataclass(frozen=True)
class PlanningRun:
    """Head of a plan: who decided when, on which inputs, with which result.

    Attributes:
        decided_at: everything known later was not used.
        recorded_at: when it is stored, by the clock that decided; nobody can have followed it earlier.
    """

    site_key: str
    kind: str
    day: date
    decided_at: datetime
    horizon_start: datetime
    horizon_end: datetime
    status: str
    is_verified: bool
    inputs: Mapping[str, Any]
    config_hash: str
    code_version: str
    recorded_at: datetime
    objective: float | None = None
    gap_frac: float | None = None
    build_s: float | None = None
    solve_s: float | None = None
    unmet: list[Any] = field(default_factory=list)
    violations: list[Any] = field(default_factory=list)
    problem: str | None = None
    made_with: Mapping[str, Any] | None = None
    """Options, solver and libraries of the solve (`steps.deciding.made_with`)."""
    dagster_run_id: str | None = None
    planner: str = BY_SITE_FILE
    is_shadow: bool = False
    """Planned beside the live plan; told to no device, so ``is_verified`` is false whatever the verifier says."""

    @property
    def is_hindsight(self) -> bool:
        """Whether its first quarter-hour was over when it was recorded: a comparison, never what was planned."""
        return self.recorded_at - self.horizon_start >= SLOT


def store(connection: Connection, run: PlanningRun, slots: pl.DataFrame, devices: pl.DataFrame) -> UUID:
    """Write a plan in the caller's transaction. What was recorded stays: only hindsight made again replaces itself.

    Args:
        slots: rows of ``ems.planning_interval`` without the run id.
        devices: rows of ``ems.planning_device_interval`` without the run id; ``limits`` as JSON text.
    """
    if run.is_hindsight:
        connection.execute(
            sa.text("""DELETE FROM ems.planning_run
                       WHERE site_key = :site AND kind = :kind AND decided_at = :at AND is_hindsight
                         AND NOT is_shadow"""),
            {"site": run.site_key, "kind": run.kind, "at": run.decided_at},
        )
    problem = json.loads(run.problem) if run.problem else None
    record = dataclasses.asdict(run) | {"problem": problem, "is_hindsight": run.is_hindsight}
    run_id = connection.execute(
        sa.text("SELECT ems.fn_create_planning_run(CAST(:run AS jsonb))"), {"run": json.dumps(record, default=str)}
    ).scalar_one()
    label = pl.lit(str(run_id)).alias("planning_run_id")
    copy_into(connection, "ems.planning_interval", slots.with_columns(label))
    copy_into(connection, "ems.planning_device_interval", devices.with_columns(label))
    return UUID(str(run_id))


@dataclass(frozen=True)
class Stored:
    """A plan's head as it is stored; ``problem`` as `Problem.to_json` wrote it, null where none was recorded."""

    plan_id: UUID
    site_key: str
    kind: str
    decided_at: datetime
    recorded_at: datetime
    horizon_start: datetime
    status: str
    objective: float | None
    solve_s: float | None
    problem: str | None
    inputs: Mapping[str, Any]
    made_with: Mapping[str, Any] | None
    config_hash: str
    code_version: str
    planner: str


def stored(connection: Connection, plan_id: UUID) -> Stored | None:
    """A plan's head; None when there is no such plan."""
    columns = [field.name for field in dataclasses.fields(Stored)][1:]
    row = connection.execute(
        sa.text(f"SELECT {', '.join(columns)} FROM ems.planning_run WHERE planning_run_id = :plan"), {"plan": plan_id}
    ).mappings()
    found: dict[str, Any] | None = next((dict(one) for one in row), None)
    if found is None:
        return None
    found["problem"] = None if found["problem"] is None else json.dumps(found["problem"])
    return Stored(plan_id, **found)


def rows_of(
    connection: Connection, table: Literal["planning_interval", "planning_device_interval"], plan_id: UUID
) -> pl.DataFrame:
    """A plan's rows as they were given to `store`; ``limits`` as JSON text."""
    columns = "*" if table == "planning_interval" else "*, limits::text AS said"
    frame = query(
        connection, f"SELECT {columns} FROM ems.{table} WHERE planning_run_id = :plan ORDER BY starts_at", plan=plan_id
    )
    if "said" not in frame.columns:
        return frame
    texts = [json.dumps(json.loads(said), sort_keys=True) for said in frame["said"]]
    return frame.drop("said").with_columns(pl.Series("limits", texts, pl.String))


def in_force_at(connection: Connection, site_key: str, at: datetime) -> UUID | None:
    """The plan that held in the quarter-hour of an instant, as known then; None where none did."""
    return connection.execute(
        sa.text(f"SELECT planning_run_id FROM ({newest_executable(':slot', ':at')}) held"),
        {"site": site_key, "slot": floor_slot(at), "at": at},
    ).scalar()


def decided_between(connection: Connection, site_key: str, start: datetime, end: datetime) -> list[UUID]:
    """Plans of a site that were decided in ``[start, end)``, in order; no hindsight."""
    found = connection.execute(
        sa.text("""SELECT planning_run_id FROM ems.planning_run
                   WHERE site_key = :site AND decided_at >= :start AND decided_at < :end
                     AND NOT is_hindsight AND NOT is_shadow
                   ORDER BY decided_at, recorded_at"""),
        {"site": site_key, "start": start, "end": end},
    )
    return list(found.scalars())


def sample(connection: Connection, site_key: str, start: datetime, end: datetime, size: int) -> list[UUID]:
    """Some of the plans decided in ``[start, end)``, the same whenever it is asked; no pattern of the clock."""
    found = connection.execute(
        sa.text("""SELECT planning_run_id FROM ems.planning_run
                   WHERE site_key = :site AND decided_at >= :start AND decided_at < :end
                     AND NOT is_hindsight AND NOT is_shadow AND status <> 'failed'
                   ORDER BY md5(planning_run_id::text) LIMIT :size"""),
        {"site": site_key, "start": start, "end": end, "size": size},
    )
    return list(found.scalars())


def put_replays(connection: Connection, frame: pl.DataFrame) -> int:
    """Keep what came of replays; columns as in ``ems.plan_replay``, documents as JSON text.

    Of two of a plan at the same instant (a clock that is simulated) the later one stays.
    """
    return upsert(connection, "ems.plan_replay", frame, ("planning_run_id", "replayed_at"))


def newest_executable(slot: str, as_known_at: str, site: str = ":site") -> str:
    """SQL for the run that holds in a slot; all are SQL expressions."""
    return f"SELECT planning_run_id FROM ems.fn_plan_in_force({site}, {slot}, {as_known_at})"


NEWEST_EXECUTABLE = newest_executable(":slot", ":as_known_at")


def decided_at(
    connection: Connection, site_keys: Sequence[str], slot: datetime, as_known_at: datetime
) -> dict[str, datetime]:
    """By site when the newest executable plan that covers a slot was decided, where there is one."""
    found = query(
        connection,
        f"""SELECT k.site_key, r.decided_at FROM unnest(CAST(:sites AS text[])) k (site_key)
            CROSS JOIN LATERAL ({newest_executable(":slot", ":as_known_at", "k.site_key")}) held
            JOIN ems.planning_run r USING (planning_run_id)""",
        sites=list(site_keys),
        slot=slot,
        as_known_at=as_known_at,
    )
    return dict(found.iter_rows())


def planned(connection: Connection, site: Site, slot: datetime, as_known_at: datetime) -> Planned | None:
    """What the plan in force wants in a slot; None when none covers it. Rows that cannot be asked say so (`Unfit`)."""
    rows = query(
        connection,
        f"""SELECT d.planning_run_id::text, r.decided_at, d.asset_key, d.power_w, d.mode, d.limits::text AS limits,
                   d.reason
            FROM ems.planning_device_interval d JOIN ems.planning_run r USING (planning_run_id)
            WHERE d.starts_at = :slot AND d.planning_run_id = ({NEWEST_EXECUTABLE})
            ORDER BY d.asset_key""",
        site=site.key,
        slot=slot,
        as_known_at=as_known_at,
    )
    if rows.is_empty():
        return None
    claims = tuple(
        Claim(key, site.wish(key, mode, json.loads(limits)), power_w, reason, Source.PLAN)
        for key, power_w, mode, limits, reason in rows[:, 2:].iter_rows()
    )
    run_id, decided, *_ = rows.row(0)
    return Planned(run_id, decided, claims)


def powers(
    connection: Connection, slots: Mapping[str, datetime], before: datetime
) -> dict[str, dict[str, list[float]]]:
    """By site what the newest executable plan decided before an instant wants of each asset, from its slot on, whole W.

    Batteries (> 0 discharge), chargers, heat pumps, gensets and machines. Sites of which no such plan covers the slot
    are absent.
    """
    rows = query(
        connection,
        f"""SELECT k.site_key, d.asset_key, round(d.power_w) AS power_w
            FROM unnest(CAST(:sites AS text[]), CAST(:slots AS timestamptz[])) k (site_key, slot)
            CROSS JOIN LATERAL ({newest_executable("k.slot", ":as_known_at", "k.site_key")}) held
            JOIN ems.planning_device_interval d USING (planning_run_id)
            WHERE d.kind IN ('battery', 'charger', 'heat-pump', 'genset', 'deferrable') AND d.starts_at >= k.slot
            ORDER BY k.site_key, d.asset_key, d.starts_at""",
        sites=list(slots),
        slots=list(slots.values()),
        as_known_at=before - timedelta(microseconds=1),
    )
    found: dict[str, dict[str, list[float]]] = {}
    for site_key, asset_key, power_w in rows.iter_rows():
        found.setdefault(site_key, {}).setdefault(asset_key, []).append(power_w)
    return found


def in_force(
    connection: Connection, assets: Collection[tuple[str, str]], start: datetime, end: datetime, as_known_at: datetime
) -> pl.DataFrame:
    """What was wanted of assets, (site, key) each, in the slots of ``[start, end)`` by the plan that held as one began.

    Columns: site_key, asset_key, starts_at, mode, power_w.
    """
    return query(
        connection,
        f"""SELECT k.site_key, d.asset_key, d.starts_at, d.mode, d.power_w
            FROM (SELECT site_key, array_agg(asset_key) AS assets
                  FROM unnest(CAST(:sites AS text[]), CAST(:assets AS text[])) a (site_key, asset_key)
                  GROUP BY site_key) k
            CROSS JOIN generate_series(CAST(:start AS timestamptz), CAST(:end AS timestamptz) - interval '15 minutes',
                                       interval '15 minutes') AS s(slot)
            CROSS JOIN LATERAL ({
            newest_executable("s.slot", "least(s.slot, CAST(:as_known_at AS timestamptz))", "k.site_key")
        }) held
            JOIN ems.planning_device_interval d ON d.planning_run_id = held.planning_run_id AND d.starts_at = s.slot
            WHERE d.asset_key = ANY(k.assets)
            ORDER BY k.site_key, d.asset_key, d.starts_at""",
        sites=[site_key for site_key, _ in assets],
        assets=[asset_key for _, asset_key in assets],
        start=start,
        end=end,
        as_known_at=as_known_at,
    )
