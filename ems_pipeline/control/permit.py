"""May this be told to this hardware now? Asked in the transaction that commits an intent, and before every write.

Both opt-ins, an active site, the configuration that was decided on, an arm for nothing less, an override nobody has
taken back, a set-point whose time is not over. A release needs none of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from ems_pipeline.control.footing import Footing
from ems_pipeline.devices.installed.reach import wider
from ems_pipeline.sentence import permits as say
from ems_pipeline.warehouse import arming, overrides
from ems_pipeline.warehouse.arming import Standing
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.gateway_lock import is_alive
from ems_pipeline.warehouse.intents import Intent

UNREGISTERED = say.UNREGISTERED.text
OVERTAKEN = say.OVERTAKEN.text
LOST = "the gateways are no longer ours: the session that kept them has ended"


class Withdrawn(Exception):
    """A site may no longer be told anything; nothing of the transaction is kept. The text says why."""


@dataclass(frozen=True)
class Word:
    """What the database says at one instant about telling sites anything."""

    standings: dict[str, Standing]
    overrides: frozenset[int]
    """Those of the overrides asked about that nobody has taken back."""
    is_master: bool


def ask(connection: Connection, sites: Collection[str], override_ids: Iterable[int], party_id: int) -> Word:
    """Read everything a permit depends on."""
    numbers = set(override_ids)
    return Word(
        arming.standings(connection, sites),
        frozenset(overrides.standing(connection, numbers) if numbers else ()),
        is_alive(connection, party_id),
    )


def not_steered(footing: Footing, standing: Standing | None, now: datetime) -> str:
    """Why nothing may be told on a footing; empty when both opt-ins hold for it."""
    if footing.former:
        return footing.former
    if standing is None:
        return UNREGISTERED
    if not standing.is_active:
        return say.OUT_OF_SERVICE.text
    if standing.config_hash != footing.config_hash:
        return OVERTAKEN
    if not footing.site.control.enabled:
        return say.NOT_ENABLED.text
    return unarmed(footing, standing, now)


def unarmed(footing: Footing, standing: Standing, now: datetime) -> str:
    """Why a site's arm, if it has one, does not stand for this footing."""
    if standing.arm is None or not arming.holds(standing.arm, now):
        return say.NOT_ARMED.text
    if differences := wider(standing.arm.bound_to, footing.reach):
        return say.ARMED_FOR_ELSE(differences="; ".join(differences[:3]))
    return ""


def refused(intent: Intent, word: Word, now: datetime) -> str:
    """Why one intent must not be told, though the site may be steered; empty when it may."""
    if now >= intent.valid_until:
        return f"its time was over at {intent.valid_until:%H:%M:%S}"
    if intent.override_id is not None and intent.override_id not in word.overrides:
        return f"override {intent.override_id} was taken back"
    return ""


MayStill = Callable[[Standing | None, datetime], str]
"""`not_steered` of one footing, or what stands in its place where a person tries a point by hand."""


@dataclass(frozen=True)
class Permit:
    """The right of one session to tell devices anything.

    ``look``: asks the database now, for the site and an override; `Together` answers many at once.
    """

    footing: Footing
    may: MayStill
    party_id: int
    look: Callable[[tuple[str, int | None]], Awaitable[Word]]

    def kept(self, connection: Connection, intents: Collection[Intent], now: datetime) -> dict[str, str]:
        """By device why it must not be told; what is not named may be, until this transaction ends.

        Raises:
            Withdrawn: nothing of the site may be told anything.
        """
        arming.keep(connection, self.footing.site.key)
        numbers = [one.override_id for one in intents if one.override_id is not None]
        kept = overrides.keep(connection, numbers) if numbers else set[int]()
        word = ask(connection, [self.footing.site.key], (), self.party_id)
        if why := self._withdrawn(word, now):
            raise Withdrawn(why)
        held = Word(word.standings, frozenset(kept), word.is_master)
        return {one.device: why for one in intents if (why := refused(one, held, now))}

    async def now(self, intent: Intent, at: Callable[[], datetime]) -> str:
        """Why an intent must not reach the wire any more, as things stand this moment; empty when it may."""
        word = await self.look((self.footing.site.key, intent.override_id))
        return self._withdrawn(word, at()) or refused(intent, word, at())

    def _withdrawn(self, word: Word, now: datetime) -> str:
        return self.may(word.standings.get(self.footing.site.key), now) or ("" if word.is_master else LOST)
