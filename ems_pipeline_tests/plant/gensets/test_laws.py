"""Laws that hold in a hall whatever keys are pressed, whatever is told, and whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ems_pipeline.gensets.states import AlarmGroup
from ems_pipeline.plant.gensets import SWITCHES, Hall, switch_all_off, switch_off, switch_on
from ems_pipeline.plant.gensets.genset import NOMINAL_RPM, Times
from ems_pipeline.plant.gensets.hall import STEP_S
from ems_pipeline.plant.gensets.hgm9520n import Hgm9520n
from ems_pipeline.plant.gensets.hgm9560 import Hgm9560
from ems_pipeline.plant.gensets.panel import Panel
from ems_pipeline.plant.gensets.running import Running
from ems_pipeline.plant.gensets.serving import Standing
from ems_pipeline.plant.gensets.set_alarms import BASES, alarm
from ems_pipeline.plant.refusals import Refused
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.plant.gensets.conftest import MORNING

METERS = {"meter-jump", "meter-replaced", "wrap"}
"""Faults that are about counters."""
NUMBERS = [4368, 4370, 4351, 4352]
COILS = range(20)
FAULTS = sorted(set(SWITCHES) - METERS)
QUICK = Times(1, 1, 1, 2, 2, safety=3, warm_up=3, cooling=5, energised_to_stop=10)
"""A life of minutes, so that a walk sees many starts."""


class Watched:
    """A hall of two sets with controllers, whose laws are looked at after every step."""

    def __init__(self, seed: int = 1) -> None:
        self.hall = Hall({"a": 160_000.0, "b": 100_000.0}, seed, load_w=120_000.0)
        for genset in self.hall.sets.values():
            genset.times = QUICK
        place = Standing(self.hall, SimulatedClock(MORNING))
        self.controllers = [Hgm9520n(place, self.hall, s) for s in self.hall.sets.values()]
        self.behind = {**dict(zip(self.hall.sets, self.controllers, strict=True)), "board": Hgm9560(place, self.hall)}
        self.run_s = {s.key: s.running.run_s for s in self.hall.sets.values()}

    def step(self) -> None:
        self.hall.step()
        self.check()

    def check(self) -> None:
        hall, board = self.hall, self.hall.board
        for genset in hall.sets.values():
            running = genset.running
            assert genset.power_w >= 0
            assert genset.power_w == 0 or genset.feeds
            assert running.run_s >= self.run_s[genset.key], "the hours went back"
            assert running.run_s - self.run_s[genset.key] <= STEP_S
            assert genset.makes_voltage is False or running.rpm == NOMINAL_RPM
            assert 0 <= running.rpm <= NOMINAL_RPM
            assert 39 <= running.coolant_c <= 116
            self.run_s[genset.key] = running.run_s
        assert hall.sets_w == pytest.approx(sum(s.power_w for s in hall.sets.values()))
        assert hall.mains_w + (hall.sets_w if board.busbar.is_made else 0) == pytest.approx(hall.served_w)
        assert hall.served_w == pytest.approx(0.0 if not hall.has_load_voltage else hall.load_w)
        self._closings()

    def _closings(self) -> None:
        """Never two closes within a second on one dead bar, and never sets on a grid that is gone."""
        board = self.hall.board
        for bar in ([s.breaker for s in self.hall.sets.values()], [board.busbar, board.mains]):
            for switch in bar:
                at, others = switch.closed_on_dead_s, [o.closed_on_dead_s for o in bar if o is not switch]
                assert at is None or all(o is None or abs(at - o) >= 1 for o in others), "two closes on a dead bar"
        assert not (board.mains.is_made and not self.hall.is_mains_ok and self.hall.is_fed and board.busbar.is_made)

    def do(self, dice: Random) -> None:
        """Something that somebody, or nature, might do."""
        hall, key = self.hall, dice.choice(list(self.behind))
        kind = dice.choice(FAULTS)
        what: list[Callable[[], object]] = [
            lambda: self.press(key, dice.choice(COILS)),
            lambda: self.press(key, dice.choice([0, 1, 3, 4])),
            lambda: self.behind["board"].write(5, 0x13, [dice.choice([0, 1])]),
            lambda: self.behind[key].write(6, dice.choice(NUMBERS), [dice.choice([0, 1, 2, 300, 1000])]),
            lambda: switch_on(hall, kind, key, dice.choice([None, 1.0, 30.0])),
            lambda: switch_on(hall, dice.choice(FAULTS), dice.choice(list(hall.sets))),
            lambda: dice.choice([switch_on, switch_off])(hall, "blackout", "board"),
            lambda: setattr(hall, "load_w", dice.choice([0.0, 40_000.0, 120_000.0, 230_000.0, 400_000.0])),
            self.set_right,
        ]
        with suppress(Refused, ValueError):  # a controller says no, or cannot have the fault
            dice.choice(what)()

    def press(self, key: str, coil: int) -> None:
        for is_down in (0, 1, 0):
            self.behind[key].write(5, coil, [is_down])

    def set_right(self) -> None:
        """Somebody comes, repairs everything, resets and leaves all in AUTO."""
        switch_all_off(self.hall)
        for key in self.behind:
            for coil in (1, 1, 3):
                self.press(key, coil)


def walk(seed: int, steps: int, every: int) -> Watched:
    """A walk over keys, numbers, faults and loads; something is done every so many steps."""
    watched, dice = Watched(seed), Random(seed)
    for nth in range(steps):
        if nth % every == 0:
            watched.do(dice)
        watched.step()
    return watched


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), every=st.sampled_from([3, 20, 120]))
def test_laws_hold_on_a_walk_over_keys_loads_and_faults(seed: int, every: int) -> None:
    walk(seed, 1500, every)


def test_a_walk_is_the_same_for_the_same_seed() -> None:
    first, second = walk(7, 3000, 20), walk(7, 3000, 20)
    shown = [[c.words() for c in w.behind.values()] for w in (first, second)]
    assert shown[0] == shown[1]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(BASES)), st.integers(0, 5), st.integers(0, 15), st.booleans()), max_size=40
    )
)
def test_the_history_of_alarms_is_that_of_their_causes(changes: list[tuple[AlarmGroup, int, int, bool]]) -> None:
    """Of warnings; other groups stand until they are reset, and come again only after that."""
    panel, expected, causes, shown = Panel(), [], set(), set()
    for nth, (group, word, bit, is_there) in enumerate(changes):
        panel.at_s, one = float(nth), alarm(group, word, bit)
        comes, goes = is_there and one not in causes, not is_there and one in causes
        panel.cause(one, is_there)
        (causes.add if is_there else causes.discard)(one)
        if comes and one not in shown:
            expected.append((float(nth), one, True))
            shown.add(one)
        if goes and group is AlarmGroup.WARNING:
            expected.append((float(nth), one, False))
            shown.discard(one)
    assert [tuple(change) for change in panel.history] == expected
    assert panel.shown == shown
    panel.reset()
    assert panel.shown == causes


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.01, 400), min_size=1, max_size=12))
def test_who_looks_and_when_changes_nothing(looks: list[float]) -> None:
    often, once = Hall({"a": 160_000.0}, load_w=90_000.0), Hall({"a": 160_000.0}, load_w=90_000.0)
    for hall in (often, once):
        hall.board.is_contact_made = True
    for seconds in looks:
        often.advance(seconds)
    once.advance(sum(looks))
    one, other = often.sets["a"], once.sets["a"]
    assert abs(often.now_s - once.now_s) <= STEP_S  # the sum of floats may end on the other side of a step
    if often.now_s == once.now_s:
        assert (one.state, one.breaker.state, one.power_w) == (other.state, other.breaker.state, other.power_w)
        assert one.running.energy_wh == pytest.approx(other.running.energy_wh)


def test_a_jump_of_time_is_the_same_as_its_steps_in_every_state() -> None:
    """What passes at once where nothing moves would be the same step by step."""
    walked, dice = Watched(3), Random(11)
    for _ in range(60):
        walked.do(dice)
        for _ in range(dice.choice([10, 300])):
            walked.step()
        hall = walked.hall
        if hall.is_quiet:
            before = [(s.state, s.power_w) for s in hall.sets.values()]
            walked.step()
            assert before == [(s.state, s.power_w) for s in hall.sets.values()]


def test_new_counters_begin_at_nothing_and_the_engine_stays_as_it_is() -> None:
    hall = Hall({"a": 160_000.0})
    hall.sets["a"].running = Running(rpm=0.0, coolant_c=61.0, run_s=999.0, starts=5, energy_wh=7.0)
    switch_on(hall, "meter-replaced", "a")
    running = hall.sets["a"].running
    assert (running.run_s, running.starts, running.energy_wh, running.coolant_c) == (0, 0, 0, 61.0)
