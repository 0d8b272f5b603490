"""What a charger of the plant says and answers in each version of OCPP."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ocpp import v201
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201
from websockets.asyncio.client import ClientConnection

from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.plant.ocpp_twin import OcppTwin, Seen

HEARTBEAT, METER = timedelta(seconds=60), timedelta(seconds=30)
TAG = "twin"
QUIET = logging.getLogger(f"{__name__}.frames")
QUIET.setLevel(logging.CRITICAL)


class Speaker(ABC):
    """One connection: what is said when, whatever the version."""

    twin: OcppTwin
    call: Any
    start: Any

    def begin(self, twin: OcppTwin) -> None:
        """Belong to a twin; after the library's own beginning."""
        self.twin = twin
        self._said = ""
        self._met_at: datetime | None = None
        self._beat_at: datetime | None = None
        self._turn = asyncio.Lock()

    async def boot(self) -> None:
        """Say that it was started, where it was."""
        if self.twin.is_booting:
            await self.tell(self.booting())
            self.twin.is_booting = False

    async def report(self) -> None:
        """Say what has changed, and what is due."""
        async with self._turn:
            seen = self.twin.seen()
            is_plugged = seen.status is not EvStatus.NOT_CONNECTED
            if not is_plugged and self.twin.transaction is not None:
                await self.stop(seen)
                self.twin.begins(None)
            word = self.word(seen)
            if word != self._said:
                await self.tell(self.status(word, seen))
                self._said = word
            may_begin = "waits" not in self.twin.moods or self.twin.is_called_to_start
            if is_plugged and self.twin.transaction is None and may_begin:
                self.twin.is_called_to_start = False
                self.twin.begins(await self.go(seen))
                word = self.word(self.twin.seen())
                await self.tell(self.status(word, seen))
                self._said = word
            if self.twin.transaction is not None and (self._met_at is None or seen.at - self._met_at >= METER):
                await self.meter(seen, "Sample.Periodic")
            if self._beat_at is None or seen.at - self._beat_at >= HEARTBEAT:
                self._beat_at = seen.at
                await self.tell(self.beating())

    async def meter(self, seen: Seen, context: str) -> None:
        self._met_at = seen.at
        await self.tell(self.metering(seen, context))

    async def tell(self, request: Any) -> Any:
        """Say something, in this mood twice."""
        for _ in range(2 if "twice" in self.twin.moods else 1):
            answer = await self.call(request, suppress=False)
        return answer

    async def triggered(self, message: str) -> None:
        """Say what somebody asked for."""
        await self.report()
        seen = self.twin.seen()
        if message == "MeterValues":
            await self.meter(seen, "Trigger")
        elif message == "StatusNotification":
            await self.tell(self.standing(self.word(seen), seen))
        elif message == "TransactionEvent":
            await self.tell(self.status(self.word(seen), seen, "Trigger"))

    async def dawdle(self) -> None:
        """Answer as late as the mood is."""
        while "silent" in self.twin.moods:
            await asyncio.sleep(0.05)
        if "late" in self.twin.moods:
            await asyncio.sleep(self.twin.late_s)

    def word(self, seen: Seen) -> str:
        if seen.status is EvStatus.NOT_CONNECTED:
            return "Available"
        if self.twin.transaction is None:
            return "Preparing"
        if seen.status is EvStatus.CHARGING:
            return "Charging"
        return "SuspendedEV" if seen.is_offering else "SuspendedEVSE"

    @abstractmethod
    def booting(self) -> Any: ...
    @abstractmethod
    def beating(self) -> Any: ...
    @abstractmethod
    def standing(self, word: str, seen: Seen) -> Any: ...
    def status(self, word: str, seen: Seen, _trigger: str = "") -> Any:
        return self.standing(word, seen)

    @abstractmethod
    def metering(self, seen: Seen, context: str) -> Any: ...
    @abstractmethod
    async def go(self, seen: Seen) -> int | str | None: ...
    @abstractmethod
    async def stop(self, seen: Seen) -> None: ...


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Speaker16(Speaker, ChargePoint):
    """OCPP 1.6J: numbers as texts, power per phase, energy in Wh."""

    def __init__(self, twin: OcppTwin, connection: ClientConnection) -> None:
        super().__init__(twin.device, connection, logger=QUIET)
        self.begin(twin)

    def booting(self) -> Any:
        return call.BootNotification("box 16", "plant", firmware_version="1.0")

    def beating(self) -> Any:
        return call.Heartbeat()

    def standing(self, word: str, seen: Seen) -> Any:
        return call.StatusNotification(1, "NoError", word, _text(seen.at))

    def metering(self, seen: Seen, context: str) -> Any:
        phases = range(1, self.twin.box.charger.phases + 1)
        each_w = seen.power_w / len(phases)
        values = [_sample16("Power.Active.Import", "W", each_w, context, f"L{n}") for n in phases]
        values += [_sample16("Current.Import", "A", seen.current_a, context, f"L{n}") for n in phases]
        values += [_sample16("Voltage", "V", self.twin.box.charger.voltage_v, context, f"L{n}-N") for n in phases]
        values += [_sample16("Energy.Active.Import.Register", "Wh", seen.total_wh, context)]
        number = self.twin.transaction if isinstance(self.twin.transaction, int) else None
        return call.MeterValues(1, [{"timestamp": _text(seen.at), "sampled_value": values}], number)

    async def go(self, seen: Seen) -> int | str | None:
        answer = await self.tell(call.StartTransaction(1, TAG, round(seen.total_wh), _text(seen.at)))
        return answer.transaction_id if answer.id_tag_info["status"] == "Accepted" else None

    async def stop(self, seen: Seen) -> None:
        number = self.twin.transaction
        assert isinstance(number, int)
        request = call.StopTransaction(round(seen.total_wh), _text(seen.at), number, "EVDisconnected", TAG)
        await self.tell(request)

    @on("SetChargingProfile")
    async def takes(self, cs_charging_profiles: Mapping[str, Any], **_: Any) -> Any:
        await self.dawdle()
        return call_result.SetChargingProfile(self.twin.takes(cs_charging_profiles))

    @on("ClearChargingProfile")
    async def clears(self, **asked: Any) -> Any:
        await self.dawdle()
        return call_result.ClearChargingProfile(self.twin.clears(asked["id"]))

    @on("GetCompositeSchedule")
    async def composes(self, connector_id: int, duration: int, charging_rate_unit: str = "A") -> Any:
        await self.dawdle()
        at, period = _text(self.twin.seen().at), {"start_period": 0, "limit": self.twin.limit_a()}
        schedule = {"duration": duration, "start_schedule": at, "charging_rate_unit": charging_rate_unit}
        schedule |= {"charging_schedule_period": [period]}
        return call_result.GetCompositeSchedule("Accepted", connector_id, at, schedule)

    @on("TriggerMessage")
    async def is_asked(self, **_: Any) -> Any:
        await self.dawdle()
        return call_result.TriggerMessage("Accepted")

    @after("TriggerMessage")
    async def was_asked(self, requested_message: str, **_: Any) -> None:
        await self.triggered(requested_message)

    @on("RemoteStartTransaction")
    def is_started(self, **_: Any) -> Any:
        self.twin.is_called_to_start = True
        return call_result.RemoteStartTransaction("Accepted")


def _sample16(measurand: str, unit: str, value: float, context: str, phase: str | None = None) -> dict[str, Any]:
    found = {"value": f"{value:.3f}", "measurand": measurand, "unit": unit, "context": context}
    return found | ({"phase": phase} if phase else {})


class Speaker201(Speaker, v201.ChargePoint):
    """OCPP 2.0.1: numbers as numbers, power as one, energy in kWh, transactions as events."""

    def __init__(self, twin: OcppTwin, connection: ClientConnection) -> None:
        super().__init__(twin.device, connection, logger=QUIET)
        self.begin(twin)

    def booting(self) -> Any:
        return call201.BootNotification({"model": "box 201", "vendor_name": "plant"}, "PowerUp")

    def beating(self) -> Any:
        return call201.Heartbeat()

    def status(self, word: str, seen: Seen, trigger: str = "ChargingStateChanged") -> Any:
        if self.twin.transaction is not None and word != "Available":
            return self._event("Updated", trigger, seen, {"charging_state": word})
        return self.standing(word, seen)

    def standing(self, word: str, seen: Seen) -> Any:
        shown = "Available" if word == "Available" else "Occupied"
        return call201.StatusNotification(_text(seen.at), shown, 1, 1)

    def metering(self, seen: Seen, context: str) -> Any:
        if self.twin.transaction is None:
            return call201.MeterValues(1, [self._values(seen, context)])
        trigger = "Trigger" if context == "Trigger" else "MeterValuePeriodic"
        return self._event("Updated", trigger, seen, {}, [self._values(seen, context)])

    def _values(self, seen: Seen, context: str) -> dict[str, Any]:
        power = {"value": round(seen.power_w, 3), "measurand": "Power.Active.Import", "context": context}
        energy = {"value": round(seen.total_wh / 1000, 6), "measurand": "Energy.Active.Import.Register"}
        energy |= {"context": context, "unit_of_measure": {"unit": "Wh", "multiplier": 3}}
        return {"timestamp": _text(seen.at), "sampled_value": [power, energy]}

    def _event(
        self, kind: str, trigger: str, seen: Seen, more: dict[str, Any], values: list[dict[str, Any]] | None = None
    ) -> Any:
        self.twin.events += 1
        info = {"transaction_id": str(self.twin.transaction), **more}
        event = {"event_type": kind, "timestamp": _text(seen.at), "trigger_reason": trigger, "seq_no": self.twin.events}
        event |= {"transaction_info": info, "meter_value": values, "evse": {"id": 1, "connector_id": 1}}
        return call201.TransactionEvent(**event)

    async def go(self, seen: Seen) -> int | str | None:
        self.twin.begins(f"t{int(seen.at.timestamp())}")
        event = self._event("Started", "CablePluggedIn", seen, {"charging_state": "EVConnected"}, [
            self._values(seen, "Transaction.Begin")
        ])  # fmt: skip
        event.id_token = {"id_token": TAG, "type": "Local"}
        answer = await self.tell(event)
        return self.twin.transaction if answer.id_token_info["status"] == "Accepted" else None

    async def stop(self, seen: Seen) -> None:
        info = {"stopped_reason": "EVDisconnected"}
        await self.tell(self._event("Ended", "EVDeparted", seen, info, [self._values(seen, "Transaction.End")]))

    @on("SetChargingProfile")
    async def takes(self, charging_profile: Mapping[str, Any], **_: Any) -> Any:
        await self.dawdle()
        schedule = charging_profile["charging_schedule"][0]
        known = {**charging_profile, "charging_profile_id": charging_profile["id"], "charging_schedule": schedule}
        return result201.SetChargingProfile(self.twin.takes(known))

    @on("ClearChargingProfile")
    async def clears(self, charging_profile_id: int, **_: Any) -> Any:
        await self.dawdle()
        return result201.ClearChargingProfile(self.twin.clears(charging_profile_id))

    @on("GetCompositeSchedule")
    async def composes(self, duration: int, charging_rate_unit: str = "A", **asked: Any) -> Any:
        await self.dawdle()
        schedule = {
            "duration": duration,
            "schedule_start": _text(self.twin.seen().at),
            "charging_rate_unit": charging_rate_unit,
            "charging_schedule_period": [{"start_period": 0, "limit": self.twin.limit_a()}],
            **asked,
        }
        return result201.GetCompositeSchedule("Accepted", schedule=schedule)

    @on("TriggerMessage")
    async def is_asked(self, requested_message: str, **_: Any) -> Any:
        await self.dawdle()
        is_idle = requested_message == "TransactionEvent" and self.twin.transaction is None
        return result201.TriggerMessage("Rejected" if is_idle else "Accepted")

    @after("TriggerMessage")
    async def was_asked(self, requested_message: str, **_: Any) -> None:
        if requested_message != "TransactionEvent" or self.twin.transaction is not None:
            await self.triggered(requested_message)

    @on("RequestStartTransaction")
    def is_started(self, **_: Any) -> Any:
        self.twin.is_called_to_start = True
        return result201.RequestStartTransaction("Accepted")


SPEAKERS: Mapping[str, type[Speaker16 | Speaker201]] = {"ocpp1.6": Speaker16, "ocpp2.0.1": Speaker201}
"""By WebSocket subprotocol."""
