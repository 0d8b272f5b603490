"""The sensor asks for a run only where something is due, the run tells the portal, and the secret stands nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.orchestration.sensors import bitrix_sensor
from ems_pipeline.plant.bitrix_twin import BitrixTwin, serving_bitrix
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, maintenance, services
from ems_pipeline_tests.warehouse import serviced
from ems_pipeline_tests.warehouse.serviced import NOW

START = NOW - timedelta(days=1)


@pytest.fixture
def platform(warehouse: Warehouse, home01: Site) -> Platform:
    """A set whose TO-1 is due."""
    with warehouse.begin() as connection:
        template = serviced.begin(connection, serviced.yard(home01), START)
        known = serviced.last(TO_1=(850, 5), TO_2=(1000, 5), TO_3=(1000, 5), TO_4=(1000, 5))
        maintenance.put_plan(connection, "yard", "gen-1", template, known)
        serviced.counts(connection, 1110, at=START)
        services.settle(connection, START)
    return Platform(warehouse, SimulatedClock(START), list)


@pytest.fixture
def twin(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[BitrixTwin]:
    with serving_bitrix(platform.clock) as twin:
        monkeypatch.setenv("EMS_BITRIX_WEBHOOK", twin.webhook)
        yield twin


def asked(platform: Platform, instance: dg.DagsterInstance) -> bool:
    context = dg.build_sensor_context(instance=instance, resources={"ems": platform})
    return isinstance(bitrix_sensor(context), dg.RunRequest)


def test_a_run_is_asked_for_once_and_tells_the_portal_and_nobody_the_secret(
    platform: Platform, twin: BitrixTwin
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert asked(platform, instance)
        job = build_defs({"ems": platform}).resolve_job_def("sync_bitrix")
        twin.faults |= {"echo"}
        done = job.execute_in_process(instance=instance)
        assert done.success
        ((task_id, task),) = twin.tasks.items()
        assert len([line for line in task.lines if line.parent]) == 10
        assert not asked(platform, instance), "nothing is due for five minutes"
        platform.clock.wait_until(START + timedelta(minutes=6))
        assert asked(platform, instance)
        said = "".join(str(entry) for entry in instance.all_logs(done.run_id)) + str(done.dagster_run)
        assert (f"task {task_id} stands" in said, twin.code in said) == (True, False)


def test_without_a_portal_nothing_is_asked_for(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMS_BITRIX_WEBHOOK", raising=False)
    with dg.DagsterInstance.ephemeral() as instance:
        assert not asked(platform, instance)
        assert (
            build_defs({"ems": platform}).resolve_job_def("sync_bitrix").execute_in_process(instance=instance).success
        )
