"""The one connection that listens: PostgreSQL says which rows are new, they are read once, and the hub tells everybody.

What is said there is a topic, a site, a key and an instant, since every login of the database may listen. While the
connection is away nobody knows what happens: the hub says so to everybody, and again when it is back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import psycopg

from ems_pipeline.api.database import Database
from ems_pipeline.api.live import topics
from ems_pipeline.api.live.gensets import Gensets
from ems_pipeline.api.live.hub import Hub
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import Caller

logger = logging.getLogger(__name__)
CHANNEL = "ems_live"
TOGETHER_S = 0.05
"""What is heard within is read together: a minute's telemetry of all sites is one question."""
MOST_TOGETHER = 2000
PATIENCE_S = (1.0, 2.0, 5.0, 10.0, 30.0)
KEYS = dict.fromkeys(("devices", "events", "genset_alarms"), re.compile(r"[0-9]{1,18}"))
KEYS |= dict.fromkeys(("plans", "requests"), re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"))
ANY = re.compile(r"[a-z0-9-]{1,64}")
ALIVE: dict[str, Any] = {"keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 3, "connect_timeout": 5}
ITSELF = Caller("live", "program", "program", frozenset(), None)
"""Who reads what is told; each client sees of it what it may."""


class Feed:
    """Listens for as long as it runs."""

    def __init__(self, database: Database, hub: Hub, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._database, self._hub, self._sleep = database, hub, sleep
        self._gensets = Gensets()
        self.is_listening = asyncio.Event()

    async def run(self) -> None:
        """Until it is cancelled."""
        failed = 0
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, Problem) as error:
                logger.warning("nothing is heard from the database: %s", error)
            except Exception:
                logger.exception("what was heard from the database could not be told")
            if self.is_listening.is_set():
                failed = 0
                self.is_listening.clear()
                self._hub.lost()
            await self._sleep(PATIENCE_S[min(failed, len(PATIENCE_S) - 1)])
            failed += 1

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._database.address, autocommit=True, application_name="ems web, listening", **ALIVE
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._gensets.forget()
            self._hub.lost()  # whatever happened before this instant was not heard
            self.is_listening.set()
            while True:
                heard = [n.payload async for n in connection.notifies(stop_after=1)]
                heard += [n.payload async for n in connection.notifies(timeout=TOGETHER_S, stop_after=MOST_TOGETHER)]
                if connection.broken or connection.closed or not heard:
                    return
                await self.tell(heard)

    async def tell(self, heard: Iterable[str]) -> None:
        """Read what is new, and pass it on.

        Raises:
            Problem: the database does not answer.
        """
        news, is_too_much = _sorted(heard)
        if is_too_much:
            self._hub.lost()
        followed = self._hub.followed()
        if topics.GENSETS not in followed:  # the next one begins with how they stand then
            self._gensets.forget()
        has_gensets = news.pop(topics.GENSETS, None) is not None and topics.GENSETS in followed
        sites = news.get("telemetry")
        if sites is not None:
            news["telemetry"] = {site: None for site in sites if f"{topics.SITE}{site}" in followed}
        wanted = {topic: keys for topic, keys in news.items() if keys and topic in topics.CHANGED}
        if not wanted and not has_gensets:
            return
        async with self._database.reading(ITSELF) as connection:
            if has_gensets:
                self._hub.publish(await self._gensets.changed(connection))
            for topic, keys in wanted.items():
                self._hub.publish(await topics.changed(connection, topic, keys))


def _sorted(heard: Iterable[str]) -> tuple[dict[str, dict[str, None]], bool]:
    """Keys by topic in the order they were heard; whether there was more than could be said."""
    news, is_too_much = dict[str, dict[str, None]](), False
    for payload in heard:
        said: Any = _read(payload)
        if not isinstance(said, dict) or not isinstance(topic := said.get("topic"), str):
            continue  # any login of the database may say anything
        key = said.get("site" if topic == "telemetry" else "key")
        if key is None:
            is_too_much = True
        elif isinstance(key, str) and KEYS.get(topic, ANY).fullmatch(key):
            news.setdefault(topic, {})[key] = None
    return news, is_too_much


def _read(payload: str) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None
