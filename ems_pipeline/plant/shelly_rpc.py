"""What a Shelly says of itself before anybody asks for measurements, and its calls by POST: clients begin so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ems_pipeline.plant.web_server import Answer, Ask

ABOUT = "/shelly"
INFO = "/rpc/Shelly.GetDeviceInfo"
OPEN = frozenset({ABOUT, INFO})
"""What it tells without a login."""
MAC = "001122334455"
FIRST = {"shelly-3em": ("SHEM-3", 0), "shelly-1pm": ("SHSW-PM", 1)}
"""Of generation 1: type and power meters."""
LATER: dict[str, tuple[str, str, dict[str, str]]] = {
    "shelly-pro-3em": ("Pro3EM", "SPEM-003CEBEU", {"profile": "triphase"}),
    "shelly-switch": ("Plus1PM", "SNSW-001P16EU", {}),
    "shelly-input": ("Plus1PM", "SNSW-001P16EU", {}),
    "shelly-sg-ready": ("Pro2PM", "SPSW-202PE16EU", {"profile": "switch"}),
}
"""Of generation 2 and later: app, model, profile where it has several."""


def about(map_name: str, *, has_login: bool) -> dict[str, dict[str, Any]]:
    """Documents by path that identify a Shelly: of generation 1 its type, later its model and profile; else none."""
    if map_name in FIRST:
        kind, meters = FIRST[map_name]
        told = {"type": kind, "mac": MAC, "auth": has_login, "fw": "20230913-114244/v1.14.0", "num_meters": meters}
        return {ABOUT: told}
    if map_name not in LATER:
        return {}
    app, model, profile = LATER[map_name]
    info = {
        "name": None,
        "id": f"shelly{app.lower()}-{MAC}",
        "mac": MAC,
        "slot": 0,
        "model": model,
        "gen": 2,
        "fw_id": "20240819-074400/1.4.2",
        "ver": "1.4.2",
        "app": app,
        **profile,
        "auth_en": has_login,
        "auth_domain": f"shelly{app.lower()}-{MAC}" if has_login else None,
    }
    return {ABOUT: info, INFO: info}


def _text(value: Any) -> str:
    """A parameter as the address of a request has it."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def with_calls(ask: Ask) -> Ask:
    """The service, asked by ``POST /rpc`` with method and parameters in the body, too."""

    def called(path: str, query: Mapping[str, str], body: bytes) -> Answer:
        if path != "/rpc":
            return ask(path, query, body)
        try:
            call = json.loads(body)
            parameters = {name: _text(value) for name, value in (call.get("params") or {}).items()}
            status, reply = ask(f"/rpc/{call['method']}", parameters, b"")
        except (ValueError, KeyError, AttributeError):
            return 400, json.dumps({"code": 400, "message": "no method"}).encode()
        frame = {"id": call.get("id"), "src": f"shelly-{MAC}"}
        said = json.loads(reply)
        return 200, json.dumps(frame | ({"result": said} if status == 200 else {"error": said})).encode()

    return called
