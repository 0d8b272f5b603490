"""Home Assistant's REST interface: the state of one entity at a time, with a long-lived token.

One at a time, because one that was renamed costs only itself, and because an installation with a thousand entities
answers megabytes to the question for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ems_pipeline import http
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.web.gateway import WebGateway

REQUEST = "api/states/{}"
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

    async def state(self, entity: str, gap_s: float = 0.0) -> Said:
        """What it says of an entity.

        Raises:
            DeviceFault: no or a negative answer.
        """
        headers = {"Authorization": f"Bearer {self._password('long-lived token')}"}
        timeout_s = self.endpoint.timeout_s

        def ask(url: str) -> Said:
            try:
                reply = http.get_reply(url, None, headers, timeout_s, 0)
            except http.HttpError as error:
                raise _fault(entity, error) from None
            return Said(reply.body, reply.date_at)

        return await self.in_turn(REQUEST.format(entity), ask, gap_s)


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
