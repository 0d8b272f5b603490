"""Alarms of generating sets: laws over random rounds of polls, and the rules by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ems_pipeline import gensets
from ems_pipeline.gensets.alarms import life, titles
from ems_pipeline.gensets.alarms.alarm import Alarm, Condition, Controller, Source, Step
from ems_pipeline.gensets.alarms.around import Around
from ems_pipeline.gensets.alarms.life import Refused, State, What
from ems_pipeline.gensets.alarms.limits import Limit
from ems_pipeline.gensets.alarms.watch import Persons, Watch
from ems_pipeline.gensets.snapshot import AlarmBit, Link, Snapshot
from ems_pipeline.gensets.states import AlarmGroup
from ems_pipeline_tests.gensets.seen import POLL, RUNNING, START, bits, shot

SET = Controller("hall", "set-1")
EVERY = sorted(
    AlarmBit(group, name)
    for group in (AlarmGroup.SHUTDOWN, AlarmGroup.TRIP, AlarmGroup.WARNING)
    for name in ("low_oil_pressure", "low_fuel", "gas_leak")
)
ENGINE = ("running", "standby", None)
ROUNDS = st.lists(
    st.one_of(
        st.tuples(st.just("poll"), st.frozensets(st.sampled_from(EVERY)), st.sampled_from(ENGINE)),
        st.tuples(st.just("lost"), st.sampled_from([Link.STALE, Link.DOWN]), st.none()),
        st.tuples(st.just("ack"), st.sampled_from(EVERY), st.none()),
        st.tuples(st.just("shelve"), st.sampled_from(EVERY), st.integers(1, 10)),
        st.tuples(st.just("restart"), st.none(), st.none()),
    ),
    min_size=5,
    max_size=60,
)  # fmt: skip


class Lived:
    """A controller's alarms through rounds of polls, with people's acts, restarts and a journal."""

    def __init__(self) -> None:
        self.watch, self.at = Watch({SET: ()}), START
        self.journal: list[Step] = []
        self.numbers = 0

    @property
    def alarms(self) -> dict[AlarmBit, Alarm]:
        return {
            AlarmBit(alarm.condition.group, alarm.condition.name): alarm
            for alarm in self.watch.standing
            if alarm.condition.source is Source.BIT
        }

    def see(self, seen: Snapshot) -> list[Step]:
        self.at += POLL
        steps = self.watch.see(self.at, [seen], {})
        self.journal += steps
        for alarm in self.watch.standing:
            if alarm.number is None:
                self.numbers += 1
                alarm.number = self.numbers
        return steps

    def persons(self, **changed: Persons) -> None:
        said = {a.number: Persons(a.state, a.shelved_until) for a in self.watch.standing if a.number is not None}
        said |= {int(number.removeprefix("n")): person for number, person in changed.items()}
        self.watch.heed({number: one for number, one in said.items() if one.state is not State.NORMAL})

    def acknowledge(self, alarm: Alarm) -> None:
        state = life.after(alarm.state, What.ACKNOWLEDGED, latches=alarm.latches)
        self.journal.append(Step(alarm, self.at, What.ACKNOWLEDGED, state))
        self.persons(**{f"n{alarm.number}": Persons(state, alarm.shelved_until)})

    def shelve(self, alarm: Alarm, polls: int) -> None:
        self.journal.append(Step(alarm, self.at, What.SHELVED, alarm.state))
        self.persons(**{f"n{alarm.number}": Persons(alarm.state, self.at + polls * POLL)})

    def restart(self) -> None:
        self.watch = Watch({SET: ()}, list(self.watch.standing))

    def live(self, kind: str, what: object, more: object) -> list[Step]:
        match kind:
            case "poll":
                assert isinstance(what, frozenset)
                return self.see(shot(self.at, what, values={**RUNNING, "engine_state": more}))  # type: ignore[dict-item]
            case "lost":
                assert isinstance(what, Link)
                return self.see(shot(self.at, None, link=what))
            case "ack" if what in self.alarms:
                self.acknowledge(self.alarms[what])
            case "shelve" if what in self.alarms:
                assert isinstance(more, int)
                self.shelve(self.alarms[what], more)
            case "restart":
                self.restart()
        return []


@given(ROUNDS)
@settings(max_examples=200)
def test_what_stands_as_active_is_what_the_controller_showed_last(rounds: list[tuple[str, object, object]]) -> None:
    """No alarm ends while its bit is set, none is missed, and none is raised twice: whatever people do meanwhile."""
    lived, last = Lived(), frozenset[AlarmBit]()
    for kind, what, more in rounds:
        before = {bit for bit, alarm in lived.alarms.items() if alarm.state.is_active}
        steps = lived.live(kind, what, more)
        if kind == "poll":
            assert isinstance(what, frozenset)
            last = what
        raised = [step.alarm.condition for step in steps if step.what is What.RAISED]
        assert {bit for bit, alarm in lived.alarms.items() if alarm.state.is_active} == last
        assert len(raised) == len(set(raised))
        assert not {AlarmBit(c.group, c.name) for c in raised} & before


@given(ROUNDS)
@settings(max_examples=200)
def test_a_lost_link_changes_no_state(rounds: list[tuple[str, object, object]]) -> None:
    lived = Lived()
    for kind, what, more in rounds:
        before = {bit: alarm.state for bit, alarm in lived.alarms.items()}
        steps = lived.live(kind, what, more)
        if kind == "lost":
            assert {bit: alarm.state for bit, alarm in lived.alarms.items()} == before
            assert not [s for s in steps if s.what is What.RETURNED and s.alarm.condition.source is Source.BIT]


@given(ROUNDS)
@settings(max_examples=200)
def test_the_journal_replayed_gives_what_stands(rounds: list[tuple[str, object, object]]) -> None:
    """Every row says the state after it, and folding the rows of an alarm from normal leads to where it stands."""
    lived = Lived()
    for kind, what, more in rounds:
        lived.live(kind, what, more)
    replayed: dict[int, State] = {}
    for step in lived.journal:
        state = replayed.get(id(step.alarm), State.NORMAL)
        replayed[id(step.alarm)] = life.after(state, step.what, latches=step.alarm.latches)
        assert replayed[id(step.alarm)] is step.state
    standing = {id(alarm): alarm.state for alarm in lived.watch.standing}
    assert {number: state for number, state in replayed.items() if state is not State.NORMAL} == standing


@given(ROUNDS)
@settings(max_examples=200)
def test_a_shutdown_is_never_suppressed_by_design_and_ends_only_by_a_person(
    rounds: list[tuple[str, object, object]],
) -> None:
    lived = Lived()
    for kind, what, more in rounds:
        before = {bit for bit in lived.alarms if bit.group is AlarmGroup.SHUTDOWN}
        lived.live(kind, what, more)
        now = {bit: alarm for bit, alarm in lived.alarms.items() if bit.group is AlarmGroup.SHUTDOWN}
        assert kind == "ack" or before <= now.keys()
        assert all(alarm.suppressed_by in (None, "link") for alarm in now.values())


@pytest.mark.parametrize("what", [What.ACKNOWLEDGED, What.RETURNED, What.SHELVED, What.SUPPRESSED])
def test_nothing_happens_to_nothing(what: What) -> None:
    with pytest.raises(Refused, match="normal"):
        life.after(State.NORMAL, what, latches=False)


Values = dict[str, float | str | None]


def steps_of(watch: Watch, *rounds: tuple[float, Snapshot]) -> list[str]:
    """What a watch says of rounds, each so many seconds after the start."""
    said = []
    for seconds, seen in rounds:
        at = START + timedelta(seconds=seconds)
        said += [f"{seconds:g} {step.what} {step.alarm.condition.name}" for step in watch.see(at, [seen], {})]
    return said


def test_a_limit_has_its_delays_and_its_deadband() -> None:
    """Above 100: on after 5 s, and off only 15 s below 98 (2 %)."""
    watch = Watch({SET: [Limit(value="coolant_c", bound=100.0, is_upper=True)]})

    def hot(coolant_c: float | None) -> Snapshot:
        return shot(values={**RUNNING, "coolant_c": coolant_c})

    said = steps_of(
        watch,
        (0, hot(101)), (2, hot(101)), (4, hot(99)), (6, hot(101)), (10, hot(101)),  # 99 in between began it anew
        (11, hot(101)), (20, hot(99)), (36, hot(99)),  # above 98 it is not back
        (40, hot(97)), (54, hot(None)), (56, hot(97)), (70, hot(97)), (71, hot(97)),  # unknown is not back either
    )  # fmt: skip
    assert said == ["11 raised coolant_c_high", "71 returned coolant_c_high"]


def test_a_limit_of_a_running_engine_says_nothing_while_it_rests() -> None:
    low = Limit(value="oil_kpa", bound=200.0, is_upper=False, is_of_running=True)
    resting: Values = {"engine_state": "standby", "oil_kpa": 0.0}
    running: Values = {"engine_state": "running", "oil_kpa": 150.0}
    rounds = [(second, shot(values=resting)) for second in range(0, 20, 2)]
    rounds += [(second, shot(values=running)) for second in range(20, 30, 2)]
    rounds += [(second, shot(values=resting)) for second in range(30, 50, 2)]
    assert steps_of(Watch({SET: [low]}), *rounds) == ["26 raised oil_kpa_low", "46 returned oil_kpa_low"]


def test_bits_of_one_poll_tie_and_the_next_come_after_them() -> None:
    """First-out: warnings have no place, and a new trouble begins when nothing stands any more."""
    watch = Watch({SET: ()})
    trip, stop = bits("reverse_power", group=AlarmGroup.TRIP), bits("overspeed", group=AlarmGroup.SHUTDOWN)
    watch.see(START, [shot(alarms=bits("low_fuel") | trip)], {})
    watch.see(START + POLL, [shot(alarms=bits("low_fuel", "low_water") | trip | stop)], {})
    places = {alarm.condition.name: (alarm.place, alarm.trouble_at) for alarm in watch.standing}
    assert places == {
        "low_fuel": (None, None), "low_water": (None, None), "reverse_power": (1, START), "overspeed": (2, START),
    }  # fmt: skip
    watch.see(START + 2 * POLL, [shot()], {})
    watch.see(START + 3 * POLL, [shot(alarms=stop | bits("earth_fault", group=AlarmGroup.TRIP))], {})
    assert {a.condition.name: a.place for a in watch.standing if a.state.is_active} == {
        "overspeed": 1, "earth_fault": 1,
    }  # fmt: skip


def test_low_oil_of_an_engine_at_standstill_is_suppressed_and_shown_when_it_runs() -> None:
    watch, oil = Watch({SET: ()}), bits("low_oil_pressure")
    rest = shot(alarms=oil, values={"engine_state": "standby"})
    assert steps_of(watch, (0, rest), (2, rest), (4, shot(alarms=oil))) == [
        "0 raised low_oil_pressure", "0 suppressed low_oil_pressure", "4 unsuppressed low_oil_pressure",
    ]  # fmt: skip


def test_a_lost_controller_is_one_alarm_and_its_own_are_kept() -> None:
    watch, down = Watch({SET: ()}), shot(link=Link.DOWN)
    steps_of(watch, (0, shot(alarms=bits("low_fuel"))))
    said = steps_of(watch, *((second, down) for second in (2, 4, 6, 8)))
    assert said == ["2 suppressed low_fuel", "8 raised link_lost"]  # after its 5 s
    back = shot(alarms=bits("low_fuel"))
    assert steps_of(watch, (10, back), (24, back), (26, back)) == ["10 unsuppressed low_fuel", "26 returned link_lost"]


def test_a_lost_road_is_one_alarm_of_the_site_and_none_of_its_engines() -> None:
    devices = ("board", "set-1", "set-2")
    watch = Watch({Controller("hall", device): () for device in devices})
    found: list[tuple[datetime, str, str]] = []
    for poll in range(20):
        at = START + poll * POLL
        link = Link.DOWN if 3 <= poll < 8 else Link.GOOD
        steps = watch.see(at, [shot(at, device=device, link=link) for device in devices], {})
        found += [(step.at, step.alarm.controller.device, f"{step.what} {step.alarm.condition.name}") for step in steps]
    assert found == [(START + 6 * POLL, "", "raised road_lost"), (START + 16 * POLL, "", "returned road_lost")]


def test_what_is_out_of_service_lives_on_and_is_hidden() -> None:
    watch = Watch({SET: ()})
    steps = watch.see(START, [shot(alarms=bits("low_fuel"))], {SET: "TO-2, order 7"})
    assert [(s.what, s.reason) for s in steps] == [(What.RAISED, ""), (What.REMOVED, "TO-2, order 7")]
    assert [s.what for s in watch.see(START + POLL, [shot()], {SET: "TO-2, order 7"})] == [What.RETURNED]
    assert [s.what for s in watch.see(START + 2 * POLL, [shot()], {})] == [What.RESTORED]


def test_a_shutdown_keeps_the_values_of_a_minute_before_and_after_it() -> None:
    """At 2 s a poll: 31 instants up to it, 61 once the minute is over."""
    watch, around, kept = Watch({SET: ()}), Around(), []
    for poll in range(120):
        at = START + poll * POLL
        stop = bits("overspeed", group=AlarmGroup.SHUTDOWN) if poll >= 60 else ()
        seen = [shot(at, stop, values={"rpm": 1500.0 + poll})]
        kept += around.see(at, seen, watch.see(at, seen, {}))
    assert [len(values["at"]) for _, values in kept] == [31, 61]
    (_, whole) = kept[1]
    assert whole["at"][0] == (START + 30 * POLL).isoformat()
    assert whole["values"]["rpm"] == [1500.0 + poll for poll in range(30, 91)]


def test_every_alarm_of_the_shipped_maps_has_a_title() -> None:
    for file in (Path(gensets.__file__).parent / "map").glob("*.yaml"):
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
        names = {name for word in (told.get("alarms") or {}).get("words", ()) for name in word if name}
        names |= {bit["name"] for bit in told["bits"] if "severity" in bit}
        assert names <= titles.TITLES.keys(), file.name


def test_a_condition_is_known_by_its_source_too() -> None:
    """A bit and a limit of the same name are two alarms: one does not end the other."""
    watch = Watch({SET: [Limit(value="fuel_pct", bound=20.0, is_upper=False)]})
    low = shot(alarms=bits("fuel_pct_low"), values={"fuel_pct": 10.0})
    steps_of(watch, (0, low), (6, low))
    assert {alarm.condition for alarm in watch.standing} == {
        Condition(source, AlarmGroup.WARNING, "fuel_pct_low") for source in (Source.BIT, Source.LIMIT)
    }
