"""Tasks in Bitrix24: which order became which task, and what people did of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.bitrix.order import Closed, Item, Order, Seen
from ems_pipeline.plain_text import paragraph
from ems_pipeline.warehouse import bitrix_post, maintenance

LIVE = "('wanted', 'open', 'unfinished')"
KNOWN = "t.order_id, t.site_key, t.wanted, t.task_id, t.state, t.changed_at"
WANTED = f"""
    SELECT DISTINCT ON (a.site_key, a.asset_key) a.alert_id, a.site_key, a.asset_key, a.level
    FROM ems.maintenance_alert a
    JOIN ems.site s USING (site_key)
    JOIN ems.maintenance_plan p ON p.site_key = a.site_key AND p.asset_key = a.asset_key AND p.until_at IS NULL
    JOIN ems.maintenance_level l ON l.template_id = p.template_id AND l.level = a.level
    WHERE a.resolved_at IS NULL AND s.is_active
      AND NOT EXISTS (
          SELECT FROM ems.bitrix_task t JOIN ems.maintenance_order o USING (order_id)
          JOIN ems.maintenance_level k ON k.template_id = o.template_id AND k.level = o.level
          JOIN ems.maintenance_alert f ON f.alert_id = t.alert_id
          WHERE o.site_key = a.site_key AND o.asset_key = a.asset_key AND k.rank >= l.rank
            AND (t.state IN {LIVE} OR (t.state IN ('gone', 'withdrawn') AND f.resolved_at IS NULL)))
    ORDER BY a.site_key, a.asset_key, l.rank DESC"""
"""Of each set the largest service that is due and is no task yet: it includes the smaller ones. What people deleted in
the portal or cancelled here is not made again for as long as its alert stands."""


@dataclass(frozen=True)
class Known:
    """An order that became a task, or is to become one."""

    order_id: int
    site_key: str
    order: Order
    task_id: int | None
    state: str
    changed_at: datetime | None


def is_news(connection: Connection) -> bool:
    """Whether a service is due that is no task yet, or an order ended here whose task goes on."""
    return bool(connection.execute(sa.text(f"SELECT EXISTS ({WANTED}) OR EXISTS ({ENDED})")).scalar_one())


def file_due(connection: Connection, installation: str, language: str, now: datetime) -> int:
    """Make an order of every service that is due, where there is none, and file its task; how many were filed."""
    found = connection.execute(sa.text(WANTED)).all()
    for alert_id, site_key, asset_key, level in found:
        maintenance.acting_for(connection, "Bitrix24")
        order_id = maintenance.make_order(connection, site_key, asset_key, level, now)
        order = _order(connection, order_id, alert_id, installation, language)
        filed = connection.execute(
            sa.text("""INSERT INTO ems.bitrix_task (order_id, alert_id, site_key, order_key, wanted, filed_at, state_at)
                       VALUES (:order, :alert, :site, :key, CAST(:wanted AS jsonb), :now, :now)
                       ON CONFLICT DO NOTHING"""),
            {
                "order": order_id, "alert": alert_id, "site": site_key, "key": order.key, "now": now,
                "wanted": json.dumps(order.stored(), ensure_ascii=False),
            },
        )  # fmt: skip
        if filed.rowcount:
            bitrix_post.post(connection, order_id, "add", {}, now)
    return len(found)


def _order(connection: Connection, order_id: int, alert_id: int, installation: str, language: str) -> Order:
    """An order as it is first told: lines in the portal's language as far as the template has it."""
    row = connection.execute(
        sa.text("""SELECT o.level, o.asset_key, s.name, a.severity, a.due_h, a.due_on
                   FROM ems.maintenance_order o JOIN ems.site s USING (site_key)
                   JOIN ems.maintenance_alert a ON a.alert_id = :alert WHERE o.order_id = :order"""),
        {"order": order_id, "alert": alert_id},
    ).one()
    lines = connection.execute(
        sa.text("""SELECT code, coalesce(text ->> :language, text ->> 'en'), is_critical FROM ems.maintenance_item
                   WHERE order_id = :order ORDER BY position"""),
        {"order": order_id, "language": language},
    )
    due = [] if row.due_h is None else [f"{row.due_h:.0f} h"]
    due += [] if row.due_on is None else [f"{row.due_on:%Y-%m-%d}"]
    text = f"{row.name} / {row.asset_key}: {row.level}, {row.severity}"
    return Order(
        key=f"ems-{installation}-{order_id}", title=f"{row.level} {row.asset_key}, {row.name}",
        text=f"{text}; {' / '.join(due)}" if due else text, deadline_at=row.due_on,
        items=tuple(Item(*line) for line in lines), is_urgent=row.severity != "warning",
    )  # fmt: skip


def added(connection: Connection, order_id: int, task_id: int, now: datetime) -> None:
    """The portal has the task; one whose order ended meanwhile keeps its state."""
    connection.execute(
        sa.text("""UPDATE ems.bitrix_task SET task_id = :task, state_at = :now,
                          state = CASE state WHEN 'wanted' THEN 'open' ELSE state END WHERE order_id = :order"""),
        {"order": order_id, "task": task_id, "now": now},
    )


def turn(
    connection: Connection, order_id: int, state: str, now: datetime, seen: Seen | None = None, problem: str = ""
) -> None:
    """A task stands otherwise now; ``seen``: as the portal showed it."""
    connection.execute(
        sa.text("""UPDATE ems.bitrix_task SET state = :state, state_at = :now, problem = :problem,
                          changed_at = coalesce(:changed, changed_at) WHERE order_id = :order"""),
        {
            "order": order_id, "state": state, "now": now, "problem": paragraph(problem),
            "changed": None if seen is None else seen.changed_at,
        },
    )  # fmt: skip


def of_order(connection: Connection, order_id: int) -> Known:
    """One of them."""
    return known(
        *connection.execute(
            sa.text(f"SELECT {KNOWN} FROM ems.bitrix_task t WHERE order_id = :order"), {"order": order_id}
        ).one()
    )


def followed(connection: Connection) -> list[Known]:
    """Tasks that people may be working at, by order."""
    found = connection.execute(
        sa.text(f"SELECT {KNOWN} FROM ems.bitrix_task t WHERE state IN ('open', 'unfinished') ORDER BY order_id")
    )
    return [known(*row) for row in found]


def take(connection: Connection, one: Known, closed: Closed) -> list[str]:
    """What people did becomes our log; the critical lines that are still open: with one of them the order stays open.

    What was answered here stays, but for a line that is ticked there and was not done here. ValueError: the log does
    not take it; its remedy is told.
    """
    maintenance.acting_for(connection, f"Bitrix24 user {closed.by or 'unknown'}")
    ours = connection.execute(
        sa.text("SELECT code, result FROM ems.maintenance_item WHERE order_id = :order"), {"order": one.order_id}
    ).all()
    for code, result in ours:
        tick = closed.ticks.get(code)
        if tick is not None and tick.is_done and result in (None, "not"):
            note = f"Bitrix24 user {tick.by}, {tick.at:%Y-%m-%d %H:%M} UTC" if tick.at and tick.by else "Bitrix24"
            maintenance.answer(connection, one.order_id, code, "done", note=note)
        elif (tick is None or not tick.is_done) and result is None:
            maintenance.answer(connection, one.order_id, code, "not", note="not ticked in Bitrix24")
    critical = connection.execute(
        sa.text("""SELECT code FROM ems.maintenance_item WHERE order_id = :order AND is_critical
                   AND coalesce(result, 'not') = 'not' ORDER BY position"""),
        {"order": one.order_id},
    ).scalars()
    if not (left := list(critical)):
        report = f"closed in Bitrix24, task {closed.task_id}"
        maintenance.complete(connection, one.order_id, None, closed.at, report)
    return left


ENDED = """
    SELECT FROM ems.bitrix_task t JOIN ems.maintenance_order o USING (order_id)
    WHERE o.state <> 'open' AND t.state IN ('wanted', 'open', 'unfinished')"""


def file_ended(connection: Connection, now: datetime) -> None:
    """Orders that ended here: their tasks are to be completed, or told that nobody wants them any more."""
    found = connection.execute(
        sa.text(f"""SELECT t.order_id, t.task_id, o.state, o.cancelled_by,
                           (SELECT array_agg(i.code) FROM ems.maintenance_item i
                            WHERE i.order_id = t.order_id AND i.result IN ('done', 'na')) {ENDED.lstrip()[7:]}""")
    ).all()
    for order_id, task_id, state, cancelled_by, codes in found:
        bitrix_post.forget(connection, order_id, now)
        turn(connection, order_id, "withdrawn" if state == "cancelled" or task_id is None else "done", now)
        if task_id is not None and state == "cancelled":
            bitrix_post.post(connection, order_id, "say", {"text": f"cancelled by {cancelled_by}"}, now)
        elif task_id is not None:
            bitrix_post.post(connection, order_id, "complete", {"codes": codes or []}, now)


def troubles(connection: Connection) -> list[tuple[int, str, str]]:
    """Order, site and what is wrong with it, of tasks that people should look at."""
    found = connection.execute(
        sa.text("""SELECT t.order_id, t.site_key, coalesce(nullif(t.problem, ''), o.problem)
                   FROM ems.bitrix_task t LEFT JOIN LATERAL (
                       SELECT max(problem) AS problem FROM ems.bitrix_outbox
                       WHERE order_id = t.order_id AND ended_at IS NULL AND is_refused) o ON true
                   WHERE t.problem <> '' OR o.problem <> '' ORDER BY t.order_id""")
    )
    return [(order, site, problem) for order, site, problem in found]


def known(order_id: int, site_key: str, wanted: Any, task_id: int | None, state: str, changed_at: Any) -> Known:
    """From a row of `KNOWN`."""
    return Known(order_id, site_key, Order.read(wanted), task_id, state, changed_at)
