"""The arm of a virtual plant: nothing real can be switched there, so nobody has to be asked, while it runs.

It lasts for minutes and is prolonged by the process that runs the plant: when that one is killed, the arm is over by
the time somebody could start another program at its addresses; and like every arm it stands for those addresses only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import MINUTE
from ems_pipeline.warehouse import DatabaseUnavailable, arming
from ems_pipeline.warehouse import sites as registry

BY = "virtual plant"
LASTS = timedelta(minutes=5)


class PlantArm:
    """The arm of one site; it remembers when it was prolonged last."""

    def __init__(self, platform: Platform, site_key: str) -> None:
        self._platform, self._site_key = platform, site_key
        self._prolonged_at = platform.clock.now()
        with platform.warehouse.begin() as connection:
            arming.arm(connection, site_key, self._prolonged_at, BY, self._prolonged_at + LASTS)

    def prolong(self) -> None:
        """Called every second; what a person armed or took back meanwhile stays as it is."""
        now = self._platform.clock.now()
        if abs(now - self._prolonged_at) < MINUTE:
            return
        try:
            with self._platform.warehouse.begin() as connection:
                arming.prolong(connection, self._site_key, BY, now + LASTS)
        except DatabaseUnavailable:  # without one nothing is told either
            return
        self._prolonged_at = now


@contextmanager
def armed(platform: Platform, site_key: str) -> Iterator[PlantArm]:
    """A site is armed while its plant runs."""
    try:
        yield PlantArm(platform, site_key)
    finally:
        end_all(platform)


def end_all(platform: Platform) -> None:
    """No plant runs (any more): arms that one has left behind end."""
    now = platform.clock.now()
    try:
        with platform.warehouse.begin() as connection:
            for key in registry.all_keys(connection):
                arming.disarm(connection, key, now, BY, given_by=BY)
    except DatabaseUnavailable:  # then they run out
        return
