"""The life of a set-point: legal steps only, every life ends, and nobody takes the same step twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.control import lifecycle
from ems_pipeline.control.lifecycle import ENDS, NEXT, OPEN, IllegalStep
from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, setpoint_lives, setpoints
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.intents import Intent, Setpoint, State
from ems_pipeline.warehouse.setpoints import StaleStep

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def draft(device: str = "inverter") -> Setpoint:
    until = NOON + timedelta(minutes=20)
    writes = (PointWrite("p", 1.0),)
    return Setpoint(
        "home01", NOON, Intent(device, None, Source.PLAN, "test", until, writes=writes, changes=writes), False
    )


@given(st.sampled_from(State), st.sampled_from(State))
def test_a_step_is_taken_if_and_only_if_the_life_has_it(before: State, after: State) -> None:
    if after in NEXT[before]:
        assert lifecycle.step(1, before, after, NOON).after == after
    else:
        with pytest.raises(IllegalStep, match=before):
            lifecycle.step(1, before, after, NOON)


def test_a_step_that_is_not_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        IllegalStep, match=r"7 cannot go from sent to released; it may go to echoed, expired, failed, s"
    ):
        lifecycle.step(7, State.SENT, State.RELEASED, NOON)
    with pytest.raises(IllegalStep, match=r"cannot go from failed to sent; it may go to nothing, it has ended"):
        lifecycle.step(7, State.FAILED, State.SENT, NOON)


def test_of_several_steps_the_last_has_the_reason_and_what_was_measured() -> None:
    taken = lifecycle.path(
        draft(), State.SENT, State.ECHOED, State.EFFECTIVE, at=NOON, reason="it obeys", measured={"w": 3.5}
    )
    assert [(s.before, s.after, s.reason, s.measured) for s in taken] == [
        ("intended", "sent", "", {}),
        ("sent", "echoed", "", {}),
        ("echoed", "effective", "it obeys", {"w": 3.5}),
    ]


def test_an_end_is_an_end_and_every_state_leads_to_one() -> None:
    assert all(not NEXT[end] for end in ENDS)
    for state in OPEN:
        assert NEXT[state] & ENDS
        assert state not in NEXT[state]


def test_only_what_stood_in_the_device_can_be_effective() -> None:
    assert [s for s in State if State.EFFECTIVE in NEXT[s]] == [State.ECHOED]
    assert [s for s in State if State.REVERTED in NEXT[s]] == [State.ECHOED, State.EFFECTIVE]


def test_a_step_from_a_state_already_left_keeps_nothing(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.begin() as connection:
        registry.register(connection, [home01], NOON)
        (row,) = setpoints.intend(connection, [draft()], NOON)
        setpoints.take(connection, lifecycle.path(row, State.SENT, at=NOON))
    with pytest.raises(StaleStep, match="no longer intended"), warehouse.begin() as connection:
        setpoints.take(connection, lifecycle.path(row, State.SENT, State.ECHOED, at=NOON))
    with warehouse.begin() as connection:
        _, steps = setpoint_lives.life(connection, "home01", row.setpoint_id)
    assert steps["state"].to_list() == ["intended", "sent"]


def test_each_step_is_logged_with_its_instant(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        (row,) = setpoints.intend(connection, [draft("wallbox-1")], NOON)
        later = NOON + timedelta(seconds=2)
        setpoints.take(connection, lifecycle.path(row, State.SENT, State.ECHOED, at=later, measured={"w": 3.5}))
        head, steps = setpoint_lives.life(connection, "home01", row.setpoint_id)
    assert (head["sent_after_s"], head["echoed_after_s"], head["state"]) == (2.0, 2.0, "echoed")
    assert steps["at"].to_list() == [NOON, later, later]
    assert steps["measured"].to_list() == ["{}", "{}", '{"w": 3.5}']


def test_writes_are_counted_with_the_intent_by_point_and_day(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        before = setpoints.writes_on(connection, "home01", NOON.date()).get(("heat-pump", "p"), 0)
        setpoints.intend(connection, [draft("heat-pump")], NOON)
        setpoints.intend(connection, [draft("heat-pump")], NOON)
        setpoints.intend(connection, [draft("heat-pump")], NOON + timedelta(days=1))
        counted = setpoints.writes_on(connection, "home01", NOON.date())
    assert counted["heat-pump", "p"] == before + 2


def test_a_device_is_steered_from_the_first_touch_to_its_release(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        refused, sent = setpoints.intend(connection, [draft("wallbox-2"), draft("loxone")], NOON)
        setpoints.take(connection, lifecycle.path(refused, State.FAILED, at=NOON))
        setpoints.take(connection, lifecycle.path(sent, State.SENT, State.FAILED, at=NOON))
        steered = {s.device for s in setpoints.steered(connection, "home01")}
        assert "wallbox-2" not in steered, "it was refused before the wire"
        assert "loxone" in steered, "something of ours may stand in it"
        (release,) = setpoints.intend(connection, [draft("loxone")], NOON)
        setpoints.take(connection, lifecycle.path(release, State.SENT, State.ECHOED, State.RELEASED, at=NOON))
        assert "loxone" not in {s.device for s in setpoints.steered(connection, "home01")}
