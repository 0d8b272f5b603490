"""Nothing is dropped silently: what a client should have got reaches it or lies in a gap that does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.api.live import hub as hubs
from ems_pipeline.api.live.hub import DROPPED, KEPT, WAITING, Hub, Seat, TooSlow
from ems_pipeline.api.live.told import Told
from ems_pipeline.time_grid import SimulatedClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def value(site: str, number: int = 0) -> Told:
    return Told(f"site:{site}", site, "readings", {"n": number}, site)


def event(site: str | None, number: int = 0) -> Told:
    return Told("events", site, "event", {"n": number})


def seat_of(hub: Hub, *topics: str, sites: frozenset[str] | None = None) -> Seat:
    seat = hub.join(sites)
    seat.topics.update(topics)
    return seat


def taken(seat: Seat) -> list[dict[str, Any]]:
    return [json.loads(text) for text in seat.take()]


@pytest.fixture
def hub() -> Hub:
    return Hub(SimulatedClock(NOON))


def test_numbers_begin_with_the_clock_so_that_they_rise_over_a_restart(hub: Hub) -> None:
    assert hub.seq == 1_772_366_400_000_000
    hub.publish([event("elm")])
    assert hub.seq == 1_772_366_400_000_001


def test_a_client_gets_what_it_follows_of_the_sites_it_may_see(hub: Hub) -> None:
    bound = seat_of(hub, "events", "site:elm", "site:oak", sites=frozenset({"elm"}))
    everything = seat_of(hub, "events")
    hub.publish([event("elm", 1), event("oak", 2), event(None, 3), value("elm", 4), value("oak", 5)])
    assert [one["n"] for one in taken(bound)] == [1, 4]
    assert [one["n"] for one in taken(everything)] == [1, 2, 3]


def test_the_newest_value_waits_and_the_older_one_is_a_gap(hub: Hub) -> None:
    seat, first = seat_of(hub, "site:elm"), hub.seq + 1
    hub.publish([value("elm", n) for n in range(3)])
    gap, last = taken(seat)
    assert gap == {"type": "gap", "from_seq": first, "to_seq": first + 1}
    assert (last["n"], last["seq"]) == (2, first + 2)
    assert taken(seat) == []


def test_events_all_wait_until_there_are_too_many_and_then_say_so(hub: Hub) -> None:
    seat, first = seat_of(hub, "events"), hub.seq + 1
    hub.publish([event("elm", n) for n in range(WAITING)])
    assert [one["n"] for one in taken(seat)] == list(range(WAITING))
    hub.publish([event("elm", n) for n in range(WAITING + 2)])
    gap, *events = taken(seat)
    assert gap == {"type": "gap", "from_seq": first + WAITING, "to_seq": first + WAITING + 1}
    assert [one["n"] for one in events] == list(range(2, WAITING + 2))


def test_who_lets_thousands_go_by_is_not_served_any_longer(hub: Hub) -> None:
    seat = seat_of(hub, "events")
    hub.publish([event("elm")] * (WAITING + DROPPED))
    assert len(taken(seat)) == WAITING + 1
    hub.publish([event("elm")] * (WAITING + DROPPED + 1))
    with pytest.raises(TooSlow):
        seat.take()


def test_who_comes_back_gets_what_was_missed(hub: Hub) -> None:
    hub.publish([event("elm", 1), value("elm", 2), event("elm", 3), event("oak", 4)])
    seat = seat_of(hub, "events", "site:elm", sites=frozenset({"elm"}))
    hub.resume(seat, ["events"], hub.seq - 3)
    assert [one["n"] for one in taken(seat)] == [3]


def test_who_comes_back_too_late_is_told_of_the_gap(hub: Hub) -> None:
    start = hub.seq
    hub.publish([event("elm", n) for n in range(KEPT + 10)])
    seat = seat_of(hub, "events")
    hub.resume(seat, ["events"], start + 4)
    gap, *_ = taken(seat)
    assert gap["from_seq"] == start + 5
    assert gap["to_seq"] >= start + 10


@pytest.mark.parametrize("of_another_process", [0, 2**60])
def test_who_comes_back_to_another_process_reads_again(hub: Hub, of_another_process: int) -> None:
    hub.publish([event("elm")])
    seat = seat_of(hub, "events")
    hub.resume(seat, ["events"], of_another_process)
    assert taken(seat)[0]["type"] == "gap"


def test_what_waits_is_not_told_twice_to_one_who_subscribes_again(hub: Hub) -> None:
    seat = seat_of(hub, "events", "site:elm")
    before = hub.seq
    hub.publish([event("elm", 1), value("elm", 2)])
    hub.resume(seat, ["events", "site:elm"], before)
    assert [one["n"] for one in taken(seat)] == [1, 2]


def test_when_nobody_told_us_everybody_is_told_so(hub: Hub) -> None:
    seat, other = seat_of(hub, "events"), seat_of(hub)
    hub.publish([event("elm", 1)])
    hub.lost()
    assert [one["type"] for one in taken(seat)] == ["gap", "event"]
    assert [one["type"] for one in taken(other)] == ["gap"]
    back = seat_of(hub, "events")
    hub.resume(back, ["events"], hub.seq - 1)
    assert [one["type"] for one in taken(back)] == ["gap"]


def test_who_left_is_forgotten(hub: Hub) -> None:
    seat = seat_of(hub, "events")
    hub.leave(seat)
    hub.publish([event("elm")])
    assert (taken(seat), hub.clients, hub.followed()) == ([], 0, set())


STEP = st.one_of(
    st.builds(event, st.sampled_from(["elm", "oak", None])),
    st.builds(value, st.sampled_from(["elm", "oak"])),
    st.just("take"),
    st.just("lost"),
)


@given(steps=st.lists(STEP, max_size=120), bound=st.booleans(), most=st.integers(1, 4))
def test_every_message_arrives_or_lies_in_a_gap(steps: list[Any], bound: bool, most: int) -> None:
    hub = Hub(SimulatedClock(NOON))
    seat = seat_of(hub, "events", "site:elm", sites=frozenset({"elm"}) if bound else None)
    due, got, gaps, newest = [], list[int](), list[tuple[int, int]](), dict[str, int]()
    before, hubs.WAITING = hubs.WAITING, most
    try:
        for step in [*steps, "take"]:
            if step == "lost":
                hub.lost()
                due.append(hub.seq)
            elif step == "take":
                for one in taken(seat):
                    if one["type"] == "gap":
                        gaps.append((one["from_seq"], one["to_seq"]))
                    else:
                        got.append(one["seq"])
            else:
                hub.publish([step])
                if seat.wants(step):
                    due.append(hub.seq)
                    newest[step.topic] = hub.seq
    finally:
        hubs.WAITING = before
    assert got == sorted(set(got))
    assert all(one in got or any(first <= one <= last for first, last in gaps) for one in due)
    assert set(got) <= set(due)
