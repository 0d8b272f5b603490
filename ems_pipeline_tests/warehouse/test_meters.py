"""Hours of sets as they are stored: added by what is possible, held where it is doubtful, decided by a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, alarms, maintenance, meters, services
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.warehouse.serviced import NOW, begin, reads, yard

HOUR = timedelta(hours=1)
START = NOW - timedelta(days=3)


@pytest.fixture
def connection(warehouse: Warehouse, home01: Site) -> Iterator[Connection]:
    """A set whose register was read at 16908 h, three days ago."""
    with warehouse.begin() as connection:
        template = begin(connection, yard(home01))
        maintenance.put_plan(connection, "yard", "gen-1", template)
        reads(connection, 16_908, START)
        yield connection


def summed(connection: Connection) -> tuple[float, float, str | None]:
    (row,) = maintenance.meters(connection, "yard").select("hours", "register_h", "doubt").iter_rows()
    return row


def entered(
    connection: Connection, kind: str, hours: float, old_h: float | None = None, reason: str = "as I saw"
) -> None:
    maintenance.enter_meter(connection, "yard", "gen-1", kind, hours, NOW - HOUR, old_h, reason)


def test_counting_begins_with_what_the_register_shows_and_goes_on_by_what_is_run(connection: Connection) -> None:
    assert summed(connection) == (16_908, 16_908, None)
    reads(connection, 16_912, START + 5 * HOUR)
    reads(connection, 16_920, START + 24 * HOUR)
    assert summed(connection) == (16_920, 16_920, None)
    days = connection.exec_driver_sql("SELECT sum(hours) FROM ems.genset_meter_day").scalar_one()
    assert days == 12


def test_a_register_that_wraps_loses_no_hour(connection: Connection) -> None:
    connection.exec_driver_sql("UPDATE ems.genset_meter SET register_h = 65530, hours = 82438")
    reads(connection, 4, START + 24 * HOUR)
    assert summed(connection) == (82_448, 4, None)


def test_a_reading_that_no_running_explains_is_held_and_people_are_told_once(connection: Connection) -> None:
    reads(connection, 12, START + 24 * HOUR)
    assert summed(connection)[:2] == (16_908, 16_908)
    assert "it went back" in (summed(connection)[2] or "")
    services.settle(connection, START + 24 * HOUR)
    services.settle(connection, START + 25 * HOUR)
    told = [
        row for row in alarms.open_alarms(connection).iter_rows(named=True) if row["kind"] == "maintenance-meter:gen-1"
    ]
    assert [(row["times"], row["severity"]) for row in told] == [(1, "warning")]
    assert meters.advance(connection, START + 25 * HOUR) == 0  # the same reading is not judged again


def test_a_doubted_reading_is_forgotten_once_a_later_one_is_possible(connection: Connection) -> None:
    """Minutes and hours read apart: one poll is torn, the next is not."""
    reads(connection, 16_907, START + HOUR)
    reads(connection, 16_909, START + 1.01 * HOUR)
    assert summed(connection) == (16_909, 16_909, None)


def test_a_meter_that_jumped_adds_nothing_however_long_nobody_says_what_it_is(connection: Connection) -> None:
    """Twenty hours that nobody ran; a day later they would be possible, and are as wrong as before."""
    for hours in (2, 24, 25, 48):
        reads(connection, 16_928, START + hours * HOUR)
    assert summed(connection)[:2] == (16_908, 16_908)
    assert "it goes on from 16928 h" in (summed(connection)[2] or "")
    entered(connection, "accepted", 0)
    reads(connection, 16_929, NOW)
    assert summed(connection) == (16_909, 16_929, None)


def test_a_meter_was_replaced_as_a_person_says(connection: Connection) -> None:
    """Elsewhere (codup/odoo-eam #10) the new one's 0 made every service due, or none. 40 h were run on the old one."""
    reads(connection, 3, START + 60 * HOUR)
    entered(connection, "replaced", 2, old_h=16_948)
    assert summed(connection) == (16_948, 2, None)
    reads(connection, 3, NOW)
    assert summed(connection) == (16_949, 3, None)
    kinds = (
        connection.exec_driver_sql("SELECT kind FROM ems.genset_meter_event ORDER BY meter_event_id").scalars().all()
    )
    assert kinds == ["begun", "replaced"]


def test_a_doubted_reading_is_accepted_with_the_hours_that_were_run(connection: Connection) -> None:
    reads(connection, 17_100, START + 24 * HOUR)
    entered(connection, "accepted", 20)
    assert summed(connection) == (16_928, 17_100, None)


@pytest.mark.parametrize(
    ("kind", "hours", "old_h", "reason", "told"),
    [
        ("accepted", 20, None, "yes", "no reading of this meter is doubted"),
        ("replaced", 2, 16_000, "new", "cannot have ended at 16000"),
        ("replaced", 2, 16_950, "", "needs a reason"),
        ("corrected", -1, None, "typo", "no number from 0"),
        ("melted", 1, None, "hot", "none of read, replaced"),
    ],
)
def test_what_cannot_be_is_refused(
    connection: Connection, kind: str, hours: float, old_h: float | None, reason: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        entered(connection, kind, hours, old_h, reason)


def test_hours_are_not_extrapolated_and_a_meter_that_is_not_read_is_told_of(connection: Connection) -> None:
    """Typed readings are patient: 31 days. The calendar goes on meanwhile."""
    late = START + timedelta(days=32)
    services.settle(connection, late - timedelta(days=2))
    assert "maintenance-meter:gen-1" not in alarms.open_alarms(connection)["kind"].to_list()
    services.settle(connection, late)
    (told,) = [t for t in services.troubles(connection, late) if t.kind == "maintenance-meter:gen-1"]
    assert "is not read any more" in told.text
    assert maintenance.due(connection, late, "yard")["meter_h"].unique().to_list() == [16_908]


def test_a_set_without_a_reading_is_told_of_and_its_calendar_counts(connection: Connection) -> None:
    template = maintenance.newest_template(connection, "gas-genset")
    done = [{"level": "TO-1", "done_h": 10, "done_at": (NOW - timedelta(days=190)).isoformat()}]
    maintenance.put_plan(connection, "yard", "gen-2", template, done)
    row = maintenance.due(connection, NOW, "yard").filter(asset_key="gen-2").row(0, named=True)
    assert (row["hours_left"], row["severity"]) == (None, "overdue")
    assert any("was never read" in trouble.text for trouble in services.troubles(connection, NOW))


def test_a_typed_reading_is_added_by_the_next_check(connection: Connection) -> None:
    entered(connection, "read", 16_930, reason="")
    assert summed(connection)[0] == 16_908
    meters.advance(connection, NOW)
    assert summed(connection)[0] == 16_930


def planned(connection: Connection, at: datetime, powers_w: Sequence[float | None]) -> None:
    """The one plan of the yard: powers of its first set per quarter-hour, None: it stands."""
    connection.execute(sa.text("DELETE FROM ems.planning_run WHERE site_key = 'yard'"))
    run = {"run": "00000000-0000-0000-0000-000000000039", "at": at, "slots": len(powers_w)}
    connection.execute(
        sa.text("""INSERT INTO ems.planning_run (planning_run_id, site_key, kind, day, decided_at, horizon_start,
                       horizon_end, status, is_verified, inputs, config_hash, code_version, recorded_at)
                   VALUES (:run, 'yard', 'rolling', CAST(:at AS timestamptz)::date, :at, :at,
                       CAST(:at AS timestamptz) + :slots * interval '15 minutes', 'optimal', true, '{}', '', '',
                       :at)"""),
        run,
    )
    connection.execute(
        sa.text("""INSERT INTO ems.planning_device_interval (planning_run_id, starts_at, asset_key, kind, power_w, mode)
                   SELECT :run, CAST(:at AS timestamptz) + (k - 1) * interval '15 minutes', 'gen-1', 'genset',
                          coalesce(w, 0), CASE WHEN w IS NULL THEN 'off' ELSE 'run' END
                   FROM unnest(CAST(:powers AS float8[])) WITH ORDINALITY AS p (w, k)"""),
        run | {"powers": list(powers_w)},
    )


def test_planned_hours_have_lead_and_cool_down_per_start_and_those_of_a_day_are_told_apart(
    connection: Connection, home01: Site
) -> None:
    """Two quarter-hours that go on, four after 10 h, eight after 30 h; each of two starts six minutes more."""
    first, second = yard(home01).gensets
    sets = (first.model_copy(update={"lead_s": 120, "cool_down_s": 240}), second)
    registry.register(connection, [yard(home01).model_copy(update={"gensets": sets})], NOW)
    rests: list[float | None] = [None] * 160
    rests[:2], rests[40:44], rests[120:128] = [9e4] * 2, [9e4] * 4, [9e4] * 8
    planned(connection, NOW, rests)
    asked = sa.text("SELECT * FROM ems.fn_genset_planned_hours(:slot, :now, 'yard')")
    (row,) = connection.execute(asked, {"slot": NOW, "now": NOW}).all()
    assert tuple(row)[:2] == ("yard", "gen-1")
    assert tuple(row)[2:5] == pytest.approx((0.5 + 1.1, 0.5 + 1.1 + 2.1, 2))
    assert row.until_at == NOW + 40 * HOUR
    (later,) = connection.execute(asked, {"slot": NOW + 11 * HOUR, "now": NOW + 11 * HOUR}).all()
    assert tuple(later)[2:5] == pytest.approx((2.1, 2.1, 1))
    assert connection.execute(asked, {"slot": NOW + 41 * HOUR, "now": NOW + 41 * HOUR}).all() == []


def test_what_the_plan_in_force_will_run_is_noted(connection: Connection) -> None:
    """Three quarter-hours of four: one warms up without load, the last one stands."""
    planned(connection, NOW, [0.0, 100_000.0, 100_000.0, None])
    assert meters.look_around(connection, NOW) == 1
    assert meters.look_around(connection, NOW) == 0
    found = connection.exec_driver_sql("SELECT planned_h, planned_until FROM ems.genset_meter").one()
    assert tuple(found) == (0.75, NOW + HOUR)


@pytest.mark.parametrize(
    ("hours", "counted_h", "is_told"), [(4, 0, True), (4, 1.4, True), (4, 1.5, False), (2, 0, False)]
)
def test_a_meter_that_stands_while_the_set_gives_power_is_told_of(
    connection: Connection, home01: Site, hours: int, counted_h: float, is_told: bool
) -> None:
    """Loaded for 4 h: one that went on by less than half of what is beyond an hour is stuck."""
    (first, second) = yard(home01).gensets
    sets = (first.model_copy(update={"device": "controller"}), second)
    registry.register(connection, [yard(home01).model_copy(update={"gensets": sets})], NOW)
    connection.execute(sa.text("DELETE FROM ems.telemetry_15m WHERE site_key = 'yard'"))
    connection.execute(
        sa.text("""INSERT INTO ems.telemetry_15m (site_key, device_key, quantity, starts_at, mean_value, last_value,
                                                  samples, coverage_pct)
                   SELECT 'yard', 'controller', 'genset_power_w', CAST(:at AS timestamptz) - k * interval '15 minutes',
                          CASE WHEN k <= 4 * :hours THEN 90000 ELSE 0 END, 0, 15, 100
                   FROM generate_series(1, 80) AS k"""),
        {"at": NOW, "hours": hours},
    )
    connection.execute(
        sa.text("INSERT INTO ems.genset_meter_day VALUES ('yard', 'gen-1', :day, :h)"),
        {"day": NOW.date(), "h": counted_h},
    )
    meters.look_around(connection, NOW)
    told = [trouble.text for trouble in services.troubles(connection, NOW)]
    assert any("stands while the set gives power" in text for text in told) is is_told
