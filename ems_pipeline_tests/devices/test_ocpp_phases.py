"""From three phases to one and back by OCPP: what is told, the pause in between, and chargers that do not do it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ems_pipeline.devices.driver.contract import SetpointRefused
from ems_pipeline.devices.ocpp.profile import Offer, Order, When, composite, of_201, setpoint_profile
from ems_pipeline.devices.ocpp.turn import Turn
from ems_pipeline.sites import Site
from ems_pipeline_tests.devices.ocpp_bench import VERSIONS, OcppBench, charging

NOW = datetime(2026, 1, 14, 17, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def home(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_HOME", str(tmp_path))


@pytest.fixture(params=VERSIONS)
def box(request: pytest.FixtureRequest, home01: Site) -> Iterator[OcppBench]:
    with charging(home01, request.param, switches=True) as bench:
        yield bench


def order(phases: int, current_a: float = 10.0) -> Order:
    return Order(current_a, phases, NOW + 20 * MINUTE)


def periods(profile: dict[str, Any]) -> list[tuple[int, float, int]]:
    told = profile["charging_schedule"]["charging_schedule_period"]
    return [(p["start_period"], p["limit"], p["number_phases"]) for p in told]


def test_one_phase_is_told_after_a_minute_in_which_nothing_is_offered(box: OcppBench) -> None:
    answer, echoes = box.tell(10, phases=1)
    assert answer.accepted, answer.reason
    assert all(e.matches for e in echoes), echoes
    box.pass_by(seconds=30)
    assert box.twin.box.power_w == 0, "contactors are not switched under load"
    box.pass_by(seconds=31)
    assert box.twin.offer() == (10.0, 1)
    assert box.said()["ev_power_w"].value == pytest.approx(2300)
    assert box.said()["phases"].value == 1


def test_the_way_back_to_three_phases_pauses_as_well(box: OcppBench) -> None:
    box.tell(10, phases=1)
    box.pass_by(minutes=15)
    box.tell(10, phases=3)
    box.pass_by(seconds=30)
    assert box.twin.box.power_w == 0
    box.pass_by(seconds=31)
    assert box.said()["ev_power_w"].value == pytest.approx(6900)


def test_who_stays_at_one_phase_is_not_paused_again_and_a_pause_is_finished(box: OcppBench) -> None:
    box.tell(10, phases=1)
    box.pass_by(seconds=30)
    box.tell(12, phases=1)
    assert box.twin.offer() == (0.0, 1)
    box.pass_by(seconds=31)
    assert box.twin.offer() == (12.0, 1)
    box.pass_by(minutes=14)
    box.tell(8, phases=1)
    assert box.twin.offer() == (8.0, 1)


def test_one_phase_ends_with_its_setpoint(box: OcppBench) -> None:
    box.tell(10, phases=1, minutes=20)
    box.pass_by(minutes=21)
    assert box.twin.offer() == (6.0, 3), "the safe profile is for what is wired"


def test_a_charger_that_refuses_one_phase_says_so_and_keeps_the_safe_current(box: OcppBench) -> None:
    box.twin.feel("refuses-phases")
    answer, _ = box.tell(10, phases=1)
    assert not answer.accepted
    assert "wants switches_phases: false" in answer.reason
    assert box.twin.offer() == (6.0, 3)
    answer, _ = box.tell(10, phases=3)
    assert answer.accepted


def test_a_charger_that_says_yes_and_stays_at_three_phases_is_seen_in_what_it_offers(box: OcppBench) -> None:
    box.twin.feel("one-way")
    answer, echoes = box.tell(10, phases=1)
    assert answer.accepted
    assert {e.point: e.found for e in echoes if not e.matches} == {"phases": 3.0}


def test_a_charger_of_which_the_site_file_does_not_say_so_is_not_told_one_phase(home01: Site) -> None:
    with charging(home01, "ocpp1.6") as box, pytest.raises(SetpointRefused, match="is wired for 3 phases"):
        box.tell(10, phases=1)


def test_a_charger_that_pauses_by_itself_is_told_a_single_period(home01: Site) -> None:
    with charging(home01, "ocpp1.6", options={"switch_pause_s": 0}, switches=True) as box:
        answer, echoes = box.tell(10, phases=1)
        assert answer.accepted
        assert all(e.matches for e in echoes)
        assert box.twin.offer() == (10.0, 1)


def test_the_phase_is_chosen_where_the_version_can_say_it(home01: Site) -> None:
    for version, told in (("ocpp1.6", None), ("ocpp2.0.1", 2)):
        with charging(home01, version, options={"phase_to_use": 2}, switches=True) as box:
            box.tell(10, phases=1)
            period = box.twin.profiles[72]["charging_schedule"]["charging_schedule_period"][-1]
            assert period.get("phase_to_use") == told
            box.tell(10, phases=3)
            period = box.twin.profiles[72]["charging_schedule"]["charging_schedule_period"][-1]
            assert "phase_to_use" not in period


def test_a_pause_is_a_period_of_the_profile_in_its_own_time() -> None:
    paused = When(NOW, timedelta(hours=1), NOW + MINUTE)
    assert periods(setpoint_profile(order(1), paused)) == [(0, 0.0, 1), (120, 10.0, 1)]
    assert periods(setpoint_profile(order(1), When(NOW + MINUTE, timedelta(0), NOW + MINUTE))) == [(0, 10.0, 1)]
    late = When(NOW, timedelta(0), NOW + 30 * MINUTE)
    assert periods(setpoint_profile(order(1), late)) == [(0, 10.0, 1)], "a pause beyond the set-point is none"


def test_a_turn_is_made_by_a_current_alone() -> None:
    turn = Turn().to(order(1), 3, MINUTE, NOW)
    assert turn == Turn(1, NOW + MINUTE)
    assert turn.to(order(3, 0.0), 3, MINUTE, NOW + MINUTE) == turn, "nothing is switched while nothing flows"
    assert turn.to(order(3), 3, MINUTE, NOW + MINUTE) == Turn(3, NOW + 2 * MINUTE)
    assert Turn().to(order(3), 3, MINUTE, NOW) == Turn()


def test_a_composite_schedule_is_read_for_the_end_of_the_pause() -> None:
    found = [{"start_period": 0, "limit": 0, "number_phases": 1}, {"start_period": 60, "limit": 10.0}]
    schedule = {"charging_rate_unit": "A", "charging_schedule_period": found}
    assert composite(schedule) == Offer(0.0, 1)
    assert composite(schedule, 60) == Offer(10.0)
    assert composite({**schedule, "charging_rate_unit": "W"}) is None
    assert composite({**schedule, "charging_schedule_period": []}) is None


def test_a_profile_of_201_names_its_phase_for_one_phase_only() -> None:
    (schedule,) = of_201(setpoint_profile(order(3), When(NOW)), 2)["charging_schedule"]
    assert "phase_to_use" not in schedule["charging_schedule_period"][0]
