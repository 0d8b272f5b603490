"""What chargers say in OCPP 2.0.1, and how they are asked: see `heard`, `station`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result

from ems_pipeline.devices.ocpp.box import Box
from ems_pipeline.devices.ocpp.charger import Charger
from ems_pipeline.devices.ocpp.heard import Heard, verdict
from ems_pipeline.devices.ocpp.payloads import instant, notes
from ems_pipeline.devices.ocpp.profile import of_201
from ems_pipeline.devices.ocpp.station import ANSWER_S, FRAMES, OURS, Wire
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
class Station201(Heard, ChargePoint):
    """A connection of a charger that speaks OCPP 2.0.1."""

    version = "ocpp2.0.1"
    tells_state = ("StatusNotification", "TransactionEvent")
    place, token, states = "evse_id", "id_token", STATES

    def __init__(self, box: Box, connection: Wire) -> None:
        super().__init__(box.name, connection, ANSWER_S, FRAMES)
        self.begin(box)
        self._newest: dict[int, tuple[Any, int]] = {}
        """By EVSE, the transaction and number of its newest event."""

    def about(self, said: Mapping[str, Any]) -> list[str]:
        about, names = said.get("charging_station"), ("vendor_name", "model", "firmware_version")
        return [str(about[name]) for name in names if about.get(name)] if isinstance(about, Mapping) else []

    def tag(self, token: Any) -> str:
        return str(token.get("id_token") if isinstance(token, Mapping) else token)

    def stands(self, charger: Charger, said: Mapping[str, Any]) -> None:
        word = str(said.get("connector_status"))
        is_told = word == "Occupied" and charger.meter.transaction is not None
        if not is_told or charger.status is None:  # else the transaction knows better
            error = OTHER_ERROR if word == "Faulted" else 0
            charger.shows(self.states.get(word), plain(word, 40), error, is_plain=word != "Occupied")

    @on("TransactionEvent", skip_schema_validation=True)
    def transacts(self, **said: Any) -> Any:
        info, token = said.get("transaction_info"), said.get("id_token")
        charger, tag = self._where(said), self.tag(token)
        is_admitted = tag == OURS or self.box.admits(tag) if charger is None else self.admits(charger, token)
        is_admitted = is_admitted or not token
        if (
            charger is not None
            and isinstance(info, Mapping)
            and info.get("transaction_id")
            and self._is_next(charger, info, said.get("seq_no"))
        ):
            self._follow(charger, info, said, is_admitted=is_admitted)
        return call_result.TransactionEvent(id_token_info={"status": verdict(is_admitted)} if token else None)

    def _where(self, said: Mapping[str, Any]) -> Charger | None:
        """The connector an event is about: as it says, or the one of its transaction, or the only one there is."""
        place, info = said.get("evse"), said.get("transaction_info")
        if isinstance(place, Mapping):
            return self.box.at(place.get("id"))
        number = str(info.get("transaction_id")) if isinstance(info, Mapping) else ""
        chargers = list(self.box.chargers())
        return self.box.running(number) or (chargers[0] if len(chargers) == 1 else None)

    def _is_next(self, charger: Charger, info: Mapping[str, Any], number: Any) -> bool:
        """Whether an event is newer than those before it; a repeated or overtaken one counts for nothing."""
        newest = number if isinstance(number, int) else 0
        transaction, before = info.get("transaction_id"), self._newest.get(charger.terms.connector, ("", -1))
        if before[0] == transaction and newest <= before[1]:
            return False
        self._newest[charger.terms.connector] = transaction, newest
        return True

    def _follow(self, charger: Charger, info: Mapping[str, Any], said: Mapping[str, Any], *, is_admitted: bool) -> None:
        number, kind = str(info.get("transaction_id")), said.get("event_type")
        now, said_at = charger.clock.now(), instant(said.get("timestamp"))
        asked = {name: self.comes(name, charger) for name in ("TransactionEvent", "MeterValues")}
        is_fresh = any(asked.values()) and said.get("trigger_reason") == "Trigger"
        is_now = said_at is None or charger.meter.is_of_now(said_at, now, is_fresh=is_fresh)
        state = str(info.get("charging_state"))
        if kind == "Ended":
            charger.meter.ended(number, self.take_meter(charger, said.get("meter_value"), is_fresh=False))
            if is_now and charger.status is EvStatus.CHARGING:
                charger.shows(EvStatus.CONNECTED, "Ended", charger.error or 0)
            return
        is_known = charger.meter.runs(number)
        total_wh = self.take_meter(charger, said.get("meter_value"), is_fresh=is_fresh)
        if not is_known and is_admitted:
            begins = kind == "Started"
            charger.meter.began(number, now if begins else None, total_wh if begins else None)
        if is_now and state in CHARGING_STATES:
            charger.shows(CHARGING_STATES[state], state, charger.error or 0)

    def profiling(self, charger: Charger, profile: dict[str, Any]) -> Any:
        return call.SetChargingProfile(charger.terms.connector, of_201(profile, charger.terms.phase_to_use))

    def clearing(self, number: int) -> Any:
        return call.ClearChargingProfile(number)

    def composing(self, connector: int, seconds: int) -> Any:
        return call.GetCompositeSchedule(seconds, connector, "A")

    def schedule_of(self, answer: Any) -> Any:
        return answer.schedule

    def triggering(self, message: str, connector: int) -> Any:
        place = {"id": connector} | ({"connector_id": 1} if message == "StatusNotification" else {})
        return call.TriggerMessage(message, place)

    def starting(self, connector: int) -> Any:
        token = {"id_token": OURS, "type": "Central"}
        number = int(self.box.clock.now().timestamp()) % 1_000_000_000
        return call.RequestStartTransaction(token, number, connector)
