"""A charger that calls in, over real sockets, in both versions: what is read, told and seen, and what goes wrong.

The twin's frames go through the `ocpp` library's schemas of the Open Charge Alliance, in both directions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ems_pipeline.devices.ocpp import central, station, v16, v201
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.sites import Site
from ems_pipeline_tests.devices.ocpp_bench import BOX, NIGHT, VERSIONS, OcppBench, charging


@pytest.fixture(autouse=True)
def home(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_HOME", str(tmp_path))


@pytest.fixture(params=VERSIONS)
def box(request: pytest.FixtureRequest, home01: Site) -> Iterator[OcppBench]:
    with charging(home01, request.param) as bench:
        yield bench


def test_a_charging_car_is_read_in_site_units(box: OcppBench) -> None:
    box.pass_by(minutes=2)
    said = box.said()
    assert said["ev_status"].value == EvStatus.CHARGING
    assert said["ev_power_w"].value == pytest.approx(3 * 230 * 16)
    assert said["session_energy_wh"].value == pytest.approx(11040 * 2 / 60, abs=2)
    assert said["session_duration_s"].value == pytest.approx(120)
    assert said["fault"].value == 0


def test_a_charger_without_a_car_rests_at_zero_by_its_own_word(home01: Site) -> None:
    for version in VERSIONS:
        with charging(home01, version, NIGHT) as box:
            power = box.said()["ev_power_w"]
            assert (power.value, power.quality) == (0.0, Quality.AT_REST)
            assert "Available" in power.reason
            assert box.said()["ev_status"].value == EvStatus.NOT_CONNECTED


def test_a_setpoint_is_taken_echoed_and_obeyed(box: OcppBench) -> None:
    answer, echoes = box.tell(8)
    assert answer.accepted, answer.reason
    assert all(e.matches for e in echoes), echoes
    box.pass_by(minutes=1)
    said = box.said()
    assert said["ev_current_limit_a"].value == 8
    assert said["ev_power_w"].value == pytest.approx(3 * 230 * 8)


def test_a_pause_stops_the_car_and_ends_again(box: OcppBench) -> None:
    box.tell(0)
    box.pass_by(minutes=1)
    assert box.said()["ev_power_w"].value == 0
    assert box.said()["ev_status"].value == EvStatus.CONNECTED
    box.tell(16)
    box.pass_by(minutes=1)
    assert box.said()["ev_power_w"].value == pytest.approx(11040)


def test_a_setpoint_ends_on_the_charger_though_nobody_comes(box: OcppBench) -> None:
    """The server is gone from the first minute on; the safe current holds from the twentieth."""
    box.tell(16, minutes=20)
    box.board.do(box.board.served[0].close())
    world = box.plant.world
    for minute, current_a in ((19, 16.0), (21, 6.0), (300, 6.0)):
        box.clock.advance_to(world.at + timedelta(minutes=minute) - (world.at - box.plant.start))
        world.advance()
        assert box.twin.limit_a() == current_a


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_off_by_an_hour_ends_no_setpoint_early_or_late(box: OcppBench, hours: int) -> None:
    box.twin.ahead = timedelta(hours=hours)
    box.pass_by(minutes=3)
    assert box.said()["clock_ahead"].value == pytest.approx(hours * 3600, abs=5)
    answer, _ = box.tell(10, minutes=20)
    assert answer.accepted
    box.pass_by(minutes=19)
    assert box.twin.limit_a() == 10
    box.pass_by(minutes=2)
    assert box.twin.limit_a() == 6


def test_what_holds_when_nobody_comes_is_the_site_files_choice(home01: Site) -> None:
    with charging(home01, "ocpp1.6", options={"safe_current_a": 0}) as box:
        box.tell(16)
        box.release()
        assert box.twin.limit_a() == 0


def test_a_release_leaves_the_safe_current_alone(box: OcppBench) -> None:
    box.tell(16)
    answer, echoes = box.release()
    assert answer.accepted
    assert all(e.matches for e in echoes)
    assert box.twin.limit_a() == 6
    assert [p["charging_profile_id"] for p in box.twin.profiles.values()] == [71]


def test_a_setpoint_is_rewritten_for_its_new_end(box: OcppBench) -> None:
    box.tell(10, minutes=20)
    box.pass_by(minutes=15)
    box.tell(10, minutes=20)
    box.pass_by(minutes=19)
    assert box.twin.limit_a() == 10


def test_a_refused_profile_is_no_setpoint_and_says_why(box: OcppBench) -> None:
    box.twin.feel("refuses")
    answer, echoes = box.tell(8)
    assert not answer.accepted
    assert "Rejected" in answer.reason
    assert not all(e.matches for e in echoes)


def test_nothing_is_told_without_a_safe_current_below(box: OcppBench) -> None:
    box.twin.feel("refuses")
    answer, _ = box.tell(8)
    assert "without a safe current" in answer.reason
    assert box.twin.profiles == {}


def test_an_ignored_profile_is_seen_in_what_the_charger_offers(box: OcppBench) -> None:
    box.twin.feel("ignores")
    answer, echoes = box.tell(8)
    assert answer.accepted
    wrong = {e.point: e.found for e in echoes if not e.matches}
    assert wrong == {"current_limit": 16.0}


def test_a_charger_that_does_not_say_what_it_offers_is_believed_until_its_power_tells(home01: Site) -> None:
    with charging(home01, "ocpp1.6", options={"composite_schedule": False}) as box:
        box.twin.feel("ignores")
        _, echoes = box.tell(8)
        assert all(e.matches for e in echoes)
        box.pass_by(minutes=1)
        assert box.said()["ev_power_w"].value == pytest.approx(11040)


def test_a_reboot_while_charging_forgets_what_was_told(box: OcppBench) -> None:
    box.tell(8)
    box.twin.reboots()
    box.board.do(box.board.callers[BOX].hang_up())
    box.settle()
    said = box.said()
    assert said["limit_until"].value is None
    assert "since it started" in said["limit_until"].reason
    assert said["ev_status"].value == EvStatus.CHARGING


def test_a_lost_connection_forgets_nothing(box: OcppBench) -> None:
    box.tell(8)
    box.board.do(box.board.callers[BOX].hang_up())
    box.settle()
    assert box.said()["ev_current_limit_a"].value == 8
    assert box.said()["session_energy_wh"].value is not None


def test_a_charger_that_is_gone_is_unknown_since_when_and_why(box: OcppBench) -> None:
    box.board.hang_up_for_good()
    found = box.said()
    assert {r.value for r in found.values()} == {None}
    assert {r.quality for r in found.values() if r.quantity != "fault"} == {Quality.NO_ANSWER}
    assert "wallbox-1 is not connected since 2026-01-14 17:00:00 UTC" in found["ev_power_w"].reason


def test_a_silent_socket_is_no_charger(box: OcppBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(central, "LOOK_S", 0.05)
    box.twin.feel("silent")
    box.clock.advance_to(box.clock.now() + timedelta(minutes=3))
    found = box.said()["ev_power_w"]
    assert found.value is None
    assert "has said nothing since 17:00:00 UTC" in found.reason
    box.twin.moods.clear()


def test_an_answer_that_comes_too_late_is_none(box: OcppBench, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (station, v16, v201):
        monkeypatch.setattr(module, "ANSWER_S", 0.05)
    box.board.do(box.board.callers[BOX].hang_up())
    box.settle()
    box.twin.feel("late")
    box.twin.late_s = 0.3
    answer, echoes = box.tell(8)
    assert "was not answered within 0.05 s" in answer.reason
    assert not all(e.matches for e in echoes)


def test_messages_that_come_twice_count_once(box: OcppBench) -> None:
    box.twin.feel("twice")
    box.pass_by(minutes=2)
    once = box.said()["session_energy_wh"].value
    assert once == pytest.approx(11040 * 2 / 60, abs=2)


def test_a_counter_that_goes_back_is_no_energy(box: OcppBench) -> None:
    box.pass_by(minutes=2)
    box.twin.feel("counts-back")
    box.pass_by(minutes=1)
    found = box.said()["session_energy_wh"]
    assert found.value is None
    assert "went back" in found.reason
    box.twin.moods.clear()
    box.pass_by(minutes=1)
    assert box.said()["session_energy_wh"].value == pytest.approx(11040 * 4 / 60, abs=2)


def test_a_car_that_leaves_ends_its_transaction(box: OcppBench) -> None:
    before_wh = box.twin.seen().total_wh
    box.pass_by(hours=14)
    said = box.said()
    assert said["ev_status"].value == EvStatus.NOT_CONNECTED
    assert said["ev_power_w"].value == 0
    assert box.twin.transaction is None
    assert said["session_energy_wh"].value == pytest.approx(box.twin.seen().total_wh - before_wh, abs=2)


def test_only_those_on_the_list_may_charge(home01: Site) -> None:
    for version in VERSIONS:
        with charging(home01, version, options={"id_tags": "AB12, Twin"}) as box:
            assert box.twin.transaction is not None
        with charging(home01, version, options={"id_tags": "AB12"}) as box:
            assert box.twin.transaction is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_charger_that_waits_for_a_card_is_started_with_a_setpoint_where_the_site_file_says_so(
    home01: Site, version: str
) -> None:
    for is_wanted in (False, True):
        with charging(home01, version, NIGHT, {"remote_start": is_wanted}) as box:
            box.twin.feel("waits")
            box.pass_by(hours=5)
            assert box.said()["ev_status"].value == EvStatus.CONNECTED
            box.tell(8)
            for _ in range(2):
                box.pass_by(minutes=1)
            assert box.said()["ev_power_w"].value == pytest.approx(8 * 690 if is_wanted else 0)


def test_the_newest_connection_counts_and_the_former_is_closed(box: OcppBench) -> None:
    entrance = box.board.served[0]
    former = entrance.stations[BOX]
    second = box.board.again(BOX)
    box.board.do(second.settle())
    assert entrance.stations[BOX] is not former
    box.tell(8)
    assert box.said()["ev_current_limit_a"].value == 8
