"""What is still to be said to a Bitrix24 portal, written down before it is sent, and how the portal stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

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
class Letter:
    """Something to be said to the portal about an order."""

    number: int
    order_id: int
    what: What
    said: Mapping[str, Any]
    tries: int


def alone(connection: Connection) -> bool:
    """Whether this session is now the only one that synchronises; it is until it ends."""
    return bool(connection.execute(sa.text("SELECT pg_try_advisory_lock(:n)"), {"n": LOCK}).scalar_one())


def done_alone(connection: Connection) -> None:
    """Others may, too."""
    connection.execute(sa.text("SELECT pg_advisory_unlock(:n)"), {"n": LOCK})


def standing(connection: Connection) -> Standing:
    """How the portal stands; its row is made by the first who looks, so that a new database is an empty one."""
    connection.execute(sa.text("INSERT INTO ems.bitrix_portal DEFAULT VALUES ON CONFLICT DO NOTHING"))
    row = connection.execute(
        sa.text("""SELECT installation, looked_at, failing_since, woken_at, held_until, is_shut, problem
                   FROM ems.bitrix_portal""")
    ).one()
    return Standing(*row)


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether anything is to be said or looked at now."""
    waits, is_open = connection.execute(
        sa.text("""SELECT EXISTS (SELECT FROM ems.bitrix_outbox WHERE ended_at IS NULL AND next_try_at <= :now),
                          EXISTS (SELECT FROM ems.bitrix_task WHERE state IN ('open', 'unfinished'))"""),
        {"now": now},
    ).one()
    return bool(waits or (is_open and standing(connection).is_look_due(now)))


def post(connection: Connection, order_id: int, what: What, said: Mapping[str, Any], now: datetime) -> None:
    """Something is to be said; it is sent after everything that was filed before it for the same order."""
    connection.execute(
        sa.text("""INSERT INTO ems.bitrix_outbox (order_id, what, said, filed_at, next_try_at)
                   VALUES (:order, :what, CAST(:said AS jsonb), :now, :now)"""),
        {"order": order_id, "what": what, "said": json.dumps(dict(said), ensure_ascii=False), "now": now},
    )


def forget(connection: Connection, order_id: int, now: datetime) -> None:
    """What was not said of an order by now is not said any more."""
    connection.execute(
        sa.text("UPDATE ems.bitrix_outbox SET ended_at = :now WHERE order_id = :order AND ended_at IS NULL"),
        {"order": order_id, "now": now},
    )


def due(connection: Connection, now: datetime) -> list[Letter]:
    """The oldest letter of every order, as far as it may be tried now, oldest first."""
    found = connection.execute(
        sa.text("""SELECT bitrix_outbox_id, order_id, what, said, tries
                   FROM (SELECT DISTINCT ON (order_id) * FROM ems.bitrix_outbox WHERE ended_at IS NULL
                         ORDER BY order_id, bitrix_outbox_id) AS oldest
                   WHERE next_try_at <= :now ORDER BY bitrix_outbox_id"""),
        {"now": now},
    )
    return [Letter(*row) for row in found]


def begin(connection: Connection, letter: Letter, until_at: datetime) -> None:
    """It is about to be sent. Whoever comes after a crash leaves it alone until the portal has certainly ended it."""
    connection.execute(
        sa.text("""UPDATE ems.bitrix_outbox SET tries = tries + 1, next_try_at = :until
                   WHERE bitrix_outbox_id = :number"""),
        {"number": letter.number, "until": until_at},
    )


def put_off(
    connection: Connection, letter: Letter, problem: str, next_try_at: datetime, *, is_refused: bool = False
) -> None:
    """It was not taken, as far as we know; why, when it is tried again, and whether a person has to do something."""
    connection.execute(
        sa.text("""UPDATE ems.bitrix_outbox SET problem = :problem, next_try_at = :next, is_refused = :refused
                   WHERE bitrix_outbox_id = :number"""),
        {"number": letter.number, "problem": paragraph(problem), "next": next_try_at, "refused": is_refused},
    )


def end(connection: Connection, letter: Letter, now: datetime) -> None:
    """It was taken."""
    connection.execute(
        sa.text("UPDATE ems.bitrix_outbox SET ended_at = :now, problem = '' WHERE bitrix_outbox_id = :number"),
        {"number": letter.number, "now": now},
    )


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
