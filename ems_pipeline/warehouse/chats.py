"""What the Telegram bot asks of the database: it binds, keeps and confirms by functions that check."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from psycopg.errors import ConfigurationLimitExceeded, InsufficientPrivilege, InvalidParameterValue
from sqlalchemy.engine import Connection

from ems_pipeline.errors import EmsError
from ems_pipeline.warehouse.channels import Channel, hashed, listed


class WishRefused(EmsError, ValueError):
    """A wish that nobody may have, or that cannot be."""

    usual = "/help says what can be asked"


@dataclass(frozen=True)
class Wish:
    """What somebody asks of a site: a mode of an asset until an instant; without one, that the site is released."""

    site_key: str
    asset_key: str | None = None
    mode: str | None = None
    until_at: datetime | None = None
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Confirmed:
    """What pressing a button did. ``outcome``: filed, before (it was done already), over (too late), unknown."""

    outcome: str
    filed_as: str | None


@dataclass(frozen=True)
class Pressed:
    """What pressing the button below a message did. ``outcome``: known, before, over (too late), unknown."""

    outcome: str
    person: str
    known: int
    """Of how many open alarms somebody knows by it."""


def of_chat(connection: Connection, chat: str) -> Channel | None:
    """The channel of a chat that somebody bound."""
    return next((channel for channel in listed(connection, kind="telegram") if channel.address == chat), None)


def bind(connection: Connection, code: str, chat: str, user: str, language: str) -> str | None:
    """Bind a chat to whoever's code it is; the person's name, None where the code is worth nothing."""
    found = connection.execute(
        sa.text("SELECT ems.fn_channel_bind(:hash, :chat, :user, :language)"),
        {"hash": hashed(code), "chat": chat, "user": user, "language": language},
    )
    return found.scalar()


def ask(connection: Connection, chat: str, user: str, nonce: str, wish: Wish) -> None:
    """Keep a wish until its button is pressed.

    Raises:
        WishRefused: see there.
    """
    _checked(
        connection,
        "SELECT ems.fn_wish_ask(:chat, :user, :nonce, :site, :asset, :mode, CAST(:limits AS jsonb), :until)",
        chat=chat, user=user, nonce=hashed(nonce), site=wish.site_key, asset=wish.asset_key, mode=wish.mode,
        limits=json.dumps(dict(wish.limits)), until=wish.until_at,
    )  # fmt: skip


def confirm(connection: Connection, chat: str, user: str, nonce: str) -> Confirmed:
    """File the wish behind a button, once. WishRefused: see there."""
    query = "SELECT outcome, filed_as FROM ems.fn_wish_confirm(:nonce, :chat, :user)"
    outcome, filed_as = _checked(connection, query, nonce=hashed(nonce), chat=chat, user=user)
    return Confirmed(str(outcome), None if filed_as is None else str(filed_as))


def press(connection: Connection, chat: str, user: str, nonce: str) -> Pressed:
    """Whoever bound the chat knows of what the message above a button was about. WishRefused: see there."""
    query = "SELECT outcome, person, known FROM ems.fn_button_press(:nonce, :chat, :user)"
    outcome, person, known = _checked(connection, query, nonce=hashed(nonce), chat=chat, user=user)
    return Pressed(str(outcome), str(person or ""), int(str(known)))


def next_update(connection: Connection, bot: str) -> int:
    """Number of the first update that was not read yet; 0: of none."""
    found = connection.execute(sa.text("SELECT next_update FROM ems.notice_poll WHERE bot = :bot"), {"bot": bot})
    return found.scalar() or 0


def read_until(connection: Connection, bot: str, next_update: int, at: datetime) -> bool:
    """Go on from here; False: somebody has gone further already, and this update was read."""
    found = connection.execute(
        sa.text("""INSERT INTO ems.notice_poll AS p (bot, next_update, at) VALUES (:bot, :next, :at)
                   ON CONFLICT (bot) DO UPDATE SET next_update = :next, at = :at WHERE p.next_update < :next
                   RETURNING 1"""),
        {"bot": bot, "next": next_update, "at": at},
    )
    return found.first() is not None


def _checked(connection: Connection, query: str, **values: object) -> tuple[object, ...]:
    """The one row of a function that refuses in words; a refusal leaves the transaction as it was."""
    try:
        with connection.begin_nested():
            return tuple(connection.execute(sa.text(query), values).one())
    except sa.exc.DBAPIError as error:
        refusal = error.orig
        if isinstance(refusal, InvalidParameterValue | InsufficientPrivilege | ConfigurationLimitExceeded):
            raise WishRefused(refusal.diag.message_primary or "it is refused") from None
        raise
