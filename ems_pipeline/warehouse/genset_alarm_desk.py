"""What people at the machine ask of alarms of generating sets, and what they do about them; over HTTP: `api.routes`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from psycopg.errors import InvalidParameterValue
from sqlalchemy.engine import Connection, RowMapping

from ems_pipeline.gensets.states import AlarmGroup

Rows = Sequence[RowMapping]


def acknowledge(connection: Connection, number: int, by: str, reason: str) -> str:
    """Somebody at the machine knows of an alarm; its state after that. ValueError: none of this number stands."""
    return str(_asked(connection, "fn_genset_alarm_acknowledge(:number, :reason, :by)", number, by=by, reason=reason))


def shelve(connection: Connection, number: int, until_at: datetime, by: str, reason: str) -> None:
    """Somebody at the machine shelves an alarm; ValueError: as there, or the end or reason."""
    shelf = "fn_genset_alarm_shelve(:number, :until, :reason, :by)"
    _asked(connection, shelf, number, by=by, reason=reason, until=until_at)


def unshelve(connection: Connection, number: int, by: str) -> bool:
    """Somebody at the machine takes an alarm from its shelf; whether it was on one. ValueError: see there."""
    return bool(_asked(connection, "fn_genset_alarm_unshelve(:number, :by)", number, by=by))


def _asked(connection: Connection, function: str, number: int, **values: Any) -> Any:
    """What a function says that refuses in words."""
    try:
        with connection.begin_nested():
            return connection.execute(sa.text(f"SELECT ems.{function}"), {"number": number, **values}).scalar_one()
    except sa.exc.DBAPIError as error:
        if not isinstance(error.orig, InvalidParameterValue):
            raise
        said = (
            f"{error.orig.diag.message_primary}; {error.orig.diag.message_hint or '`ems gensets alarms list` has them'}"
        )
        raise ValueError(said) from None


def listing(connection: Connection, site_key: str | None) -> Rows:
    """What stands as people are shown it, the gravest first: of a site, or of all."""
    return _rows(
        connection,
        """SELECT * FROM ems.vw_genset_alarm
           WHERE ended_at IS NULL AND (CAST(:site AS text) IS NULL OR site_key = :site)
           ORDER BY array_position(CAST(:groups AS text[]), group_name), raised_at DESC""",
        site=site_key, groups=list(AlarmGroup),
    )  # fmt: skip


def journal(connection: Connection, site_key: str | None, since: datetime) -> Rows:
    """Steps since an instant, the newest first."""
    return _rows(
        connection,
        """SELECT e.*, a.device_key, a.group_name, a.name
           FROM ems.genset_alarm_event e JOIN ems.genset_alarm a USING (genset_alarm_id)
           WHERE e.at >= :since AND (CAST(:site AS text) IS NULL OR e.site_key = :site)
           ORDER BY e.genset_alarm_event_id DESC LIMIT 1000""",
        site=site_key, since=since,
    )  # fmt: skip


def report(connection: Connection, site_key: str | None, from_at: datetime, until_at: datetime) -> tuple[Rows, Rows]:
    """Rates by site, and alarms by how often they came: `fn_genset_alarm_rates`, `fn_genset_alarm_actors`."""
    given = {"sites": None if site_key is None else [site_key], "from": from_at, "until": until_at}
    asked = "(CAST(:sites AS text[]), :from, :until)"
    return (
        _rows(connection, f"SELECT * FROM ems.fn_genset_alarm_rates{asked}", **given),
        _rows(connection, f"SELECT * FROM ems.fn_genset_alarm_actors{asked}", **given),
    )


def _rows(connection: Connection, query: str, **given: Any) -> Rows:
    return connection.execute(sa.text(query), given).mappings().all()
