"""What a charger of the plant says and answers in OCPP 2.0.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp.routing import after, on
from ocpp.v201 import ChargePoint, call, call_result
from websockets.asyncio.client import ClientConnection

from ems_pipeline.plant.ocpp_said import QUIET, TAG, Speaker, text
from ems_pipeline.plant.ocpp_twin import Cabinet, OcppTwin, Seen


class Speaker201(Speaker, ChargePoint):
    """OCPP 2.0.1: numbers as numbers, power as one, energy in kWh, transactions as events."""

    def __init__(self, cabinet: Cabinet, connection: ClientConnection) -> None:
        super().__init__(cabinet.twins[0].device, connection, logger=QUIET)
        self.begin(cabinet)

    def booting(self) -> Any:
        return call.BootNotification({"model": "box 201", "vendor_name": "plant"}, "PowerUp")

    def beating(self) -> Any:
        return call.Heartbeat()

    def status(self, twin: OcppTwin, word: str, seen: Seen, trigger: str = "ChargingStateChanged") -> Any:
        if twin.transaction is not None and word != "Available":
            return self._event(twin, "Updated", trigger, seen, {"charging_state": word})
        return self.standing(twin, word, seen)

    def standing(self, twin: OcppTwin, word: str, seen: Seen) -> Any:
        shown = "Available" if word == "Available" else "Occupied"
        return call.StatusNotification(text(seen.at), shown, twin.connector, 1)

    def metering(self, twin: OcppTwin, seen: Seen, context: str) -> Any:
        if twin.transaction is None:
            return call.MeterValues(twin.connector, [self._values(seen, context)])
        trigger = "Trigger" if context == "Trigger" else "MeterValuePeriodic"
        return self._event(twin, "Updated", trigger, seen, {}, [self._values(seen, context)])

    def _values(self, seen: Seen, context: str) -> dict[str, Any]:
        power = {"value": round(seen.power_w, 3), "measurand": "Power.Active.Import", "context": context}
        energy = {"value": round(seen.total_wh / 1000, 6), "measurand": "Energy.Active.Import.Register"}
        energy |= {"context": context, "unit_of_measure": {"unit": "Wh", "multiplier": 3}}
        return {"timestamp": text(seen.at), "sampled_value": [power, energy]}

    def _event(
        self,
        twin: OcppTwin,
        kind: str,
        trigger: str,
        seen: Seen,
        more: dict[str, Any],
        values: list[dict[str, Any]] | None = None,
    ) -> Any:
        twin.events += 1
        info = {"transaction_id": str(twin.transaction), **more}
        event = {"event_type": kind, "timestamp": text(seen.at), "trigger_reason": trigger, "seq_no": twin.events}
        place = {"id": twin.connector, "connector_id": 1}
        event |= {"transaction_info": info, "meter_value": values, "evse": place}
        return call.TransactionEvent(**event)

    async def go(self, twin: OcppTwin, seen: Seen) -> int | str | None:
        twin.begins(f"t{int(seen.at.timestamp())}-{twin.connector}")
        event = self._event(twin, "Started", "CablePluggedIn", seen, {"charging_state": "EVConnected"}, [
            self._values(seen, "Transaction.Begin")
        ])  # fmt: skip
        event.id_token = {"id_token": TAG, "type": "Local"}
        answer = await self.tell(twin, event)
        return twin.transaction if answer.id_token_info["status"] == "Accepted" else None

    async def stop(self, twin: OcppTwin, seen: Seen) -> None:
        info = {"stopped_reason": "EVDisconnected"}
        values = [self._values(seen, "Transaction.End")]
        await self.tell(twin, self._event(twin, "Ended", "EVDeparted", seen, info, values))

    @on("SetChargingProfile")
    async def takes(self, charging_profile: Mapping[str, Any], **asked: Any) -> Any:
        await self.dawdle()
        schedule = charging_profile["charging_schedule"][0]
        known = {**charging_profile, "charging_profile_id": charging_profile["id"], "charging_schedule": schedule}
        return call_result.SetChargingProfile(self.twins[asked["evse_id"]].takes(known))

    @on("ClearChargingProfile")
    async def clears(self, charging_profile_id: int, **_: Any) -> Any:
        await self.dawdle()
        return call_result.ClearChargingProfile(self.holder(charging_profile_id).clears(charging_profile_id))

    @on("GetCompositeSchedule")
    async def composes(self, duration: int, charging_rate_unit: str = "A", **asked: Any) -> Any:
        await self.dawdle()
        twin = self.twins[asked["evse_id"]]
        schedule = {
            **asked,
            "duration": duration,
            "schedule_start": text(twin.seen().at),
            "charging_rate_unit": charging_rate_unit,
            "charging_schedule_period": twin.ahead_of(duration),
        }
        return call_result.GetCompositeSchedule("Accepted", schedule=schedule)

    @on("TriggerMessage")
    async def is_asked(self, requested_message: str, **asked: Any) -> Any:
        await self.dawdle()
        is_idle = requested_message == "TransactionEvent" and self.twins[asked["evse"]["id"]].transaction is None
        return call_result.TriggerMessage("Rejected" if is_idle else "Accepted")

    @after("TriggerMessage")
    async def was_asked(self, requested_message: str, **asked: Any) -> None:
        twin = self.twins[asked["evse"]["id"]]
        if requested_message != "TransactionEvent" or twin.transaction is not None:
            await self.triggered(twin, requested_message)

    @on("RequestStartTransaction")
    def is_started(self, **asked: Any) -> Any:
        self.twins[asked.get("evse_id", 1)].is_called_to_start = True
        return call_result.RequestStartTransaction("Accepted")
