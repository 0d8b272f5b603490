"""Samsung EHS through the MIM-B19N: SG Ready states as shifts of the flow set-point.

The four states exist on the unit as two contacts, not as registers, so their effect is written instead, with the shifts
the contacts have by default (FSV 5092: +2 K, forced a further +5 K in water-out control). Blocking lowers the set-point
rather than switching off: on/off cycling wears the compressor and a switched-off circuit can freeze.
Where FSV 5051 is set, register 88 limits the compressor (option `frequency_control: true`).
"""

from __future__ import annotations

from ems_pipeline.devices.driver.command import Command, HeatPumpCommand
from ems_pipeline.devices.driver.contract import PointWrite, SetpointRefused
from ems_pipeline.devices.driver.translation import Family, Target, wrong_command
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.sites.modes import HeatPumpMode

RECOMMENDED_SHIFT_K = 2.0
FORCED_SHIFT_K = 7.0
FROST_C = 3.0
"""Below this outdoor temperature (option `frost_c`) blocking only shifts: water stays warm in the outdoor unit."""
FROST_SHIFT_K = -5.0
RATIO_ENABLED = 0x0100
RATIO_PCT = (50, 150)


def translate(target: Target, command: Command) -> list[PointWrite]:
    """Flow set-point, and the compressor's ratio where it may be limited.

    Options: `flow_temp_c` (what normal means), `max_power_w` (100 % of the ratio), `frequency_control`, `frost_c`.
    """
    if not isinstance(command, HeatPumpCommand):
        raise wrong_command(target, command)
    return [
        PointWrite("zone1_enable", 1),
        PointWrite("flow_setpoint_c", _flow_setpoint(target, command)),
        *_ratio(target, command.power_limit_w),
    ]


def release(target: Target) -> list[PointWrite]:
    """The configured flow temperature and no compressor limit."""
    return translate(target, HeatPumpCommand(device=target.point_map.map, mode=HeatPumpMode.NORMAL))


def needs(point_map: PointMap) -> frozenset[str]:
    """What is set now, and the outdoor temperature for the frost rule."""
    return frozenset({p.key for p in point_map.points if p.writable} | {"outdoor_temp_c"})


SAMSUNG = Family(translate, release, needs, frozenset({HeatPumpCommand}))


def _flow_setpoint(target: Target, command: HeatPumpCommand) -> float:
    """Degrees the water shall leave with, clamped to what the unit accepts."""
    normal_c = command.flow_setpoint_c if command.flow_setpoint_c is not None else target.option("flow_temp_c", 35.0)
    low, high = target.point_map.point("flow_setpoint_c").range or (15.0, 65.0)
    if not low <= normal_c <= high:
        raise SetpointRefused(f"{command.device}: flow {normal_c:g} °C is outside {low:g}..{high:g} °C of the unit")
    match command.mode:
        case HeatPumpMode.NORMAL:
            return normal_c
        case HeatPumpMode.RECOMMENDED:
            return min(normal_c + RECOMMENDED_SHIFT_K, high)
        case HeatPumpMode.FORCED:
            return min(normal_c + FORCED_SHIFT_K, high)
        case HeatPumpMode.BLOCKED:
            frost = target.known("outdoor_temp_c") < target.option("frost_c", FROST_C)
            return max(normal_c + FROST_SHIFT_K, low) if frost else low


def _ratio(target: Target, power_limit_w: float | None) -> list[PointWrite]:
    """Register 88: high byte 1 and 50..150 % of the rated frequency, or 0 for the unit's own choice."""
    if not target.options.get("frequency_control", False):
        return []
    if power_limit_w is None:
        return [PointWrite("frequency_ratio_control", 0)]
    if "max_power_w" not in target.options:
        raise SetpointRefused("a power limit needs the unit's rating", "set options: {max_power_w: ...} on the device")
    lowest_pct, highest_pct = RATIO_PCT
    ratio_pct = int(100 * power_limit_w / target.option("max_power_w", 0.0))
    if ratio_pct < lowest_pct:
        raise SetpointRefused(
            f"{power_limit_w:g} W is {ratio_pct} % of the unit's rating", "below 50 % block it instead"
        )
    return [PointWrite("frequency_ratio_control", RATIO_ENABLED | min(highest_pct, ratio_pct))]
