"""What was asked for over HTTP becomes runs: a sensor asks for one per row of ``ems.request``, and sees it to its end.

A row stays ``queued`` until its run begins, and is asked for again at every look: its number is the run's key, so that
Dagster starts one run whatever dies in between. How a run ended is read from the run itself, not told by it: one that
was killed, cancelled or lost ends its request like any other. A request that never got a run is refused after a while.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg

from ems_pipeline import time_grid
from ems_pipeline.errors import EmsError
from ems_pipeline.market.document import MARKET_TIMEZONE
from ems_pipeline.orchestration import jobs, requests
from ems_pipeline.orchestration.requests import RANGE_END, RANGE_START, ROUTINE_TAG
from ems_pipeline.orchestration.troubles import REQUEST_TAG, reasons
from ems_pipeline.steps import answering, shards
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import local_days
from ems_pipeline.warehouse import asked as table
from ems_pipeline.warehouse.asked import Asked, Refusal
from ems_pipeline.warehouse.engine import Connection

TARGETS = [
    jobs.import_prices, jobs.price_sites, jobs.forecast, jobs.plan_daily, jobs.plan_rolling, jobs.answer_request,
    jobs.hand_back, jobs.answer_what_if,
]  # fmt: skip
OF_SITE = {
    "prices-site": ("price_sites", 0, 0),
    "forecast-run": ("forecast", 0, 1),
    "plan-daily": ("plan_daily", 1, 1),
    "plan-rolling": ("plan_rolling", 0, 0),
}
"""By kind of request about a site: its job, and the first and last of its civil days counted from today."""
OWN_JOB = {"release": "hand_back", "what-if": "answer_what_if"}
"""Of what is answered by steps, kinds that run before all others or behind them."""
EVERY_S = 8
LONGEST_WAIT = timedelta(minutes=15)
"""What was asked for longer ago and never begun was meant for a world that has gone."""
WORKING = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
UNSUCCESSFUL = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
WILL_RETRY = "dagster/will_retry"
LOOK = "look at the run in Dagster's UI, or ask again"
STALE = Refusal(
    f"it waited {LONGEST_WAIT // time_grid.MINUTE} minutes and no run began",
    "ask again; `ems doctor` says whether sensors and runs work",
)
SETTLED_IN = timedelta(minutes=3)
"""A site that is registered has its partitions long before that."""
LOST = Refusal("its run is not known any more", "ask again")


class NotYet(EmsError, LookupError):
    """A site is so new that its partitions are still to come."""


@dg.sensor(
    name="web_requests",
    jobs=TARGETS,
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes runs of what was asked for over HTTP, and ends the requests whose runs have ended.",
)
def web_requests(context: dg.SensorEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
    """Asks for a run of every new request, and ends those whose run has ended, is lost, or never came."""
    now, wanted = ems.clock.now(), list[dg.RunRequest]()
    with ems.warehouse.begin() as connection:
        open_ones = set[str]()
        for asked in table.standing(connection):
            is_over = False
            if asked.parameters.get("after") in open_ones:
                pass  # what it rests on is made first
            elif (run := _newest_run(context.instance, asked)) is not None:
                is_over = _follow(connection, context.instance, asked, run, now)
            elif asked.state == "running":
                is_over = table.fail(connection, asked.request_id, LOST, now)
            elif now - asked.requested_at > LONGEST_WAIT:
                is_over = table.refuse(connection, asked.request_id, STALE, now)
            else:
                wanted += _runs(connection, context.instance, ems, asked, now)
            open_ones |= set() if is_over else {asked.request_id}
    return wanted or dg.SkipReason("nothing new was asked for")


def _newest_run(instance: dg.DagsterInstance, asked: Asked) -> dg.DagsterRun | None:
    """A run that crashed is made again under another id and the same tags."""
    filters = dg.RunsFilter(tags={REQUEST_TAG: asked.request_id})
    return next(iter(instance.get_runs(filters, limit=1)), None)


def _follow(
    connection: Connection, instance: dg.DagsterInstance, asked: Asked, run: dg.DagsterRun, now: datetime
) -> bool:
    """Write down where the run of a request stands; whether it is over."""
    if run.status in WORKING and asked.state == "queued":
        table.begin(connection, asked.request_id, run.run_id, now)
    elif run.status is dg.DagsterRunStatus.SUCCESS:
        return table.finish(connection, asked.request_id, _result(connection, asked, run.run_id), now)
    elif run.status in UNSUCCESSFUL and run.tags.get(WILL_RETRY) != "true":
        return table.fail(connection, asked.request_id, Refusal(_why(instance, run), LOOK), now)
    return False


def _result(connection: Connection, asked: Asked, run_id: str) -> dict[str, Any]:
    """What a run of assets has brought; that of an `answer` has said so itself."""
    if not asked.kind.startswith("plan-"):
        return {"run_id": run_id}
    plans = table.plans_of_run(connection, asked.site_key, run_id)
    return {"run_id": run_id, "plans": plans.to_dicts()}


def _why(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    if run.status is dg.DagsterRunStatus.CANCELED:
        return "its run was cancelled"
    failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    said = reasons(entry.dagster_event for entry in failures if entry.dagster_event is not None)
    return said[0] if said else "its run ended before it was done: it was killed, or took too long"


def _runs(
    connection: Connection, instance: dg.DagsterInstance, ems: Platform, asked: Asked, now: datetime
) -> Iterable[dg.RunRequest]:
    """The run of a request under its number; nothing, and a refused request, where there can be none."""
    try:
        (run,) = _run_of(instance, ems, asked, now)
    except NotYet as fault:
        if now - asked.requested_at > SETTLED_IN:
            table.refuse(connection, asked.request_id, Refusal.of(fault), now)
        return []
    except (LookupError, ValueError) as fault:
        table.refuse(connection, asked.request_id, Refusal.of(fault), now)
        return []
    tags = {name: value for name, value in run.tags.items() if name != ROUTINE_TAG} | {REQUEST_TAG: asked.request_id}
    return [dg.RunRequest(run_key=asked.request_id, job_name=run.job_name, tags=tags)]


def _run_of(instance: dg.DagsterInstance, ems: Platform, asked: Asked, now: datetime) -> Iterator[dg.RunRequest]:
    if asked.kind in answering.ANSWERS:
        shard = next(shard for shard in shards.all_shards() if shard.holds(asked.site_key))
        job = OWN_JOB.get(asked.kind, "answer_request")
        yield dg.RunRequest(job_name=job, tags={**shard.tags, **shard.queue_tags})  # its devices are reached from there
        return
    if asked.kind == "prices-import":
        day = date.fromisoformat(asked.parameters.get("day") or f"{time_grid.local_day(now, MARKET_TIMEZONE)}")
        yield dg.RunRequest(job_name="import_prices", tags={RANGE_START: f"{day}", RANGE_END: f"{day}"})
        return
    if asked.kind not in OF_SITE:
        raise ValueError(
            f"nobody knows what to do for a request of kind {asked.kind!r}; was it filed by a newer version?"
        )
    job, first, last = OF_SITE[asked.kind]
    site = ems.chosen([asked.site_key])[asked.site_key]
    days = partial(local_days, now=now, first=first, last=last)
    found = list(requests.for_sites(instance, job, [site], days, asked.request_id))
    if not found:
        raise NotYet(f"site {site.key} has no partitions yet", "ask again: its file is registered within a minute")
    yield from found
