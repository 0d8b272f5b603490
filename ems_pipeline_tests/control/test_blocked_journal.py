"""Somebody keeps a table locked: nothing is told, devices whose time is over are let go all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ems_pipeline.control import runner
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline.warehouse.engine import Blocked
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "JOURNAL_PATIENCE_S", 0.2)


@contextmanager
def locked(home: Bench, mode: str) -> Iterator[None]:
    """The journal is locked by a session of somebody else's."""
    other = Warehouse(home.warehouse.url)
    with other.engine.begin() as connection:
        connection.exec_driver_sql(f"LOCK TABLE ems.setpoint IN {mode} MODE")
        yield
    other.close()


def test_while_the_journal_takes_nothing_nothing_is_told_and_twice_in_a_row_is_an_alarm(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    with locked(home, "SHARE"):
        for _ in range(2):
            assert home.control()[""].state == "failed"
            home.advance(minutes=1)
    assert home.written == []
    with home.warehouse.begin() as connection:
        (alarm,) = alarms.open_alarms(connection).rows(named=True)
    assert alarm["kind"] == "not-served"
    assert "the journal is blocked" in alarm["text"]
    assert home.control()["inverter"].state == "echoed"


def test_whose_time_is_over_while_the_journal_takes_nothing_is_let_go_and_journalled_later(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    home.control()
    home.advance(minutes=25)
    with locked(home, "SHARE"):
        home.verify()
    assert home.held("inverter")["grid_charge_enable"] == 0
    assert home.held("wallbox-1")["current_limit"] == 16
    assert home.held("heat-pump")["flow_setpoint"] == 38
    home.advance(minutes=2)
    written = len(home.written)
    home.verify()
    assert home.states("inverter") == ["expired", "released"]
    assert [w for w in home.written[written:] if w[1] != "ems_heartbeat"] == [], "what stands is not written again"


def test_a_journal_that_cannot_even_be_read_ends_the_run_before_anything_is_told(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    with locked(home, "ACCESS EXCLUSIVE"), pytest.raises(Blocked):
        home.control()
    assert home.written == []


def test_what_waited_for_the_journal_until_its_time_was_over_is_not_told(
    home: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock ends in time for the transaction and too late for the set-point."""
    from ems_pipeline.warehouse import setpoints

    intend = setpoints.intend

    def late(*arguments: object) -> object:
        found = intend(*arguments)  # type: ignore[arg-type]
        if not late.done:  # type: ignore[attr-defined]
            late.done = True  # type: ignore[attr-defined]
            home.advance(minutes=40)
        return found

    late.done = False  # type: ignore[attr-defined]
    monkeypatch.setattr(setpoints, "intend", late)
    home.plan(CHARGE, CAR, WARM)
    home.control()
    assert home.held("inverter")["grid_charge_enable"] == 0
    assert home.held("wallbox-1")["current_limit"] == 16
    assert home.states("inverter")[0] == "superseded"
