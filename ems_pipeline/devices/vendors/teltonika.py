"""Teltonika TeltoCharge: a current per phase, 0 to pause.

Only the current limit is used to stop: the values of the start/stop register are presumed, not documented, so it is
touched solely to undo a stop somebody else has set; where it answers otherwise, or not at all, the box is offered its
current all the same. Phases cannot be switched over Modbus as far as anyone knows.
"""

from __future__ import annotations

import math

from ems_pipeline.devices.driver.command import ChargerCommand, Command
from ems_pipeline.devices.driver.contract import PointWrite, SetpointRefused
from ems_pipeline.devices.driver.translation import Family, Target, wrong_command
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.sites.modes import ChargerMode

STOPPED, STARTED = 0, 1


def translate(target: Target, command: Command) -> list[PointWrite]:
    """Whole amperes, rounded down. Options: `max_current_a` (the circuit's fuse), `phases` (as wired)."""
    if not isinstance(command, ChargerCommand):
        raise wrong_command(target, command)
    if command.mode is ChargerMode.OFF:
        return [PointWrite("current_limit", 0)]
    wired = target.option("phases", command.phases)
    if command.phases != wired:
        raise SetpointRefused(f"{command.device} is wired for {wired:g} phases and cannot switch to {command.phases}")
    highest_a = target.option("max_current_a", 32)
    if command.current_a > highest_a:
        raise SetpointRefused(f"{command.device}: {command.current_a:g} A exceeds its circuit of {highest_a:g} A")
    return _offer(target, math.floor(command.current_a))


def release(target: Target) -> list[PointWrite]:
    """The circuit's full current: a charger without a manager charges whoever plugs in."""
    return _offer(target, math.floor(target.option("max_current_a", 16)))


def needs(point_map: PointMap) -> frozenset[str]:
    """What the charger is set to now."""
    return frozenset(p.key for p in point_map.points if p.writable)


TELTONIKA = Family(translate, release, needs, frozenset({ChargerCommand}))


def _offer(target: Target, current_a: int) -> list[PointWrite]:
    writes = [PointWrite("current_limit", current_a)]
    if current_a > 0 and target.live.get("start_stop") == STOPPED:
        writes.append(PointWrite("start_stop", STARTED))
    return writes
