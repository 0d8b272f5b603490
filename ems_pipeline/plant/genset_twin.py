"""The twin of a genset's or a switchboard's controller: its registers are those of the hall behind it.

What its point map names are values of a poll and no registers, so nothing is taken from the map here.
"""

from __future__ import annotations

from collections.abc import Sequence

from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.plant.gensets.controller import Controller
from ems_pipeline.plant.gensets.hgm9520n import Hgm9520n
from ems_pipeline.plant.gensets.hgm9560 import Hgm9560
from ems_pipeline.plant.twin import Twin
from ems_pipeline.plant.world import World


class ControllerTwin(Twin):
    """One controller of the site's hall."""

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        super().__init__(world, device, point_map)
        hall = world.hall
        assert hall is not None  # a world has one wherever its site has a controller
        genset = hall.sets.get(device)
        self.controller: Controller = Hgm9560(world, hall) if genset is None else Hgm9520n(world, hall, genset)

    @property
    def last_address(self) -> int:
        return self.controller.last_address

    def read(self, function: int, address: int, count: int) -> list[int]:
        self.check_alive()
        return self.controller.read(function, address, count)

    def write(self, function: int, address: int, values: Sequence[int]) -> None:
        self.check_alive()
        self.controller.write(function, address, values)
