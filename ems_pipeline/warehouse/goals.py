"""Goals: what a person wants the planner to reach for an asset, as known at an instant. Each ends by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.plain_text import plain
from ems_pipeline.sites.goal import Goal, Source
from ems_pipeline.warehouse.frames import query

WANTS = ("source", "energy_wh", "ready_at", "comfort_min_c", "comfort_max_c")
COLUMNS = f"""asset_goal_id, site_key, asset_key, from_at, until_at, {", ".join(WANTS)}, reason, created_at AS known_at,
             created_by"""


def add(connection: Connection, site_key: str, goal: Goal, by: str, at: datetime, reason: str = "") -> int:
    """File a goal; returns its number. ``reason``: why, in the person's words, one line.

    Raises:
        ValueError: see `fault`.
    """
    values = _values(site_key, goal) | {"reason": plain(reason, 200), "at": at, "by": by}
    values["from_at"] = max(goal.from_at, at)
    if why := _fault(connection, values):
        raise ValueError(why)
    number = connection.execute(
        sa.text(f"""INSERT INTO ems.asset_goal (site_key, asset_key, from_at, until_at, {", ".join(WANTS)}, reason,
                                                created_at, created_by)
                    VALUES (:site, :asset, :from_at, :until_at, {", ".join(f":{name}" for name in WANTS)}, :reason,
                            :at, :by)
                    RETURNING asset_goal_id"""),
        values,
    )
    return int(number.scalar_one())


def fault(connection: Connection, site_key: str, goal: Goal, at: datetime) -> str:
    """What is wrong with a goal of a site, with the remedy; empty: it may be filed."""
    return _fault(connection, _values(site_key, goal) | {"reason": "", "at": at})


def _fault(connection: Connection, values: Mapping[str, Any]) -> str:
    asked = sa.text("""SELECT ems.fn_goal_fault(:site, :asset, :from_at, :until_at, :source, :energy_wh, :ready_at,
                                                :comfort_min_c, :comfort_max_c, :reason, :at)""")
    return str(connection.execute(asked, {k: v for k, v in values.items() if k != "by"}).scalar_one() or "")


def _values(site_key: str, goal: Goal) -> dict[str, Any]:
    window = {"site": site_key, "asset": goal.asset, "from_at": goal.from_at, "until_at": goal.until_at}
    return window | {name: getattr(goal, name) for name in WANTS}


def cancel(connection: Connection, goal_id: int, at: datetime, by: str) -> str:
    """End a goal now; the key of its site. LookupError when none of that number still holds or is to come."""
    site_key = connection.execute(
        sa.text("""UPDATE ems.asset_goal SET cancelled_at = :at, cancelled_by = :by
                   WHERE asset_goal_id = :id AND cancelled_at IS NULL AND until_at > :at RETURNING site_key"""),
        {"id": goal_id, "at": at, "by": by},
    ).scalar_one_or_none()
    if site_key is None:
        raise LookupError(f"no goal {goal_id} holds or is to come; `ems control goal list` shows them")
    return str(site_key)


def listing(connection: Connection, site_keys: Sequence[str] | None, at: datetime) -> pl.DataFrame:
    """Goals that hold at an instant or are to come, as known then, by site, in the order they were filed; None: of all.

    Columns: those of the table but what was taken back; ``known_at``: when it was filed.
    """
    return query(
        connection,
        f"""SELECT {COLUMNS} FROM ems.asset_goal
            WHERE (CAST(:sites AS text[]) IS NULL OR site_key = ANY(:sites)) AND created_at <= :at AND until_at > :at
              AND (cancelled_at IS NULL OR cancelled_at > :at)
            ORDER BY site_key, asset_goal_id""",
        sites=None if site_keys is None else list(site_keys),
        at=at,
    )


def with_one(listed: pl.DataFrame, site_key: str, goal: Goal, at: datetime) -> pl.DataFrame:
    """Rows of `listing` and one more that nobody has filed."""
    window = {"site_key": site_key, "asset_key": goal.asset, "from_at": goal.from_at, "until_at": goal.until_at}
    row = window | {name: getattr(goal, name) for name in WANTS} | {"reason": "", "known_at": at, "created_by": ""}
    return pl.concat([listed, pl.DataFrame([row | {"asset_goal_id": None}], schema=listed.schema)])


def of(listed: pl.DataFrame) -> tuple[Goal, ...]:
    """Rows of `listing` as goals, in order."""
    return tuple(_goal(row) for row in listed.iter_rows(named=True))


def holding(listed: Iterable[Goal], at: datetime) -> list[Goal]:
    """Those that hold at an instant."""
    return [goal for goal in listed if goal.from_at <= at < goal.until_at]


def _goal(row: Mapping[str, Any]) -> Goal:
    wants = {name: row[name] for name in WANTS} | {"source": None if row["source"] is None else Source(row["source"])}
    return Goal(row["asset_key"], row["from_at"], row["until_at"], **wants, goal_id=row["asset_goal_id"])
