"""What switches understand beside the requests that our maps make: other people's clients ask in other words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from ems_pipeline.plant.web_server import Answer, Ask

PART = re.compile(r"/(relay|meter)/(\d+)")
"""Of a Shelly of generation 1: part and number, which its /status has as a list."""
POWER = re.compile(r"power1?\b", re.IGNORECASE)
"""Of a Tasmota: the first relay, with its number or without."""


def with_other_words(ask: Ask) -> Ask:
    """The service, which understands the same by the names that other clients use."""

    def asked(path: str, query: Mapping[str, str], body: bytes) -> Answer:
        if command := query.get("cmnd"):
            return ask(path, {**query, "cmnd": POWER.sub("Power1", command, count=1)}, body)
        found = PART.fullmatch(path)
        status, reply = ask(path, query, body) if found is None or query else ask("/status", {}, body)
        if found is None or query or status != 200:
            return status, reply
        return 200, json.dumps(json.loads(reply)[f"{found[1]}s"][int(found[2])]).encode()

    return asked
