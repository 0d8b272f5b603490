"""A site that only Home Assistant measures: read, planned, settled; and a broker that is gone changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from ems_pipeline import time_grid
from ems_pipeline.homeassistant import standing
from ems_pipeline.orchestration.installation import history
from ems_pipeline.orchestration.installation.closed_loop import ClosedLoop
from ems_pipeline.orchestration.installation.watch import Watch
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.plant import Fault, running_plant
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SLOT, SimulatedClock
from ems_pipeline.warehouse import Warehouse, audits
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.devices.home_assistant_site import measured_by_home_assistant
from ems_pipeline_tests.orchestration.conftest import LOGGED_DAYS, PRAGUE, TODAY, Bench

pytestmark = pytest.mark.slow
FIRST = time_grid.day_bounds(TODAY, PRAGUE)[0]
SLOTS = 4


@pytest.fixture(scope="module")
def lived(warehouse: Warehouse, home01: Site) -> Iterator[Bench]:
    """The first quarter-hours of a day; in the third one Home Assistant repeats what it heard in the second."""
    clock, site = SimulatedClock(FIRST), measured_by_home_assistant(home01)
    with (
        pytest.MonkeyPatch.context() as environment,
        running_plant(site, clock, seed=1, history_days=LOGGED_DAYS) as plant,
        dg.instance_for_test() as instance,
    ):
        for name, value in plant.environ.items():
            environment.setenv(name, value)
        runs = InProcess(Platform(warehouse, clock, lambda: [plant.site]), instance)
        with warehouse.begin() as connection:
            registry.register(connection, [plant.site], clock.now())
        runs.register([plant.site.key])
        history.import_log(runs, plant.site, plant.history())
        history.know_the_present(runs, plant.site)
        loop = ClosedLoop(runs, clock)
        for number in range(SLOTS):
            if number == 2:
                plant.inject(Fault("freeze", "inverter"))
            loop._slot(FIRST + number * SLOT)
            plant.clear()
        loop._slot(FIRST + SLOTS * SLOT)
        assert loop.failures == []
        yield Bench(runs, plant, clock)


def test_it_is_measured_and_settled_but_for_what_was_only_repeated(lived: Bench) -> None:
    """What was heard two minutes before the third one counts for 300 s: in its minutes 0, 1, 2 and 3."""
    with lived.warehouse.begin() as connection:
        slots = audits.slots(connection, "home01", FIRST, FIRST + SLOTS * SLOT)
    coverage = slots["coverage_pct"].to_list()
    assert [coverage[i] for i in (0, 1, 3)] == pytest.approx([100 * 14 / 15] * 3)
    assert coverage[2] == pytest.approx(100 * 4 / 15)
    assert [slots["cost"][i] is not None for i in (0, 1, 3)] == [True] * 3


def test_every_quarter_hour_has_a_verified_plan_with_a_reason(lived: Bench) -> None:
    with lived.warehouse.begin() as connection:
        rows = connection.execute(
            sa.text("""SELECT i.starts_at, r.is_verified, i.reason FROM ems.planning_interval i
                       JOIN ems.planning_run r USING (planning_run_id)
                       WHERE r.kind = 'rolling' AND i.starts_at = r.horizon_start ORDER BY 1""")
        ).all()
    assert len(rows) >= SLOTS
    assert all(is_verified and reason for _, is_verified, reason in rows)


def test_nothing_is_steered_and_every_gap_has_its_reason(lived: Bench) -> None:
    with lived.warehouse.begin() as connection:
        told = connection.execute(sa.text("SELECT count(*) FROM ems.setpoint WHERE NOT is_shadow")).scalar_one()
        reasons = connection.execute(
            sa.text("""SELECT DISTINCT left(t.reason, 22) FROM ems.telemetry t JOIN ems.point p USING (point_id)
                       WHERE t.value IS NULL AND p.device_key = 'inverter' AND t.reported_at >= :first"""),
            {"first": FIRST},
        ).scalars()
        assert told == 0
        assert any(reason.startswith("sensor.") for reason in reasons)


def test_a_broker_that_is_gone_is_an_alarm_and_changes_nothing_in_what_is_decided(
    lived: Bench, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process says so itself; whoever looks after it raises the alarm and ends it."""
    monkeypatch.setenv("EMS_HOME", str(tmp_path_factory.mktemp("home")))
    steady, platform = [0.0], lived.runs.platform
    keeper = standing.Keeper()
    watch = Watch(
        platform, [], lambda _: None, wall=lambda: steady[0], steady=lambda: steady[0], tells_home_assistant=True
    )

    def look(fault: str, seconds: float) -> list[str]:
        steady[0] += seconds
        lived.clock.advance_to(lived.clock.at + timedelta(seconds=seconds))
        keeper.keep(fault, lived.clock.now())
        watch.look()
        with lived.warehouse.begin() as connection:
            return list(
                connection.execute(
                    sa.text("SELECT text FROM ems.alarm WHERE kind = 'home-assistant' AND cleared_at IS NULL")
                ).scalars()
            )

    assert look("", 30) == []
    assert look("broker x:1883: the connection is lost", 30) == [], "brokers restart"
    (text,) = look("broker x:1883: no connection", 130)
    assert text == "Home Assistant is not told, nor heard: broker x:1883: no connection"
    loop = ClosedLoop(lived.runs, lived.clock)
    loop._slot(time_grid.floor_slot(lived.clock.now()) + 2 * SLOT)
    assert loop.failures == []
    assert look("", 30) == []
