"""How things stand, as Prometheus reads it: ages and counts per site, device and job, computed when somebody asks.

What never happened has no sample; a missing age is not an age of zero. ``docs/operations.md`` lists the names.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ems_pipeline.orchestration import jobs
from ems_pipeline.orchestration.installation.watch import free_bytes
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import alarms, health, inventory

logger = logging.getLogger(__name__)
ONE_DAY = timedelta(days=1)
WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]


class Figures(Collector):
    """Reads the warehouse and Dagster's storage anew for every scrape; one of them being away is a sample, too."""

    def __init__(self, platform: Platform, instance: dg.DagsterInstance) -> None:
        self._platform = platform
        self._instance = instance

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return []  # else registering would read the database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        is_up = GaugeMetricFamily("ems_database_up", "1: the database answered this scrape.", labels=["database"])
        for name, read in (("ems", self._warehouse), ("dagster", self._runs)):
            try:
                yield from list(read(self._platform.clock.now()))
                is_up.add_metric([name], 1)
            except Exception:  # whatever kind of error its driver makes of it: the rest is told all the same
                logger.warning("no figures from database %s", name, exc_info=True)
                is_up.add_metric([name], 0)
        yield is_up
        yield _gauge("ems_disk_free_bytes", "Free space where local state is kept.", [], {(): float(free_bytes())})

    def _warehouse(self, now: datetime) -> Iterator[GaugeMetricFamily]:
        with self._platform.warehouse.begin() as connection:
            sites = inventory.site_status(connection)
            outcomes = inventory.setpoint_outcomes(connection, now - ONE_DAY, now)
            devices, standing = health.overview(connection), alarms.open_alarms(connection)
        for column, name, what in (
            ("telemetry", "telemetry_age", "Since the newest good reading of a site."),
            ("plan_decided_at", "plan_age", "Since the newest executable plan of a site was decided."),
            ("setpoint_at", "setpoint_age", "Since the newest set-point of a site, shadows included."),
        ):
            samples = {(s["site"],): (now - s[column]).total_seconds() for s in sites.to_dicts() if s[column]}
            yield _gauge(f"ems_{name}_seconds", what, ["site"], samples)
        ahead = {
            (s["site"],): (s["planned_until"] - now).total_seconds() for s in sites.to_dicts() if s["planned_until"]
        }
        yield _gauge("ems_planned_ahead_seconds", "How far that plan reaches from now.", ["site"], ahead)
        armed = {(s["site"],): float((s["armed_until"] or now) > now) for s in sites.to_dicts()}
        yield _gauge("ems_armed", "1: set-points of the site may reach its hardware.", ["site"], armed)
        told = {(site, state): float(number) for site, number, state in outcomes.iter_rows()}
        yield _gauge("ems_setpoints_last_day", "Set-points meant for hardware, by state.", ["site", "state"], told)
        streaks = {
            (d["site_key"], d["device_key"]): float(d["error_streak"])
            for d in devices.filter(~pl.col("at_rest")).to_dicts()
        }
        yield _gauge(
            "ems_device_error_streak",
            "Failed readings in a row; none of a device at rest.",
            ["site", "device"],
            streaks,
        )
        everyone = ["", *sites["site"].to_list(), *standing["site_key"].drop_nulls().to_list()]
        counted = {(site, severity): 0.0 for site in everyone for severity in ("info", "warning", "critical")}
        for alarm in standing.to_dicts():
            counted[alarm["site_key"] or "", alarm["severity"]] += 1
        what = "Alarms that are not cleared; without a site: of the installation."
        yield _gauge("ems_alarms_open", what, ["site", "severity"], counted)

    def _runs(self, now: datetime) -> Iterator[GaugeMetricFamily]:
        ages: dict[tuple[str, ...], float] = {}
        lags: dict[tuple[str, ...], float] = {}
        for name in sorted(job.name for job in jobs.ALL):
            for record in self._newest(name, dg.DagsterRunStatus.SUCCESS):
                ages[name,] = now.timestamp() - record.end_time
            for record in self._newest(name):
                if record.start_time is not None:
                    lags[name,] = record.start_time - record.create_timestamp.timestamp()
        yield _gauge("ems_run_age_seconds", "Since the newest successful run of a job ended.", ["job"], ages)
        yield _gauge("ems_run_start_lag_seconds", "From asking for a job's newest run to its start.", ["job"], lags)
        waiting = self._instance.get_runs_count(dg.RunsFilter(statuses=WAITING))
        yield _gauge("ems_runs_waiting", "Runs that were asked for and have not started.", [], {(): float(waiting)})

    def _newest(self, job: str, *statuses: dg.DagsterRunStatus) -> list[Any]:
        return list(self._instance.get_run_records(dg.RunsFilter(job_name=job, statuses=list(statuses)), limit=1))


def text(platform: Platform, instance: dg.DagsterInstance) -> str:
    """All figures in Prometheus' text format."""
    return generate_latest(_registry(platform, instance)).decode()


@contextmanager
def serving(
    platform: Platform, instance: dg.DagsterInstance, port: int, host: str = "127.0.0.1"
) -> Iterator[tuple[str, int]]:
    """Answer scrapes at ``http://host:port/metrics`` from threads of this process; where (port 0: any free one).

    Raises:
        OSError: the port is taken.
    """
    server, thread = start_http_server(port, host, _registry(platform, instance))
    try:
        yield host, server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _registry(platform: Platform, instance: dg.DagsterInstance) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Figures(platform, instance))
    return registry


def _gauge(name: str, what: str, labels: list[str], samples: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=labels)
    for values, value in samples.items():
        family.add_metric(values, value)
    return family
