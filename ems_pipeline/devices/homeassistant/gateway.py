"""Home Assistant's REST interface: the state of one entity at a time, with a long-lived token.

Each by itself, because one that was renamed costs only itself, and because an installation with a thousand entities
answers half a megabyte to the question for all of them. All of a device in one thread: handing each to another and back
took half as long again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ems_pipeline import http
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.web.gateway import WebGateway

STATES = "api/states"
TOKEN_REFUSED = frozenset({401, 403})
STARTING = frozenset({502, 503, 504})
"""It, or the proxy before it, says that it is not there yet."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, and the instant at which Home Assistant says it gave it; None: it does not say."""

    body: bytes
    at: datetime | None


class HomeAssistantGateway(WebGateway):
    """All requests to one Home Assistant."""

    async def states(self, entities: Sequence[str], gap_s: float = 0.0) -> dict[str, Said | DeviceFault]:
        """What it says of each entity, or why nothing; after one fault that is everybody's, no more is asked."""

        def ask(base: str) -> dict[str, Said | DeviceFault]:
            found: dict[str, Said | DeviceFault] = {}
            gone: DeviceFault | None = None
            for entity in entities:
                try:
                    found[entity] = gone or self._state(base, entity)
                except DeviceFault as fault:
                    found[entity] = fault
                    gone = fault if fault.device_wide else None
            return found

        return await self.in_turn(STATES, ask, gap_s)

    def _state(self, base: str, entity: str) -> Said:
        headers = {"Authorization": f"Bearer {self._password('long-lived token')}"}
        try:
            reply = http.get_reply(f"{base}/{entity}", None, headers, self.endpoint.timeout_s, 0)
        except http.HttpError as error:
            raise _fault(entity, error) from None
        return Said(reply.body, reply.date_at)


def _fault(entity: str, error: http.HttpError) -> DeviceFault:
    if error.status == 404:
        reason = f"Home Assistant knows no {entity}: it was renamed or removed, or its integration has not started"
        return DeviceFault(Quality.REFUSED, reason)
    if error.status in TOKEN_REFUSED:
        reason = f"{error.url}: the token is refused (HTTP {error.status}); make a new one in the profile of its user"
        return DeviceFault(Quality.REFUSED, reason, device_wide=True)
    if error.status in STARTING:
        reason = f"{error.url}: HTTP {error.status}; Home Assistant starts"
        return DeviceFault(Quality.NOT_READY, reason, device_wide=True)
    if error.status is not None:
        return DeviceFault(Quality.REFUSED, f"{entity}: HTTP {error.status}; see the log of Home Assistant")
    return DeviceFault(Quality.NO_ANSWER, str(error), device_wide=True)
