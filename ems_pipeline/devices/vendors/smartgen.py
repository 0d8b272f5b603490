"""A controller of a generating set: run at a power until an instant, as a sequence of the poller; released, it is not
stopped."""

from __future__ import annotations

from ems_pipeline.devices.driver.command import Command, GensetCommand
from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.devices.driver.translation import Family, Target, wrong_command
from ems_pipeline.devices.points.point_map import PointMap

SEEN = frozenset({"engine_state", "generator_breaker", "mains_breaker", "mode_auto"})
"""What the judgement of an effect looks at besides the power."""


def translate(target: Target, command: Command) -> list[PointWrite]:
    """The power and the end of what is told; not to run has an end as well, so that it is no release."""
    if not isinstance(command, GensetCommand):
        raise wrong_command(target, command)
    power_w = command.power_w if command.run else 0.0
    return [PointWrite("run_power", power_w), PointWrite("run_until", target.until_s)]


def release(_: Target) -> list[PointWrite]:
    """Nothing of ours: the target goes back to the site's default."""
    return [PointWrite("run_power", 0.0), PointWrite("run_until", 0.0)]


def needs(point_map: PointMap) -> frozenset[str]:
    """What it holds of ours, and how far it has come."""
    known = {p.key for p in point_map.points if p.writable} | (SEEN & set(point_map.by_name))
    return frozenset(known)


SMARTGEN = Family(translate, release, needs, frozenset({GensetCommand}))
