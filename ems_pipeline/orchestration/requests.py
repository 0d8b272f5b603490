"""Run requests for many sites at once: one run per shard and local day, however many sites share it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date

import dagster as dg

from ems_pipeline.orchestration import shards
from ems_pipeline.orchestration.beats import Served
from ems_pipeline.orchestration.coordinator import SLOT_TAG
from ems_pipeline.orchestration.partitions import site_day, site_partitions
from ems_pipeline.orchestration.shards import Shard
from ems_pipeline.sites import Site

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def for_sites(
    instance: dg.DagsterInstance,
    job_name: str,
    sites: Iterable[Site],
    days: Callable[[Site], tuple[date, date]],
    key: str,
    slot: str | None = None,
) -> Iterator[dg.RunRequest]:
    """Requests that materialise ``days(site)`` (first, last) for all sites: one per shard and distinct pair of days.

    Args:
        key: makes the requests unique per slot; the same slot asked twice starts one run.
        slot: the slot's stamp, if this is clock work.
    """
    places = {name: i for i, name in enumerate(instance.get_dynamic_partitions(str(site_partitions.name)))}
    wanted: dict[tuple[int, date, date], list[str]] = {}
    parts = shards.all_shards()
    for site in sites:
        if site.key in places:
            (shard,) = (part for part in parts if part.holds(site.key))
            wanted.setdefault((shard.number, *days(site)), []).append(site.key)
    for (number, first, last), keys in sorted(wanted.items()):
        # A range over a dynamic dimension runs in order of registration, not of the alphabet.
        ordered = sorted(keys, key=places.__getitem__)
        ends = {RANGE_START: site_day(ordered[0], first), RANGE_END: site_day(ordered[-1], last)}
        tags = parts[number].tags if slot is None else of_slot(slot, parts[number])
        yield dg.RunRequest(f"{job_name}-{key}-{first}{parts[number].key}", job_name=job_name, tags={**ends, **tags})


def for_slot(job_name: str, slot: Served, sites: Callable[[], Iterable[Site]]) -> Iterator[dg.RunRequest]:
    """Requests of clock work that needs no partitions: one per shard that holds any of the sites."""
    parts = shards.all_shards()
    keys = [site.key for site in sites()] if len(parts) > 1 else []
    for shard in parts:
        if shard.of == 1 or any(shard.holds(key) for key in keys):
            tags = of_slot(slot.stamp, shard)
            yield dg.RunRequest(f"{job_name}-{slot.key}{shard.key}", job_name=job_name, tags=tags)


def of_slot(slot: str, shard: Shard) -> dict[str, str]:
    """Tags of a run of clock work."""
    return {SLOT_TAG: slot, **shard.tags, **shard.queue_tags}


def for_days(job_name: str, first: date, last: date, key: str) -> dg.RunRequest:
    """One request over market days ``first``..``last``."""
    return dg.RunRequest(
        run_key=f"{job_name}-{key}",
        job_name=job_name,
        tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat()},
    )
