"""The Telegram Bot API: one call at a time, its refusals by kind. The token is told to nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ems_pipeline import http
from ems_pipeline.notify import wording
from ems_pipeline.notify.notice import Blocked, Down, Held, Message, Moved, NotSent, Unsure
from ems_pipeline.plain_text import plain

TIMEOUT_S = 10.0
SPACING_S, GROUP_SPACING_S = 1.0, 3.0
"""About one message a second to a chat, twenty a minute to a group."""
LONGEST_HOLD_S = 3600.0
"""What no service means when it says wait."""
CHECK_TOKEN = "check EMS_TELEGRAM_TOKEN: @BotFather tells it, and makes a new one"


class Telegram:
    """A bot, by its token."""

    kind = "telegram"
    has_buttons = True
    longest = wording.LONGEST

    def __init__(self, token: str, address: str, timeout_s: float = TIMEOUT_S) -> None:
        """``address``: of the service, without a path."""
        self._token, self._address, self._timeout_s = token, address.rstrip("/"), timeout_s

    @property
    def number(self) -> str:
        """Of the bot; it stands in public before the secret part of the token."""
        return self._token.partition(":")[0]

    def call(self, method: str, longer_s: float = 0.0, **parameters: Any) -> Any:
        """The result of a method.

        Args:
            longer_s: how much longer than usual the answer may take (long polling).

        Raises:
            NotSent and what is more exact of it: no usable answer. The text never holds the token.
        """
        body = json.dumps(parameters, ensure_ascii=False).encode("utf-8", "replace")
        try:
            reply = http.post(
                f"{self._address}/bot{self._token}/{method}", body, {"Content-Type": "application/json"},
                timeout_s=self._timeout_s + longer_s,
            )  # fmt: skip
        except http.HttpError as error:
            raise self._refusal(method, error) from None  # its own text holds the address
        answer = _document(reply)
        if answer.get("ok") is not True:
            raise NotSent(f"{self._where(method)}: an answer that cannot be read")
        return answer.get("result")

    def send(self, address: str, message: Message) -> None:
        """Plain text, so that nothing in it is taken for markup; see `call` for errors."""
        *before, last = wording.parts(message.text)
        for part in before:
            self.call("sendMessage", chat_id=_chat(address), text=part)
        below: dict[str, Any] = {"reply_markup": _button(message.button)} if message.button else {}
        self.call("sendMessage", chat_id=_chat(address), text=last, **below)

    def check(self) -> None:
        """Whether the service knows the bot; see `call` for errors."""
        self.name()

    def name(self) -> str:
        """By which people find the bot, without the @; see `call` for errors."""
        found = self.call("getMe")
        return plain(found.get("username", "") if isinstance(found, Mapping) else "", 64)

    def spacing_s(self, address: str) -> float:
        """Of groups, whose numbers are negative, more."""
        return GROUP_SPACING_S if address.startswith("-") else SPACING_S

    def _where(self, method: str) -> str:
        return f"Telegram at {urlsplit(self._address).hostname or 'a wrong address'}, {method}"

    def _refusal(self, method: str, error: http.HttpError) -> NotSent:
        where = self._where(method)
        if error.status is None:
            said = f"{where}: {self._hidden(error.reason)}"
            return Unsure(said) if error.may_have_arrived else Down(said, "check the network; it is tried again")
        answer = _document(error.body)
        said = f"{where}: {error.status} {self._hidden(answer.get('description') or error.reason)}"
        more = answer.get("parameters")
        more = more if isinstance(more, Mapping) else {}
        moved_to, after_s = more.get("migrate_to_chat_id"), more.get("retry_after")
        if isinstance(moved_to, int):
            return Moved(said, str(moved_to))
        if error.status == 429:
            is_number = isinstance(after_s, int | float) and 0 <= after_s <= LONGEST_HOLD_S
            return Held(said, float(after_s) if is_number and after_s is not None else 60.0)
        if error.status in (401, 404):
            return Down(said, CHECK_TOKEN)
        if error.status == 409:
            return Down(said, "another program asks with the same token: stop it, or make a bot for each")
        if error.status == 403 or (error.status == 400 and "chat not found" in said):
            return Blocked(said, "unblock the bot, and bind the chat again")
        return Unsure(said) if error.status == 504 else NotSent(said)

    def _hidden(self, text: object) -> str:
        return plain(str(text).replace(self._token, "***"), 200)


def _chat(address: str) -> int | str:
    try:
        return int(address)
    except ValueError:
        return address


def _button(data: str) -> Mapping[str, Any]:
    return {"inline_keyboard": [[{"text": "I know about it", "callback_data": data}]]}


def _document(body: bytes) -> Mapping[str, Any]:
    """An answer; empty where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}
