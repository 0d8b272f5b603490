"""One connection of a charger, whatever version it speaks: what is asked of it and told to it, and what came of that.

The frames, their numbers and their schemas are the `ocpp` library's. What we send is held against the schemas; what
chargers send is read by what stands in it, because many of them add or leave out something: `v16` and `v201` turn it
into what `charger` knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ocpp import messages
from ocpp.exceptions import NotImplementedError as Unimplemented
from ocpp.exceptions import NotSupportedError, OCPPError
from websockets.exceptions import ConnectionClosed

from ems_pipeline.devices.ocpp.charger import Charger
from ems_pipeline.devices.ocpp.metering import metered, sampled
from ems_pipeline.devices.ocpp.payloads import instant, listed
from ems_pipeline.devices.ocpp.profile import (
    RUNNING_ID,
    SETPOINT_ID,
    Order,
    composite_limit_a,
    safe_profile,
    setpoint_profile,
)
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.plain_text import plain

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

    charger: Charger
    version: str
    tells_state: tuple[str, ...] = ("StatusNotification",)
    """Messages that say how it stands."""
    call: Any
    route_message: Any
    _connection: Any

    def begin(self, charger: Charger) -> None:
        """Belong to a charger; called once, after the library's own beginning."""
        self.charger = charger
        self._awaited: dict[str, asyncio.Event] = {}

    async def listen(self) -> None:
        """Take what the charger says until its connection ends; one message that nobody understands costs itself."""
        while True:
            message = await self._connection.recv()
            self.charger.heard_at = self.charger.clock.now()
            try:
                await self.route_message(message)
            except ConnectionClosed:
                raise
            except Exception as error:  # a frame no library can read
                logger.warning(
                    "%s said something that nobody understands: %s", self.charger.name, plain(str(error), 200)
                )

    async def ask(self, request: Any) -> Any:
        """The answer to a request.

        Raises:
            NotTaken: there is none, or it is an error.
        """
        what = type(request).__name__
        try:
            return await self.call(request, suppress=False)
        except (Unimplemented, NotSupportedError):
            self.charger.lacks.add(what)
            raise NotTaken(f"it does not know {what}") from None
        except OCPPError as error:
            raise NotTaken(f"{what}: {plain(f'{type(error).__name__}: {error.description}', 120)}") from None
        except TimeoutError:
            raise NotTaken(f"{what} was not answered within {ANSWER_S:g} s") from None
        except ConnectionClosed:
            raise NotTaken(f"its connection ended before it answered {what}") from None
        except Exception as error:  # an answer that does not fit its schema or class
            raise NotTaken(f"{what} was answered with what is none: {plain(str(error), 120)}") from None

    async def look(self) -> None:
        """Have it say how it stands, where that is not known or old; what it cannot be asked stays unknown."""
        if self.charger.is_quiet():
            for message in self.tells_state:
                await self.trigger(message)
        if self.charger.is_unmetered():
            await self.trigger("MeterValues")

    async def trigger(self, message: str) -> None:
        """Ask for a message, and wait for it."""
        if "TriggerMessage" in self.charger.lacks or message in self.charger.lacks:
            return
        came = self._awaited.setdefault(message, asyncio.Event())
        try:
            answer = await self.ask(self.triggering(message))
            if answer.status == "Accepted":
                await asyncio.wait_for(came.wait(), ANSWER_S)
            elif answer.status == "NotImplemented":
                self.charger.lacks.add(message)
        except (NotTaken, TimeoutError) as error:
            logger.info("%s does not say its %s: %s", self.charger.name, message, error)
        finally:
            self._awaited.pop(message, None)

    def comes(self, message: str) -> bool:
        """A message has come; whether it answers what was just asked for."""
        waiter = self._awaited.get(message)
        if waiter is not None:
            waiter.set()
        return waiter is not None

    def take_meter(self, items: Any, *, is_fresh: bool) -> float | None:
        """Take meter values as a message has them; the last energy they tell, Wh."""
        total_wh = None
        for item in items if isinstance(items, Sequence) and not isinstance(items, str) else ():
            if not isinstance(item, Mapping):
                continue
            told = [s for s in map(sampled, listed(item.get("sampled_value"))) if s is not None]
            found = metered(told, self.charger.terms.phases)
            is_asked = is_fresh and any(sample.context == "Trigger" for sample in told)
            self.charger.meter.take(found, instant(item.get("timestamp")), self.charger.clock.now(), is_fresh=is_asked)
            total_wh = found.values.get("energy_total", total_wh)
        return total_wh

    async def tell(self, order: Order) -> None:
        """Have the charger offer a current until an instant, and know it as told. NotTaken: it did not take it."""
        charger = self.charger
        running = charger.meter.transaction if charger.terms.tx_profile else None
        try:
            for number in (None, running.number) if running is not None else (None,):
                profile = setpoint_profile(order, charger.clock.now(), charger.meter.ahead, number)
                await self.set_profile(profile)
        except NotTaken:
            charger.unsure()
            raise
        charger.told(order)

    async def make_safe(self, limit_a: float) -> None:
        """Have the charger keep a current for whenever no other order holds. NotTaken: it did not take it."""
        self.charger.safe_a = None
        await self.set_profile(safe_profile(limit_a, self.charger.terms.phases))
        self.charger.safe_a = limit_a

    async def clear(self) -> None:
        """Take our order away; that there is none is as good. NotTaken: it did not answer."""
        self.charger.unsure()
        for number in (SETPOINT_ID, RUNNING_ID):
            answer = await self.ask(self.clearing(number))
            if answer.status not in ("Accepted", "Unknown"):
                raise NotTaken(f"ClearChargingProfile: {plain(str(answer.status), 40)}")
        self.charger.told(None)

    async def offer(self) -> None:
        """Ask what it really offers now, where it can say that."""
        charger = self.charger
        charger.offered_a = None
        if not charger.terms.composite_schedule or "GetCompositeSchedule" in charger.lacks:
            return
        try:
            answer = await self.ask(self.composing(60))
        except NotTaken as error:
            logger.info("%s does not say what it offers: %s", charger.name, error)
            return
        if answer.status == "Accepted":
            charger.offered_a = composite_limit_a(self.schedule_of(answer))

    async def start(self) -> None:
        """Have a car that is plugged in and charges nothing begin. NotTaken: it does not."""
        if self.charger.status is not EvStatus.CONNECTED or self.charger.meter.transaction is not None:
            return
        answer = await self.ask(self.starting())
        if answer.status != "Accepted":
            raise NotTaken(f"the remote start was answered {plain(str(answer.status), 40)}")

    async def set_profile(self, profile: dict[str, Any]) -> None:
        """One charging profile. NotTaken: it was not accepted, with the remedy where there is one."""
        answer = await self.ask(self.profiling(profile))
        if answer.status != "Accepted":
            why = f"{profile['charging_profile_purpose']} was answered {plain(str(answer.status), 40)}"
            running = "; a charger that takes no profile of a transaction wants options: {tx_profile: false}"
            raise NotTaken(why + (running if profile["charging_profile_id"] == RUNNING_ID else ""))

    def profiling(self, profile: dict[str, Any]) -> Any:
        raise NotImplementedError

    def clearing(self, number: int) -> Any:
        raise NotImplementedError

    def composing(self, seconds: int) -> Any:
        raise NotImplementedError

    def schedule_of(self, answer: Any) -> Any:
        raise NotImplementedError

    def triggering(self, message: str) -> Any:
        raise NotImplementedError

    def starting(self) -> Any:
        raise NotImplementedError
