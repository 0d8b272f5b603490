"""The twin of a device that obeys by the recipe of its map: what is behind it does what stands there."""

from __future__ import annotations

from collections.abc import Mapping

from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.plant.following import FOLLOWING, on_its_own, recipe_of
from ems_pipeline.plant.refusals import ILLEGAL_VALUE, Refused
from ems_pipeline.plant.sunspec_twin import SunSpecTwin
from ems_pipeline.plant.twin import Twin
from ems_pipeline.plant.world import World


class RecipeTwin(Twin):
    """A battery, contacts or a plug by a file, whatever the protocol.

    A restart forgets what it was told, and a guarded point is refused while its guard does not hold.
    """

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        super().__init__(world, device, point_map)
        self.volatile = frozenset(p.name for p in point_map.points if p.writable)
        self.following = FOLLOWING[recipe_of(point_map).asset](self)

    def factory_settings(self) -> dict[str, float]:
        return super().factory_settings() | on_its_own(self.point_map)

    def put(self, values: Mapping[str, float]) -> None:
        live, points = self.live(), self.point_map.by_name
        for name, wanted in (pair for point in values for pair in points[point].only_while.items()):
            if self.value(points[name], live) not in wanted:
                raise Refused(ILLEGAL_VALUE)
        super().put(values)
        self.following.written(values)

    def live(self) -> dict[str, float]:
        shown = {p.proved_by: self.held[p.name] for p in self.point_map.points if p.proved_by in self.point_map.by_name}
        measured = super().live()
        return self._parts(measured) | measured | {str(name): value for name, value in shown.items()}

    def _parts(self, measured: Mapping[str, float]) -> dict[str, float]:
        """What a sum is made of: each phase has an equal part."""
        sums = {name: rule.sum for name, rule in self.point_map.derived.items() if rule.sum and name in measured}
        return {part: measured[name] / len(parts) for name, parts in sums.items() for part in parts}

    def obey(self) -> None:
        self.following.obey()


class SunSpecBattery(RecipeTwin, SunSpecTwin):
    """One whose registers are found by asking: model 124 or 704, with its reversion timer."""
