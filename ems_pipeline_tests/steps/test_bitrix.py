"""From the alert to the task and back: once, in order, through every fault of a portal, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from ems_pipeline.bitrix.address import Webhook
from ems_pipeline.bitrix.portal import Portal
from ems_pipeline.bitrix.tasks import Place
from ems_pipeline.plant.bitrix_twin import BitrixTwin, serving_bitrix
from ems_pipeline.sites import Site
from ems_pipeline.steps import bitrix
from ems_pipeline.steps.bitrix import Office
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, bitrix_post, maintenance, services
from ems_pipeline_tests.warehouse import serviced
from ems_pipeline_tests.warehouse.serviced import NOW

START = NOW - timedelta(days=3)
"""Functions of the database go by its own clock, and take no service that is still to come."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Hall:
    """A set whose TO-2 (and with it TO-1) is due, and the portal."""

    warehouse: Warehouse
    twin: BitrixTwin
    clock: SimulatedClock

    def run(self, after: timedelta = timedelta(0)) -> list[str]:
        """What the sensor and its run do then, in a process of their own."""
        self.clock.advance_to(self.clock.now() + after)
        if not bitrix.is_due(self.warehouse, self.clock.now()):
            return []
        portal = Portal(Webhook.of(self.twin.webhook), self.clock, timeout_s=5.0)
        return bitrix.synchronise(self.warehouse, self.clock, Office(portal, Place(7), "ru"))

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.warehouse.begin() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def one(self, query: str) -> object:
        ((found,),) = self.rows(query)
        return found

    @property
    def task(self) -> int:
        (task_id,) = self.twin.tasks
        return task_id

    def tick_all(self, but: tuple[str, ...] = ()) -> None:
        for line in self.twin.tasks[self.task].lines:
            if line.parent and line.title.split(" ")[0] not in but:
                line.is_done, line.by, line.at = True, 12, self.clock.now()

    def alarms(self) -> dict[str, str]:
        return dict(self.rows("SELECT kind, text FROM ems.alarm WHERE cleared_at IS NULL AND kind LIKE 'bitrix%'"))  # type: ignore[arg-type]

    def alerts(self) -> list[object]:
        return [
            row[0] for row in self.rows("SELECT level FROM ems.maintenance_alert WHERE resolved_at IS NULL ORDER BY 1")
        ]


@pytest.fixture(params=[False, True], ids=["old", "rest3"])
def hall(request: pytest.FixtureRequest, warehouse: Warehouse, home01: Site) -> Iterator[Hall]:
    clock = SimulatedClock(START)
    with warehouse.begin() as connection:
        template = serviced.begin(connection, serviced.yard(home01), START)
        connection.exec_driver_sql(
            "UPDATE ems.bitrix_portal SET looked_at = NULL, answered_at = NULL, failing_since = NULL, woken_at = NULL, "
            "held_until = NULL, is_shut = false, problem = ''"
        )
        known = serviced.last(TO_1=(850, 5), TO_2=(600, 5), TO_3=(1000, 5), TO_4=(1000, 5))
        maintenance.put_plan(connection, "yard", "gen-1", template, known)
        serviced.counts(connection, 1110, at=START)
        services.settle(connection, START)
    with serving_bitrix(clock, has_new=request.param) as twin:
        yield Hall(warehouse, twin, clock)


def test_the_largest_service_that_is_due_becomes_one_task_with_its_checklist_in_the_portals_language(
    hall: Hall,
) -> None:
    hall.run()
    task = hall.twin.tasks[hall.task]
    assert task.title.startswith("TO-2 gen-1, Yard [ems-")
    lines = [line.title for line in task.lines if line.parent]
    assert len(lines) == 27
    assert "Слить" in lines[0]
    for _ in range(5):
        hall.run(5 * MINUTE)
    assert len(hall.twin.tasks) == 1
    assert hall.one("SELECT count(*) FROM ems.maintenance_order") == 1


@pytest.mark.parametrize("fault", ["lost-add", "lost-lines"])
def test_an_answer_that_never_came_makes_no_second_task(hall: Hall, fault: str) -> None:
    hall.twin.faults.add(fault)
    assert any("no connection" in line for line in hall.run())
    assert hall.run(30 * timedelta(seconds=1)) == []  # the portal may still be at it
    hall.run(2 * MINUTE)
    assert len(hall.twin.tasks) == 1
    assert len([line for line in hall.twin.tasks[hall.task].lines if line.parent]) == 27
    assert hall.one("SELECT state FROM ems.bitrix_task") == "open"


def test_a_crash_after_it_was_sent_makes_no_second_task(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("ems_pipeline.warehouse.bitrix.added", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            hall.run()
    hall.run(2 * MINUTE)
    assert (len(hall.twin.tasks), hall.one("SELECT task_id FROM ems.bitrix_task")) == (1, hall.task)


def test_a_task_that_people_closed_becomes_the_log_and_ends_the_alerts_of_its_level_and_below(hall: Hall) -> None:
    hall.run()
    assert hall.alerts() == ["TO-1", "TO-2"]
    hall.clock.advance_to(START + HOUR)
    hall.tick_all(but=("T2-14",))
    hall.twin.close(hall.task, by=12)
    hall.run(5 * MINUTE)
    assert hall.alerts() == []
    assert hall.rows("SELECT state, done_by, done_at, closed_levels FROM ems.maintenance_order") == [
        ("done", f"{hall.one('SELECT done_by FROM ems.maintenance_order')}", START + HOUR, ["TO-1", "TO-2"])
    ]
    assert "Bitrix24 user 12" in str(hall.one("SELECT done_by FROM ems.maintenance_order"))
    assert hall.rows("SELECT code FROM ems.maintenance_finding") == [("T2-14",)]
    assert hall.rows("SELECT note FROM ems.maintenance_item WHERE code = 'T2-03'") == [
        (f"Bitrix24 user 12, {START + HOUR:%Y-%m-%d %H:%M} UTC",)
    ]
    calls = len(hall.twin.calls)
    hall.run(5 * MINUTE)
    assert hall.twin.calls[calls:] == []  # nothing is open any more


def test_a_task_that_waits_for_approval_counts_as_closed(hall: Hall) -> None:
    hall.run()
    hall.tick_all()
    hall.twin.close(hall.task, status=4)
    hall.run(5 * MINUTE)
    assert hall.one("SELECT state FROM ems.bitrix_task") == "done"


def test_with_a_critical_line_open_the_alert_stays_the_chat_is_told_once_and_reopened_it_is_finished(
    hall: Hall,
) -> None:
    hall.run()
    hall.tick_all(but=("T2-06",))
    hall.twin.close(hall.task)
    for _ in range(4):
        hall.run(5 * MINUTE)
    (said,) = hall.twin.tasks[hall.task].chat
    assert said.startswith("T2-06: critical and not ticked")
    assert (hall.alerts(), hall.one("SELECT state FROM ems.maintenance_order")) == (["TO-1", "TO-2"], "open")
    hall.twin.reopen(hall.task)
    hall.run(5 * MINUTE)
    hall.clock.advance_to(hall.clock.now() + MINUTE)
    hall.twin.tick(hall.task, "T2-06")
    hall.twin.close(hall.task)
    hall.run(5 * MINUTE)
    assert (hall.alerts(), len(hall.twin.tasks)) == ([], 1)


def test_what_was_done_here_is_logged_here_first_and_then_completed_there(hall: Hall) -> None:
    hall.run()
    with hall.warehouse.begin() as connection:
        maintenance.acting_for(connection, "anna")
        order = maintenance.make_order(connection, "yard", "gen-1", "TO-2", hall.clock.now())
        codes = list(connection.execute(sa.text("SELECT code FROM ems.maintenance_item")).scalars())
        for code in codes:
            maintenance.answer(connection, order, code, "not" if code == "T2-14" else "done")
        maintenance.complete(connection, order, None, hall.clock.now())
    hall.twin.faults.add("down")
    hall.run(MINUTE)
    assert hall.alerts() == []
    hall.twin.faults.clear()
    hall.run(HOUR)
    task = hall.twin.tasks[hall.task]
    left = [line.title.split(" ")[0] for line in task.lines if line.parent and not line.is_done]
    assert (task.status, left) == (5, ["T2-14"])


def test_a_portal_that_is_down_for_a_day_costs_nothing_but_the_day(hall: Hall) -> None:
    hall.twin.faults.add("down")
    hall.run()
    for _ in range(24 * 12):
        hall.run(5 * MINUTE)
    assert "502" in hall.alarms()["bitrix-portal"]
    asked = hall.twin.requests
    assert asked < 250, "a portal in trouble is asked seldom"
    hall.twin.faults.clear()
    hall.run(HOUR)
    assert len(hall.twin.tasks) == 1
    assert hall.alarms() == {}


def test_a_webhook_that_is_worth_nothing_is_told_at_once_and_the_queue_is_kept(hall: Hall) -> None:
    hall.twin.faults.add("wrong-code")
    hall.run()
    assert "check EMS_BITRIX_WEBHOOK" in hall.alarms()["bitrix-portal"]
    assert hall.twin.code not in str(hall.rows("SELECT * FROM ems.bitrix_portal")) + str(hall.alarms())
    assert hall.run(5 * MINUTE) == []
    hall.twin.faults.clear()
    hall.run(HOUR)
    assert (len(hall.twin.tasks), hall.alarms()) == (1, {})


def test_a_portal_that_was_shut_by_hand_is_left_alone_until_a_person_says_so(hall: Hall) -> None:
    hall.twin.faults.add("overload")
    hall.run()
    asked = hall.twin.requests
    assert hall.run(DAY) == []
    assert hall.twin.requests == asked
    assert "support of Bitrix24" in hall.alarms()["bitrix-portal"]
    hall.twin.faults.clear()
    assert hall.run(DAY) == []
    with hall.warehouse.begin() as connection:
        connection.exec_driver_sql("SELECT ems.fn_bitrix_sync(false)")
    hall.run()
    assert (len(hall.twin.tasks), hall.alarms()) == (1, {})


def test_time_that_is_spent_is_waited_for(hall: Hall) -> None:
    hall.run()
    hall.twin.faults.add("time-spent")
    hall.run(5 * MINUTE)
    until_at = hall.one("SELECT held_until FROM ems.bitrix_portal")
    assert isinstance(until_at, datetime)
    assert hall.clock.now() < until_at <= hall.clock.now() + 10 * MINUTE


def test_a_bucket_that_others_filled_costs_a_minute(hall: Hall) -> None:
    hall.twin.level = 400.0
    hall.run()
    assert hall.twin.tasks == {}
    hall.run(4 * MINUTE)
    assert len(hall.twin.tasks) == 1


def test_what_a_portal_refuses_is_an_alarm_of_that_task_alone(hall: Hall) -> None:
    hall.twin.faults.add("own-field")
    hall.run()
    ((kind, text),) = hall.alarms().items()
    assert kind.startswith("bitrix-task:")
    assert "<" not in text
    hall.twin.faults.clear()
    hall.run(HOUR)
    assert (len(hall.twin.tasks), hall.alarms()) == (1, {})


def test_a_task_that_is_gone_is_told_and_not_added_again_until_a_person_wants_it(hall: Hall) -> None:
    hall.run()
    hall.twin.delete(hall.task)
    hall.run(5 * MINUTE)
    assert "is gone from Bitrix24" in next(iter(hall.alarms().values()))
    for _ in range(3):
        hall.run(HOUR)
    assert hall.twin.tasks == {}
    with hall.warehouse.begin() as connection:
        connection.exec_driver_sql("SELECT ems.fn_bitrix_sync(true)")
    hall.clock.advance_to(NOW + DAY)  # it goes by the database's clock
    hall.run()
    assert (len(hall.twin.tasks), hall.alarms()) == (1, {})


def test_an_order_that_is_cancelled_here_is_told_there_and_not_made_again(hall: Hall) -> None:
    hall.run()
    with hall.warehouse.begin() as connection:
        maintenance.acting_for(connection, "anna")
        connection.exec_driver_sql("SELECT ems.fn_maintenance_order_cancel(order_id) FROM ems.maintenance_order")
    hall.run(MINUTE)
    hall.run(HOUR)
    assert hall.twin.tasks[hall.task].chat[0].startswith("cancelled by ")
    assert len(hall.rows("SELECT 1 FROM ems.bitrix_task WHERE state = 'withdrawn'")) == 1


def test_an_event_makes_the_look_earlier(hall: Hall) -> None:
    hall.run()
    hall.tick_all()
    hall.twin.close(hall.task)
    assert hall.run(MINUTE) == []
    with hall.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE ems.bitrix_portal SET woken_at = looked_at + interval '90 seconds'")
    hall.run(MINUTE)
    assert hall.one("SELECT state FROM ems.bitrix_task") == "done"


def test_two_at_once_are_one(hall: Hall) -> None:
    with hall.warehouse.engine.connect() as other:
        assert bitrix_post.alone(other)
        assert hall.run() == ["another synchronisation is under way"]
        bitrix_post.done_alone(other)
    hall.run()
    assert len(hall.twin.tasks) == 1
