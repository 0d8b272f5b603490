"""Sites in shards, so that several machines share them: a run per shard and slot, each through a queue of its own.

``EMS_SHARDS`` says how many; one, the default, is a run for all sites. A run's tag names its shard, whatever the run
does. Which machine serves which queue is the business of `deploy/dagster-celery.yaml`.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from ems_pipeline import settings

SHARD_TAG = "ems/shard"
QUEUE_TAG = "dagster-celery/queue"
"""Read by dagster-celery's launcher; ours ignores it."""


@dataclass(frozen=True)
class Shard:
    """The ``number``-th (from 0) of ``of`` parts of all sites."""

    number: int = 0
    of: int = 1

    def holds(self, site_key: str) -> bool:
        """Whether a site belongs to it; the same on every machine and in every version of Python."""
        return zlib.crc32(site_key.encode()) % self.of == self.number

    @property
    def tags(self) -> dict[str, str]:
        """Run tags that name it; none where all sites are one shard."""
        return {} if self.of == 1 else {SHARD_TAG: f"{self.number}/{self.of}"}

    @property
    def queue_tags(self) -> dict[str, str]:
        """Run tags that send clock work to the queue of the shard: it must not stand behind batch work."""
        return {} if self.of == 1 else {QUEUE_TAG: f"ems-{self.number}"}

    @property
    def key(self) -> str:
        """What tells its run keys from those of the other shards."""
        return "" if self.of == 1 else f"-{self.number}of{self.of}"


def of_run(tags: Mapping[str, str]) -> Shard:
    """The shard a run serves."""
    number, _, of = tags.get(SHARD_TAG, "0/1").partition("/")
    return Shard(int(number), int(of))


def all_shards() -> list[Shard]:
    """The shards of this installation; WrongSetting: ``EMS_SHARDS`` is no such number."""
    parts = settings.SHARDS.read()
    return [Shard(number, parts) for number in range(parts)]
