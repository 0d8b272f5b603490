"""Run requests for many sites at once: one run per shard and local day, however many sites share it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date

import dagster as dg

from ems_pipeline.orchestration.beats import Served
from ems_pipeline.orchestration.machinery.coordinator import SLOT_TAG
from ems_pipeline.orchestration.partitions import MEANT_TAG, site_day, site_partitions
from ems_pipeline.sites import Site
from ems_pipeline.steps import shards
from ems_pipeline.steps.shards import Shard

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

ROUTINE_TAG = "ems/routine"
"""On runs that a clock asked for: what they cannot serve is an alarm where it stands, and not a failed run."""


def for_sites(
    instance: dg.DagsterInstance,
    job_name: str,
    sites: Iterable[Site],
    days: Callable[[Site], tuple[date, date]],
    key: str,
    slot: str | None = None,
    active: Iterable[Site] | None = None,
) -> Iterator[dg.RunRequest]:
    """Requests that materialise ``days(site)`` (first, last) for sites: one per shard and distinct pair of days.

    A range over a dynamic dimension passes over whoever was registered in between; where an active site there is not
    meant, the run's tag names those that are.

    Args:
        key: makes the requests unique per slot; the same slot asked twice starts one run.
        slot: the slot's stamp, if this is clock work.
        active: all active sites, where ``sites`` are some of them.
    """
    places = {name: i for i, name in enumerate(instance.get_dynamic_partitions(str(site_partitions.name)))}
    wanted = {site.key: days(site) for site in sites if site.key in places}
    # A range runs in order of registration, not of the alphabet.
    known = sorted({site.key for site in active or ()} & set(places) | set(wanted), key=places.__getitem__)
    for shard in shards.all_shards():
        held = [name for name in known if shard.holds(name)]
        for first, last in sorted({wanted[name] for name in held if name in wanted}):
            keys = [name for name in held if wanted.get(name) == (first, last)]
            between = held[held.index(keys[0]) : held.index(keys[-1]) + 1]
            ends = {RANGE_START: site_day(keys[0], first), RANGE_END: site_day(keys[-1], last)}
            meant = {} if between == keys else {MEANT_TAG: ",".join(keys)}
            tags = {ROUTINE_TAG: key, **(shard.tags if slot is None else of_slot(slot, shard))}
            yield dg.RunRequest(
                f"{job_name}-{key}-{first}{shard.key}", job_name=job_name, tags={**ends, **meant, **tags}
            )


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
        tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat(), ROUTINE_TAG: key},
    )
