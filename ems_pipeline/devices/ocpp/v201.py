"""What chargers say in OCPP 2.0.1, and how they are asked: see `station`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result

from ems_pipeline.devices.ocpp.charger import HEARTBEAT_S, Charger
from ems_pipeline.devices.ocpp.payloads import instant, notes, text
from ems_pipeline.devices.ocpp.profile import of_201
from ems_pipeline.devices.ocpp.station import ANSWER_S, FRAMES, OURS, Station, Wire
from ems_pipeline.devices.ocpp.v16 import ERRORS
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.plain_text import plain

STATES = {
    "Available": EvStatus.NOT_CONNECTED, "Reserved": EvStatus.NOT_CONNECTED, "Unavailable": EvStatus.NOT_CONNECTED,
    "Occupied": EvStatus.CONNECTED, "Faulted": EvStatus.FAULT,
}  # fmt: skip
"""Of a connector."""
CHARGING_STATES = {
    "Idle": EvStatus.NOT_CONNECTED, "EVConnected": EvStatus.CONNECTED, "SuspendedEV": EvStatus.CONNECTED,
    "SuspendedEVSE": EvStatus.CONNECTED, "Charging": EvStatus.CHARGING,
}  # fmt: skip
"""Of a transaction, which knows more than its connector."""
OTHER_ERROR = ERRORS.index("OtherError")


@notes(
    "FirmwareStatusNotification", "SecurityEventNotification", "NotifyEvent", "NotifyReport", "LogStatusNotification",
    "NotifyChargingLimit", "ReportChargingProfiles",
)  # fmt: skip
class Station201(Station, ChargePoint):
    """A connection of a charger that speaks OCPP 2.0.1."""

    version = "ocpp2.0.1"
    tells_state = ("StatusNotification", "TransactionEvent")

    def __init__(self, charger: Charger, connection: Wire) -> None:
        super().__init__(charger.name, connection, ANSWER_S, FRAMES)
        self.begin(charger)
        self._newest: tuple[Any, int] = ("", -1)
        """The transaction and number of the newest event."""

    @on("BootNotification", skip_schema_validation=True)
    def boots(self, **said: Any) -> Any:
        about = said.get("charging_station")
        names = ("vendor_name", "model", "firmware_version")
        told = [str(about[name]) for name in names if about.get(name)] if isinstance(about, Mapping) else []
        self.charger.booted(plain(" ".join(told), 120))
        return call_result.BootNotification(text(self.charger.clock.now()), HEARTBEAT_S, "Accepted")

    @on("Heartbeat", skip_schema_validation=True)
    def beats(self, **_: Any) -> Any:
        return call_result.Heartbeat(text(self.charger.clock.now()))

    @on("DataTransfer", skip_schema_validation=True)
    def transfers(self, **_: Any) -> Any:
        return call_result.DataTransfer("UnknownVendorId")

    @on("StatusNotification", skip_schema_validation=True)
    def changes(self, **said: Any) -> Any:
        if said.get("evse_id") == self.charger.terms.connector:
            word, is_fresh = str(said.get("connector_status")), self.comes("StatusNotification")
            said_at = instant(said.get("timestamp"))
            if said_at is not None:
                self.charger.meter.is_of_now(said_at, self.charger.clock.now(), is_fresh=is_fresh)
            is_told = word == "Occupied" and self.charger.meter.transaction is not None
            if not is_told or self.charger.status is None:  # else the transaction knows better
                error = OTHER_ERROR if word == "Faulted" else 0
                self.charger.shows(STATES.get(word), plain(word, 40), error, is_plain=word != "Occupied")
        return call_result.StatusNotification()

    @on("Authorize", skip_schema_validation=True)
    def authorizes(self, **said: Any) -> Any:
        return call_result.Authorize({"status": self._verdict(said.get("id_token"))})

    @on("MeterValues", skip_schema_validation=True)
    def meters(self, **said: Any) -> Any:
        if said.get("evse_id") == self.charger.terms.connector:
            self.take_meter(said.get("meter_value"), is_fresh=self.comes("MeterValues"))
        return call_result.MeterValues()

    @on("TransactionEvent", skip_schema_validation=True)
    def transacts(self, **said: Any) -> Any:
        info, place, token = said.get("transaction_info"), said.get("evse"), said.get("id_token")
        verdict = self._verdict(token) if token else "Accepted"
        is_ours = not isinstance(place, Mapping) or place.get("id") == self.charger.terms.connector
        if (
            isinstance(info, Mapping)
            and info.get("transaction_id")
            and is_ours
            and self._is_next(info, said.get("seq_no"))
        ):
            self._follow(info, said, is_admitted=verdict == "Accepted")
        return call_result.TransactionEvent(id_token_info={"status": verdict} if token else None)

    def _is_next(self, info: Mapping[str, Any], number: Any) -> bool:
        """Whether an event is newer than those before it; a repeated or overtaken one counts for nothing."""
        newest = number if isinstance(number, int) else 0
        transaction = info.get("transaction_id")
        if self._newest[0] == transaction and newest <= self._newest[1]:
            return False
        self._newest = transaction, newest
        return True

    def _follow(self, info: Mapping[str, Any], said: Mapping[str, Any], *, is_admitted: bool) -> None:
        charger, number, kind = self.charger, str(info.get("transaction_id")), said.get("event_type")
        now, said_at = charger.clock.now(), instant(said.get("timestamp"))
        asked = {name: self.comes(name) for name in ("TransactionEvent", "MeterValues")}
        is_fresh = any(asked.values()) and said.get("trigger_reason") == "Trigger"
        is_now = said_at is None or charger.meter.is_of_now(said_at, now, is_fresh=is_fresh)
        state = str(info.get("charging_state"))
        if kind == "Ended":
            charger.meter.ended(number, self.take_meter(said.get("meter_value"), is_fresh=False))
            if is_now and charger.status is EvStatus.CHARGING:
                charger.shows(EvStatus.CONNECTED, "Ended", charger.error or 0)
            return
        is_known = charger.meter.transaction is not None and charger.meter.transaction.number == number
        total_wh = self.take_meter(said.get("meter_value"), is_fresh=is_fresh)
        if not is_known and is_admitted:
            begins = kind == "Started"
            charger.meter.began(number, now if begins else None, total_wh if begins else None)
        if is_now and state in CHARGING_STATES:
            charger.shows(CHARGING_STATES[state], state, charger.error or 0)

    def _verdict(self, token: Any) -> str:
        id_tag = token.get("id_token") if isinstance(token, Mapping) else token
        return "Accepted" if id_tag == OURS or self.charger.terms.admits(str(id_tag)) else "Invalid"

    def profiling(self, profile: dict[str, Any]) -> Any:
        return call.SetChargingProfile(self.charger.terms.connector, of_201(profile))

    def clearing(self, number: int) -> Any:
        return call.ClearChargingProfile(number)

    def composing(self, seconds: int) -> Any:
        return call.GetCompositeSchedule(seconds, self.charger.terms.connector, "A")

    def schedule_of(self, answer: Any) -> Any:
        return answer.schedule

    def triggering(self, message: str) -> Any:
        connector = self.charger.terms.connector
        place = {"id": connector} | ({"connector_id": 1} if message == "StatusNotification" else {})
        return call.TriggerMessage(message, place)

    def starting(self) -> Any:
        token = {"id_token": OURS, "type": "Central"}
        number = int(self.charger.clock.now().timestamp()) % 1_000_000_000
        return call.RequestStartTransaction(token, number, self.charger.terms.connector)
