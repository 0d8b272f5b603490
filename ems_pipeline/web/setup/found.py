"""The second step: where to look, who answered there, and which map each is read by."""

from __future__ import annotations

import re
from typing import Any

from ems_pipeline.sites import nearby
from ems_pipeline.web.setup import typed
from ems_pipeline.web.setup.typed import Texts, wrong

Part = dict[str, Any]
USUAL_UNITS = "1-16, 126, 200, 240"
"""Where inverters and their meters answer as they are delivered."""
ROLES = (("grid", "meter"), ("battery", "inverter"), ("pv", "inverter"), ("ev", "wallbox"), ("flow", "heat-pump"))
"""By what a device measures, what it is called as long as nobody says otherwise; the last that fits."""


def search(texts: Texts) -> Part:
    """Parameters of a request that looks behind an address.

    Raises:
        Problem: it may not be looked at, or a field cannot be taken.
    """
    host, transport = texts.get("host", "").strip(), texts.get("transport", "")
    if fault := nearby.fault(host):
        raise wrong("host", fault.partition(";")[0], fault.partition("; ")[2])
    if transport not in nearby.TRANSPORTS:
        raise wrong("transport", f"{transport!r} is no way to talk", f"choose {' or '.join(nearby.TRANSPORTS)}")
    port = int(typed.number(texts, "port", "the port", 1, 65535))
    return {
        "gateway": {"transport": transport, "host": host, "port": port, "timeout_s": 1.0},
        "units": typed.units(texts.get("units", "")),
    }


def key_for(values: Part, taken: set[str]) -> str:
    """A key for a device by what it measures, which no other has."""
    measured = {name.partition("_")[0] for name in values}
    base = next((key for name, key in reversed(ROLES) if name in measured), "device")
    numbered = (f"{base}-{n}" for n in range(2, 100))
    return base if base not in taken else next(key for key in numbered if key not in taken)


def chosen(texts: Texts, searched: Part, units: list[Part], before: Part) -> Part:
    """Gateways and devices with those that were picked from one search; ``unit-N`` names the map, ``key-N`` the key.

    Raises:
        Problem: none was picked, or a key cannot be taken.
    """
    address = searched["gateway"]
    known = {(g["host"], g["port"]): g["key"] for g in before.get("gateways", [])}
    where = known.get((address["host"], address["port"])) or f"gateway-{len(known) + 1}"
    others = [d for d in before.get("devices", []) if d["gateway"] != where]
    devices, taken = [], {d["key"] for d in others}
    for unit in units:
        number = unit["unit_id"]
        fit = next((f for f in unit["fits"] if f["map"] == texts.get(f"unit-{number}")), None)
        if fit is None:
            continue
        key = texts.get(f"key-{number}", "").strip() or key_for(fit["values"], taken)
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", key) or key in taken:
            raise wrong(f"key-{number}", f"{key!r} is no key of its own", "write small letters, digits and dashes")
        taken.add(key)
        devices.append({"key": key, "map": fit["map"], "gateway": where, "unit_id": number})
    if not devices:
        raise wrong("units", "no device is chosen", "choose a map for one of them, or look at another address")
    gateways = [g for g in before.get("gateways", []) if g["key"] != where]
    timeout = {} if address["transport"] == "modbus-tcp" else {"gap_s": 0.05}
    gateway = {name: address[name] for name in ("transport", "host", "port")} | {"key": where} | timeout
    return {"gateways": [*gateways, gateway], "devices": [*others, *devices]}
