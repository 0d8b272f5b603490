"""What was said to the bot is fetched by long polling and read once; answers go out at the service's pace."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline.notices.bot import Bot, Call
from ems_pipeline.notices.health import Health
from ems_pipeline.notify import wording
from ems_pipeline.notify.notice import Held, NotSent
from ems_pipeline.notify.pace import Pace
from ems_pipeline.notify.telegram import Telegram
from ems_pipeline.plain_text import told
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse, chats
from ems_pipeline.warehouse.engine import Blocked

logger = logging.getLogger(__name__)
LISTEN_S, SHORTLY_S = 25, 1
"""How long the service may keep a question open: while nothing waits to be said, and while something does."""
KEPT = timedelta(minutes=5)
"""An answer that could not be given by then is of no use any more."""
MOST_WAITING = 200
LARGEST = 2**62
"""Number of an update that the database takes."""
ME = "getUpdates"
"""The way's name with `Pace` while the bot cannot be listened to."""


@dataclass
class Poller:
    """Listens to one bot. `look` fetches, reads and answers once."""

    warehouse: Warehouse
    clock: Clock
    telegram: Telegram
    pace: Pace
    name: str = "bot"
    """Under which it is kept how far was read: of the token's number, so that another bot begins anew."""
    health: Health = field(default_factory=lambda: Health("telegram-bot", "wishes and questions are not heard"))
    listen_s: int = LISTEN_S
    _waiting: deque[tuple[datetime, Call]] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    _bot: Bot = field(init=False)

    def __post_init__(self) -> None:
        self._bot = Bot(self.clock)

    def look(self) -> None:
        """Fetch what was said, read each of it once, and say what may be said now."""
        now = self.clock.now()
        with self.warehouse.begin() as connection:
            self.health.tell(connection, now)
            offset = chats.next_update(connection, self.name)
        if self.pace.is_free(ME, now):
            for update in self._fetched(offset):
                self._read(update)
        self._answer()

    def _fetched(self, offset: int) -> list[Mapping[str, Any]]:
        listen_s = SHORTLY_S if self._waiting else self.listen_s
        wanted = {"offset": offset, "timeout": listen_s, "allowed_updates": ["message", "callback_query"]}
        try:
            found = self.telegram.call("getUpdates", listen_s, **wanted)
        except NotSent as error:
            logger.warning("the bot is not heard: %s", error)
            now = self.clock.now()
            if isinstance(error, Held):
                self.pace.hold(ME, now, error.after_s)
            else:
                self.pace.failed(ME, now)
                self.health.failed(str(error), now)
            return []
        self.health.worked()
        self.pace.sent(ME, self.clock.now(), 0.0)
        known = [update for update in found if isinstance(update, dict)] if isinstance(found, list) else []
        return [update for update in known if _is_number(update.get("update_id")) and update["update_id"] >= offset]

    def _read(self, update: Mapping[str, Any]) -> None:
        """One update, with the place after it: one that cannot be read is passed over, and never read again."""
        after = update["update_id"] + 1
        try:
            with self.warehouse.begin() as connection:
                if chats.read_until(connection, self.name, after, self.clock.now()):
                    self._waiting.extend((self.clock.now(), call) for call in self._bot.answer(connection, update))
        except (DatabaseUnavailable, Blocked):
            raise
        except Exception as error:  # what strangers send must not be read for ever
            logger.warning("an update of the bot says nothing we understand: %s", told(error))
            with self.warehouse.begin() as connection:
                chats.read_until(connection, self.name, after, self.clock.now())

    def _answer(self) -> None:
        """Say what may be said now, in the order in which it came about; a chat that has to wait holds up no other."""
        now, later = self.clock.now(), deque[tuple[datetime, Call]](maxlen=MOST_WAITING)
        while self._waiting:
            since, call = self._waiting.popleft()
            if now - since > KEPT:
                continue
            if call.chat and not self.pace.is_free(call.chat, self.clock.now()):
                later.append((since, call))
                continue
            later.extendleft((since, rest) for rest in reversed(self._said(call)))
        self._waiting = later

    def _said(self, call: Call) -> list[Call]:
        """Make a call; what of it has still to follow. What fails is the asker's to ask again."""
        text, *rest = list(wording.parts(call.parameters["text"])) if call.chat else [""]
        parameters = {**call.parameters, "text": text} if call.chat else call.parameters
        try:
            self.telegram.call(call.method, **parameters)
        except Held as held:
            self.pace.hold(call.chat, self.clock.now(), held.after_s)
            return [call] if call.chat else []
        except NotSent as error:
            logger.warning("an answer was not given: %s", error)
            return []
        if call.chat:
            self.pace.sent(call.chat, self.clock.now(), self.telegram.spacing_s(call.chat))
        return [Call(call.method, {**call.parameters, "text": part}, call.chat) for part in rest]


def _is_number(said: object) -> bool:
    return isinstance(said, int) and 0 <= said < LARGEST
