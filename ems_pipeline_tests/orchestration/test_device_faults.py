"""One alarm per device while it names a fault, ended when it names none; silence decides nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ems_pipeline.devices.reading import Quality, Reading
from ems_pipeline.orchestration import device_faults
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, alarms, sites
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
