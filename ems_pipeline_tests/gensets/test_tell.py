"""Keys and numbers: the pulse as it goes out, and what never does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ems_pipeline.gensets.link.tell import CommandRefused, Told
from ems_pipeline.gensets.map.file import load
from ems_pipeline.gensets.map.whole import ControllerMap
from ems_pipeline_tests.gensets.words import Registers


def confirmed(name: str = "hgm9520n") -> ControllerMap:
    return load(name).model_copy(update={"verified": True})


def test_a_key_is_off_on_and_off_again() -> None:
    line, slept = Registers({}), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    asyncio.run(Told(confirmed(), line, 1, sleep).pulse("start"))
    assert line.told == [(5, 0, 0), (5, 0, 0xFF00), (5, 0, 0)]
    assert slept == [0.1, 0.6]


def test_a_key_is_let_go_whatever_happens_while_it_is_held() -> None:
    line = Registers({})

    async def sleep(seconds: float) -> None:
        if seconds == 0.6:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Told(confirmed(), line, 1, sleep).pulse("manual"))
    assert line.told[-1] == (5, 4, 0)


def test_a_number_is_written_in_the_steps_of_its_register() -> None:
    line = Registers({})
    asyncio.run(Told(confirmed("hgm9560"), line, 3).write("power_setpoint_pct", 75.0))
    assert line.told == [(6, 4352, 750)]


@pytest.mark.parametrize(
    ("command", "value", "why"),
    [("power_setpoint_pct", 100.1, "not within 0 to 100 %"), ("load_mode", 1.0, "offers no 'load_mode'")],
)
def test_what_the_map_does_not_allow_is_refused(command: str, value: float, why: str) -> None:
    line = Registers({})
    with pytest.raises(CommandRefused, match=why):
        asyncio.run(Told(confirmed(), line, 1).write(command, value))
    assert line.told == []


def test_nothing_but_mute_is_told_by_a_map_that_nobody_confirmed() -> None:
    line = Registers({})

    async def sleep(_: float) -> None:
        """At once."""

    told = Told(load("hgm9520n"), line, 1, sleep)
    asyncio.run(told.pulse("mute"))
    assert [address for _, address, _ in line.told] == [12, 12, 12]
    for command in ("start", "stop", "auto", "manual", "reset"):
        with pytest.raises(CommandRefused, match="is not confirmed"):
            asyncio.run(told.pulse(command))


def test_leave_is_asked_once_the_line_is_ours_and_without_it_nothing_is_written() -> None:
    """The wait for a busy line comes first: what was allowed before it says nothing of now."""
    line, happened = Registers({}), list[str]()

    @asynccontextmanager
    async def turn(_: int) -> AsyncIterator[None]:
        happened.append("the line is ours")
        yield

    async def leave() -> None:
        happened.append("may it be told?")
        raise PermissionError

    line.turn = turn  # type: ignore[method-assign]
    told = Told(confirmed(), line, 1)
    for telling in (told.pulse("start", leave), told.write("power_setpoint_pct", 75.0, leave)):
        with pytest.raises(PermissionError):
            asyncio.run(telling)
    assert happened == 2 * ["the line is ours", "may it be told?"]
    assert line.told == []
