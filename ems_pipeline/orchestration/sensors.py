"""Sensors drive the clock work: they decide that a slot has come, and never touch hardware themselves.

Dagster asks each every 20 seconds; one that is asked shortly before its slot waits for it, so that a run begins with
its slot. A sensor fires once per slot through its cursor and `run_key`, and catches up on nothing: a missed minute of
telemetry cannot be read later. The op computes its slot from the clock again and refuses a stale one. When the clock
goes back, sensors go on with it, lest nobody looks at the devices for as long; control does not steer a slot twice.
Control alone is asked for a slot again: where it has decided without a plan, or before an arm, a start or a reload.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

import dagster as dg

from ems_pipeline.orchestration import beats, requests, servicing, troubles, web_requests
from ems_pipeline.orchestration.beats import Beat, Served, slot_of
from ems_pipeline.orchestration.machinery.coordinator import ANEW_TAG, ASKED_TAG, SLOT_TAG
from ems_pipeline.orchestration.partitions import site_partitions
from ems_pipeline.sites import Site, SiteFileError
from ems_pipeline.steps import bitrix
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import local_days
from ems_pipeline.warehouse.served import undecided_since
from ems_pipeline.warehouse.sites import config_hash

EVERY_S = 18
"""The daemon looks every five seconds, so a sensor is asked every twenty; asking costs more writes than a run."""
CONTROL_EVERY_S = 8
"""The first control comes within half a minute of the first plan."""
BITRIX_EVERY_S = 30
LOOK_AHEAD = timedelta(seconds=23)
"""A slot that begins within this is waited for: it would have begun when the sensor is asked again."""


def _slot_sensor(
    name: str,
    beat: Beat,
    description: str,
    asked: Callable[[dg.SensorEvaluationContext, Platform, Served], Iterable[dg.RunRequest]] | None = None,
    anew: Callable[[Platform, Served], Iterable[dg.RunRequest]] | None = None,
    every_s: int = EVERY_S,
) -> dg.SensorDefinition:
    """A sensor that asks for the beat's job once per slot, the moment it is due.

    Args:
        asked: the requests for a slot; by default one run of the job per shard.
        anew: the requests for a slot that is served, where it has to be served again.
    """

    @dg.sensor(
        name=name,
        job_name=beat.job,
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    def evaluate(context: dg.SensorEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
        now, served = ems.clock.now(), Served.read(context.cursor)
        slot = beat.slot(now)
        if served.stamp == beats.stamp(slot):
            if anew and (again := list(anew(ems, served))):
                return again
            slot = beat.slot(now + LOOK_AHEAD)
        went_back = served.went_back(now, beat)
        if served.stamp and not went_back and slot <= slot_of(served.stamp):
            return dg.SkipReason(f"slot {served.stamp} is served")
        serving = Served(beats.stamp(slot), served.lives + went_back)
        ems.clock.wait_until(beat.due(slot))
        context.update_cursor(str(serving))
        return list(asked(context, ems, serving) if asked else requests.for_slot(beat.job, serving, ems.sites))

    return evaluate


def _plans(context: dg.SensorEvaluationContext, ems: Platform, slot: Served) -> Iterable[dg.RunRequest]:
    """Rolling plans of all sites, for their local day."""
    today = partial(local_days, now=ems.clock.now())
    return requests.for_sites(context.instance, beats.PLAN.job, ems.sites(), today, slot.key, slot=slot.stamp)


def _control(context: dg.SensorEvaluationContext, ems: Platform, slot: Served) -> Iterable[dg.RunRequest]:  # noqa: ARG001
    return _asked_at(ems, requests.for_slot(beats.CONTROL.job, slot, ems.sites))


def _control_anew(ems: Platform, slot: Served) -> Iterable[dg.RunRequest]:
    """Control of the running slot once more, where it has not been decided with a plan since the newest cause to."""
    with ems.warehouse.begin() as connection:
        since = undecided_since(connection, ems.sites(), slot_of(slot.stamp), ems.clock.now())
    if since is None:
        return []
    again = Served(f"{slot.key}-{since:%H%M%S%f}")
    found = requests.for_slot(beats.CONTROL.job, again, ems.sites)
    tags = {SLOT_TAG: slot.stamp, ANEW_TAG: since.isoformat()}
    return _asked_at(ems, found, tags)


def _asked_at(
    ems: Platform, found: Iterable[dg.RunRequest], more: Mapping[str, str] = MappingProxyType({})
) -> list[dg.RunRequest]:
    tags = {**more, ASKED_TAG: ems.clock.now().isoformat()}
    return [request.with_replaced_attrs(tags={**request.tags, **tags}) for request in found]


telemetry_sensor = _slot_sensor("telemetry_every_minute", beats.TELEMETRY, "Reads all devices once a minute.")
control_sensor = _slot_sensor(
    "control_every_quarter_hour",
    beats.CONTROL,
    "Writes set-points at each quarter-hour, and soon after the first plan, an arm, a start or a reload.",
    _control,
    _control_anew,
    CONTROL_EVERY_S,
)
verification_sensor = _slot_sensor(
    "verification_every_two_minutes", beats.VERIFICATION, "Looks again at what was written."
)
planning_sensor = _slot_sensor(
    "plan_before_each_quarter_hour",
    beats.PLAN,
    "Asks for rolling plans of all sites a minute before each quarter-hour.",
    _plans,
)


@dg.sensor(
    name="site_registry",
    job_name="sync_sites",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Registers sites whose files were added or changed, and files alarms for those that cannot be used.",
)
def site_sensor(context: dg.SensorEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
    """Asks for a synchronisation when a site file was added, changed, broken or mended."""
    found = ems.read_sites()
    state = hashlib.sha256("\n".join(map(_said, found)).encode("utf-8", "backslashreplace")).hexdigest()
    registered = context.instance.get_dynamic_partitions(str(site_partitions.name))
    complete = all(item.key in registered for item in found if isinstance(item, Site))
    if context.cursor == state and complete:
        return dg.SkipReason("no site file changed")
    context.update_cursor(state)
    return dg.RunRequest(run_key=f"sites-{ems.clock.now():%Y%m%dT%H%M%S}")


@dg.sensor(
    name="bitrix_tasks",
    job_name="sync_bitrix",
    minimum_interval_seconds=BITRIX_EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Has services told to Bitrix24 and looked at there, where a portal is named and something is due.",
)
def bitrix_sensor(context: dg.SensorEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:  # noqa: ARG001
    """Asks for a synchronisation when something is to be said, five minutes after the last look, or when woken.

    It works in a run and not with those who tell people: what people did there becomes our log, for which their login
    has no rights, and a run shows what was said.
    """
    if not bitrix.is_set_up():
        return dg.SkipReason("no portal is named: EMS_BITRIX_WEBHOOK is unset (docs/bitrix24.md)")
    now = ems.clock.now()
    if not bitrix.is_due(ems.warehouse, now):
        return dg.SkipReason("nothing is to be said or looked at")
    return dg.RunRequest(run_key=f"bitrix-{now:%Y%m%dT%H%M%S}")


def _said(item: Site | SiteFileError) -> str:
    return f"{item.key}:{config_hash(item)}" if isinstance(item, Site) else str(item)


ALL: list[Any] = [
    telemetry_sensor,
    control_sensor,
    verification_sensor,
    planning_sensor,
    site_sensor,
    bitrix_sensor,
    troubles.failures,
    troubles.alarm_notices,
    web_requests.web_requests,
    servicing.maintenance_check,
]
