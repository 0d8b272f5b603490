"""Was every slot served, once, and how late? Read from Dagster's runs and from what they left in our tables."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from ems_pipeline.orchestration import beats
from ems_pipeline.orchestration.beats import Beat
from ems_pipeline.orchestration.machinery.coordinator import ANEW_TAG, SLOT_TAG
from ems_pipeline.orchestration.requests import RANGE_START
from ems_pipeline.steps import shards
from ems_pipeline.steps.shards import Shard
from ems_pipeline.time_grid import MINUTE
from ems_pipeline.warehouse import Warehouse, inventory

BINS_S = (0.5, 1, 2, 5, 10, 30, 60)
BAR = 40
UNDER_WAY = 2 * MINUTE
"""Runs of the newest slots may not have ended."""
OVER = timedelta(minutes=10)
"""A run is looked for this long after its slot."""


@dataclass(frozen=True)
class Cadence:
    """How one kind of clock work went in a window.

    Attributes:
        served: successful runs per slot, the most of any shard; 0 for a slot that a shard went without.
        lags_s: seconds from when a slot was due to its run's start, of all runs that began.
        failed: runs that ended otherwise.
        recorded: slots that left something in our tables; None for work that leaves nothing by itself.
        doubled: what our tables hold twice, in words.
    """

    beat: Beat
    served: dict[datetime, int]
    lags_s: list[float]
    failed: int = 0
    recorded: set[datetime] | None = None
    doubled: tuple[str, ...] = ()

    @property
    def missed(self) -> list[datetime]:
        """Slots without a successful run."""
        return [slot for slot, times in self.served.items() if times == 0]

    @property
    def twice(self) -> list[datetime]:
        """Slots with more than one."""
        return [slot for slot, times in self.served.items() if times > 1]

    @property
    def is_sound(self) -> bool:
        """Each slot served once, and nothing told to a device twice."""
        return not (self.missed or self.twice or self.doubled)


def lately(instance: dg.DagsterInstance, warehouse: Warehouse, now: datetime, span: timedelta) -> list[Cadence]:
    """The cadence of the past ``span``, without what was before clock work began and what may be under way."""
    end = now - UNDER_WAY
    return of(instance, warehouse, max(end - span, begun_at(instance, end)), end)


def of(instance: dg.DagsterInstance, warehouse: Warehouse, start: datetime, end: datetime) -> list[Cadence]:
    """The cadence of all clock work due in ``[start, end)``."""
    with warehouse.begin() as connection:
        measured = inventory.measured_minutes(connection, start, end)
        steered = inventory.steered_slots(connection, start, end)
        doubled = tuple(inventory.doubled_setpoints(connection, start, end))
    left = {beats.TELEMETRY.job: set(measured), beats.CONTROL.job: set(steered)}
    return [
        _cadence(instance, beat, start, end, left.get(beat.job), doubled if beat is beats.CONTROL else ())
        for beat in beats.ALL
    ]


def begun_at(instance: dg.DagsterInstance, end: datetime) -> datetime:
    """When clock work began here, ``end`` if it did not: what an installation did not live to see it did not lose."""
    first = instance.get_run_records(dg.RunsFilter(job_name=beats.TELEMETRY.job), limit=1, ascending=True)
    return min((record.create_timestamp for record in first), default=end)


def at_work_and_waiting(instance: dg.DagsterInstance) -> tuple[int, int]:
    """How many runs of any kind have started and not ended, and how many wait in the queue."""
    at_work, waiting = (
        instance.get_runs_count(dg.RunsFilter(statuses=[status]))
        for status in (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.QUEUED)
    )
    return at_work, waiting


def _cadence(
    instance: dg.DagsterInstance,
    beat: Beat,
    start: datetime,
    end: datetime,
    recorded: set[datetime] | None,
    doubled: tuple[str, ...],
) -> Cadence:
    wanted = beat.slots(start, end)
    since = dg.RunsFilter(job_name=beat.job, created_after=start - MINUTE, created_before=end + OVER)
    by_slot: dict[datetime, list[dg.RunRecord]] = defaultdict(list)
    for record in instance.get_run_records(since):
        if SLOT_TAG in record.dagster_run.tags:
            by_slot[beats.slot_of(record.dagster_run.tags[SLOT_TAG])].append(record)
    runs = [(slot, record) for slot in wanted for record in by_slot[slot]]
    good = [(slot, r) for slot, r in runs if r.dagster_run.status is dg.DagsterRunStatus.SUCCESS]
    lags = [r.start_time - beat.due(slot).timestamp() for slot, r in runs if r.start_time is not None]
    failed = sum(r.dagster_run.is_finished for _, r in runs) - len(good)
    served = {slot: _served([r.dagster_run.tags for of, r in good if of == slot]) for slot in wanted}
    return Cadence(beat, served, lags, failed, recorded, doubled)


def _served(runs: list[Mapping[str, str]]) -> int:
    """How often a slot was served; one decided anew, where there was no plan before, is no second service."""
    first = [_part(tags) for tags in runs if ANEW_TAG not in tags]
    return _times(first) or min(1, _times([_part(tags) for tags in runs]))


def _part(tags: Mapping[str, str]) -> tuple[Shard, str]:
    """What of a slot a run served: a shard, and of that the sites that have the same local day."""
    return shards.of_run(tags), tags.get(RANGE_START, "")


def _times(by: list[tuple[Shard, str]]) -> int:
    """How often a slot was served as a whole, given what its runs served."""
    served = {shard for shard, _ in by}
    is_whole = bool(by) and len(served) == by[0][0].of
    return max(Counter(by).values()) if is_whole else 0


def lines(cadence: Cadence) -> Iterator[str]:
    """The cadence as text: counts, what is wrong, and a histogram of the start lag."""
    beat, slots = cadence.beat, len(cadence.served)
    once = slots - len(cadence.missed) - len(cadence.twice)
    yield (
        f"{beat.job}, every {beat.every // MINUTE} min: {slots} slots, {once} served once, "
        f"{len(cadence.twice)} more than once, {len(cadence.missed)} not at all; {cadence.failed} failed runs"
    )
    for what, found in (("not at all", cadence.missed), ("more than once", cadence.twice)):
        if found:
            yield f"  {what}: {' '.join(f'{slot:%H:%M}' for slot in found)} UTC"
    if cadence.recorded is not None:
        bare = [slot for slot, times in cadence.served.items() if times and slot not in cadence.recorded]
        yield f"  in our tables: {slots - len(cadence.missed) - len(bare)} of them" + (
            f"; nothing of {' '.join(f'{slot:%H:%M}' for slot in bare)} UTC" if bare else ""
        )
    yield from (f"  TWICE: {text}" for text in cadence.doubled)
    if cadence.lags_s:
        yield from _histogram(cadence.lags_s)


def _histogram(lags_s: list[float]) -> Iterator[str]:
    ordered = sorted(lags_s)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    yield f"  start lag: median {statistics.median(ordered):.2f} s, p95 {p95:.2f} s, longest {ordered[-1]:.2f} s"
    lower = float("-inf")
    for upper in (*BINS_S, float("inf")):
        count = sum(lower <= lag < upper for lag in ordered)
        label = f"< {upper:g} s" if upper != float("inf") else f">= {BINS_S[-1]:g} s"
        if count:
            yield f"  {label:>8} {'#' * max(1, round(BAR * count / len(ordered)))} {count}"
        lower = upper
