"""The shipped controller maps read the plant's controllers over real sockets: two readings of the facts agree.

The plant was written from the facts and not from the maps, so a wrong address, scale, word order or label shows here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ems_pipeline.gensets.link.bus import RtuBus
from ems_pipeline.gensets.link.line import Line
from ems_pipeline.gensets.link.poll import Place, Polled
from ems_pipeline.gensets.link.tcp import TcpLine
from ems_pipeline.gensets.link.tell import Told
from ems_pipeline.gensets.map.file import load
from ems_pipeline.gensets.map.whole import ControllerMap
from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.plant.gensets.serving import BOARD_UNIT, SET_UNIT, ServedHall
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.plant.gensets.conftest import pass_s

MAPS = {"genset-1": "hgm9520n", "genset-2": "hgm9520n", "board": "hgm9560"}


def line_to(north: ServedHall, key: str) -> Line:
    gateway = north.gateways[key]
    return RtuBus(gateway.host, gateway.port) if key == "board" else TcpLine(gateway.host, gateway.port, 2.0)


def confirmed(name: str) -> ControllerMap:
    """A map whose owner has compared it with his manual."""
    whole = load(name)
    commands = [command.model_copy(update={"requires_verified": False}) for command in whole.commands]
    return whole.model_copy(update={"commands": commands, "by_command": {c.name: c for c in commands}})


def polled(north: ServedHall, clock: SimulatedClock, keys: Sequence[str]) -> dict[str, Snapshot]:
    """One poll of each."""

    async def take() -> dict[str, Snapshot]:
        found = {}
        for key in keys:
            line = line_to(north, key)
            place = Place(site="north", device=key, slave=BOARD_UNIT if key == "board" else SET_UNIT)
            found[key] = await Polled(place, load(MAPS[key]), line, clock).poll()
            await line.renew()
        return found

    return asyncio.run(take())


def test_a_set_beside_the_mains_is_read_as_it_is(north: ServedHall, clock: SimulatedClock) -> None:
    north.hall.board.is_contact_made = True
    north.hall.touch()
    pass_s(clock, 300)
    seen = polled(north, clock, ["genset-1"])["genset-1"]
    genset, values = north.hall.sets["genset-1"], seen.values
    assert seen.link is Link.GOOD, seen
    assert (values["engine_state"], values["generator_breaker"], values["mains_breaker"]) == (
        "running",
        "closed",
        "closed",
    )
    near = {
        "power_w": genset.power_w, "power_l1_w": genset.power_w / 3, "power_pct": 80.0, "power_target_pct": 80.0,
        "rpm": 1500, "generator_l12_v": 400, "mains_l12_v": 400, "generator_hz": 50, "mains_hz": 50,
        "coolant_c": genset.running.coolant_c, "oil_kpa": 400, "starts": genset.running.starts,
        "run_hours": genset.running.run_s / 3600, "battery_v": 27.8, "energy_wh": genset.running.energy_wh,
        "power_factor": 0.95,
    }  # fmt: skip
    assert {n: values[n] for n in near} == {n: pytest.approx(v, rel=2e-3, abs=0.51) for n, v in near.items()}
    assert values["fuel_pct"] is None
    assert (seen.bits["mode_auto"], seen.bits["mode_manual"], seen.bits["common_alarm"]) == (True, False, False)
    assert seen.alarms == frozenset()


def test_a_key_of_a_switchboard_that_stayed_pressed_is_read_by_function_1(
    north: ServedHall, clock: SimulatedClock
) -> None:
    """Of a set nobody knows such a function: its coils are not asked for."""
    north.controllers["board"].write(5, 12, [1])
    seen = polled(north, clock, ["board", "genset-1"])
    assert (seen["board"].bits["mute_key"], seen["board"].bits["start_key"]) == (True, False)
    assert (seen["board"].link, seen["genset-1"].link) == (Link.GOOD, Link.GOOD)


def test_a_switchboard_is_read_as_it_is(north: ServedHall, clock: SimulatedClock) -> None:
    north.hall.board.is_contact_made = True
    north.hall.touch()
    pass_s(clock, 300)
    seen = polled(north, clock, ["board"])["board"]
    hall, values = north.hall, seen.values
    assert seen.link is Link.GOOD, seen
    near = {"mains_power_w": hall.mains_w, "busbar_power_w": hall.sets_w, "sets_power_w": hall.sets_w, "mains_hz": 50}
    near |= {"mains_l12_v": 400, "mains_l1_v": 231, "busbar_l12_v": 400, "battery_v": 27.5, "power_target_pct": 80}
    near |= {"energy_wh": hall.mains_import_wh - hall.mains_export_wh}
    assert {n: values[n] for n in near} == {n: pytest.approx(v, rel=2e-3, abs=101) for n, v in near.items()}
    assert hall.mains_w < 0, "the test would not see a wrong sign"
    states = ("engine_state", "busbar_breaker", "mains_breaker", "mains_state", "load_mode")
    assert [values[n] for n in states] == ["running", "closed", "closed", "normal", "generator_control"]


def test_alarms_of_a_set_have_their_names_and_groups(north: ServedHall, clock: SimulatedClock) -> None:
    for kind in ("gas-leak", "open-sensor"):
        north.inject(kind, "genset-1")
    seen = polled(north, clock, ["genset-1"])["genset-1"]
    assert seen.alarms is not None
    told = {(a.group.value, a.name) for a in seen.alarms}
    assert told == {("shutdown", "gas_leak"), ("warning", "temperature_sensor_open")}


@pytest.mark.parametrize("state", ["standby", "cranking", "warming_up", "wait_load", "running", "cooling"])
def test_states_have_the_words_of_the_plant(north: ServedHall, clock: SimulatedClock, state: str) -> None:
    hall = north.hall
    hall.board.is_contact_made = True
    hall.touch()
    for _ in range(1200):
        if hall.sets["genset-1"].state.value == state:
            break
        hall.board.is_contact_made = clock.at.minute < 5
        pass_s(clock, 0.5)
        north.standing.advance()
    seen = polled(north, clock, ["genset-1"])["genset-1"]
    assert seen.values["engine_state"] == state


def test_keys_and_numbers_reach_the_engine(north: ServedHall, clock: SimulatedClock) -> None:
    """The line's own pulses: off, on, off, each echoed."""

    async def tell() -> None:
        line = line_to(north, "genset-1")
        told = Told(confirmed("hgm9520n"), line, SET_UNIT)
        await told.pulse("manual")
        await told.pulse("start")
        await told.write("power_setpoint_pct", 55.0)
        await line.renew()

    asyncio.run(tell())
    pass_s(clock, 200)
    assert north.hall.sets["genset-1"].load == pytest.approx(0.55)
