"""Whatever a device says of itself, its words cost no site its telemetry and no set-point its journal."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.control import lifecycle
from ems_pipeline.control.prepare import Result
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.fleet import judged
from ems_pipeline.devices.fleet.health import Health
from ems_pipeline.devices.points.reading import Names, Quality, Readings, Samples
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, alarms, health, setpoints, sites, telemetry
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.intents import Intent, Setpoint, State
from ems_pipeline_tests.copies import copy_of

START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
NAMES = Names(("grid_power_w",), ("W",))
SAID = st.text(st.characters() | st.sampled_from('\x00\x1b\ud800\udfff"\\,\n\r\u202e\u2028'), max_size=700)
_later = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def registered(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.begin() as connection:
        sites.register(connection, [home01, copy_of(home01, "home02")], START)


def answer(samples: Samples, at: datetime) -> Readings:
    return Readings("inverter", NAMES, samples, at, at)


@given(SAID)
def test_telemetry_of_all_sites_is_stored_whatever_one_device_says(warehouse: Warehouse, said: str) -> None:
    at = START + timedelta(seconds=next(_later))
    fault = DeviceFault(Quality.REFUSED, said)
    silent = answer(Samples(np.array([math.nan]), {0: (fault.quality, fault.reason)}), at)
    spoken = answer(Samples(np.array([math.nan]), {0: (Quality.GARBAGE, said)}), at + timedelta(milliseconds=1))
    good = answer(Samples(np.array([500.0]), {}), at)
    with warehouse.begin() as connection:
        stored = telemetry.store(connection, [("home01", silent), ("home01", spoken), ("home02", good)])
        health.save(connection, {("home01", "inverter"): judged(Health(), spoken)})
    assert stored == 3


@given(SAID)
def test_the_journal_takes_what_the_wire_said_and_an_alarm_tells_it(warehouse: Warehouse, said: str) -> None:
    at = START + timedelta(seconds=next(_later))
    draft = Setpoint("home01", START, Intent("inverter", None, Source.PLAN, "as planned", at), is_shadow=False)
    result = Result((State.SENT, State.FAILED), said, {"max_sell_power": 1.0})
    with warehouse.begin() as connection:
        (row,) = setpoints.intend(connection, [draft], at)
    with warehouse.begin() as connection:
        steps = lifecycle.path(row, *result.states, at=at, reason=result.reason, measured=result.found)
        setpoints.take(connection, steps)
        alarms.raise_alarm(connection, "home01", "setpoint-failed", "warning", said, at, "inverter")
    with warehouse.begin() as connection:
        found = query(connection, "SELECT state_reason FROM ems.setpoint WHERE setpoint_id = :n", n=row.setpoint_id)
        told = alarms.open_alarms(connection)["text"].to_list()
    assert found["state_reason"].to_list() == [result.reason]
    assert all(line.isprintable() for text in told for line in text.split("\n"))
