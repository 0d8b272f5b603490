"""Runs executed in this process, recorded like any other: for the demo, for `ems backfill`, for tests.

The same jobs, assets and requests as under the daemon; only the queue and the worker process are left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg

from ems_pipeline.errors import EmsError
from ems_pipeline.orchestration import troubles
from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.orchestration.first_day import first_day
from ems_pipeline.orchestration.machinery import logs
from ems_pipeline.orchestration.partitions import EARLY, site_day, site_partitions
from ems_pipeline.orchestration.requests import RANGE_END, RANGE_START
from ems_pipeline.steps.platform import Platform

QUIET = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}
"""Everything a run says is in the event log; a terminal with a progress bar needs the troubles only."""

LOG = "look at the log of the run"


class RunFailed(EmsError):
    """A run ended in failure; the text is the first error, the rest is in the run's log."""


@dataclass(frozen=True)
class Step:
    """One range run of a backfill."""

    asset: str
    first: date
    last: date
    site: str | None = None

    @property
    def tags(self) -> dict[str, str]:
        """Run tags that select the partitions."""
        if self.site is None:
            return {RANGE_START: self.first.isoformat(), RANGE_END: self.last.isoformat()}
        return {RANGE_START: site_day(self.site, self.first), RANGE_END: site_day(self.site, self.last)}

    def __str__(self) -> str:
        return f"{self.asset} {self.site or 'all zones'} {self.first}..{self.last}"


class InProcess:
    """The code location bound to a platform, and an instance to record its runs in.

    Args:
        first: a day that is asked for. Not only days that the UI offers can be: what they give moves its first day.
    """

    def __init__(self, platform: Platform, instance: dg.DagsterInstance, first: date = EARLY) -> None:
        self.platform = platform
        self.instance = instance
        self.defs = build_defs({"ems": platform}, logs.words, min(first, EARLY, first_day()))

    def job(self, request: dg.RunRequest, **run_config: Any) -> None:
        """Execute what a sensor or schedule asked for.

        Raises:
            RunFailed: with the first error.
        """
        job = self.defs.resolve_job_def(str(request.job_name))
        result = job.execute_in_process(
            run_config=run_config | QUIET, instance=self.instance, tags=dict(request.tags), raise_on_error=False
        )
        _demand_success(result, str(request.job_name))

    def asset(self, step: Step) -> None:
        """Materialise a range of an asset's partitions in one run; same errors as `job`."""
        result = self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            run_config=QUIET,
            instance=self.instance,
            asset_selection=[dg.AssetKey(step.asset)],
            tags=step.tags,
            raise_on_error=False,
        )
        _demand_success(result, str(step))

    def register(self, site_keys: Iterable[str]) -> None:
        """Make the sites' partitions exist."""
        self.instance.add_dynamic_partitions(str(site_partitions.name), list(site_keys))

    def steps(
        self, assets: Iterable[str], sites: Iterable[str], first: date, last: date, days_per_run: int = 31
    ) -> Iterator[Step]:
        """The range runs that fill ``assets`` for ``[first, last]``, inputs before what is made of them.

        Raises:
            LookupError: an asset is unknown, or has no partitions to fill.
        """
        graph, wanted = self.defs.resolve_asset_graph(), set(assets)
        partitioned = {k.to_user_string() for k in graph.toposorted_asset_keys if graph.get(k).is_partitioned}
        if unknown := wanted - partitioned:
            raise LookupError(f"no partitioned asset is called {sorted(unknown)}; there are {sorted(partitioned)}")
        for key in graph.toposorted_asset_keys:
            name = key.to_user_string()
            if name not in wanted:
                continue
            of_market = isinstance(graph.get(key).partitions_def, dg.TimeWindowPartitionsDefinition)
            for site in [None] if of_market else list(sites):
                yield from (Step(name, *chunk, site) for chunk in _chunks(first, last, days_per_run))


def _chunks(first: date, last: date, length: int) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(last, first + timedelta(days=length - 1))
        yield first, end
        first = end + timedelta(days=1)


def _demand_success(result: dg.ExecuteInProcessResult, what: str) -> None:
    if result.success:
        return
    for event in result.all_events:
        failure = event.event_specific_data if event.is_step_failure or event.is_run_failure else None
        error = getattr(failure, "error", None)
        if error is not None:
            raise RunFailed(f"{what}: {troubles.reason(error)}", LOG, is_told=True)
    checks = [c.check_name for c in result.get_asset_check_evaluations() if not c.passed]
    raise RunFailed(f"{what} failed" + (f"; checks {checks} did not pass" if checks else ""), LOG)
