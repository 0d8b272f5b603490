"""A simulated day through the real pipeline: the daemon's part, played at the speed of the machine.

Sensors and schedules are the real ones, evaluated at simulated instants; the runs they ask for are executed and
recorded here. Two things differ from the daemon: the minutes between two quarter-hours are read by one run of many
sweeps instead of a run each, and verification looks once a quarter-hour, 13 minutes after the write.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg

from ems_pipeline import time_grid
from ems_pipeline.orchestration import beats, schedules, sensors
from ems_pipeline.orchestration.machinery.dagster_private import schedule_execution_time_iterator
from ems_pipeline.orchestration.machinery.in_process import InProcess, RunFailed
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import MINUTE, SLOT, SimulatedClock

SWEEPS = 14
"""Minutes of telemetry per run; the fifteenth belongs to verification and the next plan."""
NIGHT = timedelta(minutes=25)
"""After midnight: yesterday has been settled by then."""


class ClosedLoop:
    """Plan, write, measure, verify and audit slot after slot on a simulated clock."""

    def __init__(self, runs: InProcess, clock: SimulatedClock) -> None:
        self._runs = runs
        self._clock = clock
        self._cursors: dict[str, str | None] = {}
        self._schedules_done = clock.now()
        self.failures: list[str] = []

    def run_day(self, day: date, site: Site, on_slot: Callable[[datetime], None] = lambda _: None) -> None:
        """All 92, 96 or 100 slots of a civil day; a failed run is noted in `failures` and the day goes on."""
        for slot in time_grid.day_slots(day, time_grid.zone(site.timezone)):
            self._slot(slot)
            on_slot(slot)

    def settle(self) -> None:
        """The night after the last day: its settlement, by the schedule that does it every night."""
        self._clock.wait_until(time_grid.floor_slot(self._clock.now() + SLOT) + NIGHT)
        self._due_schedules()

    def _slot(self, slot: datetime) -> None:
        self._at(beats.PLAN.due(slot), sensors.planning_sensor)
        self._at(slot, sensors.control_sensor)
        self._at(slot, sensors.telemetry_sensor, ops={"read_devices": {"config": {"sweeps": SWEEPS}}})
        self._due_schedules()
        self._at(slot + SLOT - 2 * MINUTE, sensors.verification_sensor)

    def _at(self, at: datetime, sensor: dg.SensorDefinition, **run_config: Any) -> None:
        """Evaluate a sensor at an instant and execute what it asks for."""
        self._clock.wait_until(at)
        context = dg.build_sensor_context(
            instance=self._runs.instance, cursor=self._cursors.get(sensor.name), resources={"ems": self._runs.platform}
        )
        for request in _requests(sensor(context)):
            self._execute(request, str(sensor.job_name), **run_config)
        self._cursors[sensor.name] = context.cursor

    def _due_schedules(self) -> None:
        """Every schedule whose time has come since the last look, in order of time."""
        now = self._clock.now()
        due = [(at, schedule) for schedule in schedules.ALL for at in _ticks(schedule, self._schedules_done, now)]
        for at, schedule in sorted(due, key=lambda tick: tick[0]):
            for request in self._evaluate(schedule, at):
                self._execute(request, schedule.job_name)
        self._schedules_done = now

    def _evaluate(self, schedule: dg.ScheduleDefinition, at: datetime) -> list[dg.RunRequest]:
        with dg.build_schedule_context(
            instance=self._runs.instance, scheduled_execution_time=at, resources={"ems": self._runs.platform}
        ) as context:
            data = schedule.evaluate_tick(context)
            return list(data.run_requests or [])

    def _execute(self, request: dg.RunRequest, job: str, **run_config: Any) -> None:
        try:
            self._runs.job(request._replace(job_name=request.job_name or job), **run_config)
        except RunFailed as failure:
            self.failures.append(f"{self._clock.now():%Y-%m-%d %H:%M} UTC {failure}")


def _requests(asked: Any) -> list[dg.RunRequest]:
    if isinstance(asked, dg.RunRequest):
        return [asked]
    return [request for request in asked if isinstance(request, dg.RunRequest)] if isinstance(asked, list) else []


def _ticks(schedule: dg.ScheduleDefinition, after: datetime, until: datetime) -> Iterator[datetime]:
    """Cron times in ``(after, until]``."""
    start = (after + timedelta(seconds=1)).timestamp()
    zone = schedule.execution_timezone
    for at in schedule_execution_time_iterator(start, schedule.cron_schedule, zone):
        if at > until:
            return
        yield at
