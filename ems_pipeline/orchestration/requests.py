"""Run requests for many sites at once: one run per local day, however many sites share it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

import dagster as dg

from ems_pipeline.orchestration.partitions import site_day, site_partitions
from ems_pipeline.sites import Site

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def for_sites(
    instance: dg.DagsterInstance,
    job_name: str,
    sites: Iterable[Site],
    days: Callable[[Site], tuple[date, date]],
    key: str,
    tags: Mapping[str, str] | None = None,
) -> Iterator[dg.RunRequest]:
    """Requests that materialise ``days(site)`` (first, last) for all sites: one per distinct pair of days.

    Args:
        key: makes the requests unique per slot; the same slot asked twice starts one run.
        tags: further tags of each run.
    """
    registered = instance.get_dynamic_partitions(str(site_partitions.name))
    by_days: dict[tuple[date, date], list[str]] = {}
    for site in sites:
        if site.key in registered:
            by_days.setdefault(days(site), []).append(site.key)
    for (first, last), keys in sorted(by_days.items()):
        # A range over a dynamic dimension runs in order of registration, not of the alphabet.
        ordered = sorted(keys, key=registered.index)
        yield dg.RunRequest(
            run_key=f"{job_name}-{key}-{first}",
            job_name=job_name,
            tags={RANGE_START: site_day(ordered[0], first), RANGE_END: site_day(ordered[-1], last), **(tags or {})},
        )


def for_days(job_name: str, first: date, last: date, key: str) -> dg.RunRequest:
    """One request over market days ``first``..``last``."""
    return dg.RunRequest(
        run_key=f"{job_name}-{key}",
        job_name=job_name,
        tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat()},
    )
