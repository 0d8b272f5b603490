"""One connection of a charger, whatever version it speaks: what is asked of it and told to it, and what came of that.

The frames, their numbers and their schemas are the `ocpp` library's. What we send is held against the schemas; what
chargers send is read by what stands in it, because many of them add or leave out something: `v16` and `v201` turn it
into what `charger` knows. One connection serves all connectors of a station; each is asked and told for itself.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ocpp import messages
from ocpp.exceptions import NotImplementedError as Unimplemented
from ocpp.exceptions import NotSupportedError, OCPPError
from websockets.exceptions import ConnectionClosed

from ems_pipeline.devices.ocpp.box import Box
from ems_pipeline.devices.ocpp.charger import Charger
from ems_pipeline.devices.ocpp.metering import metered, sampled
from ems_pipeline.devices.ocpp.payloads import instant, listed
from ems_pipeline.devices.ocpp.profile import (
    RUNNING_ID,
    SETPOINT_ID,
    TRANSACTION,
    Order,
    When,
    composite,
    number_at,
    safe_profile,
    setpoint_profile,
)
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.plain_text import plain

COMPOSED_S = 60
"""How far a charger is asked to look ahead in what it offers."""
ANSWER_S = 10.0
"""How long a charger may take to answer; what comes later is passed over."""
OURS = "EMS"
"""Whom a transaction that we ask for is for."""
FRAMES = logging.getLogger(f"{__name__}.frames")
FRAMES.setLevel(logging.CRITICAL)
"""Of the library, which writes out every frame and every refusal with its stack: cards are nobody's business."""
logger = logging.getLogger(__name__)
messages.ASYNC_VALIDATION = False  # a schema takes less time than a thread


class NotTaken(Exception):
    """A charger did not do what it was asked; the text says what it said."""


class Wire(Protocol):
    """The connection, as the library uses it."""

    async def recv(self) -> str | bytes: ...
    async def send(self, message: str) -> None: ...
    async def close(self, code: int = 1000, reason: str = "") -> None: ...


class Station:
    """What the versions share; mixed with the library's class of each, which brings ``call`` and ``route_message``."""

    box: Box
    version: str
    tells_state: tuple[str, ...] = ("StatusNotification",)
    """Messages that say how it stands."""
    call: Any
    route_message: Any
    _connection: Any

    def begin(self, box: Box) -> None:
        """Belong to a station; called once, after the library's own beginning."""
        self.box = box
        self._awaited: dict[tuple[str, int], asyncio.Event] = {}

    async def listen(self) -> None:
        """Take what the charger says until its connection ends; one message that nobody understands costs itself."""
        while True:
            message = await self._connection.recv()
            self.box.line.heard_at = self.box.clock.now()
            try:
                await self.route_message(message)
            except ConnectionClosed:
                raise
            except Exception as error:  # a frame no library can read
                logger.warning("%s said something that nobody understands: %s", self.box.name, plain(str(error), 200))

    async def ask(self, request: Any) -> Any:
        """The answer to a request.

        Raises:
            NotTaken: there is none, or it is an error.
        """
        what = type(request).__name__
        try:
            return await self.call(request, suppress=False)
        except (Unimplemented, NotSupportedError):
            self.box.line.lacks.add(what)
            raise NotTaken(f"it does not know {what}") from None
        except OCPPError as error:
            raise NotTaken(f"{what}: {plain(f'{type(error).__name__}: {error.description}', 120)}") from None
        except TimeoutError:
            raise NotTaken(f"{what} was not answered within {ANSWER_S:g} s") from None
        except ConnectionClosed:
            raise NotTaken(f"its connection ended before it answered {what}") from None
        except Exception as error:  # an answer that does not fit its schema or class
            raise NotTaken(f"{what} was answered with what is none: {plain(str(error), 120)}") from None

    async def look(self, charger: Charger) -> None:
        """Have it say how it stands, where that is not known or old; what it cannot be asked stays unknown."""
        if charger.is_quiet():
            for message in self.tells_state:
                await self.trigger(message, charger)
        if charger.is_unmetered():
            await self.trigger("MeterValues", charger)

    async def trigger(self, message: str, charger: Charger) -> None:
        """Ask for a message about a connector, and wait for it."""
        lacks, connector = self.box.line.lacks, charger.terms.connector
        if "TriggerMessage" in lacks or message in lacks:
            return
        came = self._awaited.setdefault((message, connector), asyncio.Event())
        try:
            answer = await self.ask(self.triggering(message, connector))
            if answer.status == "Accepted":
                await asyncio.wait_for(came.wait(), ANSWER_S)
            elif answer.status == "NotImplemented":
                lacks.add(message)
        except (NotTaken, TimeoutError) as error:
            logger.info("%s does not say its %s: %s", charger.name, message, error)
        finally:
            self._awaited.pop((message, connector), None)

    def comes(self, message: str, charger: Charger) -> bool:
        """A message has come; whether it answers what was just asked for."""
        waiter = self._awaited.get((message, charger.terms.connector))
        if waiter is not None:
            waiter.set()
        return waiter is not None

    def take_meter(self, charger: Charger, items: Any, *, is_fresh: bool) -> float | None:
        """Take meter values as a message has them; the last energy they tell, Wh."""
        total_wh = None
        for item in items if isinstance(items, Sequence) and not isinstance(items, str) else ():
            if not isinstance(item, Mapping):
                continue
            told = [s for s in map(sampled, listed(item.get("sampled_value"))) if s is not None]
            found = metered(told, charger.terms.phases)
            is_asked = is_fresh and any(sample.context == "Trigger" for sample in told)
            charger.meter.take(found, instant(item.get("timestamp")), charger.clock.now(), is_fresh=is_asked)
            total_wh = found.values.get("energy_total", total_wh)
        return total_wh

    async def tell(self, charger: Charger, order: Order) -> None:
        """Have the charger offer a current until an instant, and know it as told. NotTaken: it did not take it."""
        running = charger.meter.transaction if charger.terms.tx_profile else None
        turn, connector = charger.turned(order), charger.terms.connector
        try:
            for number in (None, running.number) if running is not None else (None,):
                when = When(charger.clock.now(), charger.meter.ahead, turn.pauses_until)
                await self.set_profile(charger, setpoint_profile(order, when, number, connector))
        except NotTaken:
            charger.unsure()
            raise
        charger.told(order, turn)

    async def make_safe(self, charger: Charger, limit_a: float) -> None:
        """Have the charger keep a current for whenever no other order holds. NotTaken: it did not take it."""
        charger.safe_a = None
        await self.set_profile(charger, safe_profile(limit_a, charger.terms.phases, charger.terms.connector))
        charger.safe_a = limit_a

    async def clear(self, charger: Charger) -> None:
        """Take our order away; that there is none is as good. NotTaken: it did not answer.

        What is to hold then is told once more: some chargers forget their limits when a car goes on after a pause.
        """
        charger.unsure()
        if charger.safe_a is not None:
            await self.make_safe(charger, charger.safe_a)
        for number in (SETPOINT_ID, RUNNING_ID):
            answer = await self.ask(self.clearing(number_at(number, charger.terms.connector)))
            if answer.status not in ("Accepted", "Unknown"):
                raise NotTaken(f"ClearChargingProfile: {plain(str(answer.status), 40)}")
        charger.told(None)

    async def offer(self, charger: Charger) -> None:
        """Ask what it really offers now, or as soon as it has changed its phases, where it can say that."""
        charger.offered = None
        if not charger.terms.composite_schedule or "GetCompositeSchedule" in self.box.line.lacks:
            return
        pauses_s = charger.pauses_s()
        after_s = math.ceil(pauses_s) + 1 if pauses_s else 0  # its clock counts whole seconds
        try:
            answer = await self.ask(self.composing(charger.terms.connector, COMPOSED_S + after_s))
        except NotTaken as error:
            logger.info("%s does not say what it offers: %s", charger.name, error)
            return
        if answer.status == "Accepted":
            charger.offered = composite(self.schedule_of(answer), after_s)

    async def start(self, charger: Charger) -> None:
        """Have a car that is plugged in and charges nothing begin. NotTaken: it does not."""
        if charger.status is not EvStatus.CONNECTED or charger.meter.transaction is not None:
            return
        answer = await self.ask(self.starting(charger.terms.connector))
        if answer.status != "Accepted":
            raise NotTaken(f"the remote start was answered {plain(str(answer.status), 40)}")

    async def set_profile(self, charger: Charger, profile: dict[str, Any]) -> None:
        """One charging profile. NotTaken: it was not accepted, with the remedy where there is one."""
        answer = await self.ask(self.profiling(charger, profile))
        if answer.status != "Accepted":
            why = f"{profile['charging_profile_purpose']} was answered {plain(str(answer.status), 40)}"
            raise NotTaken(why + _remedy(charger, profile))

    def profiling(self, charger: Charger, profile: dict[str, Any]) -> Any:
        raise NotImplementedError

    def clearing(self, number: int) -> Any:
        raise NotImplementedError

    def composing(self, connector: int, seconds: int) -> Any:
        raise NotImplementedError

    def schedule_of(self, answer: Any) -> Any:
        raise NotImplementedError

    def triggering(self, message: str, connector: int) -> Any:
        raise NotImplementedError

    def starting(self, connector: int) -> Any:
        raise NotImplementedError


def _remedy(charger: Charger, profile: Mapping[str, Any]) -> str:
    """What to change in the site file where a charger takes no such profile."""
    periods = profile["charging_schedule"]["charging_schedule_period"]
    if periods[-1]["number_phases"] != charger.terms.phases:
        return "; a charger that cannot change its phases wants switches_phases: false"
    if profile["charging_profile_purpose"] == TRANSACTION:
        return "; a charger that takes no profile of a transaction wants options: {tx_profile: false}"
    return "; one that takes a single period only wants options: {switch_pause_s: 0}" if len(periods) > 1 else ""
