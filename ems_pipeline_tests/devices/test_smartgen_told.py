"""What a controller of a set is told by a plan: one request for power and end, and what stands is what is read back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from ems_pipeline.devices.driver.command import GensetCommand
from ems_pipeline.devices.driver.contract import DeviceFault, PointWrite, SetpointRefused
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.driver.translation import UNTIL
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.smartgen.driver import SmartgenDriver
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.time_grid import SimulatedClock

END = 1_900_000_000.0


def driver(answers: dict[str, Any], asked: list[dict[str, Any]]) -> SmartgenDriver:
    """A driver whose poller answers from ``answers`` by what is to be done."""
    point_map = load_map("smartgen-hgm9520n")
    clock = SimulatedClock(datetime(2026, 11, 30, 12, tzinfo=UTC))
    found = SmartgenDriver(
        Described("set", point_map, FAMILIES[point_map.driver], {"max_power_w": 160_000.0}, clock), "127.0.0.1", 502, 1
    )

    async def ask(request: dict[str, Any]) -> dict[str, Any]:
        asked.append({name: value for name, value in request.items() if name != "at"})
        return dict(answers.get(request["do"], {}))

    found.wire.ask = ask  # type: ignore[method-assign]
    return found


@pytest.mark.parametrize(
    ("command", "writes", "request_"),
    [
        (GensetCommand("set", True, 120_000.0), (120_000.0, END), {"run": True, "power_w": 120_000.0, "until": END}),
        (GensetCommand("set", False), (0.0, END), {"run": False, "power_w": None, "until": END}),
        (None, (0.0, 0.0), {"run": False, "power_w": None, "until": 0.0}),
    ],
)
def test_a_plan_tells_power_and_end_in_one_request(
    command: GensetCommand | None, writes: tuple[float, float], request_: dict[str, Any]
) -> None:
    asked: list[dict[str, Any]] = []
    device = driver({"run": {"command": 7, "state": "confirmed"}}, asked)
    wanted = device.release_writes({}) if command is None else device.translate(command, {UNTIL: END})
    assert wanted == (PointWrite("run_power", writes[0]), PointWrite("run_until", writes[1]))
    assert asyncio.run(device.write(wanted)).accepted
    assert asked == [{"do": "run", **request_}]


def test_what_an_interlock_refuses_is_refused_with_its_words_and_what_may_not_go_is_not_asked() -> None:
    asked: list[dict[str, Any]] = []
    device = driver({"run": {"fault": "the set is locked out: order 12"}}, asked)
    writes = device.translate(GensetCommand("set", True, 120_000.0), {UNTIL: END})
    answer = asyncio.run(device.write(writes))
    assert not answer.accepted
    assert "locked out: order 12" in answer.reason

    async def no() -> str:
        return "disarmed"

    asked.clear()
    assert not asyncio.run(device.write(writes, no)).accepted
    assert asked == []


def test_what_the_poller_holds_is_the_echo() -> None:
    read = {"values": {"power_w": 0.0}, "bits": {}, "age_s": 1.0}
    held = {"run_power_w": 120_000.0, "run_until": END}
    device = driver({"read": read, "held": held}, [])
    writes = device.translate(GensetCommand("set", True, 120_000.0), {UNTIL: END})
    assert all(echo.matches for echo in asyncio.run(device.read_back(writes)))
    gone = driver({"read": read, "held": {"run_power_w": 0.0, "run_until": 0.0}}, [])
    assert not any(echo.matches for echo in asyncio.run(gone.read_back(writes)))


def test_another_kind_of_command_is_refused() -> None:
    from ems_pipeline.devices.driver.command import SignalCommand

    with pytest.raises(SetpointRefused, match="takes no SignalCommand"):
        driver({}, []).translate(SignalCommand("set", ()), {UNTIL: END})


def test_a_poller_that_is_away_is_no_answer() -> None:
    device = driver({}, [])

    async def away(_: Any) -> dict[str, Any]:
        raise DeviceFault(Quality.NO_ANSWER, "the poller of gensets does not answer", device_wide=True)

    device.wire.ask = away  # type: ignore[method-assign]
    writes = device.translate(GensetCommand("set", True, 120_000.0), {UNTIL: END})
    assert "does not answer" in asyncio.run(device.write(writes)).reason
