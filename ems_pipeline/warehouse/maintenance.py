"""What people do about services on the machine: the same functions of the database that the web process calls."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.maintenance.checklist import Since, checklist
from ems_pipeline.maintenance.template import Template, read
from ems_pipeline.warehouse.frames import query


def acting_for(connection: Connection, person: str) -> None:
    """What is done in this transaction is noted as done for this person."""
    connection.execute(sa.text("SELECT set_config('ems.person', :person, true)"), {"person": person})


def add_template(connection: Connection, template: Template) -> int:
    """Store a template; its number, which is that of before where nothing has changed."""
    whole, levels = json.dumps(template.document()), json.dumps(template.levels_with_limits())
    call = "fn_maintenance_template_add(CAST(:whole AS jsonb), CAST(:levels AS jsonb))"
    return int(_call(connection, call, whole=whole, levels=levels))


def templates(connection: Connection) -> pl.DataFrame:
    """Columns: template_id, template_key, version, name (English), levels, tasks (how many), retired_at."""
    return query(
        connection,
        """SELECT t.template_id, t.template_key, t.version, t.name ->> 'en' AS name,
                  (SELECT string_agg(l.level, ', ' ORDER BY l.rank) FROM ems.maintenance_level l
                   WHERE l.template_id = t.template_id) AS levels,
                  (SELECT count(*) FROM ems.maintenance_task k WHERE k.template_id = t.template_id) AS tasks,
                  t.retired_at
           FROM ems.maintenance_template t ORDER BY t.template_key, t.version""",
    )


def newest_template(connection: Connection, key: str) -> int:
    """The number of a template's newest version; LookupError where there is none that is not retired."""
    found = connection.execute(
        sa.text("""SELECT template_id FROM ems.maintenance_template WHERE template_key = :key AND retired_at IS NULL
                   ORDER BY version DESC LIMIT 1"""),
        {"key": key},
    ).scalar_one_or_none()
    if found is None:
        raise LookupError(
            f"there is no template {key!r}; `ems maintenance list` shows them, `ems maintenance seed` makes one"
        )
    return int(found)


def put_plan(
    connection: Connection, site_key: str, asset_key: str, template_id: int, last: Sequence[Mapping[str, Any]] = ()
) -> int:
    """Give a set a template; ``last``: of levels that somebody knows of, `level`, `done_h`, `done_at` (RFC 3339)."""
    return int(
        _call(
            connection,
            "fn_maintenance_plan_put(:site, :asset, :template, CAST(:last AS jsonb))",
            site=site_key, asset=asset_key, template=template_id, last=json.dumps(list(last)),
        )
    )  # fmt: skip


def due(connection: Connection, at: datetime, site_key: str | None = None) -> pl.DataFrame:
    """Every level of every set with a plan, as ``fn_maintenance_due`` says, by site, set and rank."""
    return query(
        connection,
        "SELECT * FROM ems.fn_maintenance_due(:at, :site) ORDER BY site_key, asset_key, rank",
        at=at,
        site=site_key,
    )


def make_order(connection: Connection, site_key: str, asset_key: str, level: str, at: datetime, note: str = "") -> int:
    """An order for a service with the tasks that are due; the open one where there is one.

    Raises:
        LookupError: the set has no plan, or its plan no such level.
    """
    found = connection.execute(
        sa.text("""SELECT t.document FROM ems.maintenance_plan p JOIN ems.maintenance_template t USING (template_id)
                   WHERE p.site_key = :site AND p.asset_key = :asset AND p.until_at IS NULL"""),
        {"site": site_key, "asset": asset_key},
    ).scalar_one_or_none()
    if found is None:
        raise LookupError(f"{asset_key} of {site_key} has no maintenance plan; `ems maintenance plan` gives it one")
    template = read(found)
    if level not in template.ranks:
        raise LookupError(f"{asset_key} has no level {level!r}; its levels are {', '.join(template.ranks)}")
    since = connection.execute(
        sa.text("SELECT * FROM ems.fn_maintenance_since(:site, :asset, :at)"),
        {"site": site_key, "asset": asset_key, "at": at},
    )
    codes = [task.code for task in checklist(template, level, {code: Since(*ago) for code, *ago in since})]
    return int(
        _call(
            connection,
            "fn_maintenance_order_add(:site, :asset, :level, :codes, :note)",
            site=site_key, asset=asset_key, level=level, codes=codes, note=note,
        )
    )  # fmt: skip


def answer(
    connection: Connection, order_id: int, code: str, result: str | None, value: str = "", note: str = ""
) -> None:
    """What became of a line of an open order: ``done``, ``not``, ``na``, None."""
    _call(
        connection,
        "fn_maintenance_item_answer(:order, :code, :result, :value, :note)",
        order=order_id, code=code, result=result, value=value, note=note,
    )  # fmt: skip


def answer_all(connection: Connection, order_id: int, left: Collection[str] = ()) -> None:
    """Every line of an open order is done but those named.

    Raises:
        LookupError: a code that is named is no line of it.
    """
    codes = (
        connection.execute(
            sa.text("SELECT code FROM ems.maintenance_item WHERE order_id = :order ORDER BY position"),
            {"order": order_id},
        )
        .scalars()
        .all()
    )
    if strange := sorted(set(left) - set(codes)):
        raise LookupError(f"{', '.join(strange)} is no line of this service; its lines are {', '.join(codes)}")
    for code in codes:
        answer(connection, order_id, code, "not" if code in left else "done")


def complete(
    connection: Connection, order_id: int, hours: float | None, done_at: datetime, report: str = ""
) -> list[str]:
    """End an order; the levels that it closed."""
    closed: list[str] = _call(
        connection,
        "fn_maintenance_order_complete(:order, CAST(:hours AS float8), :at, :report)",
        order=order_id, hours=hours, at=done_at, report=report,
    )  # fmt: skip
    return closed


def enter_meter(
    connection: Connection, site_key: str, asset_key: str, kind: str, hours: float, at: datetime,
    old_h: float | None = None, reason: str = "",
) -> float | None:  # fmt: skip
    """What a person says of a meter, see ``fn_genset_meter_enter``; the sum after it, h."""
    found: float | None = _call(
        connection,
        "fn_genset_meter_enter(:site, :asset, :kind, :hours, CAST(:old AS float8), :at, :reason)",
        site=site_key, asset=asset_key, kind=kind, hours=hours, old=old_h, at=at, reason=reason,
    )  # fmt: skip
    return found


def log(connection: Connection, site_key: str | None, limit: int = 100) -> pl.DataFrame:
    """Services that were done, the newest first. Columns: order_id, site_key, asset_key, level, done_at, done_h, ..."""
    return query(
        connection,
        """SELECT o.order_id, o.site_key, o.asset_key, o.level, o.done_at, o.done_h, o.done_by, o.report,
                  array_to_string(o.closed_levels, ', ') AS closed_levels,
                  i.done, i.items
           FROM ems.maintenance_order o
           CROSS JOIN LATERAL (SELECT count(*) AS items, count(*) FILTER (WHERE i.result = 'done') AS done
                               FROM ems.maintenance_item i WHERE i.order_id = o.order_id) i
           WHERE o.state = 'done' AND (CAST(:site AS text) IS NULL OR o.site_key = :site)
           ORDER BY o.done_at DESC, o.order_id DESC LIMIT :limit""",
        site=site_key,
        limit=limit,
    )


def meters(connection: Connection, site_key: str | None) -> pl.DataFrame:
    """What is counted. Columns: site_key, asset_key, hours, register_h, read_at, doubt."""
    return query(
        connection,
        """SELECT site_key, asset_key, hours, register_h, read_at, doubt FROM ems.genset_meter
           WHERE CAST(:site AS text) IS NULL OR site_key = :site ORDER BY site_key, asset_key""",
        site=site_key,
    )


def _call(connection: Connection, call: str, **values: Any) -> Any:
    """The answer of a function; what it refuses is a ValueError with its remedy."""
    try:
        return connection.execute(sa.text(f"SELECT ems.{call}"), values).scalar_one()
    except sa.exc.DBAPIError as error:
        said = getattr(error.orig, "diag", None)
        if said is None or said.sqlstate != "22023":  # invalid_parameter_value: its own refusals
            raise
        raise ValueError("; ".join(filter(None, (said.message_primary, said.message_hint)))) from error
