"""What a set and a switchboard do, and when: the table of genset-operation.md section 6, in steps of half a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ems_pipeline.gensets.states import BreakerState, EngineState
from ems_pipeline.plant.gensets import Hall, switch_off, switch_on
from ems_pipeline.plant.gensets.board import LoadMode, MainsState
from ems_pipeline.plant.gensets.genset import Genset, Mode
from ems_pipeline.plant.gensets.keys import AUTO, CLOSE, CONTACT, MANUAL, OPEN, RESET, START, STOP, press
from ems_pipeline.plant.gensets.running import gas_m3_h

STEP_S = 0.5
RATED_W = 160_000.0


@pytest.fixture
def hall() -> Hall:
    return Hall({"a": RATED_W, "b": RATED_W}, load_w=120_000.0)


def until(hall: Hall, is_so: Callable[[], bool], within_s: float = 600.0) -> float:
    """Seconds until it is so."""
    begun_s = hall.now_s
    while not is_so():
        assert hall.now_s - begun_s < within_s, [(s.state, s.breaker.state, s.power_w) for s in hall.sets.values()]
        hall.step()
    return hall.now_s - begun_s


def states(hall: Hall, genset: Genset, seconds: float) -> Iterator[tuple[EngineState, float]]:
    """Each state and how long it lasted, as it ends."""
    before, since_s, end_s = genset.state, hall.now_s, hall.now_s + seconds
    while hall.now_s < end_s:
        hall.step()
        if genset.state is not before:
            yield before, hall.now_s - since_s
            before, since_s = genset.state, hall.now_s


def by_hand(hall: Hall, key: str = "a") -> Genset:
    """A set in MANUAL, its start key pressed."""
    genset = hall.sets[key]
    press(genset, MANUAL)
    press(genset, START)
    return genset


def parallel(hall: Hall, target_pct: float = 50.0) -> None:
    """Both sets at their target beside the mains."""
    for genset in hall.sets.values():
        genset.target_pct = target_pct
    hall.board.is_contact_made = True
    until(hall, lambda: all(abs(s.load - target_pct / 100) < 1e-9 for s in hall.sets.values()))


def test_a_start_takes_the_times_of_the_table(hall: Hall) -> None:
    took = dict(states(hall, by_hand(hall), 90))
    step = STEP_S  # a state of no time at all lasts one step
    assert took == {
        EngineState.STANDBY: step, EngineState.PREHEAT: 2, EngineState.FUEL_ON: 1, EngineState.CRANKING: 3,
        EngineState.SAFETY_RUN: 10, EngineState.START_IDLE: step, EngineState.WARMING_UP: 60,
        EngineState.WAIT_LOAD: 1.5,  # found waiting, then within 1 s on the dead busbar
    }  # fmt: skip


def test_a_start_that_does_not_fire_rests_and_gives_up_at_the_third(hall: Hall) -> None:
    switch_on(hall, "crank-fail", "a")
    genset = by_hand(hall)
    seen = [s for s in states(hall, genset, 60) if s[0] in (EngineState.CRANKING, EngineState.CRANK_REST)]
    assert seen == [(EngineState.CRANKING, 8), (EngineState.CRANK_REST, 10)] * 2 + [(EngineState.CRANKING, 8)]
    assert genset.state is EngineState.STANDBY
    assert {(a.address, a.bit) for a in genset.panel.shown} == {(1, 8)}
    assert genset.running.starts == 180
    press(genset, RESET)
    assert list(states(hall, genset, 60)) == [], "a reset is no start"


def test_it_fires_after_as_many_failures_as_are_asked_for(hall: Hall) -> None:
    switch_on(hall, "crank-fail", "a", 2)
    genset = by_hand(hall)
    assert until(hall, lambda: genset.state is EngineState.SAFETY_RUN) == STEP_S + 2 + 1 + 2 * (8 + 10) + 3


def test_a_stop_unloads_opens_cools_and_stands_still(hall: Hall) -> None:
    parallel(hall)
    hall.board.is_contact_made = False
    took = dict(states(hall, hall.sets["a"], 300))
    # from 50 % to below 5 % at 3 % a second is 15 s and a step more; then two halves of a second to open
    assert took[EngineState.RUNNING] == pytest.approx(15.5 + 1 + 2 * STEP_S, abs=STEP_S)
    assert took[EngineState.COOLING] == 180
    assert took[EngineState.ENERGISED_TO_STOP] == 20
    assert took[EngineState.POST_STOP] == 5
    assert (hall.sets["a"].state, hall.sets["a"].running.rpm) == (EngineState.STANDBY, 0)


def test_a_request_while_cooling_brings_it_back_without_a_start(hall: Hall) -> None:
    parallel(hall)
    starts = hall.sets["a"].running.starts
    hall.board.is_contact_made = False
    until(hall, lambda: hall.sets["a"].state is EngineState.COOLING)
    hall.board.is_contact_made = True
    until(hall, lambda: hall.sets["a"].state is EngineState.RUNNING, 40)
    assert hall.sets["a"].running.starts == starts


def test_power_goes_for_its_target_by_three_percent_a_second_and_the_mains_give_the_rest(hall: Hall) -> None:
    parallel(hall, 50.0)
    assert (hall.sets_w, hall.mains_w) == (pytest.approx(160_000), pytest.approx(-40_000))
    hall.sets["a"].target_pct = 80.0
    hall.advance(5)
    assert hall.sets["a"].power_w == pytest.approx(RATED_W * (0.5 + 5 * 0.03))
    assert hall.mains_w == pytest.approx(120_000 - hall.sets_w)
    hall.advance(10)
    assert hall.sets["a"].power_w == pytest.approx(RATED_W * 0.8)


@pytest.mark.parametrize(
    ("mode", "power_pct", "mains_w"), [(LoadMode.MAINS, 25.0, 80_000.0), (LoadMode.RECEPTION, 25.0, 0.0)]
)
def test_the_switchboard_can_hold_the_mains_or_take_all_the_load(
    hall: Hall, mode: LoadMode, power_pct: float, mains_w: float
) -> None:
    parallel(hall)
    hall.board.load_mode, hall.board.power_pct = mode, power_pct
    hall.advance(60)
    assert hall.mains_w == pytest.approx(mains_w)
    assert hall.sets["a"].power_w == pytest.approx(hall.sets["b"].power_w)


def test_in_an_island_ratings_share_the_load_and_the_frequency_droops(hall: Hall) -> None:
    hall = Hall({"a": 160_000.0, "b": 80_000.0}, load_w=120_000.0)
    switch_on(hall, "blackout", "board")
    hall.advance(300)
    assert [s.power_w for s in hall.sets.values()] == [pytest.approx(80_000), pytest.approx(40_000)]
    assert (hall.served_w, hall.mains_w, hall.frequency_hz) == (pytest.approx(120_000), 0, pytest.approx(50.0))
    hall.load_w = 240_000
    hall.advance(1)
    assert hall.frequency_hz < 49.0  # the step's dip
    hall.advance(60)
    assert hall.frequency_hz == pytest.approx(49.5)


def test_a_blackout_starts_all_after_five_seconds_and_one_closes_on_the_dead_busbar(hall: Hall) -> None:
    switch_on(hall, "blackout", "board")
    assert until(hall, lambda: hall.sets["a"].state is EngineState.PREHEAT) == STEP_S + 5 + STEP_S
    until(hall, lambda: hall.served_w > 0)
    closed = [s.breaker.closed_on_dead_s for s in hall.sets.values()]
    assert (closed[0] is None) is not (closed[1] is None)
    assert hall.board.mains.state is BreakerState.OPEN
    until(hall, lambda: all(s.breaker.state is BreakerState.CLOSED for s in hall.sets.values()), 30)
    assert [s.breaker.is_on_dead for s in hall.sets.values()].count(True) == 1


def test_returned_mains_wait_a_minute_synchronise_and_let_the_sets_go(hall: Hall) -> None:
    switch_on(hall, "blackout", "board")
    hall.advance(200)
    switch_off(hall, "blackout", "board")
    assert until(hall, lambda: hall.board.mains_state is MainsState.NORMAL) == STEP_S + 60
    until(hall, lambda: hall.board.mains.state is BreakerState.CLOSED, 25)
    assert not hall.board.mains.is_on_dead
    assert hall.served_w == 120_000  # nobody was in the dark
    until(hall, lambda: hall.board.busbar.state is BreakerState.OPEN, 60)
    assert (hall.mains_w, {s.state for s in hall.sets.values()}) == (120_000, {EngineState.COOLING})


def test_a_flicker_of_the_mains_starts_nobody(hall: Hall) -> None:
    switch_on(hall, "flicker", "board")
    for _ in range(400):
        hall.step()
        assert {s.state for s in hall.sets.values()} == {EngineState.STANDBY}
    assert hall.is_mains_ok is False or hall.mains_w == 120_000


def test_mains_that_fail_beside_running_sets_are_left_at_once(hall: Hall) -> None:
    parallel(hall)
    switch_on(hall, "blackout", "board")
    hall.step()
    assert hall.board.mains.state is BreakerState.OPEN
    assert hall.sets_w == pytest.approx(120_000)


def test_keys_count_only_in_their_mode(hall: Hall) -> None:
    genset = hall.sets["a"]
    press(genset, START)  # in AUTO
    hall.advance(30)
    assert genset.state is EngineState.STANDBY
    press(genset, STOP)
    press(genset, START)  # in STOP
    hall.advance(30)
    assert (genset.state, genset.mode) == (EngineState.STANDBY, Mode.STOP)


def test_in_manual_a_key_opens_the_breaker_and_another_lets_it_close(hall: Hall) -> None:
    genset = by_hand(hall)
    until(hall, lambda: genset.state is EngineState.RUNNING)
    press(genset, OPEN)
    until(hall, lambda: genset.breaker.state is BreakerState.OPEN, 90)
    hall.advance(120)
    assert (genset.state, genset.breaker.state) == (EngineState.WAIT_LOAD, BreakerState.OPEN)
    press(genset, CLOSE)
    until(hall, lambda: genset.state is EngineState.RUNNING, 30)


def test_auto_without_a_request_stops_what_was_started_by_hand(hall: Hall) -> None:
    genset = by_hand(hall)
    until(hall, lambda: genset.state is EngineState.RUNNING)
    press(genset, AUTO)
    until(hall, lambda: genset.state is EngineState.COOLING, 90)


def test_the_switchboards_start_request_is_its_first_output() -> None:
    assert CONTACT == 0x13


def test_gas_is_affine_in_power() -> None:
    """genset-operation.md section 3: m3 per kWh at 100, 75, 50 and 25 % of 160 kW."""
    per_kwh = [gas_m3_h(RATED_W * part, RATED_W) / (160 * part) for part in (1, 0.75, 0.5, 0.25)]
    assert per_kwh == [pytest.approx(m3, abs=6e-4) for m3 in (0.296, 0.307, 0.327, 0.389)]
    assert gas_m3_h(0, RATED_W) == 5.0


def test_counters_grow_by_power_and_time(hall: Hall) -> None:
    parallel(hall)
    running = hall.sets["a"].running
    before = (running.run_s, running.energy_wh, running.gas_m3)
    hall.advance(3600)
    grown = [now - was for now, was in zip((running.run_s, running.energy_wh, running.gas_m3), before, strict=True)]
    assert grown == [pytest.approx(3600), pytest.approx(80_000), pytest.approx((47 + 2.52 * 80) / 9.5)]


def test_coolant_warms_by_half_a_kelvin_a_second_and_cools_to_its_heater(hall: Hall) -> None:
    genset = by_hand(hall)
    until(hall, lambda: genset.running.rpm > 300)
    hall.advance(20)
    assert genset.running.coolant_c == pytest.approx(50, abs=0.6)
    hall.advance(600)
    assert 80 < genset.running.coolant_c < 90
    press(genset, STOP)
    hall.advance(6 * 3600)
    assert genset.running.coolant_c == pytest.approx(40, abs=0.1)


def test_where_nothing_moves_time_passes_at_once_and_nothing_is_lost(hall: Hall) -> None:
    parallel(hall)
    until(hall, lambda: hall.is_quiet)
    before, steps = hall.sets["a"].running.energy_wh, hall.changes
    hall.advance(86_400)
    assert hall.changes == steps + 1
    assert hall.sets["a"].running.energy_wh - before == pytest.approx(24 * 80_000)
