"""A controller that is not heard is one alarm, and a site none of whose controllers is heard is one alarm, not many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ems_pipeline.gensets.alarms.alarm import Condition, Controller, Source
from ems_pipeline.gensets.snapshot import Link
from ems_pipeline.gensets.states import AlarmGroup

LOST = Condition(Source.LINK, AlarmGroup.WARNING, "link_lost")
ROAD_LOST = Condition(Source.LINK, AlarmGroup.WARNING, "road_lost")


def lost(links: Mapping[Controller, Link]) -> dict[tuple[Controller, Condition], bool | None]:
    """Which of these alarms have a cause now, of each controller and of each site with several.

    None: while the road is lost a controller that was lost before stays so, and no further one is told of.
    """
    found: dict[tuple[Controller, Condition], bool | None] = {}
    for site, own in _by_site(links).items():
        is_road = len(own) > 1 and all(links[one] is Link.DOWN for one in own)
        if len(own) > 1:
            found[Controller(site, ""), ROAD_LOST] = is_road
        for one in own:
            found[one, LOST] = None if is_road else links[one] is Link.DOWN
    return found


def _by_site(controllers: Iterable[Controller]) -> dict[str, list[Controller]]:
    found: dict[str, list[Controller]] = {}
    for one in controllers:
        found.setdefault(one.site, []).append(one)
    return found
