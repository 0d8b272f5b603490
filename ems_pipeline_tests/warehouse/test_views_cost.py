"""No view and no function looks at more than twice as much where twice as much is stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from benchmarks.years import QUESTIONS, add_sites, live_through
from ems_pipeline.warehouse import Warehouse

START = datetime(2025, 10, 1, tzinfo=UTC)
DAYS = 24
NO_ANSWERS = {
    "fn_alarm_acknowledge", "fn_bitrix_sync", "fn_bitrix_wake", "fn_button_press", "fn_channel_bind",
    "fn_create_planning_run", "fn_create_series_table", "fn_disarm", "fn_drop_asked", "fn_drop_telemetry",
    "fn_ensure_partitions", "fn_gateway_take", "fn_genset_actor", "fn_genset_alarm_acknowledge",
    "fn_genset_alarm_lock", "fn_genset_alarm_of", "fn_genset_alarm_shelve", "fn_genset_alarm_unshelve",
    "fn_genset_command_add", "fn_genset_command_busy", "fn_genset_command_cancel", "fn_genset_command_confirm",
    "fn_genset_command_end", "fn_genset_command_fault", "fn_genset_command_file", "fn_genset_command_take",
    "fn_genset_cost", "fn_genset_device", "fn_genset_lock", "fn_genset_meter_enter", "fn_genset_remove",
    "fn_genset_restore", "fn_genset_unlock", "fn_goal_add", "fn_goal_cancel", "fn_goal_fault",
    "fn_has_timescale", "fn_maintenance_alert_acknowledge", "fn_maintenance_closed", "fn_maintenance_draft_end",
    "fn_maintenance_finding_close", "fn_maintenance_item_answer", "fn_maintenance_order_add",
    "fn_maintenance_order_cancel", "fn_maintenance_order_complete", "fn_maintenance_person",
    "fn_maintenance_plan_end", "fn_maintenance_plan_put", "fn_maintenance_set", "fn_maintenance_stand",
    "fn_maintenance_template_add", "fn_maintenance_template_retire", "fn_notify_live", "fn_override_add",
    "fn_override_cancel", "fn_planner_change", "fn_planner_promote",
    "fn_push_bind", "fn_push_end", "fn_request_add", "fn_requester", "fn_slot_cost",
    "fn_wanted_fault", "fn_wish_ask", "fn_wish_channel", "fn_wish_confirm", "fn_wish_file",
}  # fmt: skip
"""Functions that write one row, change the catalogue, or read nothing."""
SLACK = 1.3
"""For the levels of an index and the pages that are not full."""


def touched(connection: Connection, sql: str, given: dict[str, Any]) -> tuple[int, int]:
    """Pages looked at, those of nested statements included, and rows that passed the nodes of the outer one's plan."""
    connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
    told = connection.execute(sa.text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"), given).scalar_one()
    plan = told[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], int(rows_of(plan))


def rows_of(node: dict[str, Any]) -> float:
    dropped = sum(number for name, number in node.items() if name.startswith("Rows Removed by"))
    own = (node["Actual Rows"] + dropped) * node["Actual Loops"]
    return float(own) + sum(rows_of(child) for child in node.get("Plans", []))


@pytest.fixture(scope="module")
def measured(warehouse: Warehouse) -> dict[str, list[tuple[int, int]]]:
    """Pages and rows by question: after `DAYS` of two sites, and after twice as many."""
    found: dict[str, list[tuple[int, int]]] = {name: [] for name in QUESTIONS}
    with warehouse.begin() as connection:
        keys = add_sites(connection, 2)
    for part in range(2):
        live_through(warehouse, START + part * timedelta(days=DAYS), DAYS)
        end = START + (part + 1) * timedelta(days=DAYS)
        given = {"site": keys[-1], "start": START, "end": end, "day": START}
        for name, question in QUESTIONS.items():
            with warehouse.engine.connect() as connection:
                found[name].append(touched(connection, question.sql, given))
                connection.rollback()
    return found


def test_the_last_week_does_not_cost_the_weeks_before_it(measured: dict[str, list[tuple[int, int]]]) -> None:
    (pages, rows), (more_pages, more_rows) = measured["vw_telemetry_15m_7d"]
    assert more_pages <= SLACK * pages
    assert more_rows <= SLACK * rows


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_twice_the_history_is_at_most_twice_the_work(name: str, measured: dict[str, list[tuple[int, int]]]) -> None:
    (pages, rows), (more_pages, more_rows) = measured[name]
    assert more_pages <= 2 * SLACK * pages + 50
    assert more_rows <= 2 * SLACK * rows + 200


def test_every_view_and_every_function_that_reads_is_asked_something(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        views = connection.execute(sa.text("SELECT viewname FROM pg_views WHERE schemaname = 'ems'")).scalars().all()
        functions = (
            connection.execute(sa.text("SELECT proname FROM pg_proc WHERE pronamespace = 'ems'::regnamespace"))
            .scalars()
            .all()
        )
    assert set(QUESTIONS) == (set(views) | set(functions)) - NO_ANSWERS
