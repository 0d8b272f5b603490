"""The process: one thread that listens to the broker, looks at the API, and tells what is new.

One thread, so that whatever holds it up is seen: it answers no ping then, and the broker says the last will.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ems_pipeline import settings
from ems_pipeline.errors import EmsError
from ems_pipeline.homeassistant import house as sites
from ems_pipeline.homeassistant import states
from ems_pipeline.homeassistant.api import Api, ApiAway, ApiRefused
from ems_pipeline.homeassistant.entities import Topics, configs
from ems_pipeline.homeassistant.house import House
from ems_pipeline.homeassistant.standing import Keeper
from ems_pipeline.homeassistant.telling import OFFLINE, ONLINE, Teller
from ems_pipeline.homeassistant.wishes import Desk
from ems_pipeline.mqtt.client import Broker, BrokerLost, Conversation, Message, Will
from ems_pipeline.time_grid import Clock, SystemClock

logger = logging.getLogger(__name__)
NEVER = datetime.min.replace(tzinfo=UTC)
TICK_S = 1.0
LOOK_EVERY = timedelta(seconds=15)
"""Telemetry comes every minute; a wish is seen to hold within a quarter of one."""
LIST_EVERY = timedelta(minutes=5)
"""How often it is asked which sites there are."""
KNOWN_FOR = timedelta(seconds=60)
"""How long a site stays available when the API does not answer."""
LATE_S = 10.0
"""What waited for longer while we did not listen may be old."""
ENDS_SOON = timedelta(days=14)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
NOT_SET = "EMS_MQTT_HOST names a broker, and EMS_MQTT_TOKEN no token"


class Unset(EmsError):
    """Something is missing without which nobody can be told."""


class Publisher:
    """Tells one broker of the sites of one token."""

    def __init__(
        self,
        broker: Broker,
        api: Api,
        topics: Topics,
        clock: Clock,
        *,
        takes_wishes: bool,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker, self._api, self._topics, self._clock, self._steady = broker, api, topics, clock, steady
        self._wants_wishes, self._takes_wishes = takes_wishes, False
        self.desk = Desk(api, topics)
        self._houses: dict[str, House] = {}
        self._seen_at: dict[str, datetime] = {}
        """When a site was looked at last, with success."""
        self._looked_at = self._listed_at = NEVER
        self._fault = ""
        self._last_wishes: dict[str, str] = {}
        self._keeper = Keeper()

    def run(self, stop: threading.Event) -> None:
        """Until stopped; a broker that is lost is tried again, later each time."""
        pause_s = FIRST_PAUSE_S
        while not stop.is_set():
            conversation = Conversation(self._broker, Will(self._topics.status, OFFLINE))
            try:
                conversation.begin()
                pause_s = FIRST_PAUSE_S
                self._converse(conversation, stop)
            except BrokerLost as error:
                logger.warning("%s", error)
                self._keeper.keep(str(error), self._clock.now())
                stop.wait(pause_s)
                pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)

    def _converse(self, conversation: Conversation, stop: threading.Event) -> None:
        teller = Teller(conversation.say, self._topics)
        wishes = [self._topics.wishes] if self._wants_wishes else []
        conversation.listen([self._topics.birth, self._topics.configs, *wishes])
        conversation.say(self._topics.status, ONLINE, retain=True)
        listened_at = self._steady(), self._clock.now()
        while not stop.is_set():
            heard = conversation.work(TICK_S)
            self.step(heard, teller, is_late=self._was_away(*listened_at))
            listened_at = self._steady(), self._clock.now()
        conversation.say(self._topics.status, OFFLINE, retain=True)
        conversation.end()

    def _was_away(self, steady_s: float, wall: datetime) -> bool:
        """Whether longer than a look takes has gone by since we listened last; also where the machine slept."""
        limit_s = TICK_S + LATE_S
        return self._steady() - steady_s > limit_s or (self._clock.now() - wall).total_seconds() > limit_s

    def step(self, heard: list[Message], teller: Teller, *, is_late: bool = False) -> None:
        """What was heard is taken, what is due is looked at, what is new is told."""
        at = self._clock.now()
        if self._is_due(at):
            self._look(at)
        for message in heard:
            self._take(message, teller, at, is_late=is_late)
        if self._is_due(at):
            self._look(at)
        self._tell(teller, self._clock.now())
        self._keeper.keep(self._fault, at)

    def _take(self, message: Message, teller: Teller, at: datetime, *, is_late: bool) -> None:
        if message.topic == self._topics.birth:
            if message.payload == ONLINE.encode():
                teller.again()
        elif message.topic.startswith(f"{self._topics.prefix}/"):
            if not self._takes_wishes:
                return
            told = self.desk.take(message, self._houses, at, is_late=is_late)
            if told is not None:
                self._last_wishes[told[0]] = told[1]
                self._looked_at = NEVER  # what it changed is seen at once
        else:
            teller.heard(message.topic, message.payload)

    def _is_due(self, at: datetime) -> bool:
        return not timedelta(0) <= at - self._looked_at < LOOK_EVERY

    def _look(self, at: datetime) -> None:
        """Look at every site; one that cannot be looked at costs only itself."""
        self._looked_at, self._fault = at, ""
        try:
            if not timedelta(0) <= at - self._listed_at < LIST_EVERY:
                self._list(at)
            for key, house in list(self._houses.items()):
                try:
                    self._houses[key] = sites.looked(house, self._api, at)
                    self._seen_at[key] = at
                except ApiRefused as error:
                    self._fault = f"{key}: {error}"
        except (ApiAway, ApiRefused) as error:
            self._fault = str(error)
        if self._fault:
            logger.warning("%s", self._fault)
        self._fault = self._fault or self._warning(at)

    def _list(self, at: datetime) -> None:
        may = self._api.get("me")["resources"]
        listed = {house.key: house for house in sites.houses(self._api)}
        kept = {key: h for key, h in self._houses.items() if key in listed and h.assets == listed[key].assets}
        self._houses = {key: kept.get(key, house) for key, house in listed.items()}
        self._takes_wishes = self._wants_wishes and "overrides:write" in may
        self._listed_at = at

    def _warning(self, at: datetime) -> str:
        """What works still and will not, or does not although it was asked for."""
        if self._wants_wishes and not self._takes_wishes:
            return "EMS_MQTT_COMMANDS is 1, and the token lacks overrides:write; give EMS_MQTT_TOKEN one that has it"
        ends_at = self._api.ends_at
        if ends_at is not None and ends_at - at < ENDS_SOON:
            return f"the token in EMS_MQTT_TOKEN ends on {ends_at:%Y-%m-%d}; generate another (docs/homeassistant.md)"
        return ""

    def _tell(self, teller: Teller, at: datetime) -> None:
        if self._listed_at == NEVER:  # nobody has said yet which sites there are: nothing is taken away
            return
        fresh = {key for key, seen in self._seen_at.items() if timedelta(0) <= at - seen <= KNOWN_FOR}
        wanted: dict[str, str] = {}
        for house in self._houses.values():
            wanted |= configs(house, self._topics, with_wishes=self._takes_wishes)
        teller.entities(wanted, at)
        teller.statuses(self._houses, fresh)
        for key, house in self._houses.items():
            if self._seen_at.get(key) == self._looked_at:  # never what was seen before
                teller.state(self._topics.state(key), states.state(house, self.desk.panel), at)
                teller.state(self._topics.prices(key), states.prices(house, at), at)
            if key in self._last_wishes:
                teller.state(self._topics.last_wish(key), self._last_wishes[key], at)


def broker() -> Broker | None:
    """The broker that the settings name; None: none."""
    host = settings.MQTT_HOST.read()
    if host is None:
        return None
    is_tls = settings.MQTT_SECURITY.read() == "tls"
    port = settings.MQTT_PORT.read() or (8883 if is_tls else 1883)
    return Broker(host, port, is_tls, settings.MQTT_USER.read(), settings.MQTT_PASSWORD.read())


def topics() -> Topics:
    """As the settings say."""
    return Topics(settings.MQTT_PREFIX.read(), settings.MQTT_DISCOVERY.read())


def api() -> Api:
    """The API that the settings name. Unset: there is no token for it."""
    token = settings.MQTT_TOKEN.read()
    if token is None:
        raise Unset(NOT_SET, "generate one for the HTTP API (docs/homeassistant.md)")
    return Api(settings.MQTT_API.read(), token)


def publisher(clock: Clock) -> Publisher:
    """As the settings say. Unset, WrongSetting, SecretUnreadable: they do not."""
    found = broker()
    if found is None:
        raise Unset("EMS_MQTT_HOST names no broker", "docs/homeassistant.md says how to set it up")
    return Publisher(found, api(), topics(), clock, takes_wishes=settings.MQTT_COMMANDS.read())


def forget() -> int:
    """Take all our entities away; how many there were. Unset, BrokerLost."""
    found = broker()
    if found is None:
        raise Unset("EMS_MQTT_HOST names no broker", "docs/homeassistant.md says how to set it up")
    conversation = Conversation(found)
    conversation.begin()
    conversation.listen([topics().configs])
    known: set[str] = set()
    while heard := conversation.work(TICK_S):
        known |= {message.topic for message in heard if message.payload}
    for topic in known:
        conversation.say(topic, "", retain=True)
    conversation.end()
    return len(known)


def main() -> int:
    """Tell until stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    publisher(SystemClock()).run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
