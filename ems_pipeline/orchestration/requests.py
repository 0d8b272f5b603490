"""Run requests for many sites at once: one run per shard and local day, however many sites share it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
    active: Iterable[Site] | None = None,
) -> Iterator[dg.RunRequest]:
    """Requests that materialise ``days(site)`` (first, last) for sites: as few runs as ranges of partitions can say.

    One per shard and distinct pair of days, as long as no active site of other days was registered in between.

    Args:
        key: makes the requests unique per slot; the same slot asked twice starts one run.
        slot: the slot's stamp, if this is clock work.
        active: all active sites, where ``sites`` are some of them.
    """
    places = {name: i for i, name in enumerate(instance.get_dynamic_partitions(str(site_partitions.name)))}
    wanted = {site.key: days(site) for site in sites if site.key in places}
    known = {site.key for site in active or ()} | set(wanted)
    # A range over a dynamic dimension runs in order of registration, not of the alphabet.
    ordered = sorted((name for name in known if name in places), key=places.__getitem__)
    for shard in shards.all_shards():
        runs = _stretches([name for name in ordered if shard.holds(name)], wanted)
        for number, ((first, last), keys) in enumerate(runs):
            ends = {RANGE_START: site_day(keys[0], first), RANGE_END: site_day(keys[-1], last)}
            tags = shard.tags if slot is None else of_slot(slot, shard)
            part = shard.key + (f"-{number}" if number else "")
            yield dg.RunRequest(f"{job_name}-{key}-{first}{part}", job_name=job_name, tags={**ends, **tags})


def _stretches(
    ordered: Iterable[str], wanted: Mapping[str, tuple[date, date]]
) -> list[tuple[tuple[date, date], list[str]]]:
    """Sites that follow each other and want the same days, ordered by day; whoever wants nothing ends a stretch."""
    found: list[tuple[tuple[date, date], list[str]]] = []
    open_one: tuple[date, date] | None = None
    for name in ordered:
        pair = wanted.get(name)
        if pair is not None and pair == open_one:
            found[-1][1].append(name)
        elif pair is not None:
            found.append((pair, [name]))
        open_one = pair
    return sorted(found, key=lambda run: run[0])


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
