"""Services of gensets: every half minute meters go on and alerts are compared; a run only where one changes.

What is done without a run is two statements for all sets together, as with `alarm_notices`: a run a minute for hours
that go on would cost more than everything it does.
"""

from typing import Any

import dagster as dg

from ems_pipeline import time_grid
from ems_pipeline.orchestration import beats
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import meters, services

EVERY_S = 28
"""The daemon looks every five seconds: so it is asked every thirty."""


@dg.sensor(
    name="maintenance_every_half_minute",
    job_name="check_maintenance",
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Counts hours of running, and asks for a run where a service has become due, worse or done.",
)
def maintenance_check(context: dg.SensorEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
    """Counts hours, looks around once a quarter-hour, and asks for a run where an alert has to change."""
    now = ems.clock.now()
    slot = beats.stamp(time_grid.floor_slot(now))
    with ems.warehouse.begin() as connection:
        read = meters.advance(connection, now)
        if context.cursor != slot:
            meters.look_around(connection, now)
        has_news = services.has_news(connection, now)
    context.update_cursor(slot)
    if not has_news:
        return dg.SkipReason(f"{read} meters went on or were looked at; no service has become due, worse or done")
    return dg.RunRequest(run_key=f"maintenance-{now:%Y%m%dT%H%M%S}")


@dg.op(out=dg.Out(dg.Nothing))
def settle_services(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Make alerts say what is due, and tell people by alarms."""
    with ems.warehouse.begin() as connection:
        changed = services.settle(connection, ems.clock.now())
    context.log.info(f"{changed} maintenance alerts have changed")
