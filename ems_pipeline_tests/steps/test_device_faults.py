"""One alarm per device while it names a fault, ended when it names none; silence decides nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.plant import running_plant
from ems_pipeline.sites import Site
from ems_pipeline.steps import device_faults
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms, sites, telemetry
from ems_pipeline_tests.readings import answers

AT = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)


def said(device: str, value: float | None, reason: str = "") -> tuple[str, Reading]:
    quality = Quality.GOOD if value is not None else Quality.NO_ANSWER
    return "home01", Reading(device, "fault", "", value, AT, AT, quality, reason)


@pytest.fixture
def registered(warehouse: Warehouse, home01: Site) -> Warehouse:
    with warehouse.begin() as connection:
        sites.register(connection, [home01], AT)
    return warehouse


def test_a_fault_is_one_alarm_of_its_device_until_it_ends(registered: Warehouse) -> None:
    def minute(n: int, *readings: tuple[str, Reading]) -> list[tuple[str, str, int]]:
        with registered.begin() as connection:
            device_faults.file(connection, answers(readings), AT + timedelta(minutes=n))
            found = alarms.open_alarms(connection)
        return [row for row in found.select("device_key", "text", "times").sort("device_key").iter_rows() if row[0]]

    pump, inverter = "outdoor_error 101", "run_state: fault"
    assert minute(0, said("heat-pump", 0), said("inverter", 0)) == []
    assert minute(1, said("heat-pump", 1, pump), said("inverter", 0)) == [("heat-pump", f"it reports {pump}", 1)]
    both = minute(2, said("heat-pump", 1, pump), said("inverter", 1, inverter))
    assert both == [("heat-pump", f"it reports {pump}", 2), ("inverter", f"it reports {inverter}", 1)]
    silent = minute(3, said("heat-pump", None, "no answer"), said("inverter", 1, inverter))
    assert silent == [("heat-pump", f"it reports {pump}", 2), ("inverter", f"it reports {inverter}", 2)]
    assert minute(4, said("heat-pump", 0), said("inverter", 1, inverter)) == [("inverter", f"it reports {inverter}", 3)]
    assert minute(5, said("inverter", 1, inverter), said("inverter", 0)) == [], "the newest answer counts"


def test_a_heat_pump_that_reports_101_is_an_alarm_and_goes_on_measuring(warehouse: Warehouse, home01: Site) -> None:
    """Through the plant's sockets, the job that reads devices and its one COPY."""
    clock = SimulatedClock(AT)
    with running_plant(home01, clock, history_days=0) as plant, dg.instance_for_test() as instance:
        with warehouse.begin() as connection:
            sites.register(connection, [plant.site], AT)
        runs = InProcess(Platform(warehouse, clock, lambda: [plant.site]), instance)

        def a_minute_later(code: float) -> list[tuple[str, str]]:
            plant.twins["heat-pump"].hold({"outdoor_error": code, "unit_error": code})
            clock.advance_to(clock.at + timedelta(minutes=1))
            runs.job(dg.RunRequest(job_name="read_telemetry"))
            with warehouse.begin() as connection:
                found = alarms.open_alarms(connection).filter(pl.col("kind") == device_faults.KIND)
            return list(found.select("device_key", "text").iter_rows())

        assert a_minute_later(0) == []
        assert a_minute_later(101) == [("heat-pump", "it reports outdoor_error 101; unit_error 101")]
        with warehouse.begin() as connection:
            measured = telemetry.latest(connection, ["home01"], clock.at, clock.at - timedelta(seconds=30))
        assert measured.filter(pl.col("device_key") == "heat-pump", pl.col("quantity") == "flow_temp_c").height == 1
        assert a_minute_later(0) == []
