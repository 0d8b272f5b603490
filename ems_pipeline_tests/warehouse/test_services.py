"""When a service is due, how alerts stand and fall, and the faults of other systems that this one does not have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.maintenance.template import Template, shipped
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, alarms, maintenance, services
from ems_pipeline_tests.warehouse.serviced import (
    NOW,
    alerts,
    begin,
    counts,
    done_by,
    last,
    standing,
    yard,
)

FRESH = last(TO_1=(1000, 1), TO_2=(1000, 1), TO_3=(1000, 1), TO_4=(1000, 1))


@pytest.fixture
def connection(warehouse: Warehouse, home01: Site) -> Iterator[Connection]:
    """A set whose every level was done yesterday at 1000 h, and whose meter counts 1000 h."""
    with warehouse.begin() as connection:
        template = begin(connection, yard(home01))
        maintenance.put_plan(connection, "yard", "gen-1", template, FRESH)
        counts(connection, 1000)
        yield connection


def at_hours(connection: Connection, hours: float) -> dict[str, str]:
    counts(connection, hours)
    return standing(connection)


def on_day(connection: Connection, days: float) -> dict[str, str]:
    """So many days after the service of all levels."""
    return standing(connection, NOW + timedelta(days=days - 1))


def acknowledged(connection: Connection, level: str) -> None:
    number = connection.execute(
        sa.text("SELECT alarm_id FROM ems.maintenance_alert WHERE level = :level AND resolved_at IS NULL"),
        {"level": level},
    ).scalar_one()
    alarms.acknowledge(connection, number, NOW, "local:anna")


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (1000, "ok"),
        (1199, "ok"),
        (1200, "warning"),
        (1229.9, "warning"),
        (1230, "critical"),
        (1250, "critical"),
        (1251, "overdue"),
    ],
)
def test_to_1_is_due_250_h_after_the_last_with_warnings_50_and_20_h_before(
    connection: Connection, hours: float, told: str
) -> None:
    assert at_hours(connection, hours)["TO-1"] == told


def test_every_level_is_counted_by_itself(connection: Connection) -> None:
    """A scheduler elsewhere takes the first level above the hours since any service: at 251 h it says TO-2."""
    assert at_hours(connection, 1251) == {"TO-1": "overdue", "TO-2": "ok", "TO-3": "ok", "TO-4": "ok"}
    assert at_hours(connection, 3001) == dict.fromkeys(("TO-1", "TO-2", "TO-3", "TO-4"), "overdue")


def test_to_2_falls_due_though_every_to_1_was_done(connection: Connection) -> None:
    """With the level of before kept, larger ones never fall due there."""
    counts(connection, 1250)
    assert done_by(connection, "TO-1") == ["TO-1"]
    assert at_hours(connection, 1501) == {"TO-1": "overdue", "TO-2": "overdue", "TO-3": "ok", "TO-4": "ok"}


def test_a_level_stays_overdue_until_it_is_done(connection: Connection) -> None:
    """Who takes the next multiple of the interval is never overdue by hours."""
    for hours in (1251, 1499, 1500, 1501, 1750, 5000):
        assert at_hours(connection, hours)["TO-1"] == "overdue"


@pytest.mark.parametrize(("days", "told"), [(170, "ok"), (176, "warning"), (181, "critical"), (190, "overdue")])
def test_by_the_calendar_it_is_due_though_the_set_stands_still(connection: Connection, days: float, told: str) -> None:
    """Whichever comes first, not both: six months are 181 to 184 days."""
    assert on_day(connection, days)["TO-1"] == told


def test_what_nobody_knows_is_due_now_and_told_once(connection: Connection, home01: Site) -> None:
    template = begin(connection, yard(home01))
    counts(connection, 16_908)
    maintenance.put_plan(connection, "yard", "gen-1", template)
    assert set(standing(connection).values()) == {"critical"}
    assert services.settle(connection, NOW) == 0  # the plan's own statement has raised them
    again = NOW + timedelta(days=30)
    assert services.settle(connection, again) == 0
    told = alarms.open_alarms(connection).filter(pl.col("kind").str.starts_with("maintenance-critical"))
    assert told["times"].to_list() == [1] * 4
    assert "nobody knows when it was done" in told["text"][0]


def test_a_completed_service_closes_its_level_and_all_below_at_the_same_hours(connection: Connection) -> None:
    counts(connection, 1480)
    assert done_by(connection, "TO-2") == ["TO-1", "TO-2"]
    due = maintenance.due(connection, NOW, "yard")
    assert due["due_h"].to_list() == [1730, 1980, 2000, 3000]
    assert due["done_h"].to_list() == [1480, 1480, 1000, 1000]


def test_done_early_it_is_next_due_from_when_it_was_done(connection: Connection) -> None:
    """Elsewhere (OCA/maintenance #161) the next date stayed, and it was due again at once."""
    counts(connection, 1210)
    services.settle(connection, NOW)
    done_by(connection, "TO-1")
    assert (standing(connection)["TO-1"], alerts(connection)) == ("ok", {})
    assert maintenance.due(connection, NOW, "yard")["due_h"][0] == 1460


def test_a_critical_line_left_open_keeps_its_level_due_and_those_above(connection: Connection) -> None:
    """T2-06 proves the gas valves: TO-1 is done, TO-2 is not; with T1-01, the oil, nothing is."""
    counts(connection, 1500)
    services.settle(connection, NOW)
    assert done_by(connection, "TO-2", left=("T2-06",)) == ["TO-1"]
    assert {level: how for level, (how, _) in alerts(connection).items()} == {"TO-2": "critical"}
    assert done_by(connection, "TO-2", left=("T1-01",)) == []


def test_other_lines_left_open_become_findings_with_a_date(connection: Connection) -> None:
    assert done_by(connection, "TO-1", left=("T1-05", "T1-08")) == ["TO-1"]
    found = connection.exec_driver_sql(
        "SELECT code, due_on, closed_at FROM ems.maintenance_finding ORDER BY code"
    ).all()
    month = (NOW + timedelta(days=30)).date()
    assert [tuple(row) for row in found] == [("T1-05", month, None), ("T1-08", month, None)]


def test_an_alert_rises_in_place_and_its_acknowledgement_lapses(connection: Connection) -> None:
    counts(connection, 1205)
    services.settle(connection, NOW)
    acknowledged(connection, "TO-1")
    assert alerts(connection)["TO-1"][0] == "warning"
    assert alerts(connection)["TO-1"][1] is not None
    counts(connection, 1235)
    assert services.settle(connection, NOW) == 1
    assert alerts(connection) == {"TO-1": ("critical", None)}
    counts(connection, 1260)
    services.settle(connection, NOW)
    assert alerts(connection) == {"TO-1": ("overdue", None)}
    assert connection.exec_driver_sql("SELECT count(*) FROM ems.maintenance_alert").scalar_one() == 1


def test_an_acknowledged_alert_is_not_raised_again(connection: Connection) -> None:
    """A scheduler elsewhere looks for active alerts alone: 30 s after an acknowledgement there is a new one."""
    counts(connection, 1205)
    services.settle(connection, NOW)
    acknowledged(connection, "TO-1")
    for look in range(1, 4):
        at = NOW + timedelta(seconds=30 * look)
        assert not services.has_news(connection, at)
        assert services.settle(connection, at) == 0
    assert connection.exec_driver_sql("SELECT count(*) FROM ems.maintenance_alert").scalar_one() == 1
    assert alerts(connection)["TO-1"][1] is not None


def test_an_alert_is_over_only_by_a_log_another_template_or_a_corrected_meter(connection: Connection) -> None:
    counts(connection, 1260)
    services.settle(connection, NOW)
    counts(connection, 1100)  # the sum as somebody wrote it into the table: no event stands behind it
    assert services.settle(connection, NOW) == 0
    assert alerts(connection)["TO-1"][0] == "overdue"
    maintenance.enter_meter(connection, "yard", "gen-1", "corrected", 1100, NOW, reason="typed a digit too many")
    assert alerts(connection) == {}
    resolved = connection.exec_driver_sql("SELECT resolved_by FROM ems.maintenance_alert").scalars().all()
    assert resolved == ["meter"]


def test_another_version_of_the_template_counts_from_when_it_is_given(connection: Connection) -> None:
    counts(connection, 1260)
    services.settle(connection, NOW)
    document = shipped()[0].document()
    document["levels"][0]["hours"] = 500
    for task in document["tasks"]:
        task["hours"] = 500 if task["level"] == "TO-1" else task["hours"]
    number = maintenance.add_template(connection, Template.model_validate(document))
    assert standing(connection)["TO-1"] == "overdue"
    maintenance.put_plan(connection, "yard", "gen-1", number)
    assert (standing(connection)["TO-1"], alerts(connection)) == ("ok", {})
    assert connection.exec_driver_sql("SELECT resolved_by FROM ems.maintenance_alert").scalars().all() == ["template"]


def test_a_plan_that_ends_ends_its_alerts(connection: Connection) -> None:
    counts(connection, 1260)
    services.settle(connection, NOW)
    connection.exec_driver_sql("SELECT ems.fn_maintenance_plan_end('yard', 'gen-1')")
    assert (standing(connection), alerts(connection)) == ({}, {})


def test_an_edited_template_leaves_open_orders_as_they_were_made(connection: Connection) -> None:
    order = maintenance.make_order(connection, "yard", "gen-1", "TO-1", NOW)
    document = shipped()[0].document()
    document["tasks"][0]["text"]["en"] = "Something else"
    number = maintenance.add_template(connection, Template.model_validate(document))
    maintenance.put_plan(connection, "yard", "gen-1", number)
    text = "SELECT text ->> 'en' FROM ems.maintenance_item WHERE order_id = :o AND code = 'T1-01'"
    assert connection.execute(sa.text(text), {"o": order}).scalar_one().startswith("Drain warm engine oil")


def test_the_same_template_again_is_no_new_version(connection: Connection) -> None:
    (template,) = shipped()
    assert maintenance.add_template(connection, template) == maintenance.add_template(connection, template)
    assert maintenance.templates(connection).height == 1


def test_an_order_sent_twice_is_one_and_completed_twice_is_one_service(connection: Connection) -> None:
    first = maintenance.make_order(connection, "yard", "gen-1", "TO-1", NOW)
    assert maintenance.make_order(connection, "yard", "gen-1", "TO-1", NOW) == first
    for code in connection.exec_driver_sql("SELECT code FROM ems.maintenance_item").scalars().all():
        maintenance.answer(connection, first, code, "done")
    before = connection.exec_driver_sql("SELECT count(*) FROM ems.maintenance_done").scalar_one()
    closed = [maintenance.complete(connection, first, None, NOW) for _ in range(2)]
    assert closed == [["TO-1"], ["TO-1"]]
    assert connection.exec_driver_sql("SELECT count(*) FROM ems.maintenance_done").scalar_one() == before + 1


def test_a_task_with_an_interval_of_its_own_joins_when_its_own_is_over(connection: Connection) -> None:
    """T3-13 (4000 h) was done with TO-3 at 1000 h: not at 2000 h, again at 5000 h."""

    def tasks(order: int) -> set[str]:
        found = connection.execute(sa.text("SELECT code FROM ems.maintenance_item WHERE order_id = :o"), {"o": order})
        return set(found.scalars())

    assert done_by(connection, "TO-3") == ["TO-1", "TO-2", "TO-3"]
    counts(connection, 2000)
    order = maintenance.make_order(connection, "yard", "gen-1", "TO-3", NOW)
    assert "T3-13" not in tasks(order)
    connection.execute(sa.text("SELECT ems.fn_maintenance_order_cancel(:o)"), {"o": order})
    counts(connection, 5000)
    assert "T3-13" in tasks(maintenance.make_order(connection, "yard", "gen-1", "TO-3", NOW))


def test_a_service_logged_late_does_not_take_back_one_that_was_done_since(connection: Connection) -> None:
    counts(connection, 1250)
    done_by(connection, "TO-1")
    order = maintenance.make_order(connection, "yard", "gen-1", "TO-1", NOW)
    for code in (
        connection.execute(sa.text("SELECT code FROM ems.maintenance_item WHERE order_id = :o"), {"o": order})
        .scalars()
        .all()
    ):
        maintenance.answer(connection, order, code, "done")
    maintenance.complete(connection, order, 1100, NOW - timedelta(days=20))
    assert maintenance.due(connection, NOW, "yard")["done_h"][0] == 1250


@pytest.mark.parametrize(
    ("hours", "days", "told"),
    [(1400, 0, "more than the meter counts"), (None, 2, "is to come"), (-1, 0, "more than the meter")],
)
def test_a_service_at_impossible_hours_is_refused(
    connection: Connection, hours: float | None, days: float, told: str
) -> None:
    order = maintenance.make_order(connection, "yard", "gen-1", "TO-1", NOW)
    with pytest.raises(ValueError, match=told):
        maintenance.complete(connection, order, hours, NOW + timedelta(days=days))


def test_days_to_a_service_follow_from_the_running_of_a_fortnight_and_from_what_is_planned(
    connection: Connection,
) -> None:
    """140 h in 14 days are 10 h a day: 250 h are 25 days. With 30 h planned in the next two days: 2 + 220 / 10 days."""

    def expected_days() -> float:
        at = maintenance.due(connection, NOW, "yard")["expected_at"][0]
        return float((at - NOW) / timedelta(days=1))

    connection.execute(
        sa.text("INSERT INTO ems.genset_meter_day VALUES ('yard', 'gen-1', :day, 140)"),
        {"day": (NOW - timedelta(days=5)).date()},
    )
    assert expected_days() == pytest.approx(25)
    connection.execute(
        sa.text("UPDATE ems.genset_meter SET planned_h = 30, planned_until = :at"), {"at": NOW + timedelta(days=2)}
    )
    assert expected_days() == pytest.approx(24)
    counts(connection, 1235)  # 15 h are left of the 30 that are planned: half way
    assert expected_days() == pytest.approx(1)


def test_a_set_that_runs_all_day_is_warned_of_by_days_before_it_is_by_hours(connection: Connection) -> None:
    """At 20 h a day seven days are 140 h, more than the 50 h of the warning."""
    connection.execute(
        sa.text("INSERT INTO ems.genset_meter_day VALUES ('yard', 'gen-1', :day, 280)"),
        {"day": (NOW - timedelta(days=5)).date()},
    )
    assert at_hours(connection, 1105)["TO-1"] == "ok"
    assert at_hours(connection, 1111)["TO-1"] == "warning"


def test_a_set_is_held_past_the_tolerance_and_the_planner_is_told_what_is_left(connection: Connection) -> None:
    """TO-1's tolerance is 25 h: at 1240 h 10 are left to it and 35 to the hold; past 1275 h it is held."""

    def told(hours: float) -> tuple[Any, ...]:
        counts(connection, hours)
        (row,) = services.service_holds(connection, ["yard", "elsewhere"], NOW).iter_rows()
        return row

    assert told(1240) == ("yard", "gen-1", 10, 35, False, False)
    assert told(1275) == ("yard", "gen-1", -25, 0, False, False)
    assert told(1276) == ("yard", "gen-1", -26, 0, True, False)


def test_a_set_that_somebody_works_on_is_told_to_the_planner(connection: Connection) -> None:
    order = maintenance.make_order(connection, "yard", "gen-1", "TO-1", NOW)
    assert services.service_holds(connection, ["yard"], NOW)["is_worked_on"].to_list() == [False]
    maintenance.answer(connection, order, "T1-01", "done")
    assert services.service_holds(connection, ["yard"], NOW)["is_worked_on"].to_list() == [True]
    connection.execute(sa.text("SELECT ems.fn_maintenance_order_cancel(:o)"), {"o": order})
    assert services.service_holds(connection, ["yard"], NOW)["is_worked_on"].to_list() == [False]


def test_what_people_are_told_stands_as_long_as_the_alert_and_is_counted_once(connection: Connection) -> None:
    counts(connection, 1260)
    assert services.has_news(connection, NOW)
    services.settle(connection, NOW)
    for hours in (1261, 1300):
        counts(connection, hours)
        assert not services.has_news(connection, NOW)
        services.settle(connection, NOW)
    (alarm,) = alarms.open_alarms(connection).iter_rows(named=True)
    assert (alarm["kind"], alarm["severity"], alarm["times"]) == ("maintenance-overdue:gen-1.TO-1", "critical", 1)
    assert alarm["text"].startswith("TO-1 of gen-1 is due at 1250 h or on 20")
    done_by(connection, "TO-1")
    assert services.has_news(connection, NOW)
    services.settle(connection, NOW)
    assert alarms.open_alarms(connection).is_empty()
