"""The supervisor sees that clock work is not done, whatever became of its code, and lets go what is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from ems_pipeline.orchestration.installation import duties as module
from ems_pipeline.orchestration.installation.duties import DUTIES, EVERY_S, Duties
from ems_pipeline.orchestration.installation.herald import Herald
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import MINUTE
from ems_pipeline.warehouse import alarms, served
from ems_pipeline_tests.control.conftest import NOON, Bench, days_lived, home, troubled
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE
from ems_pipeline_tests.notify.test_notify import Friend

__all__ = ["days_lived", "home", "troubled"]
KINDS = [duty.kind for duty in DUTIES]


@dataclass
class Watched:
    """Clock work as the tables tell of it, looked at every second of a steady clock."""

    home: Bench
    steady_s: float = 0.0
    left: dict[str, Any] = field(default_factory=lambda: {"sites": 1, **dict.fromkeys(KINDS, 0)})
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.friend = Friend()
        platform = Platform(self.home.warehouse, self.home.clock, list)
        herald = Herald(platform, [self.friend], self.said.append)
        self.duties = Duties(platform, herald, self.said.append, lambda: self.steady_s)

    def live(self, seconds: float, *done: str, every_s: float = 60.0) -> None:
        """Time goes by, in which some duties are done again and again."""
        end = self.steady_s + seconds
        while self.steady_s < end:
            self.steady_s += 1
            if self.steady_s % every_s == 0:
                self.left |= {kind: self.left[kind] + 1 for kind in done}
            self.duties.look()

    def open(self) -> set[str]:
        with self.home.warehouse.begin() as connection:
            found = alarms.open_alarms(connection)
        return {row["kind"] for row in found.to_dicts() if row["severity"] == "critical"}


@pytest.fixture
def watched(home: Bench, monkeypatch: pytest.MonkeyPatch) -> Watched:
    made = Watched(home)
    monkeypatch.setattr(module.served, "left_behind", lambda connection: dict(made.left))
    return made


def test_clock_work_that_is_done_is_no_news(watched: Watched) -> None:
    watched.live(3600, *KINDS)
    assert (watched.open(), watched.said, watched.friend.heard) == (set(), [], [])


@pytest.mark.parametrize(("kind", "longest_s"), [(duty.kind, duty.longest_s) for duty in DUTIES])
def test_what_is_not_done_for_its_longest_time_is_told_to_people_from_here(
    watched: Watched, kind: str, longest_s: float
) -> None:
    """The sensor that tells of alarms may be what has stopped."""
    others = [other for other in KINDS if other != kind]
    watched.live(120, *KINDS)
    watched.live(longest_s - 2 * EVERY_S, *others)
    assert watched.open() == set()
    watched.live(3 * EVERY_S + 60, *others)
    assert watched.open() == {kind}
    assert len(watched.friend.heard) == 1
    watched.live(3600, *others)
    assert len(watched.friend.heard) == 1, "once"
    watched.live(120, *KINDS)
    assert watched.open() == set(), "it goes on"
    assert len(watched.friend.heard) == 2


def test_an_installation_without_sites_has_nothing_to_do(watched: Watched) -> None:
    watched.left["sites"] = 0
    watched.live(7200)
    assert watched.open() == set()
    watched.left["sites"] = 1
    watched.live(200)
    assert watched.open() == set(), "a site that was just added has its time, too"


def test_what_clock_work_leaves_is_seen_in_the_tables(home: Bench) -> None:
    with home.warehouse.begin() as connection:
        before = served.left_behind(connection)
        served.decide(connection, [home.site], NOON, NOON)
        decided = served.left_behind(connection)
    assert decided["control-stopped"] != before["control-stopped"]
    home.plan(CHARGE)
    with home.warehouse.begin() as connection:
        planned = served.left_behind(connection)
        alarms.raise_alarm(connection, home.site.key, "unplanned", "warning", "no price", NOON)
        unplanned = served.left_behind(connection)
        connection.exec_driver_sql(
            "INSERT INTO ems.device_health (site_key, device_key, state, last_attempt_at) "
            "VALUES ('home01', 'inverter', 'degraded', '2026-03-01')"
        )
        asked = served.left_behind(connection)
    assert len({str(s["plan-stopped"]) for s in (decided, planned, unplanned)}) == 3
    assert asked["telemetry-stopped"] != unplanned["telemetry-stopped"]


def test_a_setpoint_that_outlives_its_time_is_let_go_without_any_clock_work(home: Bench) -> None:
    home.plan(CHARGE, CAR)
    home.control()
    assert home.held("inverter")["grid_charge_enable"] == 1
    watched = Watched(home)
    home.advance(minutes=home.site.control.setpoint_ttl_minutes)
    watched.live(EVERY_S)
    assert home.held("inverter")["grid_charge_enable"] == 1, "verification has its two minutes"
    home.clock.wait_until(home.clock.now() + served.OVERDUE + timedelta(seconds=1))
    watched.live(EVERY_S)
    assert home.held("inverter")["grid_charge_enable"] == 0
    assert home.held("wallbox-1")["current_limit"] == 16
    assert home.steered() == set()
    assert "expired" in home.states("inverter")
    home.written.clear()
    home.clock.wait_until(home.clock.now() + 5 * MINUTE)
    watched.live(10 * EVERY_S)
    assert home.written == [], "once"
