"""Each command by hand: what is pressed in which order, what stops it, how it ends."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from benchmarks.gensets_engine import RATED_W, Engine
from benchmarks.gensets_plant import PlantSet
from ems_pipeline.gensets.sequence.keys import NEVER, Key
from ems_pipeline.gensets.sequence.order import Kind
from ems_pipeline.gensets.sequence.progress import Done, Failed, Step
from ems_pipeline.gensets.sequence.rules import Rules, StartBy
from ems_pipeline.gensets.snapshot import AlarmBit
from ems_pipeline.gensets.states import AlarmGroup, BreakerState, EngineState
from ems_pipeline.plant.gensets.switches import switch_on
from ems_pipeline_tests.gensets.played import NOON, Play, order, running


def failed(play: Play, text: str) -> None:
    assert isinstance(play.end, Failed), play.end
    assert text in play.end.why
    assert play.referee.breaches == []


def test_a_start_takes_manual_presses_start_once_and_writes_the_power_on_load() -> None:
    play = Play()
    assert play.play(order(Kind.START, 128)) == Done()
    assert play.told == ["manual", "start", "80 %"]
    assert (play.engine.mode, play.engine.state, play.engine.target_pct) == ("manual", EngineState.RUNNING, 80.0)
    assert play.referee.breaches == []


def test_a_stop_unloads_below_5_pct_stops_cools_restores_the_target_and_gives_auto_back() -> None:
    play = running()
    pressed_at: dict[str, float] = {}

    def watch(one: Play) -> None:
        if one.told and one.told[-1] == "stop":
            pressed_at.setdefault("stop", one.engine.power_pct)

    assert play.play(order(Kind.STOP), watch) == Done()
    assert play.told == ["0 %", "stop", "100 %", "auto"]
    assert pressed_at["stop"] < 5
    assert (play.engine.mode, play.engine.state, play.engine.target_pct) == ("auto", EngineState.STANDBY, 100.0)
    assert Step.COOLING in play.steps
    assert play.referee.breaches == []


def test_a_run_ends_at_its_instant_by_the_default_target_and_no_stop() -> None:
    play = Play()
    assert play.play(order(Kind.RUN, 96, minutes=30)) == Done()
    assert play.told == ["manual", "start", "60 %", "100 %"]
    assert play.engine.state is EngineState.RUNNING
    assert play.engine.at >= NOON + timedelta(minutes=30)


def test_in_auto_a_run_presses_nothing_and_loads_what_the_master_started() -> None:
    play = Play(StartBy.AUTO)
    play.engine.requested = True
    assert play.play(order(Kind.RUN, 96, minutes=20)) == Done()
    assert play.told == ["60 %", "100 %"]


def test_in_auto_a_run_without_a_request_ends_by_itself() -> None:
    play = Play(StartBy.AUTO)
    play.play(order(Kind.RUN, 96, minutes=60))
    assert play.told == []
    failed(play, "no start request came from the master")


@pytest.mark.parametrize("kind", [Kind.START, Kind.MANUAL])
def test_where_the_master_owns_start_nobody_else_does(kind: Kind) -> None:
    play = Play(StartBy.AUTO)
    play.play(order(kind))
    assert play.told == []
    failed(play, "start_by: auto")


def test_the_stop_of_a_set_in_auto_leaves_it_in_stop_and_says_so() -> None:
    play = running(StartBy.AUTO)
    end = play.play(order(Kind.STOP))
    assert isinstance(end, Done)
    assert "starts by nobody until it is given back" in end.note
    assert play.engine.mode == "stop"
    assert play.play(order(Kind.AUTO)) == Done()
    assert play.engine.mode == "auto"
    assert play.referee.breaches == []


def _alarm(group: AlarmGroup, name: str) -> Callable[[Play], None]:
    return lambda play: play.engine.alarms.add(AlarmBit(group, name))


def _fault(name: str) -> Callable[[Play], None]:
    return lambda play: play.engine.faults.add(name)


def _set(**values: object) -> Callable[[Play], None]:
    def change(play: Play) -> None:
        for name, value in values.items():
            setattr(play.engine if hasattr(play.engine, name) else play, name, value)

    return change


def _starts(*minutes: int) -> Callable[[Play], None]:
    return lambda play: setattr(play.recall, "starts", tuple(NOON - timedelta(minutes=m) for m in minutes))


REFUSED: dict[str, tuple[Callable[[Play], None], str]] = {
    "shutdown": (_alarm(AlarmGroup.SHUTDOWN, "overspeed"), "overspeed"),
    "trip": (_alarm(AlarmGroup.TRIP, "reverse_power"), "reverse_power"),
    "block": (_alarm(AlarmGroup.BLOCK, "input_1"), "input_1"),
    "a gas alarm, be it a warning": (_alarm(AlarmGroup.WARNING, "gas_leak"), "gas_leak"),
    "alarms unread": (lambda play: (_alarm(AlarmGroup.WARNING, "x")(play), _fault("alarms_unread")(play))[0], "read"),
    "data of before": (_fault("link_stale"), "link stale"),
    "no answer": (_fault("link_down"), "link down"),
    "an unknown state": (_fault("state_lost"), "not known"),
    "a cold jacket": (_fault("cold"), "12 °C"),
    "no sensor at the jacket": (_fault("no_sensor"), "temperature is not known"),
    "MANUAL chosen at the set": (_set(mode="manual"), "somebody may be at the set"),
    "STOP chosen at the set": (_set(mode="stop"), "somebody may be at the set"),
    "TEST chosen at the set": (_set(mode="test"), "somebody may be at the set"),
    "a lock": (_set(locks=("order 7: oil",)), "order 7"),
    "both opt-ins": (_set(withdrawn="the site is not armed"), "not armed"),
    "a third start within the hour": (_starts(50, 20), "within an hour"),
    "a seventh start within the day": (_starts(900, 800, 700, 600, 500, 400), "within 24 h"),
    "a pause of 5 minutes": (lambda p: setattr(p.recall, "stopped_at", NOON - timedelta(minutes=5)), "wait until"),
    "cooling": (_set(state=EngineState.COOLING), "not at rest"),
    "cranking": (_set(state=EngineState.CRANKING), "not at rest"),
    "a closed breaker": (_set(breaker=BreakerState.CLOSED), "breaker"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_nobody_starts_a_set_against(what: str) -> None:
    change, text = REFUSED[what]
    play = Play()
    play.view()
    change(play)
    play.play(order(Kind.START))
    assert play.told == []
    failed(play, text)


@pytest.mark.parametrize("power_kw", [10.0, 47.9, 161.0])
def test_a_power_below_30_pct_or_above_rated_is_refused(power_kw: float) -> None:
    play = running()
    play.play(order(Kind.POWER, power_kw))
    failed(play, "30 to 100 % of 160 kW")


def test_three_crank_failures_are_the_controllers_last_word() -> None:
    play = Play()
    play.engine.faults.add("crank_fail")
    play.play(order(Kind.START))
    assert play.told == ["manual", "start"]
    failed(play, "crank_failure")
    assert "not tried again" in str(play.end)


def test_what_does_not_synchronise_is_stopped_and_given_back() -> None:
    play = Play()
    play.engine.faults.add("sync_never")
    play.play(order(Kind.START))
    assert play.told == ["manual", "start", "stop", "auto"]
    failed(play, "did not close the breaker in time")
    assert (play.engine.mode, play.engine.state) == ("auto", EngineState.STANDBY)


def test_an_echo_without_effect_on_the_power_is_told_as_failed_with_both_numbers() -> None:
    play = running()
    play.engine.faults.add("echo_no_effect")
    play.play(order(Kind.POWER, 96))
    failed(play, "60 % was written and echoed without effect: the controller's target stays at 80 %")


def test_a_clamp_is_told_with_both_numbers() -> None:
    play = running(power_pct=40.0)
    play.engine.faults.add("clamp")
    end = play.play(order(Kind.POWER, 128))
    assert isinstance(end, Done)
    assert "80 % was written, the controller holds 60 %" in end.note


def test_a_set_that_does_not_unload_is_not_stopped_and_gets_its_target_back() -> None:
    play = running()
    play.engine.faults.add("never_unloads")
    play.play(order(Kind.STOP))
    assert play.told == ["0 %", "80 %"]
    failed(play, "did not unload below 5 %")


def test_a_lost_key_is_not_pressed_again() -> None:
    play = Play()

    def lose(one: Play) -> None:
        one.engine.faults |= {"key_lost"} if one.engine.mode == "manual" else set()

    play.play(order(Kind.START), lose)
    assert play.told == ["manual", "start", "auto"]
    failed(play, "not pressed again")


def test_whoever_chooses_a_mode_at_the_set_has_it_and_only_our_target_goes_back() -> None:
    play = Play()

    def come(one: Play) -> None:
        if one.engine.state is EngineState.RUNNING and one.engine.dwell_s > 60:
            one.engine.mode, one.engine.requested = "auto", True

    play.play(order(Kind.RUN, 96, minutes=60), come)
    assert play.told == ["manual", "start", "60 %", "100 %"]
    failed(play, "somebody chose the mode auto at the set")


@pytest.mark.parametrize("state", [EngineState.CRANKING, EngineState.WARMING_UP, EngineState.WAIT_LOAD])
def test_a_start_that_is_taken_back_stops_once_the_controllers_attempt_is_over(state: EngineState) -> None:
    play = Play()

    def cancel(one: Play) -> None:
        if one.engine.state is state:
            one.cancelled = "web:bert"

    play.play(order(Kind.START), cancel)
    assert play.told == ["manual", "start", "stop", "auto"]
    failed(play, "taken back by web:bert")


def test_a_lock_that_is_placed_while_a_set_comes_up_stops_it_and_leaves_it_in_stop() -> None:
    play = Play()

    def lock(one: Play) -> None:
        if one.engine.state is EngineState.WARMING_UP:
            one.locks = ("order 8: belts",)

    play.play(order(Kind.START), lock)
    assert play.told == ["manual", "start", "stop"]
    failed(play, "order 8")


def test_a_lost_route_waits_and_goes_on_when_it_is_back() -> None:
    play = Play()

    def cut(one: Play) -> None:
        is_away = NOON + timedelta(seconds=30) < one.engine.at < NOON + timedelta(minutes=3)
        one.engine.faults = {"link_down"} if is_away else set()

    assert play.play(order(Kind.START, 96), cut) == Done()
    assert play.told == ["manual", "start", "60 %"]


def test_a_route_that_stays_lost_ends_the_sequence_and_tells_nothing() -> None:
    play = Play()

    def cut(one: Play) -> None:
        if one.told:
            one.engine.faults = {"link_down"}

    play.play(order(Kind.START), cut)
    assert play.told == ["manual"]
    failed(play, "did not answer until the time was over")


def test_a_reset_is_muted_first_and_done_when_the_alarm_is_gone() -> None:
    play = Play()
    play.engine.alarms.add(AlarmBit(AlarmGroup.SHUTDOWN, "crank_failure"))
    assert play.play(order(Kind.RESET)) == Done()
    assert play.told == ["mute", "reset"]


@pytest.mark.parametrize("change", ["locks", "withdrawn"])
def test_what_forbids_a_reset_between_its_two_keys_leaves_it_at_the_first(change: str) -> None:
    play = Play()
    play.engine.alarms.add(AlarmBit(AlarmGroup.SHUTDOWN, "crank_failure"))

    def forbid(one: Play) -> None:
        if one.told:
            setattr(one, change, ("order 7: oil",) if change == "locks" else "the site is not armed")

    play.play(order(Kind.RESET), forbid)
    assert play.told == ["mute"]
    failed(play, "muted and not reset")


VISITS = (
    "emergency_stop", "gas_leak", "detonation", "overspeed", "low_oil_pressure", "high_temperature", "earth_fault",
    "gen_breaker_failure", "gen_close_failure",
)  # fmt: skip


@pytest.mark.parametrize("name", VISITS)
def test_after_some_alarms_somebody_visits_the_site(name: str) -> None:
    play = Play()
    play.engine.alarms.add(AlarmBit(AlarmGroup.SHUTDOWN, name))
    play.play(order(Kind.RESET))
    assert play.told == []
    failed(play, "never reset from afar")


def test_resets_are_one_in_ten_minutes_and_three_an_hour_then_a_visit() -> None:
    play, said = Play(), []
    for minutes in (0, 5, 11, 22, 33):
        play.engine.pass_time((NOON + timedelta(minutes=minutes) - play.engine.at).total_seconds())
        play.engine.alarms.add(AlarmBit(AlarmGroup.SHUTDOWN, "crank_failure"))
        said.append(str(play.play(order(Kind.RESET))))
    assert [one.count("Done") for one in said] == [1, 0, 1, 1, 0]
    assert "the last reset was at 12:00" in said[1]
    assert "visit the site" in said[4]
    assert play.referee.breaches == []


def test_a_plan_stops_no_set_of_its_master_and_none_before_it_has_run_for_an_hour() -> None:
    play = running(StartBy.AUTO)
    play.play(order(Kind.STOP, by="dispatch"))
    failed(play, "release it instead")
    play = running()
    play.recall.running_from_at = NOON - timedelta(minutes=10)
    play.play(order(Kind.STOP, by="dispatch"))
    failed(play, "a plan stops it from 12:50:00 on")


def test_a_switchboard_takes_power_mute_and_release_and_nothing_of_an_engine() -> None:
    rules = replace(Rules(start_by=StartBy.AUTO, rated_power_w=RATED_W), is_switchboard=True)
    for kind in (Kind.START, Kind.STOP, Kind.MANUAL, Kind.AUTO, Kind.RESET, Kind.RUN):
        play = Play(StartBy.AUTO, rules=rules)
        play.play(order(kind, 96 if kind is Kind.RUN else None, minutes=10 if kind is Kind.RUN else None))
        failed(play, "a switchboard takes power, mute, release")
    play = Play(StartBy.AUTO, rules=rules)
    assert play.play(order(Kind.POWER, 96)) == Done()
    assert play.told == ["60 %"]


def test_breakers_emergency_stop_and_test_are_no_keys() -> None:
    assert {str(key) for key in Key} == {"start", "stop", "auto", "manual", "mute", "reset"}
    assert set(NEVER) == {"breaker", "emergency-stop", "test"}
    assert not set(NEVER) & {str(kind) for kind in Kind}


HAPPY: dict[str, tuple[Callable[[], Play], Kind, float | None, int | None]] = {
    "start": (Play, Kind.START, 128, None),
    "stop": (running, Kind.STOP, None, None),
    "run": (Play, Kind.RUN, 96, 20),
    "stop in auto": (lambda: running(StartBy.AUTO), Kind.STOP, None, None),
    "power": (running, Kind.POWER, 96, None),
    "manual": (Play, Kind.MANUAL, None, None),
}


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("what", HAPPY)
def test_killed_after_any_action_was_told_a_sequence_comes_to_the_same_end(what: str, at: int) -> None:
    make, kind, power_kw, minutes = HAPPY[what]
    whole, killed = make(), make()
    asked = order(kind, power_kw, minutes)
    assert whole.play(asked) == killed.play(asked, kill={at})
    assert whole.told == killed.told
    assert killed.referee.breaches == []


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("what", HAPPY)
def test_killed_between_commit_and_wire_a_sequence_goes_on_or_backs_out_and_presses_nothing_twice(
    what: str, at: int
) -> None:
    make, kind, power_kw, minutes = HAPPY[what]
    play = make()
    end = play.play(order(kind, power_kw, minutes), kill={at}, lose={at})
    keys = [one for one in play.told if not one.endswith("%")]
    assert len(keys) == len(set(keys))
    assert play.referee.breaches == []
    if isinstance(end, Failed):
        at_rest = play.engine.state is EngineState.STANDBY and play.engine.mode in ("auto", "stop")
        on_load = play.engine.state is EngineState.RUNNING and play.engine.target_pct > 0
        assert at_rest or on_load, (end, play.told, play.engine.mode)


@pytest.mark.parametrize("state", [EngineState.CRANKING, EngineState.WAIT_LOAD, EngineState.RUNNING])
def test_after_half_an_hour_away_a_start_is_judged_by_what_the_snapshot_shows(state: EngineState) -> None:
    """On load it has come to its end; what still does not close is stopped."""
    play, is_over = Play(), []
    if state is EngineState.WAIT_LOAD:
        play.engine.faults.add("sync_never")

    def sleep(one: Play) -> None:
        if one.engine.state is state and not is_over:
            is_over.append(True)
            one.engine.pass_time(1800)
            one.restart()

    end = play.play(order(Kind.START), sleep)
    assert isinstance(end, Failed) == (state is EngineState.WAIT_LOAD)
    assert play.referee.breaches == []


@pytest.mark.parametrize(
    ("kind", "step", "end", "told"),
    [
        (Kind.START, Step.TAKING, Done, ["manual", "start", "60 %"]),
        (Kind.START, Step.STARTING, Done, ["manual", "start", "60 %"]),
        (Kind.START, Step.COMING_UP, Done, ["manual", "start", "60 %"]),
        (Kind.START, Step.LOADING, Done, ["manual", "start", "60 %"]),
        (Kind.STOP, Step.UNLOADING_TOLD, Failed, ["0 %", "60 %"]),
        (Kind.STOP, Step.UNLOADING, Failed, ["0 %", "60 %"]),
        (Kind.STOP, Step.STOPPING, Done, ["0 %", "stop", "100 %", "auto"]),
        (Kind.STOP, Step.COOLING, Done, ["0 %", "stop", "100 %", "auto"]),
    ],
)
def test_mains_that_fail_in_the_midst_of_a_sequence_leave_nobody_dark(
    kind: Kind, step: Step, end: type[Done | Failed], told: list[str]
) -> None:
    """On the virtual plant, by its registers: what came up carries the load, what unloads keeps it and is not stopped,
    and what was being stopped is back in AUTO, where the switchboard starts it."""
    engine = PlantSet(random.Random(3), NOON)
    engine.hall.load_w = 100e3
    engine.pass_time(120)
    play = Play(engine=cast(Engine, engine))
    if kind is Kind.STOP:
        assert isinstance(play.play(order(Kind.START, 96)), Done)
        engine.pass_time(60)
        play.told.clear()

    def fail(now: Play) -> None:
        if now.progress is not None and now.progress.step is step:
            switch_on(engine.hall, "blackout", engine.hall.board_key)

    found = play.play(order(kind, 96 if kind is Kind.START else None), fail)
    assert (type(found), play.told, play.referee.breaches) == (end, told, [])
    engine.pass_time(180)
    carries = [one for one in engine.hall.sets.values() if one.breaker.state is BreakerState.CLOSED]
    assert carries, "the load stands in the dark"
    assert kind is Kind.STOP or engine.set in carries
