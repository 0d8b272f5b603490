"""Everything a running web process has, and the settings it was started with."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from ems_pipeline import settings
from ems_pipeline.api import once
from ems_pipeline.api.address import of_the_web
from ems_pipeline.api.database import Database
from ems_pipeline.api.figures import Figures
from ems_pipeline.api.kept import Kept
from ems_pipeline.api.limits import Budgets
from ems_pipeline.api.lines import Lines
from ems_pipeline.api.live.feed import Feed
from ems_pipeline.api.live.hub import Hub
from ems_pipeline.api.people import People
from ems_pipeline.api.reading import Row
from ems_pipeline.api.rest.relations import Known
from ems_pipeline.api.sessions import Sessions
from ems_pipeline.api.tokens import Tokens
from ems_pipeline.secret import SecretUnreadable
from ems_pipeline.sites.wiring import LOOPBACK
from ems_pipeline.time_grid import Clock, SystemClock
from ems_pipeline.warehouse.local import home

logger = logging.getLogger(__name__)
CLEANED_EVERY_S = 3600.0
PLANS = 8
"""Whose quarter-hours are kept, some hundred kB each: a plan that exists does not change, and is asked for again."""
CHARACTERS = 4_000_000
"""Of pictures and tables that pages keep of plans: those of some twenty sites."""


@dataclass(frozen=True)
class Settings:
    """Read once, when the process starts."""

    database: str
    """Address for libpq, with the login; without a password."""
    secret: str = field(repr=False)
    """That tokens are signed with."""
    hosts: frozenset[str] = LOOPBACK
    """Names this process is called by; any other is somebody's name that leads to our address."""
    proxies: str = ""
    """Addresses that are believed when they say for whom they ask, separated by commas."""
    at: datetime | None = None
    """The moment at which everything is shown; None: now."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """From ``EMS_WEB_DATABASE_URL``, ``EMS_WEB_SECRET``, ``EMS_WEB_HOSTS``, ``EMS_WEB_PROXIES``, ``EMS_WEB_AT``.

        Raises:
            WrongSetting, SecretUnreadable, DatabaseUnavailable: see there.
        """
        own = settings.WEB_SECRET.read(environ) or _own_secret(home() / "web.secret")
        hosts, proxies = settings.WEB_HOSTS.read(environ), settings.WEB_PROXIES.read(environ)
        return cls(of_the_web(environ), own, LOOPBACK | hosts, ",".join(proxies), settings.WEB_AT.read(environ))


def _own_secret(file: Path) -> str:
    """This machine's, made at the first start; its owner alone reads it."""
    with contextlib.suppress(FileExistsError):
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as made:
            made.write(secrets.token_hex(32))
    own = file.read_text(encoding="utf-8").strip()
    if len(own) < settings.SHORTEST_SECRET:
        raise SecretUnreadable(
            f"{file} holds {len(own)} characters; what signs tokens has {settings.SHORTEST_SECRET} at least",
            "remove the file, and the next start makes another",
        )
    return own


@dataclass
class Web:
    """One per process; routes get it as `ThisWeb`."""

    settings: Settings
    clock: Clock = field(default_factory=SystemClock)
    budgets: Budgets = field(default_factory=Budgets)
    figures: Figures = field(default_factory=Figures)
    lines: Lines = field(default_factory=Lines)
    started_s: float = field(default_factory=time.monotonic)
    database: Database = field(init=False)
    people: People = field(init=False)
    sessions: Sessions = field(init=False)
    tokens: Tokens = field(init=False)
    relations: Known = field(init=False)
    planned: Kept[list[Row]] = field(default_factory=lambda: Kept(PLANS))
    drawn: Kept[Any] = field(default_factory=lambda: Kept(CHARACTERS))
    hub: Hub = field(init=False)
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.database = Database(self.settings.database)
        self.people = People(self.database, self.budgets)
        self.sessions = Sessions(self.database, self.clock)
        self.tokens = Tokens(self.database, self.clock, self.settings.secret)
        self.relations = Known(time.monotonic)
        self.hub = Hub(self.clock)
        self.feed = Feed(self.database, self.hub)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """From the start of the process to its end: connections, hourly cleaning, the ear at the database, the log."""
        await self.database.open()
        work = self._clean_for_ever(), self.feed.run(), self.lines.run()
        tasks = [asyncio.create_task(task) for task in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.database.close()
            self.lines.write()

    async def _clean_for_ever(self) -> None:
        while True:
            await asyncio.sleep(CLEANED_EVERY_S)
            await self.clean()

    async def clean(self) -> None:
        """Remove sessions, tokens and keys of writes that ended; where the database is away, next time."""
        try:
            gone = await self.sessions.clean(), await self.tokens.clean(), await once.clean(self.database, self.clock)
            logger.info("cleaned: %d sessions, %d tokens, %d keys of writes", *gone)
        except Exception:
            logger.exception("sessions, tokens and keys that ended were not removed")


def serving(connection: HTTPConnection) -> Web:
    """The web process that answers this request."""
    web: Web = connection.app.state.web
    return web


ThisWeb = Annotated[Web, Depends(serving)]
