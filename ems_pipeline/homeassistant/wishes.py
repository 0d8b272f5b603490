"""What is said on a topic becomes a wish, or is refused by name. Whoever may publish at the broker can say anything.

Home Assistant says neither when nor who. So only what comes at once counts: nothing that was retained, nothing that was
repeated, nothing that waited while this process did something else. A wish always ends, and is filed like any other
override: below envelope and grid limit, in the name of the token.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from ems_pipeline.errors import EmsError
from ems_pipeline.homeassistant import dials
from ems_pipeline.homeassistant.api import Api, ApiAway, ApiRefused
from ems_pipeline.homeassistant.dials import AUTO, Panel
from ems_pipeline.homeassistant.entities import Topics
from ems_pipeline.homeassistant.house import Asset, House
from ems_pipeline.mqtt.client import Message
from ems_pipeline.plain_text import plain

logger = logging.getLogger(__name__)
SAME = timedelta(seconds=3)
"""The same on the same topic within this is one wish: a publisher that was not sure says it twice."""
MINUTE, MOST_A_MINUTE = timedelta(minutes=1), 10
LONGEST_SAID = 40
"""Bytes of anything that can be meant."""
PRESSED = "PRESS"
REASON = "by Home Assistant"


class NotWished(EmsError):
    """What was said is no wish of ours; nothing was filed."""

    usual = "choose it in Home Assistant"


@dataclass
class Desk:
    """Takes what is said on the topics of wishes; remembers what it took last."""

    api: Api
    topics: Topics
    panel: Panel = field(default_factory=Panel)
    _taken: deque[tuple[datetime, str, bytes]] = field(default_factory=deque)

    def take(
        self, message: Message, houses: dict[str, House], at: datetime, *, is_late: bool
    ) -> tuple[str, str] | None:
        """The site that was meant, and what became of it; None: it is not worth a word."""
        words = message.topic.split("/")
        house = houses.get(words[1]) if len(words) == 5 else None
        if house is None:
            logger.warning("%s: no such site; nothing was done", plain(message.topic))
            return None
        if self._is_repeated(message, at):
            logger.info("%s: said again; counted once", plain(message.topic))
            return None
        try:
            self._demand_at_once(message, at, is_late=is_late)
            told = self._done(house, words[2], words[3], _said(message))
        except (NotWished, ApiRefused, ApiAway) as error:
            told = f"refused: {error}"
        logger.info("%s: %s", plain(message.topic), told)
        return house.key, f"{at:%H:%M:%S} UTC {told}"

    def _is_repeated(self, message: Message, at: datetime) -> bool:
        while self._taken and self._taken[0][0] <= at - MINUTE:
            self._taken.popleft()
        return message.is_again or any(
            (topic, payload) == (message.topic, message.payload) and at - taken < SAME
            for taken, topic, payload in self._taken
        )

    def _demand_at_once(self, message: Message, at: datetime, *, is_late: bool) -> None:
        if message.is_retained:
            raise NotWished("it was retained, so nobody knows of when it is", "publish wishes without retain")
        if is_late:
            raise NotWished("it waited while this program was busy, so it may be old", "choose it again")
        if len(self._taken) >= MOST_A_MINUTE:
            raise NotWished(f"more than {MOST_A_MINUTE} wishes in a minute", "wait a minute")
        self._taken.append((at, message.topic, message.payload))

    def _done(self, house: House, key: str, what: str, said: str) -> str:
        asset = next((a for a in dials.steerable(house) if a.key == key), None)
        if asset is None:
            raise NotWished(f"{house.key} has no asset {plain(key, LONGEST_SAID)!r} of which anything may be wished")
        of = self.panel.of(house.key, key)
        if what == "mode":
            return self._handed_back(house, key) if said == AUTO else self._filed(house, asset, said)
        if what == "hand-back" and said == PRESSED:
            return self._handed_back(house, key)
        if what == "amount":
            of.amount = _number(said, 0.0, dials.LARGEST_A if dials.has_current(asset) else dials.LARGEST_W)
            return f"{key}: how much is {of.amount:g}, for the next wish"
        if what == "minutes":
            of.minutes = _number(said, dials.SHORTEST_MIN, dials.LONGEST_MIN)
            return f"{key}: how long is {of.minutes:g} min, for the next wish"
        raise NotWished(f"{key}: {plain(what, LONGEST_SAID)} {said!r} is none of what is offered")

    def _filed(self, house: House, asset: Asset, mode: str) -> str:
        if mode not in dials.modes(asset):
            raise NotWished(f"{asset.key}: {mode!r} is none of {', '.join(dials.modes(asset))}")
        of = self.panel.of(house.key, asset.key)
        wish = {
            "asset": asset.key, "mode": mode, "limits": dials.limits(asset, mode, of), "reason": REASON,
            "duration_minutes": round(of.minutes),
        }  # fmt: skip
        found = self.api.post(f"sites/{house.key}/overrides", wish, str(uuid4()))
        until = datetime.fromisoformat(found["ends_at"])
        return f"{asset.key}: {mode} until {until:%H:%M} UTC, override {found['override_id']}"

    def _handed_back(self, house: House, key: str) -> str:
        """What this token wished of the asset is taken back; what others wish is theirs."""
        mine = [
            o["override_id"] for o in self.api.items(f"sites/{house.key}/overrides", limit="1000")
            if o["asset"] == key and self.api.number and str(o["created_by"]).endswith(f":{self.api.number}")
        ]  # fmt: skip
        for number in mine:
            self.api.delete(f"sites/{house.key}/overrides/{number}")
        return f"{key}: wishes of ours taken back: {len(mine)}" if mine else f"{key}: no wish of ours holds"


def _said(message: Message) -> str:
    if len(message.payload) > LONGEST_SAID:
        raise NotWished(f"{len(message.payload)} bytes, which is too much to mean anything")
    try:
        return plain(message.payload.decode("utf-8"), LONGEST_SAID)
    except UnicodeDecodeError:
        raise NotWished("it is no text") from None


def _number(said: str, least: float, most: float) -> float:
    try:
        found = float(said)
    except ValueError:
        found = math.nan
    if not least <= found <= most:
        raise NotWished(f"{said!r} is no number from {least:g} to {most:g}")
    return found
