"""What chargers say that means the same in every version of OCPP: one handler each, over what `v16` and `v201` read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ocpp.routing import on

from ems_pipeline.devices.ocpp.charger import HEARTBEAT_S, Charger
from ems_pipeline.devices.ocpp.payloads import instant, text
from ems_pipeline.devices.ocpp.station import OURS, Station
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.plain_text import plain


class Heard(Station):
    """A connection with its handlers; `place`, `token` and `states` say how a version names things."""

    place: ClassVar[str]
    """The field of a message that names the connector."""
    token: ClassVar[str]
    """The field that names the card or app."""
    states: ClassVar[Mapping[str, EvStatus]]
    """Of a connector."""
    _call_result: Any

    @on("BootNotification", skip_schema_validation=True)
    def boots(self, **said: Any) -> Any:
        self.box.booted(plain(" ".join(self.about(said)), 120))
        return self._call_result.BootNotification(text(self.box.clock.now()), HEARTBEAT_S, "Accepted")

    @on("Heartbeat", skip_schema_validation=True)
    def beats(self, **_: Any) -> Any:
        return self._call_result.Heartbeat(text(self.box.clock.now()))

    @on("DataTransfer", skip_schema_validation=True)
    def transfers(self, **_: Any) -> Any:
        return self._call_result.DataTransfer("UnknownVendorId")

    @on("Authorize", skip_schema_validation=True)
    def authorizes(self, **said: Any) -> Any:
        tag = self.tag(said.get(self.token))
        return self._call_result.Authorize({"status": verdict(tag == OURS or self.box.admits(tag))})

    @on("StatusNotification", skip_schema_validation=True)
    def changes(self, **said: Any) -> Any:
        charger, said_at = self.box.at(said.get(self.place)), instant(said.get("timestamp"))
        if charger is not None:
            is_fresh = self.comes("StatusNotification", charger)
            if said_at is not None:
                charger.meter.is_of_now(said_at, charger.clock.now(), is_fresh=is_fresh)
            self.stands(charger, said)
        return self._call_result.StatusNotification()

    @on("MeterValues", skip_schema_validation=True)
    def meters(self, **said: Any) -> Any:
        charger = self.box.at(said.get(self.place))
        if charger is not None:
            if isinstance(number := said.get("transaction_id"), int):
                charger.meter.began(number)
            self.take_meter(charger, said.get("meter_value"), is_fresh=self.comes("MeterValues", charger))
        return self._call_result.MeterValues()

    def admits(self, charger: Charger, token: Any) -> bool:
        """Whether a card or app may charge at a connector; a transaction that we asked for may."""
        tag = self.tag(token)
        return tag == OURS or charger.terms.admits(tag)

    def about(self, said: Mapping[str, Any]) -> list[str]:
        """Vendor, model and firmware, as far as they are told."""
        raise NotImplementedError

    def tag(self, token: Any) -> str:
        """The text of a card or app."""
        raise NotImplementedError

    def stands(self, charger: Charger, said: Mapping[str, Any]) -> None:
        """Take the state of a connector."""
        raise NotImplementedError


def verdict(is_admitted: bool) -> str:
    """What a card or app is answered."""
    return "Accepted" if is_admitted else "Invalid"
