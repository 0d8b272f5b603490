"""What a charger of the plant says and answers in OCPP 1.6J."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.client import ClientConnection

from ems_pipeline.plant.ocpp_said import QUIET, TAG, Speaker, text
from ems_pipeline.plant.ocpp_twin import Cabinet, OcppTwin, Seen


class Speaker16(Speaker, ChargePoint):
    """OCPP 1.6J: numbers as texts, power per phase, energy in Wh."""

    def __init__(self, cabinet: Cabinet, connection: ClientConnection) -> None:
        super().__init__(cabinet.twins[0].device, connection, logger=QUIET)
        self.begin(cabinet)

    def booting(self) -> Any:
        return call.BootNotification("box 16", "plant", firmware_version="1.0")

    def beating(self) -> Any:
        return call.Heartbeat()

    def standing(self, twin: OcppTwin, word: str, seen: Seen) -> Any:
        return call.StatusNotification(twin.connector, "NoError", word, text(seen.at))

    def metering(self, twin: OcppTwin, seen: Seen, context: str) -> Any:
        box, wired = twin.box, range(1, twin.box.charger.phases + 1)
        used = range(1, box.phases + 1)
        each_w = {n: seen.power_w / len(used) if n in used else 0.0 for n in wired}
        values = [_sample16("Power.Active.Import", "W", each_w[n], context, f"L{n}") for n in wired]
        values += [
            _sample16("Current.Import", "A", seen.current_a if n in used else 0.0, context, f"L{n}") for n in wired
        ]
        values += [_sample16("Voltage", "V", box.charger.voltage_v, context, f"L{n}-N") for n in wired]
        values += [_sample16("Energy.Active.Import.Register", "Wh", seen.total_wh, context)]
        number = twin.transaction if isinstance(twin.transaction, int) else None
        return call.MeterValues(twin.connector, [{"timestamp": text(seen.at), "sampled_value": values}], number)

    async def go(self, twin: OcppTwin, seen: Seen) -> int | str | None:
        begin = call.StartTransaction(twin.connector, TAG, round(seen.total_wh), text(seen.at))
        answer = await self.tell(twin, begin)
        return answer.transaction_id if answer.id_tag_info["status"] == "Accepted" else None

    async def stop(self, twin: OcppTwin, seen: Seen) -> None:
        number = twin.transaction
        assert isinstance(number, int)
        request = call.StopTransaction(round(seen.total_wh), text(seen.at), number, "EVDisconnected", TAG)
        await self.tell(twin, request)

    @on("SetChargingProfile")
    async def takes(self, connector_id: int, cs_charging_profiles: Mapping[str, Any]) -> Any:
        await self.dawdle()
        return call_result.SetChargingProfile(self.twins[connector_id].takes(cs_charging_profiles))

    @on("ClearChargingProfile")
    async def clears(self, **asked: Any) -> Any:
        await self.dawdle()
        return call_result.ClearChargingProfile(self.holder(asked["id"]).clears(asked["id"]))

    @on("GetCompositeSchedule")
    async def composes(self, connector_id: int, duration: int, charging_rate_unit: str = "A") -> Any:
        await self.dawdle()
        twin = self.twins[connector_id]
        at = text(twin.seen().at)
        schedule = {"duration": duration, "start_schedule": at, "charging_rate_unit": charging_rate_unit}
        schedule |= {"charging_schedule_period": twin.ahead_of(duration)}
        return call_result.GetCompositeSchedule("Accepted", connector_id, at, schedule)

    @on("TriggerMessage")
    async def is_asked(self, **_: Any) -> Any:
        await self.dawdle()
        return call_result.TriggerMessage("Accepted")

    @after("TriggerMessage")
    async def was_asked(self, requested_message: str, connector_id: int = 1) -> None:
        await self.triggered(self.twins[connector_id], requested_message)

    @on("RemoteStartTransaction")
    def is_started(self, connector_id: int = 1, **_: Any) -> Any:
        self.twins[connector_id].is_called_to_start = True
        return call_result.RemoteStartTransaction("Accepted")


def _sample16(measurand: str, unit: str, value: float, context: str, phase: str | None = None) -> dict[str, Any]:
    found = {"value": f"{value:.3f}", "measurand": measurand, "unit": unit, "context": context}
    return found | ({"phase": phase} if phase else {})
