"""Over all commands, engine states and faults: no key out of order, no command against an interlock, an end always."""

from __future__ import annotations

import random
import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import gensets_walk
from benchmarks.gensets_engine import FAULTS, Engine
from ems_pipeline.gensets.sequence import acting, advance, interlocks
from ems_pipeline.gensets.sequence.keys import Key, Press
from ems_pipeline.gensets.sequence.order import Kind
from ems_pipeline.gensets.sequence.rules import StartBy
from ems_pipeline.gensets.sequence.view import View
from ems_pipeline.gensets.snapshot import AlarmBit
from ems_pipeline.gensets.states import AlarmGroup, BreakerState, EngineState
from ems_pipeline_tests.gensets.played import NOON, Play, order, running
from ems_pipeline_tests.gensets.test_sequences import REFUSED

TARGET, BACK = r"(\d+ %,)", r"(0 %,)?(stop,)?(\d+ %,)?(auto,)?"
ORDERS = {
    Kind.START: rf"(manual,)?(start,)?{TARGET}?{BACK}",
    Kind.STOP: rf"(0 %,)?(stop,)?{TARGET}?(auto,)?",
    Kind.AUTO: r"(auto,)?",
    Kind.MANUAL: r"(manual,)?",
    Kind.POWER: rf"{TARGET}?{TARGET}?",
    Kind.MUTE: r"(mute,)?",
    Kind.RESET: r"(mute,(reset,)?)?",
    Kind.RUN: rf"(manual,)?(start,)?{TARGET}?{BACK}",
    Kind.RELEASE: rf"{TARGET}?",
}
"""Keys and targets of each command in the order in which alone they may come."""
alarms = st.builds(
    AlarmBit, st.sampled_from(AlarmGroup),
    st.sampled_from(["low_oil_pressure", "gas_leak", "input_1", "low_fuel", "crank_failure"]),
)  # fmt: skip
faults = st.sets(st.sampled_from(FAULTS), max_size=3)


class Turn:
    """Faults that come and go, somebody at the set, people who change their minds: a share of each look's chance."""

    def __init__(self, seed: int, coming: set[str]) -> None:
        self.random, self.coming = random.Random(seed), coming

    def __call__(self, play: Play) -> None:
        chance, engine = self.random.random, play.engine
        if chance() < 0.03:
            engine.faults = set(self.coming) if chance() < 0.5 else set()
        if chance() < 0.004:
            engine.mode = self.random.choice(["auto", "manual", "stop", "test"])
        if chance() < 0.004:
            engine.requested = not engine.requested
        if chance() < 0.006:
            play.cancelled = "bert"
        if chance() < 0.006:
            play.withdrawn = "" if play.withdrawn else "the site is not armed"
        if chance() < 0.006:
            play.locks = () if play.locks else ("order 7: oil",)
        if chance() < 0.004:
            engine.shut_down("low_oil_pressure")
        if chance() < 0.03:
            play.restart()


@st.composite
def plays(draw: st.DrawFn) -> tuple[Play, Turn]:
    engine = Engine(random.Random(1), NOON)
    engine.state = draw(st.sampled_from([*EngineState, EngineState.STANDBY, EngineState.RUNNING]))
    on_load = engine.state is EngineState.RUNNING
    engine.breaker = BreakerState.CLOSED if on_load else draw(st.sampled_from([BreakerState.OPEN, *BreakerState]))
    engine.power_pct = draw(st.sampled_from([0.0, 4.0, 55.0])) if on_load else 0.0
    owned = draw(st.sampled_from([None, Key.MANUAL, Key.STOP]))
    engine.mode = draw(st.sampled_from(["auto", "manual", "stop", "test"]))
    engine.requested = draw(st.booleans())
    engine.alarms = draw(st.one_of(st.just(set()), st.sets(alarms, max_size=2)))
    engine.faults = draw(st.one_of(st.just(set()), faults))
    play = Play(draw(st.sampled_from(StartBy)), engine)
    if owned is not None:
        play.recall.told(Press(owned), NOON, None)
        play.referee.told.append((NOON, 0, str(owned)))
        play.referee.owned.add(str(owned))
    return play, Turn(draw(st.integers(0, 10_000)), draw(faults))


@settings(max_examples=300)
@given(
    plays(),
    st.sampled_from(Kind),
    st.sampled_from([None, 20.0, 60.0, 128.0]),
    st.booleans(),
    st.sets(st.integers(0, 4)),
)
def test_no_key_out_of_order_none_against_an_interlock_and_an_end(
    drawn: tuple[Play, Turn], kind: Kind, power_kw: float | None, by_plan: bool, lost: set[int]
) -> None:
    play, turn = drawn
    asked = order(kind, power_kw, 30 if kind is Kind.RUN else None, "dispatch" if by_plan else "anna")
    play.play(asked, turn, lose=lost, kill=lost)
    said = "".join(f"{one.removesuffix(' (not echoed)')}," for one in play.told)
    assert re.fullmatch(ORDERS[kind], said), (kind, said)
    assert play.referee.breaches == []


@pytest.mark.parametrize("seed", [1, 2])
def test_a_walk_over_commands_states_and_faults_breaks_no_law(seed: int) -> None:
    breaches, visited, ends = gensets_walk.walk(3000, seed)
    assert breaches == []
    assert len(visited) > 40
    assert sum(ends.values()) > 50


def without(lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take one interlock out, wherever it is asked."""
    less = {kind: tuple(one for one in held if one.__name__ != lock) for kind, held in interlocks.OF.items()}
    monkeypatch.setattr(interlocks, "OF", less)
    for table in ("START", "SAFE_TO_START"):
        monkeypatch.setattr(interlocks, table, tuple(o for o in getattr(interlocks, table) if o.__name__ != lock))
    monkeypatch.setattr(acting, "SAFE_TO_START", interlocks.SAFE_TO_START)
    monkeypatch.setattr(advance, lock, lambda asked: "", raising=False)
    if lock == "data_old":
        monkeypatch.setattr(interlocks, "data_old", lambda asked: "")
        monkeypatch.setattr(View, "is_fresh", lambda view, rules: view.mode is not None)


LOCKS = {
    "alarm_stands": "shutdown", "gas_alarm": "a gas alarm, be it a warning", "data_old": "data of before",
    "jacket_cold": "a cold jacket", "somebody_there": "TEST chosen at the set", "locked": "a lock",
    "too_many_starts": "a third start within the hour", "pause_too_short": "a pause of 5 minutes",
    "not_at_rest": "cooling",
}  # fmt: skip


@pytest.mark.parametrize("lock", LOCKS)
def test_the_referee_sees_a_start_against_each_interlock_once_it_is_taken_out(
    lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody would notice is guarded by nothing."""
    without(lock, monkeypatch)
    play = Play()
    play.view()
    REFUSED[LOCKS[lock]][0](play)
    play.referee.starts = list(play.recall.starts)
    play.referee.rested_at = play.recall.stopped_at
    play.play(order(Kind.START))
    assert play.referee.breaches


@pytest.mark.parametrize("lock", ["wants_a_visit", "turning", "too_many_resets"])
def test_the_referee_sees_a_reset_against_each_interlock_once_it_is_taken_out(
    lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(lock, monkeypatch)
    play = running() if lock == "turning" else Play()
    for _ in range(2):
        name = "overspeed" if lock == "wants_a_visit" else "input_1"
        play.engine.alarms.add(AlarmBit(AlarmGroup.WARNING if lock == "turning" else AlarmGroup.SHUTDOWN, name))
        play.play(order(Kind.RESET))
    assert play.referee.breaches


def test_the_referee_sees_a_start_where_the_master_owns_it_and_a_power_out_of_range(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without("not_ours_to_start", monkeypatch)
    play = Play(StartBy.AUTO)
    play.play(order(Kind.START))
    assert play.referee.breaches
    without("power_out_of_range", monkeypatch)
    play = running()
    play.play(order(Kind.POWER, 20))
    assert play.referee.breaches == [f"{play.referee.breaches[0][:8]} a target of 12.5"]


def test_the_referee_sees_a_stop_under_load_and_a_key_that_is_pressed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "UNLOADED_PCT", 90.0)
    play = running()
    play.play(order(Kind.STOP))
    assert "not unloaded" in play.referee.breaches[0]
    play = Play()
    play.view()
    for _ in range(2):
        play.referee.action(play.engine.at, 1, "mute", None, permitted=True, locks=False)
    assert "twice" in play.referee.breaches[0]


def test_a_sequence_whose_steps_have_no_limit_is_found_to_have_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advance, "limit", lambda step, rules: timedelta(days=1))
    monkeypatch.setattr(advance, "ends_at", lambda order, rules, progress: NOON + timedelta(days=1))
    play = Play()
    play.engine.faults.add("sync_never")
    with pytest.raises(AssertionError, match="has no end"):
        play.play(order(Kind.START))
