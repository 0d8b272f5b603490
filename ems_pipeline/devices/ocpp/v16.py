"""What chargers say in OCPP 1.6J, and how they are asked: see `heard`, `station`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result

from ems_pipeline.devices.ocpp.box import Box
from ems_pipeline.devices.ocpp.charger import Charger
from ems_pipeline.devices.ocpp.heard import Heard, verdict
from ems_pipeline.devices.ocpp.payloads import notes, number_or_none
from ems_pipeline.devices.ocpp.station import ANSWER_S, FRAMES, OURS, Wire
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.plain_text import plain

STATES = {
    "Available": EvStatus.NOT_CONNECTED, "Unavailable": EvStatus.NOT_CONNECTED, "Reserved": EvStatus.NOT_CONNECTED,
    "Preparing": EvStatus.CONNECTED, "SuspendedEVSE": EvStatus.CONNECTED, "SuspendedEV": EvStatus.CONNECTED,
    "Finishing": EvStatus.CONNECTED, "Charging": EvStatus.CHARGING, "Faulted": EvStatus.FAULT,
}  # fmt: skip
ERRORS = (
    "NoError", "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError",
    "LocalListConflict", "OtherError", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure", "PowerSwitchFailure",
    "ReaderFailure", "ResetFailure", "UnderVoltage", "WeakSignal",
)  # fmt: skip
"""As the point map numbers them; what a vendor calls otherwise is another error."""
MOST_PLACES = 20
"""Connectors whose last begin is remembered."""
BEGIN_OF_NUMBERS_S = 1_577_836_800
"""Transactions are numbered by the second they begin in, from 2020 on: a server that starts anew repeats none."""


@notes("FirmwareStatusNotification", "DiagnosticsStatusNotification", "SecurityEventNotification")
class Station16(Heard, ChargePoint):
    """A connection of a charger that speaks OCPP 1.6J."""

    version = "ocpp1.6"
    place, token, states = "connector_id", "id_tag", STATES

    def __init__(self, box: Box, connection: Wire) -> None:
        super().__init__(box.name, connection, ANSWER_S, FRAMES)
        self.begin(box)
        self._begun: dict[Any, tuple[Any, int]] = {}
        """By connector, what began there last."""

    def about(self, said: Mapping[str, Any]) -> list[str]:
        names = ("charge_point_vendor", "charge_point_model", "firmware_version")
        return [str(said[name]) for name in names if said.get(name)]

    def tag(self, token: Any) -> str:
        return str(token)

    def stands(self, charger: Charger, said: Mapping[str, Any]) -> None:
        word, error = str(said.get("status")), str(said.get("error_code"))
        number = ERRORS.index(error if error in ERRORS else "OtherError")
        if word == "Faulted" and number == 0:
            number = ERRORS.index("OtherError")
        charger.shows(self.states.get(word), plain(word, 40), number)

    @on("StartTransaction", skip_schema_validation=True)
    def starts(self, **said: Any) -> Any:
        charger, now = self.box.at(said.get("connector_id")), self.box.clock.now()
        tag = self.tag(said.get("id_tag"))
        is_admitted = tag == OURS or self.box.admits(tag) if charger is None else self.admits(charger, tag)
        same = tuple(str(said.get(name)) for name in ("connector_id", "id_tag", "meter_start", "timestamp"))
        before = self._begun.get(same[0])
        if before is None or before[0] != same:
            newest = max((number for _, number in self._begun.values()), default=0)
            number = max(newest + 1, int(now.timestamp()) - BEGIN_OF_NUMBERS_S)
            if len(self._begun) < MOST_PLACES or same[0] in self._begun:
                self._begun[same[0]] = same, number
            if is_admitted and charger is not None:
                charger.meter.began(number, now, number_or_none(said.get("meter_start")))
        else:
            number = before[1]
        return call_result.StartTransaction(number, {"status": verdict(is_admitted)})

    @on("StopTransaction", skip_schema_validation=True)
    def stops(self, **said: Any) -> Any:
        number = said.get("transaction_id", "")
        charger = self.box.running(number)
        if charger is not None:
            charger.meter.ended(number, number_or_none(said.get("meter_stop")))
        return call_result.StopTransaction()

    def profiling(self, charger: Charger, profile: dict[str, Any]) -> Any:
        return call.SetChargingProfile(charger.terms.connector, profile)

    def clearing(self, number: int) -> Any:
        return call.ClearChargingProfile(number)

    def composing(self, connector: int, seconds: int) -> Any:
        return call.GetCompositeSchedule(connector, seconds, "A")

    def schedule_of(self, answer: Any) -> Any:
        return answer.charging_schedule

    def triggering(self, message: str, connector: int) -> Any:
        return call.TriggerMessage(message, connector)

    def starting(self, connector: int) -> Any:
        return call.RemoteStartTransaction(OURS, connector)
