"""Two quarter-hours through everything: planned, written over the wire, measured, verified, settled."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from ems_pipeline import time_grid
from ems_pipeline.orchestration.installation import history
from ems_pipeline.orchestration.installation.closed_loop import ClosedLoop
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import arming, audits
from ems_pipeline_tests.orchestration.conftest import PRAGUE, TODAY, Bench

pytestmark = pytest.mark.slow
FIRST = time_grid.day_bounds(TODAY, PRAGUE)[0]


@pytest.fixture(scope="module")
def lived(bench: Bench) -> Bench:
    """The first three quarter-hours of the day, the third only begun."""
    history.import_log(bench.runs, bench.site, bench.plant.history())
    history.know_the_present(bench.runs, bench.site)
    with bench.warehouse.begin() as connection:
        arming.arm(connection, bench.site.key, bench.clock.now(), by="test")
    loop = ClosedLoop(bench.runs, bench.clock)
    for slot in (FIRST, FIRST + SLOT, FIRST + 2 * SLOT):
        loop._slot(slot)
    assert loop.failures == []
    return bench


def test_every_minute_of_every_slot_was_measured_but_the_one_of_verification(lived: Bench) -> None:
    with lived.warehouse.begin() as connection:
        slots = audits.slots(connection, lived.site.key, FIRST, FIRST + 2 * SLOT)
    assert slots["coverage_pct"].to_list() == pytest.approx([100 * 14 / 15] * 2)
    assert slots["cost"].null_count() == 0


def test_every_slot_follows_the_plan_decided_before_it(lived: Bench) -> None:
    with lived.warehouse.begin() as connection:
        rows = connection.execute(
            sa.text("""SELECT a.starts_at, r.decided_at, r.kind FROM ems.audit_interval a
                       JOIN ems.planning_run r USING (planning_run_id) WHERE a.starts_at >= :first ORDER BY 1"""),
            {"first": FIRST},
        ).all()
    assert [kind for _, _, kind in rows] == ["rolling", "rolling"]
    assert all(decided_at <= starts_at for starts_at, decided_at, _ in rows)
    assert rows[1].decided_at == FIRST + SLOT - time_grid.MINUTE, "a new plan from the state a minute before"


def test_every_device_confirmed_what_it_was_told(lived: Bench) -> None:
    with lived.warehouse.begin() as connection:
        slots = audits.slots(connection, lived.site.key, FIRST, FIRST + 2 * SLOT)
    for text in slots["commanded"]:
        commanded = json.loads(text)
        assert set(commanded) == {device.key for device in lived.site.devices}
        assert {name for name, told in commanded.items() if not told["confirmed"]} == set()
        assert {told["shadow"] for told in commanded.values()} == {False}


def test_every_setpoint_leads_back_to_its_plan_row(lived: Bench) -> None:
    with lived.warehouse.begin() as connection:
        orphans = connection.execute(
            sa.text("""SELECT count(*) FROM ems.setpoint s WHERE s.source = 'plan' AND NOT EXISTS (
                           SELECT FROM ems.planning_device_interval d
                           WHERE d.planning_run_id = s.planning_run_id AND d.starts_at = s.slot)""")
        ).scalar_one()
        total = connection.execute(sa.text("SELECT count(*) FROM ems.setpoint WHERE source = 'plan'")).scalar_one()
    assert total > 0
    assert orphans == 0
