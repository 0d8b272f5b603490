"""The poller runs commands: committed before they are told, one at a time, and to an end whatever dies in between."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest

from ems_pipeline.gensets.snapshot import Leave
from ems_pipeline.gensets.states import EngineState
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, genset_commands, genset_locks
from ems_pipeline.web.words.sentences import said
from ems_pipeline_tests.scada.halls import SET, SITE, Hall, fresh


@pytest.fixture
def hall(warehouse: Warehouse, home01: Site) -> Hall:
    """Now: the database's own clock says when a code lapses."""
    now = datetime.now(UTC)
    fresh(warehouse, home01, now)
    return Hall(warehouse, now)


def test_a_start_is_run_to_its_end_and_every_step_stands_in_the_journal(hall: Hall) -> None:
    number = hall.command("start", power_w=128_000.0)
    assert hall.until_end(number) == ("done", "")
    assert hall.hand.told == ["manual", "start", "80 %"]
    steps = hall.rows("SELECT step, action, seen FROM ems.genset_command_step ORDER BY genset_command_step_id")
    assert [(step, action) for step, action, _ in steps if action] == [
        ("taking", "press manual"), ("starting", "press start"), ("loading", "write power_setpoint_pct 80"),
    ]  # fmt: skip
    assert {step for step, *_ in steps} >= {"coming_up", "closing"}
    assert steps[0][2]["values"]["engine_state"] == "standby"
    assert "mode_auto" in steps[0][2]["bits"]


def test_the_action_is_committed_before_it_is_told(hall: Hall) -> None:
    hall.command("start")

    async def tell(_command: str, _: Leave) -> None:
        ((action,),) = hall.rows("SELECT action FROM ems.genset_command_step")
        hall.hand.told.append(f"{action} stood in the journal")

    hall.hand.pulse = tell  # type: ignore[method-assign]
    hall.look()
    assert hall.hand.told == ["press manual stood in the journal"]


def test_one_person_is_told_by_name_of_another_whose_command_runs(hall: Hall) -> None:
    number = hall.command("start")
    hall.look(5)
    with pytest.raises(genset_commands.CommandRefused, match=rf"start of web:anna .*command {number},.* wait"):
        hall.command("stop", "web:bert")


def test_a_code_is_the_filers_own_right_and_lapses_after_a_minute(hall: Hall) -> None:
    with hall.warehouse.begin() as connection:
        filed = genset_commands.file(connection, "web:anna", SITE, SET, "start", "as asked")
    for by, code, text in (("web:anna", "00000000", "not the code"), ("web:bert", filed.code, "no command")):
        with pytest.raises(genset_commands.CommandRefused, match=text), hall.warehouse.begin() as connection:
            genset_commands.confirm(connection, by, filed.number, code)
    with hall.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE ems.genset_command SET asked_at = asked_at - interval '2 minutes', "
            "confirm_by_at = confirm_by_at - interval '2 minutes'"
        )
    with pytest.raises(genset_commands.CommandRefused, match="lapsed"), hall.warehouse.begin() as connection:
        genset_commands.confirm(connection, "web:anna", filed.number, filed.code)
    hall.look()
    assert hall.state(filed.number)[0] == "lapsed"
    assert hall.hand.told == []


@pytest.mark.parametrize(
    ("device", "kind", "more", "text"),
    [
        (SET, "breaker", {}, "by the controller alone"),
        (SET, "emergency-stop", {}, "at the set"),
        (SET, "jump", {}, "none of start, stop"),
        (SET, "start", {"power_w": 20_000.0}, "outside 48000 to 160000 W"),
        (SET, "power", {}, "at what power"),
        (SET, "stop", {"power_w": 100_000.0}, "takes no power"),
        (SET, "run", {"power_w": 100_000.0}, "a run has an end"),
        ("board", "start", {}, "a switchboard takes power, mute, release"),
        ("inverter", "start", {}, "no active site home01 has a controller inverter"),
    ],
)
def test_what_is_not_offered_is_refused_when_it_is_filed(
    hall: Hall, device: str, kind: str, more: dict[str, float], text: str
) -> None:
    with pytest.raises(genset_commands.CommandRefused, match=text) as refusal, hall.warehouse.begin() as connection:
        genset_commands.file(connection, "web:anna", SITE, device, kind, "as asked", **more)
    assert said(refusal.value.what, "cs") != refusal.value.what


def test_the_site_decides_who_owns_start(hall: Hall, home01: Site) -> None:
    fresh(hall.warehouse, home01, hall.at + timedelta(seconds=1), "auto")
    with pytest.raises(genset_commands.CommandRefused, match="start_by: auto"):
        hall.command("start")


def test_at_a_site_in_shadow_a_command_is_journalled_and_nothing_is_told(hall: Hall) -> None:
    hall.why_not = "the site is not armed (ems control arm)"
    number = hall.command("start")
    state, reason = hall.until_end(number)
    assert state == "shadow"
    assert reason == "it would press manual first; nothing was told: the site is not armed (ems control arm)"
    assert hall.hand.told == []
    assert hall.rows("SELECT is_shadow FROM ems.genset_command") == [(True,)]


def test_a_site_disarmed_in_the_middle_is_brought_to_rest_and_told_nothing_else(hall: Hall) -> None:
    number = hall.command("start")
    hall.look(10)
    hall.why_not = "the site is not armed (ems control arm)"
    state, reason = hall.until_end(number)
    assert state == "failed"
    assert "not armed" in reason
    assert hall.hand.told == ["manual", "start", "stop"]
    assert hall.engine.state is EngineState.STANDBY


UNARMED = "the site is not armed (ems control arm)"


@pytest.mark.parametrize(
    ("kind", "more", "waits", "told", "ends"),
    [
        ("start", {"power_w": 128_000.0}, 0, [], ("refused", UNARMED)),
        ("start", {"power_w": 128_000.0}, 1, ["manual"], ("failed", "it is left in manual")),
        ("start", {"power_w": 128_000.0}, 2, ["manual", "start", "0 %", "stop", "100 %"], ("failed", UNARMED)),
        ("power", {"power_w": 96_000.0}, 0, [], ("refused", UNARMED)),
        ("stop", {}, 0, [], ("refused", UNARMED)),
        ("stop", {}, 1, ["0 %", "80 %"], ("failed", UNARMED)),
        ("mute", {}, 0, [], ("refused", UNARMED)),
    ],
)
def test_an_opt_in_that_is_taken_back_while_an_action_waits_for_the_bus_lets_nothing_out(
    hall: Hall, kind: str, more: dict[str, float], waits: int, told: list[str], ends: tuple[str, str]
) -> None:
    """It was committed with both; the line was another's meanwhile. What leads the set back to rest is told."""
    if kind in ("power", "stop"):
        assert hall.until_end(hall.command("start", power_w=128_000.0))[0] == "done"
        hall.hand.told.clear()
    number, before = hall.command(kind, **more), itertools.count()

    def meanwhile() -> None:
        hall.why_not = hall.why_not or (UNARMED if next(before) == waits else "")

    hall.hand.meanwhile = meanwhile
    state, reason = hall.until_end(number)
    assert hall.hand.told == told
    assert (state, ends[1] in reason, UNARMED in reason) == (ends[0], True, True)
    ((action, why),) = hall.rows("SELECT action, reason FROM ems.genset_command_step WHERE step = 'withheld'")
    assert (action != "", why) == (True, UNARMED)


def test_a_start_that_was_withheld_is_no_start_and_leaves_the_mode_to_whom_it_was(hall: Hall) -> None:
    hall.command("start")
    hall.hand.meanwhile = lambda: setattr(hall, "why_not", UNARMED)
    hall.look(2)
    ((kept,),) = hall.rows("SELECT said FROM ems.genset_memory")
    assert (kept["owned"], kept["starts"]) == ("auto", [])


@pytest.mark.parametrize("looks", [1, 2, 3, 20, 45, 55])
def test_a_poller_that_dies_at_any_look_goes_on_where_the_journal_stands(hall: Hall, looks: int) -> None:
    number = hall.command("start", power_w=128_000.0)
    hall.look(looks)
    hall.restart()
    assert hall.until_end(number) == ("done", "")
    assert hall.hand.told == ["manual", "start", "80 %"]


def test_what_the_wire_does_not_echo_is_noted_and_not_told_again(hall: Hall) -> None:
    hall.engine.faults.add("wire_error")
    number = hall.command("start")
    state, reason = hall.until_end(number)
    assert (state, hall.hand.told) == ("failed", ["manual"])
    assert "MANUAL was pressed and is not seen" in reason
    said = hall.rows("SELECT reason FROM ems.genset_command_step WHERE step = 'wire'")
    assert said == [("the wire: OSError: no echo",)]
    ((kind, text),) = hall.rows("SELECT kind, text FROM ems.alarm WHERE cleared_at IS NULL")
    assert kind == "genset-command"
    assert text.startswith("command start of web:anna failed: MANUAL was pressed")


def test_a_lock_refuses_the_start_and_is_named(hall: Hall) -> None:
    with hall.warehouse.begin() as connection:
        lock = genset_locks.place(connection, SITE, SET, "order 7: belts", "maintenance", hall.at, "order")
    number = hall.command("start")
    state, reason = hall.until_end(number)
    assert (state, hall.hand.told) == ("refused", [])
    assert "order 7: belts (order, maintenance)" in reason
    with hall.warehouse.begin() as connection:
        genset_locks.lift(connection, lock, "maintenance", hall.at)
    assert hall.until_end(hall.command("start"))[0] == "done"


def test_a_command_taken_back_backs_out(hall: Hall) -> None:
    number = hall.command("start")
    hall.look(40)
    with hall.warehouse.begin() as connection:
        genset_commands.cancel(connection, "web:bert", number)
    hall.look()
    assert hall.state(number)[0] == "backing-out"
    state, reason = hall.until_end(number)
    assert (state, hall.hand.told[2:]) == ("failed", ["stop", "auto"])
    assert "taken back by web:bert" in reason


def test_a_plan_runs_a_set_moves_its_end_and_unasked_it_is_released_and_not_stopped(hall: Hall) -> None:
    hall.look()
    first = hall.ask(run=True, power_kw=96, minutes=20)
    assert first["state"] == "confirmed"
    hall.look(60)
    assert hall.ask(run=True, power_kw=128, minutes=20)["command"] == first["command"]
    hall.look(5)
    hall.engine.pass_time(1180)
    assert hall.until_end(first["command"]) == ("done", "")
    assert hall.hand.told == ["manual", "start", "60 %", "80 %", "100 %"]
    assert hall.engine.state is EngineState.RUNNING


def test_a_plan_that_wants_rest_stops_after_an_hour_what_it_started_and_not_before(hall: Hall) -> None:
    hall.look()
    run = hall.ask(run=True, minutes=60)["command"]
    hall.look(60)
    assert "a plan stops it from" in hall.ask(run=False)["fault"]
    for _ in range(3):
        hall.engine.pass_time(1190)
        hall.look()
        assert hall.ask(run=True, minutes=60)["command"] == run
    stop = hall.ask(run=False)["command"]
    assert hall.state(run)[0] == "done"
    assert hall.until_end(stop) == ("done", "")
    assert hall.hand.told[-4:] == ["0 %", "stop", "100 %", "auto"]


def test_a_persons_command_goes_before_a_plans_which_waits(hall: Hall) -> None:
    hall.look()
    run = hall.ask(run=True, minutes=60)["command"]
    hall.look(60)
    number = hall.command("power", power_w=64_000.0)
    assert f"power of web:anna is under way (command {number})" in hall.ask(run=True)["fault"]
    assert hall.until_end(number) == ("done", "")
    assert hall.state(run)[0] == "running"


def test_a_plan_is_refused_what_an_interlock_forbids_and_nothing_is_filed(hall: Hall) -> None:
    hall.engine.faults.add("cold")
    hall.look()
    assert "jacket has 12" in hall.ask(run=True)["fault"]
    assert "longer than an hour" in hall.ask(run=True, minutes=90)["fault"]
    hall.why_not = "the site is not armed"
    assert hall.ask(run=True)["fault"] == "the site is not armed"
    assert hall.rows("SELECT FROM ems.genset_command") == []


def test_a_restart_forgets_neither_starts_nor_whose_mode_it_is(hall: Hall) -> None:
    assert hall.until_end(hall.command("start"))[0] == "done"
    hall.restart()
    number = hall.command("stop")
    assert hall.until_end(number)[0] == "done"
    hall.restart()
    state, reason = hall.until_end(hall.command("start"))
    assert state == "refused"
    assert "it stands since" in reason


def test_a_database_that_is_away_costs_a_round_and_tells_nothing(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    hall.command("start")

    def away(*_: object, **__: object) -> None:
        raise RuntimeError("the disk of the server is full")

    with monkeypatch.context() as patched:
        patched.setattr(genset_commands, "journal", away)
        hall.look(3)
    assert hall.hand.told == []
    hall.look(3)
    assert hall.hand.told == ["manual", "start"]


def test_a_pulse_that_takes_long_is_waited_for_and_holds_nobody_up(hall: Hall) -> None:
    hall.command("start")
    gate = asyncio.Event()

    async def slow(command: str, _: Leave) -> None:
        hall.hand.told.append(command)
        await gate.wait()

    hall.hand.pulse = slow  # type: ignore[method-assign]

    async def rounds() -> None:
        for _ in range(4):
            hall.engine.pass_time(2)
            await hall.sequences.seen(hall.engine.at, [hall.snapshot()])
        gate.set()
        await hall.sequences.rest()

    asyncio.run(rounds())
    assert hall.hand.told == ["manual"]
