"""How each person is told: channels, what is wanted of them, and the codes that bind a chat."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.row import Row

from ems_pipeline.errors import EmsError
from ems_pipeline.notify.choice import Quiet, Wishes
from ems_pipeline.notify.mail import is_address
from ems_pipeline.notify.subscription import shown
from ems_pipeline.warehouse.people import UnknownPerson

CODE_HOLDS = timedelta(minutes=15)
COLUMNS = """c.notice_channel_id, c.person, c.kind, c.address, c.bound_at, c.state, c.state_reason, c.least_severity,
             c.quiet_from, c.quiet_until, c.quiet_zone, c.critical_breaks_quiet, c.wants_daily, c.wants_weekly,
             c.sites"""


class UnknownChannel(EmsError, LookupError):
    """There is no such channel."""

    usual = "`ems user channel list` shows them"


class ChannelExists(EmsError, ValueError):
    """The person has this channel already."""


class WrongAddress(EmsError, ValueError):
    """No address that e-mail could go to."""


@dataclass(frozen=True)
class Channel:
    """One way to one person. ``person_sites``: those that exist for the person; None: all."""

    number: int
    person: str
    kind: str
    address: str = field(repr=False)
    bound_at: datetime
    state: str
    state_reason: str
    wishes: Wishes
    person_sites: frozenset[str] | None

    @property
    def shown(self) -> str:
        """The address as people may see it."""
        return shown(self.kind, self.address)


def listed(connection: Connection, person: str | None = None, kind: str | None = None) -> list[Channel]:
    """All of them, of one person, or of one kind."""
    found = connection.execute(
        sa.text(f"""SELECT {COLUMNS}, p.sites AS person_sites
                    FROM ems.notice_channel c JOIN ems.person p ON p.name = c.person
                    WHERE (CAST(:person AS text) IS NULL OR c.person = :person)
                      AND (CAST(:kind AS text) IS NULL OR c.kind = :kind) ORDER BY c.person, c.notice_channel_id"""),
        {"person": person, "kind": kind},
    )
    return [_channel(row) for row in found]


def one(connection: Connection, number: int) -> Channel:
    """A channel by its number. UnknownChannel: there is none."""
    for channel in listed(connection):
        if channel.number == number:
            return channel
    raise UnknownChannel(f"there is no channel {number}")


def add_email(connection: Connection, person: str, address: str, at: datetime) -> int:
    """Enter an address; its number.

    Raises:
        WrongAddress, UnknownPerson, ChannelExists: see there.
    """
    if not is_address(address):
        raise WrongAddress(f"{address!r} is no address that e-mail could go to", "write one such as anna@example.org")
    _demand_person(connection, person)
    found = connection.execute(
        sa.text("""INSERT INTO ems.notice_channel (person, kind, address, bound_at)
                   VALUES (:person, 'email', :address, :at)
                   ON CONFLICT (person, kind, address) DO UPDATE SET state = 'open', state_reason = '', bound_at = :at
                   WHERE notice_channel.state = 'blocked' RETURNING notice_channel_id"""),
        {"person": person, "address": address, "at": at},
    ).scalar()
    if found is None:
        raise ChannelExists(f"{person} is told at {address} already", "`ems user channel list` shows the channel")
    return int(found)


def make_code(connection: Connection, person: str, by: str, at: datetime) -> str:
    """A code that binds the chat it is sent from to a person, once, within `CODE_HOLDS`; former ones end.

    Raises:
        UnknownPerson: see there.
    """
    _demand_person(connection, person)
    code = secrets.token_urlsafe(16)
    connection.execute(
        sa.text("UPDATE ems.notice_code SET used_at = :at WHERE person = :person AND used_at IS NULL"),
        {"person": person, "at": at},
    )
    connection.execute(
        sa.text("""INSERT INTO ems.notice_code (code_hash, person, created_at, created_by, expires_at)
                   VALUES (:hash, :person, :at, :by, :ends)"""),
        {"hash": hashed(code), "person": person, "at": at, "by": by, "ends": at + CODE_HOLDS},
    )
    return code


def hashed(word: str) -> bytes:
    """What is stored of a code or a button: enough to know it again, too little to use it."""
    return hashlib.sha256(word.encode("utf-8", "replace")).digest()


def remove(connection: Connection, number: int) -> None:
    """Tell nothing there any more. UnknownChannel: see there."""
    gone = connection.execute(
        sa.text("DELETE FROM ems.notice_channel WHERE notice_channel_id = :number"), {"number": number}
    )
    if gone.rowcount == 0:
        raise UnknownChannel(f"there is no channel {number}")


def put_wishes(connection: Connection, number: int, wishes: Wishes) -> None:
    """What the person wants of a channel from now on. UnknownChannel: see there."""
    quiet = wishes.quiet
    changed = connection.execute(
        sa.text("""UPDATE ems.notice_channel
                   SET least_severity = :least, quiet_from = :from, quiet_until = :until, quiet_zone = :zone,
                       critical_breaks_quiet = :breaks, wants_daily = :daily, wants_weekly = :weekly, sites = :sites
                   WHERE notice_channel_id = :number"""),
        {
            "number": number, "least": wishes.least_severity, "breaks": wishes.critical_breaks_quiet,
            "from": quiet and quiet.from_time, "until": quiet and quiet.until_time, "zone": quiet and quiet.zone,
            "daily": wishes.wants_daily, "weekly": wishes.wants_weekly,
            "sites": None if wishes.sites is None else sorted(wishes.sites),
        },
    )  # fmt: skip
    if changed.rowcount == 0:
        raise UnknownChannel(f"there is no channel {number}")


def block(connection: Connection, number: int, reason: str) -> None:
    """It takes nothing any more, until it is bound or entered again."""
    connection.execute(
        sa.text("""UPDATE ems.notice_channel SET state = 'blocked', state_reason = :reason
                   WHERE notice_channel_id = :number"""),
        {"number": number, "reason": reason},
    )


def move(connection: Connection, kind: str, before: str, after: str) -> None:
    """An address has become another one; where that is known already, the former is of no use any more."""
    connection.execute(
        sa.text("""UPDATE ems.notice_channel SET address = :after WHERE kind = :kind AND address = :before
                   AND NOT EXISTS (SELECT FROM ems.notice_channel o WHERE o.kind = :kind AND o.address = :after)"""),
        {"kind": kind, "before": before, "after": after},
    )


def _demand_person(connection: Connection, person: str) -> None:
    if connection.execute(sa.text("SELECT 1 FROM ems.person WHERE name = :name"), {"name": person}).first() is None:
        raise UnknownPerson(f"nobody is called {person}", "`ems user list` names those who may log in")


def _channel(row: Row[tuple[object, ...]]) -> Channel:
    quiet = None if row.quiet_from is None else Quiet(row.quiet_from, row.quiet_until, row.quiet_zone)
    wishes = Wishes(
        row.least_severity, quiet, row.critical_breaks_quiet, row.wants_daily, row.wants_weekly, _set(row.sites)
    )
    return Channel(
        row.notice_channel_id, row.person, row.kind, row.address, row.bound_at, row.state, row.state_reason, wishes,
        _set(row.person_sites),
    )  # fmt: skip


def _set(sites: list[str] | None) -> frozenset[str] | None:
    return None if sites is None else frozenset(sites)
