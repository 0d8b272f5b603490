"""Any device whose map has a recipe: the writes of a mode, in the order the map gives them, values from the command.

Powers are rounded towards zero and kept within what the register can hold, so that a device is never told more than was
asked. Nothing here knows a vendor: how one obeys is data (`points.recipe`).
"""

from __future__ import annotations

import math

from ems_pipeline.devices.driver.command import BatteryCommand, Command, HeatPumpCommand, MachineCommand
from ems_pipeline.devices.driver.contract import PointWrite, SetpointRefused
from ems_pipeline.devices.driver.translation import TOLD, Family, Target, beat, proof_of, wrong_command
from ems_pipeline.devices.points.codec import resolution
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.recipe import Recipe, Step
from ems_pipeline.sites.modes import BatteryMode

NOISE = 1e-9
"""Of a quotient that should be whole."""


def translate(target: Target, command: Command) -> list[PointWrite]:
    """The writes of the command's mode. Options: `charge_limit_w`, `discharge_limit_w` (never exceeded, and what None
    means), `min_soc_pct`, `export_limit_w`, `pv_limit_w`."""
    recipe = _recipe(target)
    if not isinstance(command, TOLD[recipe.asset]) or not isinstance(command, MODAL):
        raise wrong_command(target, command)
    brought = _brought(target, command) if isinstance(command, BatteryCommand) else {}
    return [_write(target, step, brought) for step in recipe.modes[command.mode]]


def release(target: Target) -> list[PointWrite]:
    """What the map says hands the device back."""
    return [_write(target, step, {}) for step in _recipe(target).release]


def needs(point_map: PointMap) -> frozenset[str]:
    """What is set now, what proves it, and what percentages are of."""
    if point_map.recipe is None:
        return frozenset()
    steps = point_map.recipe.steps
    proofs = (proof_of(point_map, point_map.by_name[step.point]) for step in steps)
    of = (point_map.by_name[step.percent_of] for step in steps if step.percent_of)
    return frozenset(p.key for p in (*proofs, *of) if p is not None)


MODAL = (BatteryCommand, HeatPumpCommand, MachineCommand)
RECIPE = Family(translate, release, needs, frozenset(TOLD.values()))


def _recipe(target: Target) -> Recipe:
    if target.point_map.recipe is None:
        raise SetpointRefused(f"{target.point_map.map} has no recipe", "write one (docs/devices.md)")
    return target.point_map.recipe


def _brought(target: Target, command: BatteryCommand) -> dict[str, float]:
    """The values of a battery command by the names of a recipe; what nobody says is left out."""
    limits_w = {
        "charge_w": _limit_w(target, "charge_limit_w", command.charge_limit_w),
        "discharge_w": _limit_w(target, "discharge_limit_w", command.discharge_limit_w),
    }
    signed_w = {BatteryMode.CHARGE: -limits_w["charge_w"], BatteryMode.DISCHARGE: limits_w["discharge_w"]}
    said = {
        "target_soc_pct": command.target_soc_pct,
        "export_limit_w": command.export_limit_w,
        "pv_limit_w": command.pv_limit_w,
    }
    return limits_w | {"power_w": signed_w.get(command.mode, 0.0)} | {k: v for k, v in said.items() if v is not None}


def _limit_w(target: Target, option: str, asked_w: float | None) -> float:
    highest_w = target.options.get(option)
    if highest_w is None and asked_w is None:
        raise SetpointRefused(f"nobody says {option} of {target.point_map.map}", "name it in the site file")
    limits = [float(limit) for limit in (asked_w, highest_w) if limit is not None]
    if min(limits) < 0:
        raise SetpointRefused(f"{option} {min(limits):g} W is negative; nothing was written")
    return min(limits)


def _write(target: Target, step: Step, brought: dict[str, float]) -> PointWrite:
    point = target.point_map.point(step.point)
    if step.to is None:
        return PointWrite(point.name, beat(point, target.live))
    if isinstance(step.to, float):
        return PointWrite(point.name, step.to * step.times)
    value = _value(target, step.to, brought) * step.times
    if step.percent_of is not None:
        whole = target.known(target.point_map.point(step.percent_of).key)
        if whole <= 0:
            raise SetpointRefused(f"{point.name}: {step.percent_of} is {whole:g}, of which nothing is a share")
        value = 100 * value / whole
    return PointWrite(point.name, _settable(point, value, step.step or resolution(point) or 1.0))


def _value(target: Target, name: str, brought: dict[str, float]) -> float:
    if name == "watchdog_s":
        return min(p.expires_s for p in target.point_map.points if p.expires_s)
    if name in brought:
        return brought[name]
    if name in target.options:
        return float(target.options[name])
    raise SetpointRefused(f"nobody says {name} of {target.point_map.map}", "name it in the site file or the command")


def _settable(point: Point, value: float, step: float) -> float:
    """Towards zero to a multiple of the step, within the range; below the least non-zero it is 0."""
    low, high = point.range or (-math.inf, math.inf)
    kept = min(max(value, low), high)
    rounded = math.trunc(kept / step + math.copysign(NOISE, kept)) * step
    return 0.0 if 0 < rounded < (point.min_nonzero or 0.0) else round(rounded, 9)
