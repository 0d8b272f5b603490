"""Alarms and reports by one way, each person's own: chosen, merged, paced, and noted before they are sent."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ems_pipeline.notices import bot, health, reports
from ems_pipeline.notify import choice, wording
from ems_pipeline.notify.notice import Blocked, Down, Held, Message, Moved, Notice, NotSent, Unreached, Unsure, Way
from ems_pipeline.notify.pace import Pace
from ems_pipeline.time_grid import MINUTE, Clock
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse, channels, told
from ems_pipeline.warehouse.channels import Channel
from ems_pipeline.warehouse.told import Ending, Told

logger = logging.getLogger(__name__)
CHECK_EVERY = timedelta(hours=1)
MOST_AT_ONCE = 20
"""Messages of one look: a service takes some thirty a second from us, and each look takes a second at least."""


@dataclass
class Teller:
    """Tells by one way. A look sends what is due and may be sent now; it never waits for anything but an answer."""

    warehouse: Warehouse
    clock: Clock
    way: Way
    pace: Pace = field(default_factory=Pace)
    health: health.Health = field(init=False)
    _heard_at: datetime | None = None
    """When the service last said anything good."""
    _known: list[Channel] = field(default_factory=list)
    _blind_since: datetime | None = None
    _has_said_so: bool = False

    def __post_init__(self) -> None:
        self.health = health.Health(self.way.kind, f"nobody is told by {self.way.kind}")

    def look(self) -> None:
        """Tell every person what is due. DatabaseUnavailable: it is away, which is told where it lasts."""
        try:
            self._look()
        except DatabaseUnavailable:
            self._blind(f"the database does not answer for {health.PATIENCE // MINUTE} minutes: nothing is steered")
            raise
        if self._blind_since is not None and self._has_said_so:
            self._say_at_once("info", "the database answers again")
        self._blind_since, self._has_said_so = None, False

    def _blind(self, text: str) -> None:
        """Those whom we knew last are told, once; nobody could note it."""
        now = self.clock.now()
        self._blind_since = self._blind_since or now
        if now - self._blind_since >= health.PATIENCE and not self._has_said_so:
            self._has_said_so = True
            self._say_at_once("critical", text)

    def _say_at_once(self, severity: str, text: str) -> None:
        notice = Notice(0, severity, "", "", "database-down", text, self.clock.now())
        for channel in self._known:
            least = replace(channel.wishes, least_severity="info")
            if choice.wanted([notice], channel.person_sites, least, self.clock.now()):
                with suppress(NotSent):
                    self.way.send(channel.address, wording.merged([notice], is_again=False))

    def _look(self) -> None:
        now = self.clock.now()
        with self.warehouse.begin() as connection:
            found = channels.listed(connection, kind=self.way.kind)
            health.tell_blocked(connection, self.way.kind, found, now)
            self.health.tell(connection, now)
            usable = self._known = [channel for channel in found if channel.state == "open"]
            standing = told.standing(connection) if usable else []
            states = told.of_channels(connection, [channel.number for channel in usable])
        left = MOST_AT_ONCE
        for channel in usable:
            if left <= 0 or not self.pace.is_free(self.way.kind, now):
                return
            if self.pace.is_free(channel.address, now):
                left -= self._alarms(channel, standing, states[channel.number], now)
        if self.pace.is_free(self.way.kind, now):
            self._reports([channel for channel in usable if self.pace.is_free(channel.address, now)], now)
        if usable and self.pace.is_free(self.way.kind, now):
            self._check(now)

    def _alarms(self, channel: Channel, standing: Sequence[Notice], states: Mapping[int, Told], now: datetime) -> int:
        """Tell one person as much as goes into a message; how many messages that were."""
        new = [
            notice
            for notice in standing
            if not health.is_of(notice, self.way.kind)
            and (notice.number not in states or states[notice.number].is_due(notice.severity))
        ]
        due = choice.wanted(new, channel.person_sites, channel.wishes, now)
        if not due:
            return 0
        batch = wording.fitting(due, self.way.longest)
        is_again = any(n.number in states and states[n.number].may_have_arrived for n in batch)
        message = wording.merged(batch, is_again=is_again, more=len(due) - len(batch))
        with self.warehouse.begin() as connection:
            told.begin(connection, channel.number, batch, now)
            if self.way.has_buttons:
                nonce = secrets.token_urlsafe(24)
                told.add_button(connection, channel.number, batch, nonce, now)
                message = replace(message, button=bot.KNOW + nonce)
        state = self._send(channel, message)
        with self.warehouse.begin() as connection:
            told.end(connection, channel.number, batch, state, self.clock.now())
        return 1

    def _reports(self, usable: Sequence[Channel], now: datetime) -> None:
        """One report a look at most: each has a picture to be drawn."""
        for channel, span in reports.due(self.warehouse, usable, now):
            with self.warehouse.begin() as connection:
                is_mine = told.begin_report(connection, channel.number, span, now)
            if not is_mine:
                continue
            state = self._send(channel, reports.message(self.warehouse, span))
            with self.warehouse.begin() as connection:
                told.end_report(connection, channel.number, span, state, self.clock.now())
            return

    def _check(self, now: datetime) -> None:
        """Ask a silent service now and then, and a failing one again: that it is dead is known before it is needed."""
        is_silent = self._heard_at is None or now - self._heard_at >= CHECK_EVERY
        if self.health.failing_since is None and not is_silent:
            return
        try:
            self.way.check()
        except Unreached as error:  # the way itself stands: others are told
            self.health.failed(str(error), now)
        except NotSent as error:
            self.pace.failed(self.way.kind, now)
            self.health.failed(str(error), now)
        else:
            self._worked(now)

    def _worked(self, now: datetime) -> None:
        self.health.worked()
        self.pace.sent(self.way.kind, now, 0.0)
        self._heard_at = now

    def _send(self, channel: Channel, message: Message) -> Ending:
        """Send one message and draw the conclusions; what became of it."""
        try:
            self._sent(channel, message)
        except NotSent as error:
            logger.warning("%s of %s: %s", self.way.kind, channel.person, error)
            return self._conclude(channel, error)
        self._worked(self.clock.now())
        return "told"

    def _sent(self, channel: Channel, message: Message) -> None:
        """As `Way.send`; an address that has moved is kept and asked once more."""
        address = channel.address
        try:
            self.way.send(address, message)
        except Moved as moved:
            with self.warehouse.begin() as connection:
                channels.move(connection, self.way.kind, address, moved.to)
            address = moved.to
            self.way.send(address, message)
        self.pace.sent(address, self.clock.now(), self.way.spacing_s(address))

    def _conclude(self, channel: Channel, error: NotSent) -> Ending:
        now = self.clock.now()
        match error:
            case Blocked():
                with self.warehouse.begin() as connection:
                    channels.block(connection, channel.number, error.what)
            case Held():
                self.pace.hold(channel.address, now, error.after_s)
            case Unreached():
                self.pace.failed(channel.address, now)
                self.health.failed(str(error), now)
            case Down():
                self.pace.failed(self.way.kind, now)
                self.health.failed(str(error), now)
            case Unsure():
                self.pace.failed(channel.address, now)
                self.health.failed(str(error), now)
                return "unsure"
            case _:
                self.pace.failed(channel.address, now)
        return "refused"


def try_out(way: Way, channel: Channel, warehouse: Warehouse, clock: Clock) -> None:
    """Say something by a channel; NotSent: it did not arrive, or nobody knows."""
    key = f"test-{clock.now():%Y%m%dT%H%M%S%f}"
    said = Message("ems: a test", f"A test for {channel.person}: by this way you are told.", key)
    Teller(warehouse, clock, way)._sent(channel, said)
