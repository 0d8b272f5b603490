"""What somebody wants the planner to reach for an asset: a car on the sun or full by an hour, a house that may be cold.

An override (`wish`) says what a device is told, a goal what the plan is to bring about. Of two the later filed counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ems_pipeline.sites.site import Site


class Source(StrEnum):
    """What a car may be charged from."""

    ANY = "any"
    SOLAR = "solar"
    """Only what the sun leaves."""
    MIN_SOLAR = "min-solar"
    """The least power always, more only of what the sun leaves."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of an asset over ``[from_at, until_at)``; None: as usual.

    Attributes:
        goal_id: number it was filed under; None: it was not.
        energy_wh: wanted at the wall in this stay of a car, with what it has had in it already.
        ready_at: when the car leaves.
        comfort_min_c, comfort_max_c: the band of the house.
    """

    asset: str
    from_at: datetime
    until_at: datetime
    source: Source | None = None
    energy_wh: float | None = None
    ready_at: datetime | None = None
    comfort_min_c: float | None = None
    comfort_max_c: float | None = None
    goal_id: int | None = None

    def touches(self, begin: datetime, end: datetime) -> bool:
        """Whether it holds at any time between two instants."""
        return self.from_at < end and self.until_at > begin


def comforted(site: Site, goals: Iterable[Goal]) -> Site:
    """The site with the comfort bands that goals give its houses; a later goal counts whole."""
    later = {goal.asset: goal for goal in goals}
    pumps = []
    for pump in site.heat_pumps:
        goal, house = later.get(pump.key), pump.house
        if goal is not None:
            low_c = house.comfort_min_c if goal.comfort_min_c is None else goal.comfort_min_c
            high_c = house.comfort_max_c if goal.comfort_max_c is None else goal.comfort_max_c
            house = house.model_copy(update={"comfort_min_c": low_c, "comfort_max_c": high_c})
        pumps.append(pump.model_copy(update={"house": house}))
    return site.model_copy(update={"heat_pumps": tuple(pumps)})
