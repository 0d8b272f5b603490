"""What was told by which channel: written before it is sent, so that a restart repeats nothing that has arrived."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.notify.choice import rank
from ems_pipeline.notify.notice import Notice
from ems_pipeline.warehouse.channels import hashed

Ending = Literal["told", "unsure", "refused"]
MOST_TRIES = 3
"""Of what may have arrived each time: more would be a nuisance, fewer a loss."""
KEPT = timedelta(days=30)
"""After the end of an alarm; a report is remembered as long."""


@dataclass(frozen=True)
class Told:
    """How far a channel is with an alarm."""

    severity: str
    state: str
    tries: int

    def is_due(self, severity: str) -> bool:
        """Whether the alarm is to be told: worse than it was told, or not told yet for all we know."""
        if rank(severity) > rank(self.severity) or self.state == "refused":
            return True
        return self.may_have_arrived and self.tries < MOST_TRIES

    @property
    def may_have_arrived(self) -> bool:
        return self.state in ("sending", "unsure")


def standing(connection: Connection) -> list[Notice]:
    """Every open alarm in words."""
    found = connection.execute(
        sa.text("""SELECT alarm_id, severity, coalesce(site_key, ''), coalesce(device_key, ''), kind, text, raised_at
                   FROM ems.alarm WHERE cleared_at IS NULL ORDER BY alarm_id""")
    )
    return [Notice(*row) for row in found]


def of_channels(connection: Connection, channels: Collection[int]) -> dict[int, dict[int, Told]]:
    """By channel and alarm, of the open alarms."""
    found = connection.execute(
        sa.text("""SELECT t.notice_channel_id, t.alarm_id, t.severity, t.state, t.tries
                   FROM ems.notice_told t JOIN ems.alarm a USING (alarm_id)
                   WHERE a.cleared_at IS NULL AND t.notice_channel_id = ANY(:channels)"""),
        {"channels": list(channels)},
    )
    told: dict[int, dict[int, Told]] = {number: {} for number in channels}
    for channel, alarm, severity, state, tries in found:
        told[channel][alarm] = Told(severity, state, tries)
    return told


def begin(connection: Connection, channel: int, notices: Sequence[Notice], at: datetime) -> None:
    """These are about to be sent: whoever comes after a crash knows that they may have arrived."""
    connection.execute(
        sa.text("""INSERT INTO ems.notice_told AS t (notice_channel_id, alarm_id, severity, state, tries, at)
                   SELECT :channel, said.alarm_id, said.severity, 'sending', 1, :at
                   FROM unnest(CAST(:alarms AS bigint[]), CAST(:severities AS text[])) AS said (alarm_id, severity)
                   ON CONFLICT (notice_channel_id, alarm_id) DO UPDATE
                   SET tries = CASE WHEN t.severity = excluded.severity THEN t.tries + 1 ELSE 1 END,
                       severity = excluded.severity, state = 'sending', at = :at"""),
        {
            "channel": channel, "at": at, "alarms": [notice.number for notice in notices],
            "severities": [notice.severity for notice in notices],
        },
    )  # fmt: skip


def add_button(connection: Connection, channel: int, notices: Sequence[Notice], nonce: str, at: datetime) -> None:
    """Below the message about these there is a button that carries ``nonce``: whoever presses it knows of them."""
    connection.execute(
        sa.text("""INSERT INTO ems.notice_button (nonce_hash, notice_channel_id, alarm_ids, made_at)
                   VALUES (:hash, :channel, :alarms, :at)"""),
        {"hash": hashed(nonce), "channel": channel, "alarms": [notice.number for notice in notices], "at": at},
    )


def end(connection: Connection, channel: int, notices: Sequence[Notice], state: Ending, at: datetime) -> None:
    """What became of them; a try that certainly arrived nowhere does not count."""
    connection.execute(
        sa.text("""UPDATE ems.notice_told SET state = :state, at = :at, tries = tries - :uncounted
                   WHERE notice_channel_id = :channel AND alarm_id = ANY(:alarms)"""),
        {
            "channel": channel, "state": state, "at": at, "alarms": [notice.number for notice in notices],
            "uncounted": int(state == "refused"),
        },
    )  # fmt: skip


@dataclass(frozen=True)
class Span:
    """The days a report is about: ``days`` (1 or 7) of a site that end with ``last``."""

    site_key: str
    last: date
    days: int


def begin_report(connection: Connection, channel: int, span: Span, at: datetime) -> bool:
    """A report is about to be sent; False: it was, or was tried often enough."""
    found = connection.execute(
        sa.text("""INSERT INTO ems.notice_report AS r
                       (notice_channel_id, site_key, last_day, span_days, state, tries, at)
                   VALUES (:channel, :site, :last, :days, 'sending', 1, :at)
                   ON CONFLICT (notice_channel_id, site_key, last_day, span_days) DO UPDATE
                   SET state = 'sending', tries = r.tries + 1, at = :at
                   WHERE r.state = 'refused' OR (r.state IN ('sending', 'unsure') AND r.tries < :most)
                   RETURNING 1"""),
        {"channel": channel, "site": span.site_key, "last": span.last, "days": span.days, "at": at, "most": MOST_TRIES},
    )
    return found.first() is not None


def end_report(connection: Connection, channel: int, span: Span, state: Ending, at: datetime) -> None:
    """What became of it."""
    connection.execute(
        sa.text("""UPDATE ems.notice_report SET state = :state, at = :at, tries = tries - :uncounted
                   WHERE notice_channel_id = :channel AND site_key = :site AND last_day = :last
                     AND span_days = :days"""),
        {
            "channel": channel, "site": span.site_key, "last": span.last, "days": span.days, "state": state, "at": at,
            "uncounted": int(state == "refused"),
        },
    )  # fmt: skip


def forget(connection: Connection, at: datetime) -> None:
    """Remove codes, wishes and buttons that are over for a day: what they were filed as stands in the journal."""
    for table in ("notice_code", "notice_wish"):
        connection.execute(
            sa.text(f"DELETE FROM ems.{table} WHERE expires_at < :before"), {"before": at - timedelta(days=1)}
        )
    connection.execute(
        sa.text("DELETE FROM ems.notice_button WHERE made_at < :before"), {"before": at - timedelta(days=8)}
    )
