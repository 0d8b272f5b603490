"""The second step: where to look, who answered there, and which map each is read by."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from ems_pipeline.sites import nearby
from ems_pipeline.sites.protocol import found_by
from ems_pipeline.web.setup import typed
from ems_pipeline.web.setup.typed import Texts, wrong

Part = dict[str, Any]
USUAL_UNITS = "1-16, 126, 200, 240"
"""Where inverters and their meters answer as they are delivered."""
USUAL_PORT = "502"
"""Of Modbus, as the form shows it."""
USUAL_PORTS = {"marstek-udp": 30000, "home-assistant": 8123}
"""What is meant by who leaves that standing."""
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
    if transport not in nearby.LOOKED_INTO:
        raise wrong("transport", f"{transport!r} is no way to talk", f"choose {' or '.join(nearby.LOOKED_INTO)}")
    usual = USUAL_PORTS.get(transport)
    is_usual = usual is not None and texts.get("port", "").strip() in ("", USUAL_PORT)
    port = usual if is_usual else int(typed.number(texts, "port", "the port", 1, 65535))
    gateway = {"transport": transport, "host": host, "port": port, "timeout_s": 1.0}
    return {"gateway": gateway, "units": typed.units(texts.get("units", "")) if found_by(transport) == "units" else []}


def key_for(unit: Part, taken: set[str]) -> str:
    """A key for what answered as a unit, by what its best map measures, which no other has."""
    measured = {name.partition("_")[0] for name in unit["fits"][0]["values"]}
    base = next((key for name, key in reversed(ROLES) if name in measured), "venus" if "at" in unit else "device")
    numbered = (f"{base}-{n}" for n in range(2, 100))
    return base if base not in taken else next(key for key in numbered if key not in taken)


def chosen(texts: Texts, searched: Part, units: list[Part], before: Part) -> Part:
    """Gateways and devices with those that were picked from one search; ``unit-N`` names the map, ``key-N`` the key.

    Raises:
        Problem: none was picked, or a key cannot be taken.
    """
    address = searched["gateway"]
    known = {_place(g): g["key"] for g in before.get("gateways", [])}
    places = {unit["unit_id"]: address | unit.get("at", {}) for unit in units}
    for place in map(_place, places.values()):
        known.setdefault(place, _free(known.values()))
    mine = {known[_place(at)] for at in places.values()}
    others = [d for d in before.get("devices", []) if d["gateway"] not in mine]
    devices, gateways, taken = [], dict[str, Part](), {d["key"] for d in others}
    for unit in units:
        number, where = unit["unit_id"], known[_place(places[unit["unit_id"]])]
        fit = next((f for f in unit["fits"] if f["map"] == texts.get(f"unit-{number}")), None)
        if fit is None:
            continue
        key = texts.get(f"key-{number}", "").strip() or key_for(unit | {"fits": [fit]}, taken)
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", key) or key in taken:
            raise wrong(f"key-{number}", f"{key!r} is no key of its own", "write small letters, digits and dashes")
        taken.add(key)
        devices.append(
            {"key": key, "map": fit["map"], "gateway": where} | ({} if "at" in unit else {"unit_id": number})
        )
        gateways[where] = _gateway(where, places[number])
    if not devices:
        raise wrong("units", "no device is chosen", "choose a map for one of them, or look at another address")
    kept = [g for g in before.get("gateways", []) if g["key"] not in mine]
    return {"gateways": [*kept, *gateways.values()], "devices": [*others, *devices]}


def _place(gateway: Part) -> str:
    """What a gateway is known by: a battery's own address, else where it answers."""
    return gateway.get("mac") or f"{gateway['host']}:{gateway['port']}"


def _free(taken: Collection[str]) -> str:
    return next(key for n in range(1, 1000) if (key := f"gateway-{n}") not in taken)


def _gateway(key: str, at: Part) -> Part:
    """As the site file says it."""
    gap = {"gap_s": 0.05} if at["transport"] == "rtu-over-tcp" else {}
    return {name: at[name] for name in ("transport", "host", "port", "mac") if name in at} | {"key": key} | gap
