"""The Telegram Bot API as a bot meets it: chats that answer, move, block and press buttons, and a service with moods.

It takes about one message a second to a chat, twenty a minute to a group, and says so with 429, as the real one does.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline.plant.refusals import Silent
from ems_pipeline.plant.web_server import Answer, serving_http
from ems_pipeline.time_grid import Clock

LONGEST = 4096
GROUP_MINUTE, GROUP_MOST = timedelta(minutes=1), 20
FAULTS: dict[str, str] = {
    "broken": "every method answers 502",
    "slow": "every answer takes longer than anybody waits",
    "lost": "a message is taken and the line is cut before the answer",
    "wrong-token": "the token is not known any more: 401",
    "two-listeners": "another program asks for updates with this token: 409",
    "again": "updates are told again although they were read",
    "echo": "a refusal repeats the address it was asked at, token and all",
}
"""What the service does wrong, by name."""


@dataclass
class TelegramTwin:
    """A service with one bot. Its people `say` and `press`; what they were told stands in `messages`."""

    clock: Clock
    token: str
    patience_s: float = 30.0
    """How long a slow answer takes."""
    faults: set[str] = field(default_factory=set)
    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    blocked: set[int] = field(default_factory=set)
    moved: dict[int, int] = field(default_factory=dict)
    floods: dict[int, int] = field(default_factory=dict)
    """Seconds that a chat is to be left alone, told once; until then nothing is taken."""
    address: str = ""
    _updates: list[dict[str, Any]] = field(default_factory=list)
    _read: int = 0
    _held_until: dict[int, datetime] = field(default_factory=dict)
    _sent_at: dict[int, list[datetime]] = field(default_factory=dict)
    _number: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def say(self, chat: int, text: str, user: int | None = None, **more: Any) -> None:
        """Somebody writes to the bot."""
        kind = "private" if chat > 0 else "supergroup"
        who = {"id": user or chat, "is_bot": False, "language_code": "cs"}
        self._told(
            {
                "message": {
                    "message_id": 0,
                    "date": 0,
                    "from": who,
                    "chat": {"id": chat, "type": kind},
                    "text": text,
                    **more,
                }
            }
        )

    def press(self, chat: int, data: str, user: int | None = None) -> None:
        """Somebody presses a button below a message of the bot."""
        message = {"message_id": 1, "chat": {"id": chat, "type": "private"}}
        self._told({"callback_query": {"id": "77", "from": {"id": user or chat}, "message": message, "data": data}})

    def texts(self, chat: int) -> list[str]:
        """What the bot has said in a chat."""
        return [message["text"] for message in self.messages if message["chat_id"] == chat]

    def button(self, chat: int) -> str:
        """What the newest button of a chat carries."""
        with_one = [m for m in self.messages if m["chat_id"] == chat and m.get("reply_markup")]
        return str(with_one[-1]["reply_markup"]["inline_keyboard"][0][0]["callback_data"])

    def ask(self, path: str, _query: Mapping[str, str], body: bytes) -> Answer:
        """A method is called."""
        token, _, method = path.removeprefix("/bot").partition("/")
        if "slow" in self.faults:
            time.sleep(self.patience_s)
        if "broken" in self.faults:
            return 502, b"<html>Bad Gateway</html>"
        if token != self.token or "wrong-token" in self.faults:
            return _refused(401, "Unauthorized" + (f" {path}" if "echo" in self.faults else ""))
        parameters = json.loads(body or b"{}")
        with self._lock:
            self.calls.append((method, parameters))
            if method == "getUpdates":
                return self._get_updates(parameters)
            if method == "sendMessage":
                return self._send(parameters)
        return _done({"id": int(token.partition(":")[0]), "is_bot": True, "username": "ems_test_bot"})

    def _send(self, said: dict[str, Any]) -> Answer:
        chat, text, now = said["chat_id"], said["text"], self.clock.now()
        if chat in self.moved:
            more = {"migrate_to_chat_id": self.moved[chat]}
            return _refused(400, "Bad Request: group chat was upgraded to a supergroup chat", more)
        if chat in self.blocked:
            return _refused(403, "Forbidden: bot was blocked by the user")
        if not 0 < len(text.encode("utf-16-le")) // 2 <= LONGEST:
            return _refused(400, "Bad Request: message is too long" if text else "Bad Request: message text is empty")
        if (after_s := self._after_s(chat, now)) > 0:
            return _refused(429, f"Too Many Requests: retry after {after_s}", {"retry_after": after_s})
        self._sent_at.setdefault(chat, []).append(now)
        self.messages.append(said)
        if "lost" in self.faults:
            raise Silent
        return _done({"message_id": len(self.messages), "date": 0, "chat": {"id": chat}, "text": text})

    def _after_s(self, chat: int, now: datetime) -> int:
        if chat in self.floods:
            self._held_until[chat] = now + timedelta(seconds=self.floods.pop(chat))
        if now < self._held_until.get(chat, now):
            return max(1, round((self._held_until[chat] - now).total_seconds()))
        sent = self._sent_at.get(chat, [])
        if sent and now - sent[-1] < timedelta(seconds=1):
            return 1
        lately = [at for at in sent if now - at < GROUP_MINUTE]
        return 30 if chat < 0 and len(lately) >= GROUP_MOST else 0

    def _get_updates(self, asked: Mapping[str, Any]) -> Answer:
        """What is new from an offset on. It never waits: the simulated clock would not move meanwhile."""
        if "two-listeners" in self.faults:
            return _refused(409, "Conflict: terminated by other getUpdates request")
        if "again" not in self.faults:
            self._read = max(self._read, int(asked.get("offset", 0)))
        return _done([update for update in self._updates if update["update_id"] >= self._read])

    def _told(self, what: dict[str, Any]) -> None:
        with self._lock:
            self._number += 1
            self._updates.append({"update_id": 1000 + self._number, **what})


@contextmanager
def serving_telegram(clock: Clock, token: str, patience_s: float = 30.0) -> Iterator[TelegramTwin]:
    """The service at a free port of this machine; its address is the twin's."""
    twin = TelegramTwin(clock, token, patience_s)
    with serving_http("127.0.0.1", 0, twin.ask) as port:
        twin.address = f"http://127.0.0.1:{port}"
        yield twin


def _done(result: object) -> Answer:
    return 200, json.dumps({"ok": True, "result": result}).encode()


def _refused(code: int, description: str, more: Mapping[str, Any] | None = None) -> Answer:
    answer: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return code, json.dumps(answer | ({"parameters": dict(more)} if more else {})).encode()
