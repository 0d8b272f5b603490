"""Marstek Venus: four things a battery can be told, as modes of its own. Pure.

Its own logic (`Auto`) follows the meter at the house's connection and has no limits of ours; a power is told in mode
`Passive`, which the battery leaves by itself when it is not told again (`expires_s` of the map). So what the device's
own logic may do is left to it, and everything else is a power. Set-points are > 0 where it gives, readings of
`bat_power` are not: the map holds both signs.
"""

from __future__ import annotations

import math

from ems_pipeline.devices.driver.command import BatteryCommand, Command
from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.devices.driver.translation import Family, Target, wrong_command
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.sites.modes import BatteryMode

AUTO, PASSIVE = 0.0, 3.0
"""Of the point `mode`."""
METER = "ct_power"
"""The power through the house's connection as the battery's own meter says it, > 0 import."""
FULL_PCT = 100.0
OWN_FLOOR = 12.0
"""Percent it keeps by itself: it discharges 88 % of its cells, unless its owner has told it to keep more."""


def translate(target: Target, command: Command) -> list[PointWrite]:
    """Its own logic where that is what is wanted, else a power for a while."""
    if not isinstance(command, BatteryCommand):
        raise wrong_command(target, command)
    charge_w = _most(target, "charge_limit_w", command.charge_limit_w)
    discharge_w = _most(target, "discharge_limit_w", command.discharge_limit_w)
    match command.mode:
        case BatteryMode.CHARGE:
            return _power(target, 0.0 if _is_full(target, command) else -charge_w)
        case BatteryMode.DISCHARGE:
            most_w = discharge_w if command.export_limit_w is None else min(discharge_w, command.export_limit_w)
            return _power(target, 0.0 if _is_empty(target, command) else most_w)
        case BatteryMode.HOLD:
            return _power(target, _following(target, charge_w, 0.0))
        case BatteryMode.SELF_USE:
            is_empty = _is_empty(target, command)
            if _is_its_own(target, charge_w, discharge_w) and (not is_empty or _kept_pct(target, command) <= OWN_FLOOR):
                return [PointWrite("mode", AUTO)]
            return _power(target, _following(target, charge_w, 0.0 if is_empty else discharge_w))


def release(_: Target) -> list[PointWrite]:
    """Its own logic, as it was before we came."""
    return [PointWrite("mode", AUTO)]


def needs(point_map: PointMap) -> frozenset[str]:
    """The mode it is in, its charge and power, and what its meter sees."""
    return frozenset({"battery_mode", "battery_soc_pct", "battery_power_w"} | ({METER} & point_map.by_name.keys()))


MARSTEK = Family(translate, release, needs, follows=True, takes=frozenset({BatteryCommand}))


def _most(target: Target, option: str, limit_w: float | None) -> float:
    """The commanded limit within what the site allows and the model can, whole watts, rounded down."""
    low, high = target.point_map.point("passive_power").range or (0.0, 0.0)
    own_w = min(target.option(option, math.inf), -low if option == "charge_limit_w" else high)
    return float(math.floor(own_w if limit_w is None else max(0.0, min(limit_w, own_w))))


def _is_its_own(target: Target, charge_w: float, discharge_w: float) -> bool:
    """Whether no limit is narrower than what the battery may do by itself, which knows none of ours."""
    most_charge_w, most_discharge_w = (_most(target, f"{way}_limit_w", None) for way in ("charge", "discharge"))
    return charge_w >= most_charge_w and discharge_w >= most_discharge_w


def _is_full(target: Target, command: BatteryCommand) -> bool:
    target_pct = FULL_PCT if command.target_soc_pct is None else command.target_soc_pct
    return target.known("battery_soc_pct") >= target_pct


def _is_empty(target: Target, command: BatteryCommand) -> bool:
    """Down to what is to be kept; a charge nobody knows empties nothing."""
    return target.live.get("battery_soc_pct", 0.0) <= _kept_pct(target, command)


def _kept_pct(target: Target, command: BatteryCommand) -> float:
    return max(command.target_soc_pct or 0.0, target.option("min_soc_pct", 0.0))


def _following(target: Target, charge_w: float, discharge_w: float) -> float:
    """Its part of what would bring its meter to zero now, within the limits; nothing while the meter says nothing.

    Told anew with every look, so it lags by minutes. Of a fleet that follows one meter each corrects its part: if each
    corrected all of it, they would drive each other to and fro.
    """
    meter_w, battery_w = target.live.get(METER), target.live.get("battery_power_w")
    if meter_w is None or battery_w is None:
        return 0.0
    wanted_w = battery_w + target.option("meter_share", 1.0) * meter_w
    return float(math.trunc(min(max(wanted_w, -charge_w), discharge_w)))


def _power(target: Target, power_w: float) -> list[PointWrite]:
    seconds = target.point_map.point("passive_time").expires_s or 0.0
    return [
        PointWrite("mode", PASSIVE),
        PointWrite("passive_power", power_w + 0.0),
        PointWrite("passive_time", seconds),
    ]
