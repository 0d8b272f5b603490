"""What maintenance leaves of a set bounds its plan, and a plan made again goes by what it was told then."""

from __future__ import annotations

import dataclasses
from uuid import UUID

import pytest
import sqlalchemy as sa

from ems_pipeline.maintenance.template import shipped
from ems_pipeline.plan import Problem, Service
from ems_pipeline.sites import Genset, Site
from ems_pipeline.sites.wiring import Device, Gateway
from ems_pipeline.steps import replaying
from ems_pipeline.steps.deciding import Wanted, decisions
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import MINUTE
from ems_pipeline.warehouse import Warehouse, maintenance, plans
from ems_pipeline_tests.copies import copy_of
from ems_pipeline_tests.steps.test_known import AT, LOGGER, START, knowing, platform

__all__ = ["platform"]
DONE_H = 1000.0
"""Every level was done at so many hours, the day before; TO-1 falls due 250 h later, with a tolerance of 25 h."""


@pytest.fixture
def elm(platform: Platform, home01: Site) -> Site:
    """A site whose gas set is worth running all the time: its kWh costs 0.1, and is sold at 1.5."""
    gas = Genset(
        key="gas", device="panel", min_power_w=2000, max_power_w=8000, start_cost=0.1, fuel_per_kwh=0.1,
        min_run_minutes=15, min_pause_minutes=15,
    )  # fmt: skip
    options = {"rated_power_w": 8000, "start_by": "manual"}
    panel = Device(key="panel", map="smartgen-hgm9520n", gateway="panel", options=options)
    gateway = Gateway(key="panel", transport="modbus-tcp", host="192.0.2.1", port=502)
    bare = copy_of(home01, "elm", pv=(), heat_pumps=(), chargers=(), gensets=(gas,))
    site = bare.model_copy(update={"gateways": (*bare.gateways, gateway), "devices": (*bare.devices, panel)})
    site = knowing(platform, site)
    with platform.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.maintenance_template, ems.genset_meter CASCADE")
        maintenance.acting_for(connection, "anna")
        template = maintenance.add_template(connection, shipped()[0])
        done = [
            {"level": f"TO-{n}", "done_h": DONE_H, "done_at": (AT - 1440 * MINUTE).isoformat()} for n in (1, 2, 3, 4)
        ]
        maintenance.put_plan(connection, "elm", "gas", template, done)
    return site


def counts(warehouse: Warehouse, hours: float) -> None:
    """The meter was read just before the decision."""
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("""INSERT INTO ems.genset_meter (site_key, asset_key, hours, register_h, read_at, began_at)
                       VALUES ('elm', 'gas', :hours, :hours, :at, :at)
                       ON CONFLICT (site_key, asset_key) DO UPDATE SET hours = :hours, register_h = :hours"""),
            {"hours": hours, "at": AT - MINUTE},
        )


def decided(platform: Platform, site: Site) -> tuple[Problem, int, UUID]:
    """The problem, in how many quarter-hours the set is to run, and the plan's number."""
    for _, decide in decisions(platform, [site], Wanted("rolling", START.date(), AT), LOGGER):
        plan = decide().plan
    with platform.warehouse.begin() as connection:
        held = plans.in_force_at(connection, site.key, AT + MINUTE)
    assert held is not None
    return plan.problem, int(plan.genset_on[0].sum()), held


def test_a_set_far_from_its_service_runs_all_eight_quarter_hours(platform: Platform, elm: Site) -> None:
    counts(platform.warehouse, DONE_H + 10)
    problem, slots, _ = decided(platform, elm)
    assert (problem.gensets[0].run_hours_left, problem.gensets[0].over_hours, slots) == (240.0, 25.0, 8)


def test_a_service_that_falls_due_bounds_the_running_that_is_planned(platform: Platform, elm: Site) -> None:
    """Half an hour is left of the tolerance: two quarter-hours, whatever more would earn."""
    counts(platform.warehouse, DONE_H + 250 + 24.5)
    problem, slots, _ = decided(platform, elm)
    assert (problem.gensets[0].run_hours_left, problem.gensets[0].over_hours, slots) == (0.0, 0.5, 2)


def test_a_held_set_is_not_planned(platform: Platform, elm: Site) -> None:
    counts(platform.warehouse, DONE_H + 250 + 26)
    assert decided(platform, elm)[1] == 0


def test_a_set_that_somebody_works_on_is_not_planned(platform: Platform, elm: Site) -> None:
    counts(platform.warehouse, DONE_H + 10)
    with platform.warehouse.begin() as connection:
        maintenance.acting_for(connection, "anna")
        order = maintenance.make_order(connection, "elm", "gas", "TO-1", AT)
        maintenance.answer(connection, order, "T1-01", "done")
    assert decided(platform, elm)[1] == 0


def test_where_no_hours_are_known_the_number_of_the_site_file_holds(platform: Platform, elm: Site) -> None:
    (gas,) = elm.gensets
    said = elm.model_copy(update={"gensets": (gas.model_copy(update={"run_hours_left": 1.0}),)})
    problem, slots, _ = decided(platform, knowing(platform, said))
    assert (problem.gensets[0].run_hours_left, slots) == (1.0, 4)


def test_a_plan_made_again_goes_by_the_service_it_was_told_of(platform: Platform, elm: Site) -> None:
    """The meter went on, and the service was done: neither changes what was known then."""
    counts(platform.warehouse, DONE_H + 250 + 24.5)
    _, _, plan = decided(platform, elm)
    counts(platform.warehouse, DONE_H + 250 + 30)
    found = replaying.replay(platform.warehouse, plan)
    assert (found.verdict, found.unrecorded, found.inputs, found.rows) == ("same", (), (), ())
    with platform.warehouse.begin() as connection:
        stored = plans.stored(connection, plan)
    assert stored is not None
    assert stored.inputs["services"]["gas"] == dataclasses.asdict(Service(-24.5, 0.5))
