"""What is sent and heard: a request as JSON, and of what comes back, what is an answer to it. Pure.

Sources: Marstek Device Open API, Rev 1.0 and 3.1; what firmware does beside it: docs/devices.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.driver.document import SHOWN
from ems_pipeline.devices.points.reading import Quality

LAST_ID = 0xFFFF
"""Firmware keeps ids in 16 bits, and answers to what it cannot read with id 0."""
LARGEST = 4096
"""Bytes of an answer that are looked at; the longest of the document have 600."""
GET_DEVICE, ANY_DEVICE = "Marstek.GetDevice", {"ble_mac": "0"}
NOT_FOUND, WRONG_PARAMETERS, UNREADABLE = -32601, -32602, -32700
MAC = re.compile(r"[0-9a-f]{12}")
WRITTEN = json.JSONEncoder(separators=(",", ":")).encode


def request(number: int, method: str, parameters: Mapping[str, Any]) -> bytes:
    """One datagram; ``number`` is 1 to `LAST_ID`."""
    return WRITTEN({"id": number, "method": method, "params": parameters}).encode()


class Heard(NamedTuple):
    """A datagram that can be read: to which request, from which device, and its result or why there is none."""

    number: int
    source: object
    """As it signs: its model and address."""
    result: Mapping[str, Any] | None
    code: int = 0
    message: str = ""

    @property
    def mac(self) -> str:
        """Of the device that says it, twelve digits in lower case; empty where it does not say."""
        return mac_in(str(self.source))

    @property
    def fault(self) -> DeviceFault:
        """The refusal it is."""
        said = f"error {self.code}: {self.message[:SHOWN]}"
        if self.code == NOT_FOUND:
            return DeviceFault(Quality.ABSENT, f"this model or firmware does not know it ({said})")
        if self.code == UNREADABLE:
            return DeviceFault(Quality.GARBAGE, f"it could not read what it was asked ({said})")
        return DeviceFault(Quality.REFUSED, said)


def heard(datagram: bytes) -> Heard | None:
    """What a datagram says; None: nothing that could be an answer (cut off, too long, something else)."""
    if not datagram or len(datagram) > LARGEST:
        return None
    try:
        said = json.loads(datagram.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or type(number := said.get("id")) is not int:  # true and false are integers, too
        return None
    result, error, source = said.get("result"), said.get("error"), said.get("src", "")
    if isinstance(result, dict):
        return Heard(number, source, result)
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return Heard(number, source, None, error["code"], str(error.get("message", "")))
    return None


def mac_in(source: str) -> str:
    """The address behind the model in ``src`` (`VenusE 3.0-02ab4c5d6e7f`), or as a device says it; empty: none is."""
    found = source.rpartition("-")[2].replace(":", "").lower()
    return found if MAC.fullmatch(found) else ""
