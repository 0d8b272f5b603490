"""What a charger of the plant says and when, whatever version of OCPP it speaks: see `ocpp_said16`, `ocpp_said201`."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.plant.ocpp_twin import Cabinet, OcppTwin, Seen

HEARTBEAT, METER = timedelta(seconds=60), timedelta(seconds=30)
TAG = "twin"
QUIET = logging.getLogger(f"{__name__}.frames")
QUIET.setLevel(logging.CRITICAL)


class Speaker(ABC):
    """One connection of a station: what is said when of each of its connectors, whatever the version."""

    twins: Mapping[int, OcppTwin]
    call: Any
    start: Any

    def begin(self, cabinet: Cabinet) -> None:
        """Belong to a station; after the library's own beginning."""
        self.twins = {twin.connector: twin for twin in cabinet.twins}
        self.first = cabinet.twins[0]
        self._said: dict[int, str] = {}
        self._met_at: dict[int, datetime] = {}
        self._beat_at: datetime | None = None
        self._turn = asyncio.Lock()

    async def boot(self) -> None:
        """Say that it was started, where it was."""
        if self.first.is_booting:
            await self.tell(self.first, self.booting())
            self.first.is_booting = False

    async def report(self) -> None:
        """Say what has changed, and what is due."""
        async with self._turn:
            for twin in self.twins.values():
                await self._report(twin)
            at = self.first.seen().at
            if self._beat_at is None or at - self._beat_at >= HEARTBEAT:
                self._beat_at = at
                await self.tell(self.first, self.beating())

    async def _report(self, twin: OcppTwin) -> None:
        seen = twin.seen()
        is_plugged = seen.status is not EvStatus.NOT_CONNECTED
        is_ended = "ends-at-pause" in twin.moods and not seen.is_offering
        if twin.transaction is not None and (is_ended or not is_plugged):
            await self.stop(twin, seen)
            twin.begins(None)
        await self._stand(twin, seen)
        may_begin = not {"waits", "ends-at-pause"} & twin.moods or twin.is_called_to_start
        if is_plugged and twin.transaction is None and may_begin and not is_ended:
            twin.is_called_to_start = False
            twin.begins(await self.go(twin, seen))
            await self._stand(twin, twin.seen(), is_new=True)
        met_at = self._met_at.get(twin.connector)
        if twin.transaction is not None and (met_at is None or seen.at - met_at >= METER):
            await self.meter(twin, seen, "Sample.Periodic")

    async def _stand(self, twin: OcppTwin, seen: Seen, *, is_new: bool = False) -> None:
        """Say a state that is another one."""
        word = self.word(twin, seen)
        if is_new or word != self._said.get(twin.connector):
            await self.tell(twin, self.status(twin, word, seen))
            self._said[twin.connector] = word

    async def meter(self, twin: OcppTwin, seen: Seen, context: str) -> None:
        self._met_at[twin.connector] = seen.at
        await self.tell(twin, self.metering(twin, seen, context))

    async def tell(self, twin: OcppTwin, request: Any) -> Any:
        """Say something, in this mood twice."""
        for _ in range(2 if "twice" in twin.moods else 1):
            answer = await self.call(request, suppress=False)
        return answer

    async def triggered(self, twin: OcppTwin, message: str) -> None:
        """Say what somebody asked for."""
        await self.report()
        seen = twin.seen()
        if message == "MeterValues":
            await self.meter(twin, seen, "Trigger")
        elif message == "StatusNotification":
            await self.tell(twin, self.standing(twin, self.word(twin, seen), seen))
        elif message == "TransactionEvent":
            await self.tell(twin, self.status(twin, self.word(twin, seen), seen, "Trigger"))

    async def dawdle(self) -> None:
        """Answer as late as the mood is."""
        while "silent" in self.first.moods:
            await asyncio.sleep(0.05)
        if "late" in self.first.moods:
            await asyncio.sleep(self.first.late_s)

    def word(self, twin: OcppTwin, seen: Seen) -> str:
        if seen.status is EvStatus.NOT_CONNECTED:
            return "Available"
        if twin.transaction is None:
            return "Preparing"
        if seen.status is EvStatus.CHARGING:
            return "Charging"
        return "SuspendedEV" if seen.is_offering else "SuspendedEVSE"

    def holder(self, number: int) -> OcppTwin:
        """Whoever holds a profile; the first one where nobody does."""
        return next((twin for twin in self.twins.values() if number in twin.profiles), self.first)

    @abstractmethod
    def booting(self) -> Any: ...
    @abstractmethod
    def beating(self) -> Any: ...
    @abstractmethod
    def standing(self, twin: OcppTwin, word: str, seen: Seen) -> Any: ...
    def status(self, twin: OcppTwin, word: str, seen: Seen, _trigger: str = "") -> Any:
        return self.standing(twin, word, seen)

    @abstractmethod
    def metering(self, twin: OcppTwin, seen: Seen, context: str) -> Any: ...
    @abstractmethod
    async def go(self, twin: OcppTwin, seen: Seen) -> int | str | None: ...
    @abstractmethod
    async def stop(self, twin: OcppTwin, seen: Seen) -> None: ...


def text(at: datetime) -> str:
    """An instant as the plant's chargers write it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
