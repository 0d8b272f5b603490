"""What chargers say in OCPP 1.6J, and how they are asked: see `station`."""

from __future__ import annotations

from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result

from ems_pipeline.devices.ocpp.charger import HEARTBEAT_S, Charger
from ems_pipeline.devices.ocpp.payloads import instant, notes, number_or_none, text
from ems_pipeline.devices.ocpp.station import ANSWER_S, FRAMES, OURS, Station, Wire
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
BEGIN_OF_NUMBERS_S = 1_577_836_800
"""Transactions are numbered by the second they begin in, from 2020 on: a server that starts anew repeats none."""


@notes("FirmwareStatusNotification", "DiagnosticsStatusNotification", "SecurityEventNotification")
class Station16(Station, ChargePoint):
    """A connection of a charger that speaks OCPP 1.6J."""

    version = "ocpp1.6"

    def __init__(self, charger: Charger, connection: Wire) -> None:
        super().__init__(charger.name, connection, ANSWER_S, FRAMES)
        self.begin(charger)
        self._begun: tuple[Any, int] | None = None

    @on("BootNotification", skip_schema_validation=True)
    def boots(self, **said: Any) -> Any:
        names = ("charge_point_vendor", "charge_point_model", "firmware_version")
        self.charger.booted(plain(" ".join(str(said[name]) for name in names if said.get(name)), 120))
        return call_result.BootNotification(text(self.charger.clock.now()), HEARTBEAT_S, "Accepted")

    @on("Heartbeat", skip_schema_validation=True)
    def beats(self, **_: Any) -> Any:
        return call_result.Heartbeat(text(self.charger.clock.now()))

    @on("DataTransfer", skip_schema_validation=True)
    def transfers(self, **_: Any) -> Any:
        return call_result.DataTransfer("UnknownVendorId")

    @on("StatusNotification", skip_schema_validation=True)
    def changes(self, **said: Any) -> Any:
        if said.get("connector_id") != self.charger.terms.connector:
            return call_result.StatusNotification()
        word, error = str(said.get("status")), str(said.get("error_code"))
        is_fresh, said_at = self.comes("StatusNotification"), instant(said.get("timestamp"))
        if said_at is not None:
            self.charger.meter.is_of_now(said_at, self.charger.clock.now(), is_fresh=is_fresh)
        number = ERRORS.index(error if error in ERRORS else "OtherError")
        if word == "Faulted" and number == 0:
            number = ERRORS.index("OtherError")
        self.charger.shows(STATES.get(word), plain(word, 40), number)
        return call_result.StatusNotification()

    @on("Authorize", skip_schema_validation=True)
    def authorizes(self, **said: Any) -> Any:
        return call_result.Authorize({"status": self._verdict(said.get("id_tag"))})

    @on("StartTransaction", skip_schema_validation=True)
    def starts(self, **said: Any) -> Any:
        status, now = self._verdict(said.get("id_tag")), self.charger.clock.now()
        same = tuple(str(said.get(name)) for name in ("connector_id", "id_tag", "meter_start", "timestamp"))
        if self._begun is None or self._begun[0] != same:
            newest = self._begun[1] if self._begun else 0
            self._begun = same, max(newest + 1, int(now.timestamp()) - BEGIN_OF_NUMBERS_S)
            if status == "Accepted" and said.get("connector_id") == self.charger.terms.connector:
                self.charger.meter.began(self._begun[1], now, number_or_none(said.get("meter_start")))
        return call_result.StartTransaction(self._begun[1], {"status": status})

    @on("StopTransaction", skip_schema_validation=True)
    def stops(self, **said: Any) -> Any:
        self.charger.meter.ended(said.get("transaction_id", ""), number_or_none(said.get("meter_stop")))
        return call_result.StopTransaction()

    @on("MeterValues", skip_schema_validation=True)
    def meters(self, **said: Any) -> Any:
        if said.get("connector_id") == self.charger.terms.connector:
            if isinstance(number := said.get("transaction_id"), int):
                self.charger.meter.began(number)
            self.take_meter(said.get("meter_value"), is_fresh=self.comes("MeterValues"))
        return call_result.MeterValues()

    def _verdict(self, id_tag: Any) -> str:
        is_known = id_tag == OURS or self.charger.terms.admits(str(id_tag))
        return "Accepted" if is_known else "Invalid"

    def profiling(self, profile: dict[str, Any]) -> Any:
        return call.SetChargingProfile(self.charger.terms.connector, profile)

    def clearing(self, number: int) -> Any:
        return call.ClearChargingProfile(number)

    def composing(self, seconds: int) -> Any:
        return call.GetCompositeSchedule(self.charger.terms.connector, seconds, "A")

    def schedule_of(self, answer: Any) -> Any:
        return answer.charging_schedule

    def triggering(self, message: str) -> Any:
        return call.TriggerMessage(message, self.charger.terms.connector)

    def starting(self) -> Any:
        return call.RemoteStartTransaction(OURS, self.charger.terms.connector)
