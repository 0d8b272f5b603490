"""The op that does what one request over HTTP asks of this machine, and ends it."""

from typing import Any

import dagster as dg

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.orchestration.troubles import REQUEST_TAG
from ems_pipeline.steps import answering
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import asked as table
from ems_pipeline.warehouse.asked import NotAnswered, Refusal


@dg.op(out=dg.Out(dg.Nothing))
def answer(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Do what one request asks of this machine, and end it; what cannot be done is its problem, not a failed run."""
    request_id, now = context.run.tags[REQUEST_TAG], ems.clock.now()
    with ems.warehouse.begin() as connection:
        asked = table.begin(connection, request_id, context.run_id, now)
    if asked is None:
        context.log.warning(f"request {request_id} has ended already; nothing was done")
        return
    found: dict[str, Any] | Refusal
    try:
        found = answering.answer(ems, asked)
    except (NotAnswered, LookupError, ValueError, DeviceFault, TimeoutError) as fault:
        found = Refusal.of(fault)
    with ems.warehouse.begin() as connection:
        if isinstance(found, Refusal):
            table.fail(connection, request_id, found, ems.clock.now())
        else:
            table.finish(connection, request_id, found, ems.clock.now())
    context.log.info(f"{asked.kind} of {asked.site_key}: {found.detail if isinstance(found, Refusal) else 'done'}")
