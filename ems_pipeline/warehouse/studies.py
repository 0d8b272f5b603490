"""Backtests stored and read: schema `study`, by the role that alone may write there (`sql/roles/R__roles.sql`).

Whoever comes here takes that role on for the transaction; as the pipeline itself nobody reads what never was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from psycopg.errors import InsufficientPrivilege, InvalidParameterValue, UndefinedObject
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.engine import Warehouse
from ems_pipeline.warehouse.frames import copy_into, query
from ems_pipeline.warehouse.roles import ROLES, RolesMissing

TABLE = "study.day"


@dataclass(frozen=True)
class Part:
    """A month of a home under a variant that is done; see the table `study.part`."""

    study: str
    home: str
    variant: str
    month: date
    inputs_digest: str
    rows_digest: str
    asked_days: int
    lived_days: int
    code_version: str


@contextmanager
def opened(warehouse: Warehouse) -> Iterator[Connection]:
    """A transaction that may read and write studies and nothing else.

    Raises:
        RolesMissing: the server has no such role, or this login may not take it on.
    """
    with warehouse.begin() as connection:
        try:
            connection.exec_driver_sql(f"SET LOCAL ROLE {ROLES['study']}")
        except sa.exc.DBAPIError as error:
            if not isinstance(error.orig, InsufficientPrivilege | InvalidParameterValue | UndefinedObject):
                raise
            raise RolesMissing(
                f"{connection.engine.url.username} may not take on role {ROLES['study']}, which alone sees studies",
                "let the database's owner run `ems db migrate`; before PostgreSQL 16 use a login of its own: "
                "`ems db login NAME study`",
            ) from error
        yield connection


def ask(connection: Connection, study: str, definition: str, asked_at: datetime) -> None:
    """Store what is asked for under a name, in place of what was asked before."""
    connection.execute(
        sa.text("""INSERT INTO study.definition (study_key, definition, asked_at)
                   VALUES (:study, CAST(:definition AS json), :at)
                   ON CONFLICT (study_key)
                   DO UPDATE SET definition = excluded.definition, asked_at = excluded.asked_at"""),
        {"study": study, "definition": definition, "at": asked_at},
    )


def asked(connection: Connection) -> dict[str, str]:
    """Definitions as JSON, by the names of their studies."""
    found = connection.exec_driver_sql("SELECT study_key, definition FROM study.definition ORDER BY 1")
    return {name: json.dumps(definition) for name, definition in found}


def parts(connection: Connection, study: str) -> list[Part]:
    """What is done of a study, by home, variant and month."""
    found = connection.execute(
        sa.text("""SELECT study_key, home_key, variant, month, inputs_digest, rows_digest, asked_days, lived_days,
                          code_version
                   FROM study.part WHERE study_key = :study ORDER BY 2, 3, 4"""),
        {"study": study},
    )
    return [Part(*row) for row in found]


def put(connection: Connection, part: Part, days: pl.DataFrame, recorded_at: datetime) -> None:
    """Store a part with its days, in place of what it was before.

    Args:
        days: columns of `study.day` from ``day`` on; a part of which nothing could be lived has none.
    """
    labels = {"study_key": part.study, "home_key": part.home, "variant": part.variant, "month": part.month}
    connection.execute(
        sa.text("""DELETE FROM study.part WHERE study_key = :study_key AND home_key = :home_key
                   AND variant = :variant AND month = :month"""),
        labels,
    )
    connection.execute(
        sa.text("""INSERT INTO study.part (study_key, home_key, variant, month, inputs_digest, rows_digest, asked_days,
                                           lived_days, code_version, recorded_at)
                   VALUES (:study_key, :home_key, :variant, :month, :inputs, :rows, :asked, :lived, :code, :at)"""),
        {**labels, **_said(part, recorded_at)},
    )
    if days.height:
        labelled = days.with_columns(**{name: pl.lit(value) for name, value in labels.items()})
        copy_into(connection, TABLE, labelled)


def _said(part: Part, recorded_at: datetime) -> Mapping[str, Any]:
    return {
        "inputs": part.inputs_digest, "rows": part.rows_digest, "asked": part.asked_days, "lived": part.lived_days,
        "code": part.code_version, "at": recorded_at,
    }  # fmt: skip


def days(connection: Connection, study: str) -> pl.DataFrame:
    """All days of a study by home, variant and day; columns of `study.day`."""
    return query(
        connection, "SELECT * FROM study.day WHERE study_key = :study ORDER BY home_key, variant, day", study=study
    )


def conclude(connection: Connection, study: str, savings: pl.DataFrame) -> None:
    """Store what a study came to, in place of what stood there; ``savings`` has columns of `study.saving`."""
    connection.execute(sa.text("DELETE FROM study.saving WHERE study_key = :study"), {"study": study})
    copy_into(connection, "study.saving", savings)


def answer(connection: Connection, what_if: Mapping[str, Any], variants: pl.DataFrame) -> None:
    """Store what a study says to a question, in place of what it said before.

    Args:
        what_if: columns of `study.what_if`.
        variants: columns of `study.what_if_variant`.
    """
    connection.execute(sa.text("DELETE FROM study.what_if WHERE what_if_key = :what_if_key"), what_if)
    connection.execute(
        sa.text("""INSERT INTO study.what_if (what_if_key, study_key, site_key, question, is_own, currency, first_day,
                                              last_day, lived_days, left_out, answered_at)
                   VALUES (:what_if_key, :study_key, :site_key, CAST(:question AS json), :is_own, :currency,
                           :first_day, :last_day, :lived_days, :left_out, :answered_at)"""),
        what_if,
    )
    copy_into(connection, "study.what_if_variant", variants)


def measured_since(connection: Connection, site_key: str, start: datetime) -> datetime | None:
    """When the first slot after ``start`` was measured at least half; None: none was."""
    found: datetime | None = connection.execute(
        sa.text("""SELECT min(starts_at) FROM ems.vw_site_15m
                   WHERE site_key = :site AND starts_at >= :start AND coverage_pct >= 50"""),
        {"site": site_key, "start": start},
    ).scalar_one()
    return found


def measured(connection: Connection, site_key: str, start: datetime, end: datetime) -> pl.DataFrame:
    """What a site drew and made in slots that were measured at least half: starts_at, load_w, pv_w.

    ``load_w`` is all consumption less what generating sets gave: cars and heat pumps drew what they drew.
    """
    return query(
        connection,
        """SELECT starts_at, load_w + ev_w + heat_pump_w - genset_w AS load_w, pv_w FROM ems.vw_site_15m
           WHERE site_key = :site AND starts_at >= :start AND starts_at < :end AND coverage_pct >= 50
           ORDER BY starts_at""",
        site=site_key,
        start=start,
        end=end,
    )
