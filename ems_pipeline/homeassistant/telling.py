"""What the broker has heard of us, and what it is told next: only what is new, and everything again when asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from ems_pipeline.homeassistant.entities import Topics

REPEAT = timedelta(seconds=60)
"""How often a state is told although it has not changed: a third of what Home Assistant waits for."""
SETTLING, REPEAT_SETTLING = timedelta(seconds=30), timedelta(seconds=5)
"""Home Assistant takes some seconds from hearing of an entity to listening for its state, and hears nothing before."""
ONLINE, OFFLINE = "online", "offline"


class Say(Protocol):
    """How something is said at the broker."""

    def __call__(self, topic: str, payload: str, *, retain: bool = False) -> None: ...


class Teller:
    """Remembers what was said since the connection was made, or since Home Assistant started."""

    def __init__(self, say: Say, topics: Topics) -> None:
        self._say, self._topics = say, topics
        self._configs: dict[str, str] = {}
        """What is retained at the broker, as far as we know."""
        self._statuses: dict[str, str] = {}
        self._said: dict[str, tuple[str, datetime]] = {}
        self._settles_until: datetime | None = None

    def again(self) -> None:
        """Home Assistant has started: it is told everything anew."""
        self._configs = dict.fromkeys(self._configs, "")
        self._statuses.clear()
        self._said.clear()

    def heard(self, topic: str, payload: bytes) -> None:
        """A retained entity of ours, of before or taken away by somebody."""
        if payload:
            self._configs.setdefault(topic, payload.decode(errors="replace"))
        else:
            self._configs.pop(topic, None)

    def entities(self, wanted: Mapping[str, str], at: datetime) -> None:
        """All entities there are: new and changed ones are told, those that are gone are taken away."""
        for topic in self._configs.keys() - wanted.keys():
            self._say(topic, "", retain=True)
            del self._configs[topic]
        for topic, config in wanted.items():
            if self._configs.get(topic) != config:
                self._say(topic, config, retain=True)
                self._configs[topic] = config
                self._settles_until = at + SETTLING

    def statuses(self, sites: Collection[str], available: Collection[str]) -> None:
        """Which sites are known of at this moment; retained, so said when it changes."""
        for site in sites:
            said = ONLINE if site in available else OFFLINE
            if self._statuses.get(site) != said:
                self._say(self._topics.site_status(site), said, retain=True)
                self._statuses[site] = said

    def state(self, topic: str, payload: str, at: datetime) -> None:
        """A state: said when it is another, and repeated before it would expire. Never retained: it would be old."""
        before = self._said.get(topic)
        is_settling = self._settles_until is not None and at < self._settles_until
        repeat = REPEAT_SETTLING if is_settling else REPEAT
        if before is None or before[0] != payload or not before[1] <= at < before[1] + repeat:
            self._say(topic, payload)
            self._said[topic] = payload, at
