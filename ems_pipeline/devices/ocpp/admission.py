"""Who may call in, and where: from site files, this machine's settings and what a charger shows of itself. Pure but for
secrets.

A charger is known by its name alone, the last part of the address it calls: the key of its device, or what its devices
name as their `station` where it has several connectors. Beyond this machine it must bring a password, and listening
there at all is an opt-in.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from websockets.exceptions import InvalidHeader
from websockets.headers import parse_authorization_basic

from ems_pipeline import settings
from ems_pipeline.devices.installed.options import stated
from ems_pipeline.devices.ocpp.charger import SWITCH_PAUSE_S, Terms
from ems_pipeline.secret import SecretUnreadable, secret
from ems_pipeline.sites import Device, Gateway, Site
from ems_pipeline.sites.protocol import calls_in
from ems_pipeline.sites.wiring import LOOPBACK


@dataclass(frozen=True, slots=True)
class Door:
    """Where chargers call in."""

    host: str
    port: int
    password_env: str | None = None


@dataclass(slots=True)
class Expected:
    """Chargers by door and name, and what is wrong with the doors that are not opened, each with its remedy."""

    doors: dict[Door, dict[str, Terms]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def expected(sites: Iterable[Site], *, lan: bool) -> Expected:
    """Whom the sites expect, and where.

    Args:
        lan: whether this machine may listen beyond itself.
    """
    found = Expected()
    for site in sites:
        for gateway in site.gateways:
            if not calls_in(gateway.transport):
                continue
            if fault := refusal(gateway, lan=lan):
                found.faults.append(f"{site.key}, gateway {gateway.key}: {fault}")
                continue
            door = Door(gateway.host, gateway.port, gateway.password_env)
            if any(d.port == door.port and d != door for d in found.doors):
                found.faults.append(
                    f"{site.key}, gateway {gateway.key}: port {door.port} is another gateway's with another host or "
                    "password; let them agree, or name another port"
                )
                continue
            chargers = found.doors.setdefault(door, {})
            for device in site.devices:
                if device.gateway == gateway.key:
                    _expect(found, chargers, site, device)
    return found


def _expect(found: Expected, chargers: dict[str, Terms], site: Site, device: Device) -> None:
    own = terms(stated(site, device))
    place = own.station or device.key, own.connector
    other = next((key for key, o in chargers.items() if (o.station or key, o.connector) == place), None)
    if other is None:
        chargers[device.key] = own
    else:
        found.faults.append(
            f"{site.key}, device {device.key}: connector {place[1]} of station {place[0]} is {other} already; "
            "give each its own connector, or its own station"
        )


def refusal(gateway: Gateway, *, lan: bool) -> str:
    """Why nobody listens for a gateway; empty when somebody may."""
    if gateway.host in LOOPBACK:
        return ""
    if not lan:
        return f"{gateway.host} is beyond this machine, which is not listened at; set {settings.OCPP_LAN.name}=1"
    if gateway.password_env is None:
        return f"{gateway.host} is beyond this machine, where a charger must show who it is; name a password_env"
    return ""


def terms(options: Mapping[str, float | str | bool]) -> Terms:
    """What holds for a charger, from the options of its device and its part of the site."""
    tags = options.get("id_tags")
    named = frozenset(tag.strip().lower() for tag in tags.split(",")) if isinstance(tags, str) else None
    return Terms(
        phases=int(options.get("phases", 3)),
        id_tags=named,
        connector=int(options.get("connector", 1)),
        tx_profile=options.get("tx_profile", True) is True,
        composite_schedule=options.get("composite_schedule", True) is True,
        station=str(options.get("station", "")),
        switch_pause_s=float(options.get("switch_pause_s", SWITCH_PAUSE_S)),
        phase_to_use=int(options["phase_to_use"]) if "phase_to_use" in options else None,
    )


def name_in(path: str) -> str:
    """The name that a charger calls itself: the last part of what it asks for."""
    return unquote(urlsplit(path).path).rstrip("/").rpartition("/")[2]


def stranger(door: Door, name: str, authorization: str | None) -> str:
    """Why whoever calls himself so is not believed; empty when he is, or need not show anything."""
    if door.password_env is None:
        return ""
    try:
        password = secret(door.password_env)
    except SecretUnreadable as error:
        return str(error)
    if not password:
        return f"there is no password to compare with: set {door.password_env}"
    try:
        user, given = parse_authorization_basic(authorization or "")
    except InvalidHeader:
        return "it showed no password"
    is_right = hmac.compare_digest(given.encode(), password.encode())
    return "" if is_right and hmac.compare_digest(user.encode(), name.encode()) else "it showed a wrong password"
