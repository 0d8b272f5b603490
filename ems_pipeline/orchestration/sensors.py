"""Sensors drive the clock work: they decide that a slot has come, and never touch hardware themselves.

Each evaluates every few seconds, fires once per slot through its cursor and `run_key`, and catches up on nothing: a
missed minute of telemetry cannot be read later. The op computes its slot from the clock again and refuses a stale one.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from ems_pipeline import time_grid
from ems_pipeline.orchestration import requests
from ems_pipeline.orchestration.ops import STALE
from ems_pipeline.orchestration.partitions import site_partitions
from ems_pipeline.orchestration.platform import Platform, PlatformResource

EVERY_S = 5
PLAN_LEAD = timedelta(seconds=60)
"""The rolling plan is asked for this long before the quarter-hour it begins with, so that control finds it."""


def _slot_sensor(
    name: str,
    job: str,
    slot_of: Callable[[datetime], datetime],
    description: str,
    not_after: timedelta = timedelta.max,
) -> dg.SensorDefinition:
    """A sensor that asks for ``job`` once per slot, unless more than ``not_after`` of the slot has passed."""

    @dg.sensor(
        name=name,
        job_name=job,
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    def evaluate(context: dg.SensorEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
        slot = slot_of(ems.clock.now())
        stamp = f"{slot:%Y%m%dT%H%MZ}"
        if context.cursor == stamp:
            return dg.SkipReason(f"slot {stamp} is served")
        context.update_cursor(stamp)
        if ems.clock.now() - slot > not_after:
            return dg.SkipReason(f"slot {stamp} began more than {not_after} ago; the next one will be served")
        return dg.RunRequest(run_key=f"{job}-{stamp}", tags={"ems/slot": stamp})

    return evaluate


def _two_minutes(now: datetime) -> datetime:
    minute = time_grid.floor_minute(now)
    return minute - timedelta(minutes=minute.minute % 2)


telemetry_sensor = _slot_sensor(
    "telemetry_every_minute", "read_telemetry", time_grid.floor_minute, "Reads all devices once a minute."
)
control_sensor = _slot_sensor(
    "control_every_quarter_hour",
    "apply_control",
    time_grid.floor_slot,
    "Writes set-points at each quarter-hour.",
    STALE,
)
verification_sensor = _slot_sensor(
    "verification_every_two_minutes", "verify_setpoints", _two_minutes, "Looks again at what was written."
)


@dg.sensor(
    name="plan_before_each_quarter_hour",
    job_name="plan_rolling",
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def planning_sensor(context: dg.SensorEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
    """Asks for rolling plans of all sites a minute before each quarter-hour."""
    now = ems.clock.now()
    slot = time_grid.floor_slot(now + PLAN_LEAD)
    stamp = f"{slot:%Y%m%dT%H%MZ}"
    if context.cursor == stamp:
        return dg.SkipReason(f"quarter-hour {stamp} is planned")
    context.update_cursor(stamp)

    def today(site: Any) -> tuple[Any, Any]:
        day = time_grid.local_day(now, time_grid.zone(site.timezone))
        return day, day

    return list(requests.for_sites(context.instance, "plan_rolling", ems.sites(), today, stamp))


@dg.sensor(
    name="site_registry",
    job_name="sync_sites",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def site_sensor(context: dg.SensorEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
    """Asks for a synchronisation when a site file was added or changed; an unreadable folder changes nothing."""
    from ems_pipeline.warehouse.sites import config_hash

    state = ",".join(f"{site.key}:{config_hash(site)}" for site in ems.read_sites())
    registered = context.instance.get_dynamic_partitions(str(site_partitions.name))
    complete = all(site.key in registered for site in ems.read_sites())
    if not state or (context.cursor == state and complete):
        return dg.SkipReason("no site file changed")
    context.update_cursor(state)
    return dg.RunRequest(run_key=f"sites-{ems.clock.now():%Y%m%dT%H%M%S}")


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=30, monitor_all_code_locations=False
)
def failures(context: dg.RunFailureSensorContext) -> None:
    """Files an alarm for every failed run, with the first line of its error."""
    from ems_pipeline.warehouse import alarms

    platform = PlatformResource().create_resource(dg.build_init_resource_context())
    errors = [event.step_failure_data.error for event in context.get_step_failure_events()]
    causes = [error.cause or error for error in errors if error is not None]
    text = (causes[0].message if causes else str(context.failure_event.message)).strip().splitlines()[0]
    with platform.warehouse.begin() as connection:
        alarms.raise_alarm(
            connection, None, "run-failed", "warning", f"{context.dagster_run.job_name}: {text}", platform.clock.now()
        )


ALL: list[Any] = [
    telemetry_sensor,
    control_sensor,
    verification_sensor,
    planning_sensor,
    site_sensor,
    failures,
]
