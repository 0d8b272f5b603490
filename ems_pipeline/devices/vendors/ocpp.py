"""A charger told by OCPP: a current per phase until the set-point ends, above a safe one that stays for ever.

`safe_current_a` is what holds when nobody says anything: the site's choice between a car that is charged slowly (6 A)
and one that waits (0).
"""

from __future__ import annotations

import math

from ems_pipeline.devices.driver.command import ChargerCommand, Command
from ems_pipeline.devices.driver.contract import PointWrite, SetpointRefused
from ems_pipeline.devices.driver.translation import Family, Target, wired_for, wrong_command
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.sites.modes import ChargerMode

SAFE_A = 6.0
"""The least a car can be offered (IEC 61851-1)."""


def translate(target: Target, command: Command) -> list[PointWrite]:
    """Tenths of an ampere, rounded down. Options: `max_current_a` (the circuit's fuse), `phases`, `safe_current_a`."""
    if not isinstance(command, ChargerCommand):
        raise wrong_command(target, command)
    wired_for(target, command)
    limit_a = 0.0 if command.mode is ChargerMode.OFF else math.floor(command.current_a * 10 + 1e-6) / 10
    highest_a = target.option("max_current_a", 32)
    if limit_a > highest_a:
        raise SetpointRefused(f"{command.device}: {limit_a:g} A exceeds its circuit of {highest_a:g} A")
    return [
        _safe(target),
        PointWrite("current_limit", limit_a),
        PointWrite("phases", command.phases),
        PointWrite("limit_until", target.until_s),
    ]


def release(target: Target) -> list[PointWrite]:
    """Nothing of ours but the safe current."""
    return [_safe(target), PointWrite("limit_until", 0)]


def needs(point_map: PointMap) -> frozenset[str]:
    """What it holds of ours."""
    return frozenset(p.key for p in point_map.points if p.writable)


def _safe(target: Target) -> PointWrite:
    return PointWrite("safe_limit", min(target.option("safe_current_a", SAFE_A), target.option("max_current_a", 32)))


OCPP = Family(translate, release, needs, frozenset({ChargerCommand}), switches_phases=True)
