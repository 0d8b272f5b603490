"""What a request over HTTP wants of this machine: devices read or looked for, a model trained, a goal priced, a site
handed back.

Devices are asked in turn with everybody else who talks to their gateways, as `ems device read` and `scan` do. Nothing
here arms a site, and nothing writes to a device but a release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from ems_pipeline import control
from ems_pipeline.control.gateways import reading
from ems_pipeline.devices import fleet
from ems_pipeline.devices.discovery.scan import scan, wire_to
from ems_pipeline.devices.driver.turns import Turns
from ems_pipeline.devices.modbus.wire import Connection
from ems_pipeline.sites import Site
from ems_pipeline.steps import batteries, goal_price, learning, looking, site_documents, what_if
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse.asked import Asked, NotAnswered
from ems_pipeline.warehouse.models import Target

Result = dict[str, Any]
LAST_UNIT = 247
USUAL_LAST_UNIT = 32


def answer(platform: Platform, asked: Asked) -> Result:
    """Do what a request asks for, and return what it brought.

    Raises:
        NotAnswered: it came to nothing; with the remedy.
        LookupError: its site, gateway or device does not exist; the text names what does.
        ValueError: it asks for what cannot be; the text says what can.
        DeviceFault: a gateway was not reached.
    """
    return ANSWERS[asked.kind](platform, asked)


def _site(platform: Platform, asked: Asked) -> Site:
    return platform.chosen([asked.site_key])[asked.site_key]


def _telemetry_read(platform: Platform, asked: Asked) -> Result:
    site = _site(platform, asked)
    device = asked.parameters.get("device")
    if device is not None and device not in (known := [d.key for d in site.devices]):
        raise LookupError(f"site {site.key} has no device {device!r}; it has {known}")
    groups = fleet.EVERYTHING if asked.parameters.get("all") else fleet.LIVE
    with platform.warehouse.begin() as connection:
        (site,) = batteries.where_they_are(connection, [site])
    with reading(platform.warehouse, "device read") as turns, fleet.runner() as loop:
        answers = loop.run(fleet.read_site(site, groups, platform.clock, turns))
    said = [said for readings in answers if device in (None, readings.device) for said in readings]
    if not any(one.is_good for one in said):
        silent = sorted({f"{one.device}: {one.reason}" for one in said})
        raise NotAnswered(f"nothing answered: {'; '.join(silent)}", "look at the device's power and at its gateway")
    return {"readings": [looking.told(one) for one in said]}


def _device_scan(platform: Platform, asked: Asked) -> Result:
    site, gateway = _site(platform, asked), asked.parameters.get("gateway", "")
    return {"units": _behind(platform, site, {gateway: wire_to(site, gateway)}, asked.parameters)}


def _discover(platform: Platform, asked: Asked) -> Result:
    site = _site(platform, asked)
    opened = {gateway.key: fleet.open_wire(gateway) for gateway in site.gateways}
    wires = {key: wire for key, wire in opened.items() if isinstance(wire, Connection)}
    units = _behind(platform, site, wires, asked.parameters) if wires else []
    others = {g.mac for other in platform.sites() if other.key != site.key for g in other.gateways}
    own = {g.mac: g.key for g in site.gateways}
    return {
        "units": units,
        "batteries": [
            {
                "name": one.model,
                "address": one.host,
                "udp_port": one.port,
                "ble_mac": one.mac,
                "gateway": own.get(one.mac),
            }
            for one in batteries.discover(platform, batteries.broadcasts(site))
            if one.mac not in others  # they are somebody else's
        ],
    }


def _behind(
    platform: Platform, site: Site, wires: Mapping[str, Connection], parameters: Mapping[str, Any]
) -> list[Result]:
    """Who answers behind Modbus gateways, with the device of the site file at that place, None: it names none."""
    first, last = parameters.get("first", 1), parameters.get("last", USUAL_LAST_UNIT)
    if not 1 <= first <= last <= LAST_UNIT:
        raise ValueError(f"unit ids {first} to {last}; a scan asks for some from 1 to {LAST_UNIT}")
    known = {(d.gateway, d.unit_id): d.key for d in site.devices}

    async def ask(turns: Turns) -> list[Result]:
        return [
            {"gateway": key, "unit_id": unit_id, "answer": found.answer, "device": known.get((key, unit_id))}
            for key, wire in wires.items()
            async for unit_id, found in scan(wire, range(first, last + 1), turns)
            if found is not None
        ]

    with reading(platform.warehouse, "device scan") as turns, fleet.runner() as loop:
        return loop.run(ask(turns))


def _train(platform: Platform, asked: Asked) -> Result:
    site, now = _site(platform, asked), platform.clock.now()
    target: Target = asked.parameters.get("target", "load")
    if target not in get_args(Target):
        raise ValueError(f"there is no model of {target!r}; there are {list(get_args(Target))}")
    with platform.warehouse.begin() as connection:
        trained = learning.trained_now(connection, site, target, now)
    if trained is None:
        raise NotAnswered(
            f"{site.key}: too little of its {target} is measured to train a model",
            "wait until weeks are measured, or import them with `ems backfill`; the simple forecast serves until then",
        )
    return {
        "target": trained.target,
        "model": trained.model,
        "role": trained.role,
        "trained_from": trained.trained_from.isoformat(),
        "trained_to": trained.trained_to.isoformat(),
    }


def _release(platform: Platform, asked: Asked) -> Result:
    reason = f"released by {asked.requested_by}"
    key, now = asked.site_key, platform.clock.now()  # a site out of service is released, too
    outcomes = control.release_site(platform.warehouse, key, now, platform.clock, reason)
    if failed := [str(outcome) for outcome in outcomes if outcome.state == "failed"]:
        raise NotAnswered("; ".join(failed), f"look at the device; `ems release {key}` on the machine tries again")
    return {"devices": [{"device": o.device, "state": o.state, "text": o.text} for o in outcomes]}


ANSWERS: dict[str, Callable[[Platform, Asked], Result]] = {
    "telemetry-read": _telemetry_read,
    "goal-price": goal_price.price,
    "what-if": what_if.answer,
    "device-scan": _device_scan,
    "devices-discover": _discover,
    "forecast-train": _train,
    "release": _release,
    "site-document": site_documents.take,
    "device-find": looking.find,
    "device-try": looking.attempt,
    "site-begin": site_documents.begin,
}
"""By kind of request, what is done for it."""
