"""What the poller sees reaches hour meters, and an order that wants the engine stopped locks its set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.sites import Site
from ems_pipeline.sites.wiring import Device, Gateway
from ems_pipeline.warehouse import Warehouse, genset_locks, gensets, maintenance, meters, services
from ems_pipeline_tests.warehouse.serviced import NOW, begin, done_by, last, reads, yard

HOUR = timedelta(hours=1)
FRESH = last(TO_1=(1000, 1), TO_2=(1000, 1), TO_3=(1000, 1), TO_4=(1000, 1))


@pytest.fixture
def connection(warehouse: Warehouse, home01: Site) -> Iterator[Connection]:
    """Two sets with a plan; the first has a controller ``panel``, the second none."""
    bare = yard(home01)
    first, second = bare.gensets
    gateway = Gateway(key="panel", transport="modbus-tcp", host="192.0.2.1", port=502)
    panel = Device(key="panel", map="smartgen-hgm9520n", gateway="panel", options={"rated_power_w": 160_000})
    site = bare.model_copy(
        update={
            "gateways": (gateway,),
            "devices": (panel,),
            "gensets": (first.model_copy(update={"device": "panel"}), second),
        }
    )
    with warehouse.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE ems.genset_live, ems.genset_controller, ems.genset_lockout, ems.genset_removal CASCADE"
        )
        template = begin(connection, site)
        for asset in ("gen-1", "gen-2"):
            maintenance.put_plan(connection, "yard", asset, template, FRESH)
        yield connection


def polled(connection: Connection, hours: float | None, at: datetime, link: str = "good") -> None:
    """The controller has answered at an instant."""
    seen = Snapshot(
        site="yard", device="panel", model="hgm9520n", taken_at=at, link=Link(link), values={"run_hours": hours},
        bits={}, alarms=None,
    )  # fmt: skip
    gensets.tell_live(connection, [seen], at)
    connection.exec_driver_sql(
        "INSERT INTO ems.genset_controller (site_key, device_key, model) VALUES ('yard', 'panel', 'hgm9520n') "
        "ON CONFLICT DO NOTHING"
    )
    meters.advance(connection, at)


def counted(connection: Connection, asset: str = "gen-1") -> float | None:
    return connection.execute(
        sa.text("SELECT hours FROM ems.genset_meter WHERE asset_key = :asset"), {"asset": asset}
    ).scalar()


def told_of_meters(connection: Connection, at: datetime, asset: str = "gen-1") -> list[str]:
    return [one.text for one in services.troubles(connection, at) if one.kind == f"maintenance-meter:{asset}"]


def test_the_hours_a_controller_shows_are_counted_while_its_link_is_good(connection: Connection) -> None:
    polled(connection, 1000.0, NOW - 3 * HOUR)
    polled(connection, 1002.0, NOW - HOUR)
    assert counted(connection) == 1002.0
    for link in ("stale", "down"):
        polled(connection, 1003.0, NOW, link)
    polled(connection, None, NOW)
    assert counted(connection) == 1002.0


def test_of_the_typed_and_the_polled_reading_the_newer_counts(connection: Connection) -> None:
    reads(connection, 990.0, NOW - 5 * HOUR)
    polled(connection, 991.0, NOW - 4 * HOUR)
    assert counted(connection) == 991.0
    reads(connection, 992.5, NOW - 2 * HOUR)
    assert counted(connection) == 992.5
    polled(connection, 993.0, NOW - HOUR)
    assert counted(connection) == 993.0


def test_an_emptied_table_of_newest_answers_makes_no_meter_stale_and_forgets_no_hour(connection: Connection) -> None:
    """A person typed once, 40 days ago; the controller answered an hour ago, then the server crashed."""
    reads(connection, 900.0, NOW - timedelta(days=40))
    polled(connection, 1000.0, NOW - HOUR)
    connection.exec_driver_sql("TRUNCATE ems.genset_live")
    assert meters.advance(connection, NOW) == 0
    assert (counted(connection), told_of_meters(connection, NOW)) == (1000.0, [])


def test_a_controller_that_is_heard_no_more_has_a_stale_meter_after_a_day(connection: Connection) -> None:
    reads(connection, 999.0, NOW - 30 * HOUR)
    polled(connection, 1000.0, NOW - 25 * HOUR)
    polled(connection, 1000.0, NOW, "down")
    assert "is not read any more" in told_of_meters(connection, NOW)[0]
    reads(connection, 1001.0, NOW - HOUR)  # somebody has looked: that counts for a month
    assert told_of_meters(connection, NOW + timedelta(days=30)) == []


def test_a_set_without_a_controller_is_read_by_people_every_month(connection: Connection) -> None:
    reads(connection, 500.0, NOW - timedelta(days=30), asset="gen-2")
    assert told_of_meters(connection, NOW, "gen-2") == []
    assert "is not read any more" in told_of_meters(connection, NOW + timedelta(days=2), "gen-2")[0]


def locked(connection: Connection) -> list[tuple[str, str, str]]:
    return [
        (row["device_key"], row["source"], row["placed_by"])
        for row in genset_locks.listing(connection).iter_rows(named=True)
    ]


def out_of_service(connection: Connection) -> list[str]:
    found = connection.exec_driver_sql("SELECT reason FROM ems.genset_removal WHERE restored_at IS NULL")
    return list(found.scalars())


def begun(connection: Connection, level: str, code: str, asset: str = "gen-1") -> int:
    order = maintenance.make_order(connection, "yard", asset, level, NOW)
    maintenance.answer(connection, order, code, "done")
    return order


def cancelled(connection: Connection, order: int) -> None:
    connection.execute(sa.text("SELECT ems.fn_maintenance_order_cancel(:o)"), {"o": order})


def test_an_order_that_wants_the_engine_stopped_locks_its_set_from_its_first_line_to_its_end(
    connection: Connection,
) -> None:
    reads(connection, 1000.0, NOW - HOUR)
    order = maintenance.make_order(connection, "yard", "gen-1", "TO-1", NOW)
    assert (locked(connection), out_of_service(connection)) == ([], [])
    for code in ("T1-01", "T1-02"):
        maintenance.answer(connection, order, code, "done")
    assert locked(connection) == [("panel", "order", f"order {order}")]
    assert out_of_service(connection) == [f"order {order}: TO-1"]
    done_by(connection, "TO-1")  # the same order: one is open for a level
    assert (locked(connection), out_of_service(connection)) == ([], [])


def test_an_order_without_such_a_line_and_a_set_without_a_controller_lock_nothing(connection: Connection) -> None:
    begun(connection, "TO-1", "T1-01", "gen-2")
    order = maintenance.make_order(connection, "yard", "gen-1", "TO-1", NOW)
    connection.exec_driver_sql("UPDATE ems.maintenance_item SET needs_standstill = false")
    maintenance.answer(connection, order, "T1-01", "done")
    assert (locked(connection), out_of_service(connection)) == ([], [])


def test_of_two_orders_each_lifts_its_own_lock_and_alarms_come_back_with_the_last(connection: Connection) -> None:
    first, second = begun(connection, "TO-1", "T1-01"), begun(connection, "TO-2", "T1-01")
    assert [by for _, _, by in locked(connection)] == [f"order {first}", f"order {second}"]
    cancelled(connection, first)
    assert ([by for _, _, by in locked(connection)], len(out_of_service(connection))) == ([f"order {second}"], 1)
    cancelled(connection, second)
    assert (locked(connection), out_of_service(connection)) == ([], [])


def test_what_a_person_locked_or_took_out_of_service_outlives_an_order(connection: Connection) -> None:
    genset_locks.place(connection, "yard", "panel", "belts are off", "anna", NOW)
    connection.exec_driver_sql("SELECT ems.fn_genset_remove('yard', 'panel', 'being wired', 'anna')")
    cancelled(connection, begun(connection, "TO-1", "T1-01"))
    assert locked(connection) == [("panel", "person", "anna")]
    assert out_of_service(connection) == ["being wired"]


def test_where_nobody_knows_when_a_service_was_done_no_hours_are_said_to_be_left(connection: Connection) -> None:
    """Not none left: what is unknown keeps nobody from supplying a site."""
    connection.exec_driver_sql("TRUNCATE ems.genset_meter, ems.maintenance_done")
    for *_, hours_left, run_hours_left, is_held, is_worked_on in services.service_holds(
        connection, ["yard"], NOW
    ).iter_rows():
        assert (hours_left, run_hours_left, is_held, is_worked_on) == (None, None, False, False)


def test_what_a_meter_said_later_tells_a_plan_of_the_past_nothing(connection: Connection) -> None:
    reads(connection, 1100.0, NOW - HOUR)
    said = services.service_holds(connection, ["yard"], NOW - 1.5 * HOUR)
    assert said.filter(asset_key="gen-1")["hours_left"].to_list() == [150.0]
    assert "gen-1" not in services.service_holds(connection, ["yard"], NOW - 3 * HOUR)["asset_key"].to_list()
