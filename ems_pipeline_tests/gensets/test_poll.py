"""What a poll makes of a controller's words: decoding, alarms, faults of the link."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.gensets.link.blocks import planned
from ems_pipeline.gensets.link.decode import decode
from ems_pipeline.gensets.map.file import load
from ems_pipeline.gensets.map.whole import ControllerMap
from ems_pipeline.gensets.snapshot import AlarmBit, Link, Snapshot
from ems_pipeline.gensets.states import AlarmGroup
from ems_pipeline_tests.gensets.words import Hands, Registers, blocks_of, controller, running, shut, u32


def polls(line: Registers, times: int = 1, name: str = "hgm9520n", mains_sign: int = 1) -> list[Snapshot]:
    """So many polls, two seconds apart."""
    clock = Hands()
    polled = controller(line, clock, name, mains_sign)

    async def take() -> list[Snapshot]:
        taken = []
        for _ in range(times):
            taken.append(await polled.poll())
            clock.after(2)
        return taken

    return asyncio.run(take())


def test_a_running_set_is_read_in_site_units() -> None:
    seen = polls(Registers(running()))[0]
    shown = {name: seen.values[name] for name in ("power_w", "power_l1_w", "generator_l12_v", "generator_hz", "rpm")}
    assert shown == {
        "power_w": 123_200.0, "power_l1_w": 41_200.0, "generator_l12_v": 400.0, "generator_hz": 50.0, "rpm": 1500.0,
    }  # fmt: skip
    assert seen.values["energy_wh"] == 123_456_700.0
    assert seen.values["run_hours"] == pytest.approx(16908 + 30 / 60 + 36 / 3600)
    assert (seen.values["engine_state"], seen.values["generator_breaker"]) == ("running", "closed")
    assert seen.bits["mode_auto"]
    assert not seen.bits["common_alarm"]
    assert seen.bits["generator_closed"]
    assert (seen.link, seen.alarms, seen.model) == (Link.GOOD, frozenset(), "HGM9520N")


def test_a_sensor_that_is_not_there_has_no_value_and_a_frost_has_one() -> None:
    words = running() | {224: 32766, 234: 32767, 220: 0x10000 - 12}
    seen = polls(Registers(words))[0]
    assert seen.values["fuel_pct"] is None
    assert seen.values["oil_c"] is None
    assert seen.values["coolant_c"] == -12.0


def test_keys_are_read_by_function_1_and_one_that_is_left_pressed_is_seen() -> None:
    line = Registers({0: 1 << 9}, is_serial=True)
    line.coils = {0: 1}
    seen = polls(line, 5, "hgm9560")[-1]
    keys = {name: seen.bits[name] for name in ("start_key", "stop_key", "auto_key", "manual_key", "mute_key")}
    assert keys == {"start_key": True, "stop_key": False, "auto_key": False, "manual_key": False, "mute_key": False}
    assert line.coils_asked == [(0, 13)]  # in every fifth poll


def test_a_controller_without_function_1_is_asked_once_and_loses_nothing_else() -> None:
    line = Registers({0: 1 << 9}, is_serial=True)
    seen = polls(line, 11, "hgm9560")
    assert line.coils_asked == [(0, 13)]
    assert {one.link for one in seen} == {Link.GOOD}
    assert "start_key" not in seen[-1].bits


def test_what_cannot_be_is_no_value() -> None:
    seen = polls(Registers(running() | {212: 5001, 220: 201, 224: 101, 260: 16}))[0]
    assert [seen.values[name] for name in ("rpm", "coolant_c", "fuel_pct", "engine_state")] == [None] * 4


def test_the_low_word_comes_first_and_export_is_negative() -> None:
    words = dict(zip((109, 110), u32(-125), strict=True)) | {40: 9, 193: 3, 197: 3}
    assert words == {109: 0xFF83, 110: 0xFFFF, 40: 9, 193: 3, 197: 3}
    assert polls(Registers(words), name="hgm9560")[0].values["mains_power_w"] == -12_500.0
    assert polls(Registers(words), name="hgm9560", mains_sign=-1)[0].values["mains_power_w"] == 12_500.0


def test_sync_values_mean_nothing_at_rest_and_a_phase_is_the_shorter_way_round() -> None:
    words = running() | {156: 21, 157: 3, 158: 3590, 260: 8}
    seen = polls(Registers(words))[0]
    assert (seen.values["sync_v"], seen.values["sync_hz"], seen.values["sync_phase_deg"]) == (2.1, 0.03, -1.0)
    seen = polls(Registers(words | {260: 0}))[0]
    assert [seen.values[name] for name in ("sync_v", "sync_hz", "sync_phase_deg")] == [None] * 3


def test_the_group_tells_what_an_alarm_does() -> None:
    words = running()
    shut(words, (1 + 0, 8), (91 + 1, 13), (16 + 2, 15), (76 + 4, 9), (96, 7))
    assert polls(Registers(words))[0].alarms == {
        AlarmBit(AlarmGroup.SHUTDOWN, "crank_failure"),
        AlarmBit(AlarmGroup.WARNING, "low_oil_pressure"),
        AlarmBit(AlarmGroup.TRIP_STOP, "sync_failure"),
        AlarmBit(AlarmGroup.BLOCK, "gas_leak"),
        AlarmBit(AlarmGroup.WARNING, "input_8"),
    }


def test_alarm_words_are_asked_for_only_while_something_is_wrong() -> None:
    line, clock = Registers(running()), Hands()
    polled = controller(line, clock)

    async def take() -> None:
        await polled.poll()
        assert (1, 96) in blocks_of(line), "nobody has looked yet"
        await polled.poll()
        assert blocks_of(line) == [(0, 1), (114, 101), (220, 56)]
        shut(line.words, (1, 8))
        await polled.poll()
        assert (1, 96) in blocks_of(line)
        line.words[0], line.words[1] = 1 << 9, 0
        assert (await polled.poll()).alarms == frozenset()
        assert (1, 96) in blocks_of(line), "what was wrong is looked at once more"

    asyncio.run(take())


def test_three_polls_without_an_answer_are_a_lost_controller_whose_alarms_have_not_ended() -> None:
    words = running()
    shut(words, (1, 8))
    line, clock = Registers(words), Hands()
    polled = controller(line, clock)

    async def take() -> None:
        good = await polled.poll()
        line.is_silent = True
        stale = [await polled.poll() for _ in range(2)]
        assert [s.link for s in stale] == [Link.STALE, Link.STALE]
        assert stale[1].values["power_w"] == 123_200.0
        assert stale[1].taken_at == good.taken_at
        assert stale[0].alarms is None, "unknown is not ended"
        down = await polled.poll()
        assert down.link is Link.DOWN
        assert down.alarms is None
        assert set(down.values.values()) == {None}
        assert down.bits == {}
        line.is_silent = False
        assert (await polled.poll()).alarms == good.alarms

    asyncio.run(take())


def test_a_register_that_this_controller_lacks_costs_only_itself() -> None:
    line = Registers(running())
    line.refuses = {241}
    taken = polls(line, 4)
    assert taken[0].link is Link.STALE, "one request was refused, and is taken apart"
    assert taken[3].link is Link.GOOD
    assert (taken[3].values["fuel_per_h"], taken[3].values["coolant_c"]) == (None, 85.0)


def test_a_part_that_is_not_answered_leaves_alarms_unknown() -> None:
    line = Registers(running())
    line.refuses = {50}
    assert polls(line)[0].alarms is None


def test_hours_that_were_read_while_they_moved_are_held_back() -> None:
    line, clock = Registers(running() | {270: 99, 271: 59, 272: 58}), Hands()
    polled = controller(line, clock)

    async def take(*hms: int) -> object:
        line.words |= dict(zip((270, 271, 272), hms, strict=True))
        clock.after(2)
        return (await polled.poll()).values["run_hours"]

    async def walk() -> None:
        await polled.poll()
        assert await take(100, 59, 59) is None, "the hour is new, the minutes are old"
        assert await take(100, 0, 1) == pytest.approx(100 + 1 / 3600, abs=1e-4)
        assert await take(2000, 0, 0) is None, "a meter that was replaced is believed when it says so again"
        assert await take(2000, 0, 2) == pytest.approx(2000 + 2 / 3600, abs=1e-4)

    asyncio.run(walk())


@given(raw=st.integers(-(2**31), 2**31 - 1), low_first=st.booleans())
def test_a_signed_pair_comes_back_whatever_its_order(raw: int, low_first: bool) -> None:
    order = "low_first" if low_first else "high_first"
    whole = ControllerMap.model_validate(
        {
            "format": "smartgen-map/1", "model": "M", "defaults": {"word_order": order, "invalid_raw": []},
            "registers": [
                {"name": "before", "address": 3}, {"name": "pair", "address": 4, "type": "s32"},
                {"name": "again", "address": 3, "type": "s16"},
            ],
        }
    )  # fmt: skip
    (block,) = planned(whole, "fast", is_serial=False)
    low, high = u32(raw % 2**32)
    values: dict[str, object] = {}
    decode(block, (0xFFFF, *((low, high) if low_first else (high, low))), values, {}, set())  # type: ignore[arg-type]
    assert values == {"before": 0xFFFF, "pair": raw, "again": -1}


@pytest.mark.parametrize(("name", "is_serial"), [("hgm9520n", False), ("hgm9520n", True), ("hgm9560", True)])
def test_no_value_is_torn_and_no_request_is_longer_than_the_map_allows(name: str, is_serial: bool) -> None:
    whole = load(name)
    most = whole.link.rtu_max_block if is_serial else whole.defaults.max_block
    for poll in ("fast", "slow", "alarm"):
        for block in planned(whole, poll, is_serial=is_serial):  # type: ignore[arg-type]
            assert block.count <= most
            assert all(number.at + (2 if number.wide else 1) <= block.count for number in block.numbers)
