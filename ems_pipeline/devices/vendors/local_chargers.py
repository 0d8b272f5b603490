"""Chargers with a web service of their own: go-e's keys, and the texts that SimpleEVSE-WiFi answers a write with.

Neither has a watchdog: what they are told stands until they are told otherwise.
"""

from __future__ import annotations

import math
from typing import Any

from ems_pipeline.devices.driver.command import ChargerCommand, Command
from ems_pipeline.devices.driver.contract import DeviceFault, PointWrite, SetpointRefused
from ems_pipeline.devices.driver.document import SHOWN, Dialect, json_document
from ems_pipeline.devices.driver.translation import Family, Target, wired_for, wrong_command
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.sites.modes import ChargerMode

NEUTRAL, FORCED_OFF, FORCED_ON = 0, 1, 2


def translate(target: Target, command: Command) -> list[PointWrite]:
    """Forced off, or on with whole amperes, rounded down, and the phases that are wired."""
    if not isinstance(command, ChargerCommand):
        raise wrong_command(target, command)
    if command.mode is ChargerMode.OFF or command.current_a <= 0:
        return [PointWrite("force_state", FORCED_OFF)]
    wired_for(target, command)
    highest_a = target.option("max_current_a", 32)
    if command.current_a > highest_a:
        raise SetpointRefused(f"{command.device}: {command.current_a:g} A exceeds its circuit of {highest_a:g} A")
    return [
        PointWrite("requested_current", math.floor(command.current_a)),
        PointWrite("phase_mode", command.phases),
        PointWrite("force_state", FORCED_ON),
    ]


def release(target: Target) -> list[PointWrite]:
    """The circuit's full current by its own logic: a charger without a manager charges whoever plugs in."""
    highest_a = math.floor(target.option("max_current_a", 16))
    return [PointWrite("requested_current", highest_a), PointWrite("force_state", NEUTRAL)]


def needs(point_map: PointMap) -> frozenset[str]:
    """What it is set to now."""
    return frozenset(p.key for p in point_map.points if p.writable)


GO_E = Family(translate, release, needs, frozenset({ChargerCommand}), switches_phases=True)


def go_e_document(body: bytes) -> Any:
    """Keys and values; to a write it answers true for each key, or in words why not.

    Raises:
        DeviceFault: no JSON, or a key that was not set.
    """
    found = json_document(body)
    words = [f"{k}: {v[:SHOWN]}" for k, v in found.items() if isinstance(v, str)] if isinstance(found, dict) else []
    if words:
        raise DeviceFault(Quality.REFUSED, f"the charger says {'; '.join(words)}")
    return found


def wifi_document(body: bytes) -> Any:
    """JSON where it is read; ``S0_`` and words where a write was taken, ``E1_`` or alike where not.

    Raises:
        DeviceFault: none of these, or a write that was refused.
    """
    if body.startswith(b"S0_"):
        return {}
    if body[:1] == b"E" and body[2:3] == b"_":
        raise DeviceFault(Quality.REFUSED, f"the charger says {body[:SHOWN].decode(errors='replace')}")
    return json_document(body)


GO_E_DIALECT, WIFI_DIALECT = Dialect(go_e_document), Dialect(wifi_document)
