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


def about(map_name: str, *, has_login: bool) -> dict[str, dict[str, Any]]:
    """Documents by path that identify a Shelly: of generation 1 its type, later its model and profile; else none."""
    if map_name == "shelly-3em":
        return {
            ABOUT: {"type": "SHEM-3", "mac": MAC, "auth": has_login, "fw": "20230913-114244/v1.14.0", "num_meters": 0}
        }
    if map_name != "shelly-pro-3em":
        return {}
    info = {
        "name": None,
        "id": f"shellypro3em-{MAC}",
        "mac": MAC,
        "slot": 0,
        "model": "SPEM-003CEBEU",
        "gen": 2,
        "fw_id": "20240819-074400/1.4.2",
        "ver": "1.4.2",
        "app": "Pro3EM",
        "profile": "triphase",
        "auth_en": has_login,
        "auth_domain": f"shellypro3em-{MAC}" if has_login else None,
    }
    return {ABOUT: info, INFO: info}


def with_calls(ask: Ask) -> Ask:
    """The service, asked by ``POST /rpc`` with method and parameters in the body, too."""

    def called(path: str, query: Mapping[str, str], body: bytes) -> Answer:
        if path != "/rpc":
            return ask(path, query, body)
        try:
            call = json.loads(body)
            parameters = {name: str(value) for name, value in (call.get("params") or {}).items()}
            status, reply = ask(f"/rpc/{call['method']}", parameters, b"")
        except (ValueError, KeyError, AttributeError):
            return 400, json.dumps({"code": 400, "message": "no method"}).encode()
        frame = {"id": call.get("id"), "src": f"shellypro3em-{MAC}"}
        said = json.loads(reply)
        return 200, json.dumps(frame | ({"result": said} if status == 200 else {"error": said})).encode()

    return called
