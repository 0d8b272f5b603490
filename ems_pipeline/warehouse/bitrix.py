"""Tasks in Bitrix24: which alert became which task, what is still to be said, and how the portal stands."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.bitrix.order import Order, Seen
from ems_pipeline.plain_text import paragraph

What = Literal["add", "say", "complete"]
LOOK_EVERY = timedelta(seconds=300)
LOCK = 4_024_011
"""Number of the advisory lock: one synchronisation at a time."""


@dataclass(frozen=True)
class Standing:
    """How the portal stands; ``is_shut``: until a person says that it is open again."""

    installation: str
    looked_at: datetime | None
    failing_since: datetime | None
    woken_at: datetime | None
    held_until: datetime | None
    is_shut: bool
    problem: str

    def may_ask(self, now: datetime) -> bool:
        return not self.is_shut and (self.held_until is None or self.held_until <= now)

    def is_look_due(self, now: datetime) -> bool:
        """Every five minutes, and when somebody woke us after the last look."""
        if self.looked_at is None or self.looked_at + LOOK_EVERY <= now:
            return True
        return self.woken_at is not None and self.woken_at >= self.looked_at


@dataclass(frozen=True)
class Known:
    """An alert that became a task, or is to become one."""

    alert_id: int
    site_key: str
    order: Order
    task_id: int | None
    state: str
    changed_at: datetime | None


@dataclass(frozen=True)
class Letter:
    """Something to be said to the portal."""

    number: int
    known: Known
    what: What
    said: Mapping[str, Any]
    tries: int


def alone(connection: Connection) -> bool:
    """Whether this session is now the only one that synchronises; it is until it ends."""
    return bool(connection.execute(sa.text("SELECT pg_try_advisory_lock(:n)"), {"n": LOCK}).scalar_one())


def standing(connection: Connection) -> Standing:
    """How the portal stands."""
    row = connection.execute(
        sa.text("""SELECT installation, looked_at, failing_since, woken_at, held_until, is_shut, problem
                   FROM ems.bitrix_portal""")
    ).one()
    return Standing(*row)


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether anything is to be said or looked at now."""
    state = standing(connection)
    if not state.may_ask(now):
        return False
    waits, is_open = connection.execute(
        sa.text(f"""SELECT EXISTS (SELECT FROM ems.bitrix_outbox WHERE ended_at IS NULL AND next_try_at <= :now),
                           EXISTS (SELECT FROM ems.bitrix_task WHERE state IN {OPEN})"""),
        {"now": now},
    ).one()
    return bool(waits or (is_open and state.is_look_due(now)))


OPEN = "('open', 'unfinished')"
KNOWN = "t.alert_id, t.site_key, t.wanted, t.task_id, t.state, t.changed_at"


def file(connection: Connection, alert_id: int, site_key: str, order: Order, now: datetime) -> bool:
    """An alert is to become a task; False: it has before, and nothing is filed."""
    filed = connection.execute(
        sa.text("""INSERT INTO ems.bitrix_task (alert_id, site_key, order_key, wanted, filed_at, state_at)
                   VALUES (:alert, :site, :key, CAST(:wanted AS jsonb), :now, :now) ON CONFLICT DO NOTHING"""),
        {
            "alert": alert_id, "site": site_key, "key": order.key, "now": now,
            "wanted": json.dumps(order.stored(), ensure_ascii=False),
        },
    )  # fmt: skip
    if filed.rowcount:
        post(connection, alert_id, "add", {}, now)
    return bool(filed.rowcount)


def post(connection: Connection, alert_id: int, what: What, said: Mapping[str, Any], now: datetime) -> None:
    """Something is to be said; it is sent after everything that was filed before it for the same alert."""
    connection.execute(
        sa.text("""INSERT INTO ems.bitrix_outbox (alert_id, what, said, filed_at, next_try_at)
                   VALUES (:alert, :what, CAST(:said AS jsonb), :now, :now)"""),
        {"alert": alert_id, "what": what, "said": json.dumps(dict(said), ensure_ascii=False), "now": now},
    )


def due(connection: Connection, now: datetime) -> list[Letter]:
    """The oldest letter of every alert, as far as it may be tried now, oldest first."""
    found = connection.execute(
        sa.text(f"""SELECT o.bitrix_outbox_id, o.what, o.said, o.tries, {KNOWN}
                    FROM (SELECT DISTINCT ON (alert_id) * FROM ems.bitrix_outbox WHERE ended_at IS NULL
                          ORDER BY alert_id, bitrix_outbox_id) o
                    JOIN ems.bitrix_task t USING (alert_id)
                    WHERE o.next_try_at <= :now ORDER BY o.bitrix_outbox_id"""),
        {"now": now},
    )
    return [Letter(number, _known(*known), what, said, tries) for number, what, said, tries, *known in found]


def begin(connection: Connection, letter: Letter, until_at: datetime) -> None:
    """It is about to be sent. Whoever comes after a crash leaves it alone until the portal has certainly ended it."""
    connection.execute(
        sa.text("""UPDATE ems.bitrix_outbox SET tries = tries + 1, next_try_at = :until
                   WHERE bitrix_outbox_id = :number"""),
        {"number": letter.number, "until": until_at},
    )


def put_off(connection: Connection, letter: Letter, problem: str, next_try_at: datetime) -> None:
    """It was not taken, as far as we know; why, and when it is tried again."""
    connection.execute(
        sa.text("""UPDATE ems.bitrix_outbox SET problem = :problem, next_try_at = :next
                   WHERE bitrix_outbox_id = :number"""),
        {"number": letter.number, "problem": paragraph(problem), "next": next_try_at},
    )


def end(connection: Connection, letter: Letter, now: datetime) -> None:
    """It was taken."""
    connection.execute(
        sa.text("UPDATE ems.bitrix_outbox SET ended_at = :now, problem = '' WHERE bitrix_outbox_id = :number"),
        {"number": letter.number, "now": now},
    )


def added(connection: Connection, alert_id: int, task_id: int, now: datetime) -> None:
    """The portal has the task; one whose alert ended meanwhile keeps its state."""
    connection.execute(
        sa.text("""UPDATE ems.bitrix_task SET task_id = :task, state_at = :now,
                          state = CASE state WHEN 'wanted' THEN 'open' ELSE state END WHERE alert_id = :alert"""),
        {"alert": alert_id, "task": task_id, "now": now},
    )


def turn(connection: Connection, alert_id: int, state: str, now: datetime, seen: Seen | None = None) -> None:
    """A task stands otherwise now; ``seen``: as the portal showed it."""
    connection.execute(
        sa.text("""UPDATE ems.bitrix_task SET state = :state, state_at = :now,
                          changed_at = coalesce(:changed, changed_at) WHERE alert_id = :alert"""),
        {"alert": alert_id, "state": state, "now": now, "changed": None if seen is None else seen.changed_at},
    )


def followed(connection: Connection, states: Collection[str] = ("open", "unfinished")) -> list[Known]:
    """Tasks in these states, by alert."""
    found = connection.execute(
        sa.text(f"SELECT {KNOWN} FROM ems.bitrix_task t WHERE state = ANY(:states) ORDER BY alert_id"),
        {"states": list(states)},
    )
    return [_known(*row) for row in found]


def looked(connection: Connection, now: datetime) -> None:
    """All open tasks were looked at."""
    connection.execute(sa.text("UPDATE ems.bitrix_portal SET looked_at = :now"), {"now": now})


def answered(connection: Connection, now: datetime) -> None:
    """The portal does what it is asked."""
    connection.execute(
        sa.text("""UPDATE ems.bitrix_portal SET answered_at = :now, failing_since = NULL, held_until = NULL,
                          is_shut = false, problem = ''"""),
        {"now": now},
    )


def failed(
    connection: Connection, problem: str, now: datetime, held_until: datetime | None, *, is_shut: bool = False
) -> None:
    """It does not, and is left alone until then, or until a person says so."""
    connection.execute(
        sa.text("""UPDATE ems.bitrix_portal SET problem = :problem, failing_since = coalesce(failing_since, :now),
                          held_until = :held, is_shut = :shut"""),
        {"problem": paragraph(problem), "now": now, "held": held_until, "shut": is_shut},
    )


def problems(connection: Connection) -> list[tuple[int, str, str]]:
    """Alert, site and problem of every letter that the portal has refused, and of tasks that are gone."""
    found = connection.execute(
        sa.text("""SELECT t.alert_id, t.site_key, o.problem FROM ems.bitrix_outbox o JOIN ems.bitrix_task t USING (alert_id)
                   WHERE o.ended_at IS NULL AND o.problem <> '' AND t.state <> 'gone'
                   UNION ALL
                   SELECT alert_id, site_key, 'gone' FROM ems.bitrix_task WHERE state = 'gone'
                   ORDER BY alert_id""")
    )
    return [(alert, site, problem) for alert, site, problem in found]


def _known(alert_id: int, site_key: str, wanted: Any, task_id: int | None, state: str, changed_at: Any) -> Known:
    return Known(alert_id, site_key, Order.read(wanted), task_id, state, changed_at)
