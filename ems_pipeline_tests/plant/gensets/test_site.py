"""A site file whose devices are controllers of sets gets them from the plant like any other device."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ems_pipeline.plant import Fault, Plant, World, household, running_plant
from ems_pipeline.sites import Site, load_site
from ems_pipeline.time_grid import SimulatedClock, zone
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.plant.gensets.conftest import MORNING, pass_s, said

BOTH = ("gensets-north", "gensets-south")


@pytest.fixture(scope="module")
def sites() -> dict[str, Site]:
    return {name: load_site(ROOT / "examples" / f"{name}.yaml") for name in BOTH}


@pytest.fixture
def plant(sites: dict[str, Site], clock: SimulatedClock) -> Iterator[Plant]:
    with running_plant(sites["gensets-north"], clock) as plant:
        yield plant


def balance_w(world: World) -> float:
    f = world.flows
    return f.grid_w + f.pv_w + f.battery_w + f.genset_w - f.load_w - f.ev_w - f.heat_pump_w


def test_the_two_example_sites_have_ports_of_their_own(sites: dict[str, Site]) -> None:
    ports = [g.port for site in sites.values() for g in site.gateways]
    assert len(set(ports)) == len(ports) == 6


def test_controllers_answer_at_their_gateways(plant: Plant) -> None:
    at = {g.key: g for g in plant.site.gateways}
    for key in ("genset-1", "genset-2"):
        assert said(at[key], "00 01 00 00 00 06 01 03 00 00 00 01") == "00 01 00 00 00 05 01 03 02 02 00"
    assert said(at["converter"], "03 03 00 00 00 01 85 E8") == "03 03 02 02 00 C0 E4"
    assert said(at["converter"], "01 03 00 00 00 01 84 0A", timeout_s=0.2) == ""


def test_the_meter_the_sets_and_the_load_balance_in_every_state(plant: Plant, clock: SimulatedClock) -> None:
    world = plant.world
    plant.hall.board.is_contact_made = True
    for nth in range(240):
        if nth == 90:
            plant.inject(Fault("blackout", "board"))
        if nth == 150:
            plant.clear()
        pass_s(clock, 7)
        world.advance()
        assert balance_w(world) == pytest.approx(0, abs=1e-6)
        assert world.flows.load_w >= 0
    assert world.flows.genset_w > 0


def test_a_house_is_dark_from_the_failure_of_the_mains_until_the_sets_carry(
    plant: Plant, clock: SimulatedClock
) -> None:
    consumed = plant.world.counters.consumed_wh
    plant.inject(Fault("blackout", "board"))
    pass_s(clock, 60)
    plant.world.advance()
    assert (plant.world.flows.load_w, plant.world.flows.grid_w) == (0, 0)
    assert plant.world.counters.consumed_wh - consumed < 100_000 / 3600 * 3
    pass_s(clock, 120)
    plant.world.advance()
    assert plant.world.flows.load_w == pytest.approx(plant.world.flows.genset_w) != 0


def test_a_site_that_uses_much_has_many_small_lumps_and_no_huge_ones() -> None:
    """Many homes at once: the largest minute of a month is three times the mean, not seven."""
    days = [household.load_w(3, 130_000.0, zone("Europe/Prague"), MORNING.replace(hour=0, day=d)) for d in range(1, 29)]
    assert sum(day.mean() for day in days) / 28 == pytest.approx(130_000, rel=0.05)
    assert max(day.max() for day in days) < 3.5 * 130_000


def test_faults_of_gensets_are_for_their_controllers(plant: Plant) -> None:
    plant.inject(Fault("crank-fail", "genset-1", 2))
    assert plant.hall.sets["genset-1"].faults == {"crank-fail": 2}
    plant.inject(Fault("other-unit", "genset-1"))
    plant.clear()
    assert (plant.hall.sets["genset-1"].faults, plant.lines["genset-1"]) == ({}, set())
    with pytest.raises(KeyError, match="no controller"):
        plant.inject(Fault("crank-fail", "converter"))
    with pytest.raises(ValueError, match="is a set"):
        plant.inject(Fault("blackout", "genset-1"))


def test_history_has_the_sets_and_the_mains(plant: Plant) -> None:
    quantities = set(plant.history(1)["quantity"])
    assert {"genset_power_w", "genset_energy_wh", "genset_run_hours", "grid_power_w"} <= quantities


def test_a_site_of_sets_alone_is_switched_all_the_same(sites: dict[str, Site]) -> None:
    site = sites["gensets-south"]
    alone = site.model_copy(update={"devices": site.devices[:2], "gateways": site.gateways[:2], "switchboards": ()})
    world = World(alone, SimulatedClock(MORNING))
    assert world.hall is not None
    world.hall.is_mains_ok = False
    world.advance(MORNING + timedelta(minutes=4))
    assert world.flows.genset_w > 0
