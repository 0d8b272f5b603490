"""Planners of a site: who was promoted, what a challenger was asked beside the live one, and what it has shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline import time_grid
from ems_pipeline.sites import Site
from ems_pipeline.sites.planner import DIFFERING, Planner, Roles
from ems_pipeline.version import code_version
from ems_pipeline.warehouse.frames import query, upsert


def promoted(connection: Connection, sites: Sequence[Site], at: datetime) -> dict[str, Planner]:
    """By site who was promoted last before an instant; sites without a challenger are not looked up."""
    keys = [site.key for site in sites if site.planning.challenger is not None]
    if not keys:
        return {}
    rows = query(
        connection,
        """SELECT DISTINCT ON (site_key) site_key, planner, options::text AS options FROM ems.planner_change
           WHERE site_key = ANY(:sites) AND changed_at < :at ORDER BY site_key, changed_at DESC""",
        sites=keys,
        at=at,
    )
    return {key: Planner(name, json.loads(options)) for key, name, options in rows.iter_rows()}


def alone(connection: Connection, site_key: str, since: datetime, until: datetime) -> list[UUID]:
    """Live rolling plans decided in ``[since, until]`` beside which nobody has planned yet, oldest first."""
    found = connection.execute(
        sa.text("""SELECT live.planning_run_id FROM ems.planning_run live
                   WHERE live.site_key = :site AND live.kind = 'rolling' AND NOT live.is_shadow AND live.is_verified
                     AND NOT live.is_hindsight AND live.decided_at BETWEEN :since AND :until
                     AND NOT EXISTS (SELECT FROM ems.planning_run beside
                                     WHERE beside.is_shadow AND beside.site_key = live.site_key
                                       AND beside.decided_at = live.decided_at
                                       AND beside.horizon_start = live.horizon_start)
                   ORDER BY live.decided_at"""),
        {"site": site_key, "since": since, "until": until},
    )
    return list(found.scalars())


def both(connection: Connection, site_key: str, start: datetime, end: datetime) -> pl.DataFrame:
    """Live rolling plans for the slots of ``[start, end)``, the newest of each, with what was planned beside them.

    Returns:
        ``[starts_at, planner, problem, options, shadow, shadow_problem, shadow_options]``, documents as JSON text; the
        last three are null where nobody planned beside it.
    """
    return query(
        connection,
        """SELECT DISTINCT ON (live.horizon_start) live.horizon_start AS starts_at, live.planner,
                  live.problem::text AS problem, (live.made_with -> 'options')::text AS options,
                  beside.planner AS shadow, beside.problem::text AS shadow_problem,
                  (beside.made_with -> 'options')::text AS shadow_options
           FROM ems.planning_run live
           LEFT JOIN ems.planning_run beside ON beside.site_key = live.site_key AND beside.is_shadow
                AND beside.decided_at = live.decided_at AND beside.horizon_start = live.horizon_start
                AND beside.status <> 'failed'
           WHERE live.site_key = :site AND live.kind = 'rolling' AND live.is_verified AND NOT live.is_hindsight
             AND live.horizon_start >= :start AND live.horizon_start < :end
           ORDER BY live.horizon_start, live.decided_at DESC""",
        site=site_key,
        start=start,
        end=end,
    )


def put_day(connection: Connection, row: dict[str, Any]) -> None:
    """Keep a compared day; one that is compared again replaces itself."""
    upsert(connection, "ems.planner_day", pl.DataFrame([row]), ("site_key", "day"))


@dataclass(frozen=True)
class Contest:
    """Who is compared with whom: names, and all in which their options could differ."""

    live: str
    options: dict[str, Any]
    shadow: str
    shadow_options: dict[str, Any]

    @classmethod
    def of(cls, site: Site, roles: Roles) -> Contest:
        """Of a site that has a challenger."""
        assert roles.shadow is not None
        said = [site.planned_by(one).planning.model_dump(include=DIFFERING, exclude_none=True)
                for one in (roles.live, roles.shadow)]  # fmt: skip
        return cls(roles.live.name, said[0], roles.shadow.name, said[1])

    @property
    def values(self) -> dict[str, Any]:
        """As columns of ``ems.planner_day``; documents as JSON text."""
        names = {"live": self.live, "shadow": self.shadow}
        texts = {"options": self.options, "shadow_options": self.shadow_options}
        return names | {name: json.dumps(options) for name, options in texts.items()}


def gains(connection: Connection, site: Site, contest: Contest, last: date) -> list[float]:
    """What the shadow gained on each day up to ``last`` since the two have their roles, oldest first."""
    changed = sa.text("SELECT max(changed_at) FROM ems.planner_change WHERE site_key = :site")
    changed_at = connection.execute(changed, {"site": site.key}).scalar_one()
    since = date.min if changed_at is None else time_grid.local_day(changed_at, time_grid.zone(site.timezone))
    found = connection.execute(
        sa.text("""SELECT gain FROM ems.planner_day
                   WHERE site_key = :site AND day > :since AND day <= :last AND refused IS NULL
                     AND live = :live AND options = CAST(:options AS jsonb)
                     AND shadow = :shadow AND shadow_options = CAST(:shadow_options AS jsonb)
                   ORDER BY day"""),
        {"site": site.key, "since": since, "last": last, **contest.values},
    )
    return list(found.scalars())


def put_verdict(connection: Connection, row: dict[str, Any]) -> None:
    """Add what has been shown by a night; documents as JSON text. Of two at the same instant the first one stays."""
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(
        sa.text(f"INSERT INTO ems.planner_verdict ({names}) VALUES ({values}) ON CONFLICT DO NOTHING"), row
    )


def promote(connection: Connection, site_key: str, by: str, reason: str, at: datetime) -> str:
    """The challenger plans from the next decision on; its name.

    Raises:
        ValueError: it has not shown that it is better, or the site file forbids it; the text says which.
    """
    try:
        found = connection.execute(
            sa.text("SELECT ems.fn_planner_change(:site, :by, :reason, :at, :code)"),
            {"site": site_key, "by": by, "reason": reason, "at": at, "code": code_version()},
        )
        return str(found.scalar_one())
    except sa.exc.DBAPIError as fault:
        diagnosis = getattr(fault.orig, "diag", None)
        if diagnosis is None or getattr(fault.orig, "sqlstate", "") != "22023":
            raise
        raise ValueError(f"{diagnosis.message_primary}; {diagnosis.message_hint}") from None


@dataclass(frozen=True)
class Standing:
    """The newest verdict and the newest change of a site; None: there is none."""

    verdict: dict[str, Any] | None
    change: dict[str, Any] | None


def standing(connection: Connection, site_key: str) -> Standing:
    """What is known of a site's planners."""
    newest = [
        connection.execute(
            sa.text(f"SELECT * FROM ems.{table} WHERE site_key = :site ORDER BY {at} DESC LIMIT 1"), {"site": site_key}
        ).mappings().first()
        for table, at in (("planner_verdict", "judged_at"), ("planner_change", "changed_at"))
    ]  # fmt: skip
    return Standing(*(None if row is None else dict(row) for row in newest))


def days(connection: Connection, site_key: str, last: int) -> pl.DataFrame:
    """The last compared days of a site, newest first; documents as JSON text."""
    return query(
        connection,
        """SELECT day, live, shadow, compared, decisions, net_cost, shadow_net_cost, gain, measured_net_cost,
                  currency, refused
           FROM ems.planner_day WHERE site_key = :site ORDER BY day DESC LIMIT :last""",
        site=site_key,
        last=last,
    )


def changes(connection: Connection, site_key: str) -> pl.DataFrame:
    """Who took over when and why, newest first, with what had been shown."""
    return query(
        connection,
        """SELECT c.changed_at, c.planner, c.former, c.changed_by, c.reason, v.days, v.gain, v.gain_low, v.gain_high,
                  v.currency, c.code_version
           FROM ems.planner_change c JOIN ems.planner_verdict v USING (site_key, judged_at)
           WHERE site_key = :site ORDER BY c.changed_at DESC""",
        site=site_key,
    )
