"""What a plan is told of gensets, heat pumps and machines: from measured quarter-hours and the plans that held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.plan import MachineState
from ems_pipeline.sites import DailyWindow, DeferrableLoad, Genset, Site
from ems_pipeline.steps.known import read
from ems_pipeline.steps.machines import so_far
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, plans, sites, telemetry
from ems_pipeline_tests.copies import metered
from ems_pipeline_tests.steps.test_situation import INSTANT, KNOWN, START

AT = START - timedelta(minutes=1)
UNDER_WAY = START - SLOT


@pytest.fixture(scope="module")
def farm(home01: Site) -> Site:
    """The demo site with a set, a metered mill and a washing machine nobody measures; 10:00 UTC is noon in Prague."""
    return metered(
        home01, "genset", "plug",
        gensets=(
            Genset(key="diesel", device="genset", min_power_w=2000, max_power_w=8000, start_cost=20, fuel_per_kwh=9,
                   warm_up_minutes=15, max_starts_per_day=3, run_hours_left=40),
        ),
        deferrables=(
            DeferrableLoad(key="mill", device="plug", power_w=1500, run_minutes=60,
                           window=DailyWindow(start="10:00", end="18:00")),
            DeferrableLoad(key="washing", power_w=2000, run_minutes=90,
                           window=DailyWindow(start="08:00", end="16:00")),
        ),
    )  # fmt: skip


@pytest.fixture
def given(warehouse: Warehouse, farm: Site) -> Callable[..., None]:
    """An empty past, and what is written into it."""
    with warehouse.begin() as connection:
        for table in ("telemetry_15m", "planning_run", "site_config"):
            connection.execute(sa.text(f"DELETE FROM ems.{table}"))
        sites.register(connection, [farm], KNOWN - timedelta(days=10))

    def write(device: str, quantity: str, **means: float) -> None:
        """Means by slots before the horizon, e.g. ``s3=1500`` three slots before."""
        rows = [
            {
                "device_key": device,
                "quantity": quantity,
                "unit": "W",
                "starts_at": START - int(k[1:]) * SLOT,
                "value": v,
            }
            for k, v in means.items()
        ]
        with warehouse.begin() as connection:
            telemetry.import_15m(connection, farm.key, pl.DataFrame(rows, schema_overrides={"starts_at": INSTANT}))

    return write


def known(warehouse: Warehouse, site: Site, **newest: float):
    values = {("genset", "genset_power_w"): newest["genset"]} if "genset" in newest else {}
    values |= {("plug", "load_power_w"): newest["mill"]} if "mill" in newest else {}
    with warehouse.begin() as connection:
        past = read(connection, [site], {site.key: START}, AT)[site.key].past
    return so_far(site, past, values, START)


def plan_of(connection: Connection, site: Site, decided_at: datetime, first: datetime, **modes: list[float]) -> UUID:
    """A stored executable plan: power per asset and slot; 0.0 is off, -0.0 is on without power."""
    slots = len(next(iter(modes.values())))
    run = plans.PlanningRun(
        site.key, "rolling", first.date(), decided_at, first, first + slots * SLOT, "optimal", True, {}, "c", "v",
        recorded_at=decided_at,
    )  # fmt: skip
    rows = [
        {"starts_at": first + i * SLOT, "asset_key": key, "kind": "genset", "power_w": abs(w),
         "mode": "run" if w > 0 or str(w) == "-0.0" else "off", "limits": "{}", "state": None, "reason": ""}
        for key, powers in modes.items()
        for i, w in enumerate(powers)
    ]  # fmt: skip
    empty = pl.DataFrame(schema={"starts_at": INSTANT})
    devices = pl.DataFrame(rows, schema_overrides={"starts_at": INSTANT, "state": pl.Float64})
    return plans.store(connection, run, empty, devices)


def test_a_set_that_carries_load_runs_since_its_load_began(warehouse: Warehouse, farm: Site, given) -> None:
    given("genset", "genset_power_w", s8=0, s7=2500, s6=2500, s5=0, s4=0, s3=2400, s2=3000)
    assert known(warehouse, farm, genset=3100.0).machines["diesel"] == MachineState(True, 3, 2, (3, 7))
    assert known(warehouse, farm, genset=40.0).machines["diesel"] == MachineState(False, 1, 2, (3, 7))


def test_starts_of_yesterday_are_not_starts_of_today(warehouse: Warehouse, farm: Site, given) -> None:
    # Noon in Prague: 48 slots since midnight.
    given("genset", "genset_power_w", s51=0, s50=2500, s49=2500, s48=0, s47=0, s46=2500, s45=0, s1=0)
    assert known(warehouse, farm, genset=0.0).machines["diesel"].starts_today == 1


def test_a_set_that_the_plan_started_and_that_warms_up_is_on(warehouse: Warehouse, farm: Site, given) -> None:
    given("genset", "genset_power_w", s3=0, s2=0)
    with warehouse.begin() as connection:
        plan_of(connection, farm, UNDER_WAY - timedelta(minutes=1), UNDER_WAY, diesel=[-0.0, 3000.0])
    assert known(warehouse, farm, genset=0.0).machines["diesel"] == MachineState(True, 1, 1, (1,))


def test_the_plan_that_held_then_is_believed_and_not_the_one_made_later(
    warehouse: Warehouse, farm: Site, given
) -> None:
    first = START - 4 * SLOT
    with warehouse.begin() as connection:
        plan_of(connection, farm, first - timedelta(minutes=1), first, diesel=[0.0, 3000.0, 3000.0, 3000.0])
        plan_of(connection, farm, UNDER_WAY - timedelta(minutes=1), UNDER_WAY, diesel=[0.0])
        plan_of(connection, farm, AT, first, diesel=[3000.0] * 4)
    assert known(warehouse, farm).machines["diesel"] == MachineState(False, 1, 1, (3,))


def test_of_what_nobody_measures_or_plans_nothing_is_said(warehouse: Warehouse, farm: Site, given) -> None:
    assert known(warehouse, farm).machines == {}
    assert known(warehouse, farm).waiting == {"mill", "washing"}


def test_hours_with_load_count_from_when_the_file_said_how_many_are_left(
    warehouse: Warehouse, farm: Site, given
) -> None:
    given("genset", "genset_power_w", s30=2500, s20=2500, s19=2500, s2=300)
    assert known(warehouse, farm, genset=0.0).run_hours == {"diesel": 0.75}
    serviced = farm.model_copy(update={"gensets": (farm.gensets[0].model_copy(update={"run_hours_left": 250.0}),)})
    with warehouse.begin() as connection:
        sites.register(connection, [serviced], START - 25 * SLOT)
        sites.register(connection, [serviced.model_copy(update={"name": "renamed"})], START - 5 * SLOT)
    assert known(warehouse, serviced, genset=0.0).run_hours == {"diesel": 0.5}


def test_a_metered_machine_waits_runs_and_has_run(warehouse: Warehouse, farm: Site, given) -> None:
    # Its window began at 10:00 in Prague, eight slots ago; an hour is four slots.
    given("plug", "load_power_w", s9=1500, s8=5, s3=5, s2=5)
    waits = known(warehouse, farm, mill=4.0)
    assert "mill" in waits.waiting
    given("plug", "load_power_w", s3=1480, s2=30)
    runs = known(warehouse, farm, mill=1500.0)
    assert (runs.begun, "mill" in runs.waiting) == ({"mill": 3}, False)
    given("plug", "load_power_w", s6=1490)
    done = known(warehouse, farm, mill=5.0)
    assert (done.begun, "mill" in done.waiting) == ({}, False)


def test_a_machine_nobody_measures_runs_as_planned(warehouse: Warehouse, farm: Site, given) -> None:
    first = START - 3 * SLOT
    with warehouse.begin() as connection:
        plan_of(connection, farm, first - timedelta(minutes=1), first, washing=[0.0, 2000.0, 2000.0])
    assert known(warehouse, farm).begun == {"washing": 2}
    with warehouse.begin() as connection:
        plan_of(connection, farm, first - timedelta(hours=3), first - 8 * SLOT, washing=[2000.0] * 6 + [0.0] * 5)
    assert "washing" not in known(warehouse, farm).begun
    assert "washing" not in known(warehouse, farm).waiting
