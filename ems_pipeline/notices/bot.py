"""What somebody says to the bot, and what the bot says. Strangers wrote the updates: nothing of them is believed.

A wish is repeated in words with a button; pressing it files the wish once, where and by whom it was asked. Whoever has
not bound the chat learns nothing but that.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline import time_grid
from ems_pipeline.notices import glance, orders
from ems_pipeline.plain_text import plain
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import channels, chats, glances
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.channels import Channel
from ems_pipeline.warehouse.chats import WishRefused
from ems_pipeline.warehouse.engine import Connection

STRANGER = "This bot talks only to people it knows. Whoever runs it can let you in."
EVERY = timedelta(hours=1)
"""How often a stranger is answered."""
MOST_STRANGERS = 1000
"""Remembered at a time; an hour's worth of them is answered once, whoever comes then."""
MOST_SITES = 10
"""Told of by one /status."""
LONGEST_SAID = 300
"""Characters of what somebody writes that are looked at."""
CONFIRM, KNOW = "confirm:", "know:"
"""How the data of buttons begins: of a wish, and of a message about alarms."""


@dataclass(frozen=True)
class Call:
    """A method of the Bot API with its parameters; ``chat`` where it sends a message, which is paced."""

    method: str
    parameters: Mapping[str, Any]
    chat: str = ""


@dataclass(frozen=True)
class Said:
    """One message to the bot, or one button pressed (``button``: its query, data and message)."""

    chat: str
    user: str
    text: str
    language: str = "en"
    is_private: bool = True
    button: tuple[str, str, int] | None = None


def heard(update: Mapping[str, Any]) -> Said | None:
    """What an update says; None where it says nothing to us.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is none.
    """
    if "callback_query" in update:
        query = update["callback_query"]
        message = query["message"]
        button = str(query["id"]), str(query.get("data", "")), int(message["message_id"])
        return Said(str(int(message["chat"]["id"])), str(int(query["from"]["id"])), "", button=button)
    message = update.get("message")
    if message is None or "from" not in message:
        return None
    language = str(message["from"].get("language_code", "en"))[:2].lower()
    is_private = message["chat"].get("type", "private") == "private"
    text = str(message.get("text", ""))[:LONGEST_SAID]
    return Said(str(int(message["chat"]["id"])), str(int(message["from"]["id"])), text, language, is_private)


def moved(update: Mapping[str, Any]) -> tuple[str, str] | None:
    """The former and the new number of a group that became another one; same errors."""
    message = update.get("message") or {}
    to = message.get("migrate_to_chat_id")
    return None if to is None else (str(int(message["chat"]["id"])), str(int(to)))


@dataclass
class Bot:
    """Makes answers of what was said; holds no connection and no token."""

    clock: Clock
    _answered: OrderedDict[str, datetime] = field(default_factory=OrderedDict)

    def answer(self, connection: Connection, update: Mapping[str, Any]) -> list[Call]:
        """What is to be called after this update; what it changes is part of the transaction. Errors: `heard`."""
        if (numbers := moved(update)) is not None:
            channels.move(connection, "telegram", *numbers)
            return []
        said = heard(update)
        if said is None:
            return []
        if said.button is not None:
            return self._pressed(connection, said, *said.button)
        command, words = _command(said.text)
        if command == "start" and words:
            return self._bound(connection, said, words[0])
        channel = chats.of_chat(connection, said.chat)
        if channel is None or channel.state != "open":
            return self._to_stranger(said)
        answers: dict[str, Callable[[], list[Call]]] = {
            "status": lambda: self._status(connection, said, channel, words),
            "alarms": lambda: [_say(said.chat, self._alarms(connection, channel))],
            **dict.fromkeys(
                ("charge", "hold", "override", "release"),
                lambda: self._asked(connection, said, channel, orders.read(command, words)),
            ),
        }
        if command not in answers:
            return [_say(said.chat, orders.HELP)] if command or said.is_private else []
        try:
            return answers[command]()
        except (orders.NotUnderstood, WishRefused) as error:
            return [_say(said.chat, str(error))]

    def _bound(self, connection: Connection, said: Said, code: str) -> list[Call]:
        person = chats.bind(connection, code, said.chat, said.user, said.language)
        if person is None:
            return self._to_stranger(said)
        return [_say(said.chat, f"This chat is bound to {person}.\n{orders.HELP}")]

    def _to_stranger(self, said: Said) -> list[Call]:
        """The same to everybody, and seldom: to ask costs nothing, and to answer our share of messages."""
        now = self.clock.now()
        while self._answered and next(iter(self._answered.values())) + EVERY <= now:
            self._answered.popitem(last=False)
        if said.chat in self._answered or len(self._answered) >= MOST_STRANGERS:
            return []
        self._answered[said.chat] = now
        return [_say(said.chat, STRANGER)]

    def _status(self, connection: Connection, said: Said, channel: Channel, words: list[str]) -> list[Call]:
        seen = _sites(connection, channel)
        if words and words[0] not in seen:
            raise WishRefused(
                f"there is no site {plain(words[0], 60)!r} for you", f"there are {', '.join(seen) or 'none'}"
            )
        wanted = words[:1] or seen[:MOST_SITES]
        told = [_say(said.chat, glance.words(connection, site, self.clock.now())) for site in wanted]
        if not words and len(seen) > MOST_SITES:
            told.append(_say(said.chat, f"and {len(seen) - MOST_SITES} sites more: /status SITE"))
        return told or [_say(said.chat, "No site is in service.")]

    def _alarms(self, connection: Connection, channel: Channel) -> str:
        """What is open of the sites that the channel tells of; of the installation for those who see all."""
        is_all = channel.person_sites is None and channel.wishes.sites is None
        found = glances.open_alarms(connection, None if is_all else _sites(connection, channel))
        return "\n".join(found) or "No alarm is open."

    def _asked(self, connection: Connection, said: Said, channel: Channel, order: orders.Order) -> list[Call]:
        if order.site not in _sites(connection, channel):
            raise WishRefused(f"there is no site {plain(order.site, 60)!r} for you")
        asset = order.asset
        if order.mode is not None and asset is None:
            found = glances.batteries(connection, order.site)
            if len(found) != 1:
                raise WishRefused(f"{order.site} has {len(found)} batteries", f"name one: {', '.join(found) or 'none'}")
            asset = found[0]
        wish, nonce = orders.wish(order, asset, self.clock.now()), secrets.token_urlsafe(24)
        chats.ask(connection, said.chat, said.user, nonce, wish)
        words = orders.repeated(wish, registry.zones(connection).get(order.site, time_grid.zone("UTC")))
        button = {"inline_keyboard": [[{"text": "Confirm", "callback_data": CONFIRM + nonce}]]}
        text = f"{words}\nPress within two minutes to have it so."
        return [Call("sendMessage", {"chat_id": int(said.chat), "text": text, "reply_markup": button}, said.chat)]

    def _pressed(self, connection: Connection, said: Said, query: str, data: str, message: int) -> list[Call]:
        ask = self._known if data.startswith(KNOW) else self._confirmed
        text, is_final = ask(connection, said, data)
        told = [Call("answerCallbackQuery", {"callback_query_id": query, "text": text[:200]})]
        if is_final:  # the button goes, and what became of it stays to be read
            bare = {"chat_id": int(said.chat), "message_id": message, "reply_markup": {"inline_keyboard": []}}
            told += [Call("editMessageReplyMarkup", bare), _say(said.chat, text)]
        return told

    def _known(self, connection: Connection, said: Said, data: str) -> tuple[str, bool]:
        """What is said to whoever knows of alarms now, and whether that is all there is to say."""
        try:
            done = chats.press(connection, said.chat, said.user, data.removeprefix(KNOW))
        except WishRefused as error:
            return str(error), False
        text = {
            "known": f"{done.person} knows of {done.known} open alarm{'' if done.known == 1 else 's'}.",
            "before": "It was noted already.", "over": "Too late: look at the page of alarms.",
        }.get(done.outcome, "This button is not yours.")  # fmt: skip
        return text, done.outcome in ("known", "over")

    def _confirmed(self, connection: Connection, said: Said, data: str) -> tuple[str, bool]:
        """The same of a wish."""
        try:
            done = chats.confirm(connection, said.chat, said.user, data.removeprefix(CONFIRM))
        except WishRefused as error:
            return str(error), False
        text = {
            "filed": f"Done: {done.filed_as}.", "before": f"It was done already: {done.filed_as}.",
            "over": "Too late: the button held for two minutes. Ask again.",
        }.get(done.outcome, "This button is not yours.")  # fmt: skip
        return text, done.outcome in ("filed", "over")


def _say(chat: str, text: str) -> Call:
    return Call("sendMessage", {"chat_id": int(chat), "text": text}, chat)


def _command(text: str) -> tuple[str, list[str]]:
    """``/charge@our_bot home01 2h``: the command and what follows; an empty one where there is none."""
    words = text.split()
    if not words or not words[0].startswith("/"):
        return "", words
    return words[0][1:].partition("@")[0].lower(), words[1:]


def _sites(connection: Connection, channel: Channel) -> list[str]:
    """Sites in service that exist for the person and are wanted of the channel."""
    limits = [of for of in (channel.person_sites, channel.wishes.sites) if of is not None]
    return [key for key in glances.site_keys(connection) if all(key in of for of in limits)]
