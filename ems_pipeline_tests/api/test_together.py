"""Rows that are asked for at once are read at once, and never before they were asked for."""

from __future__ import annotations

import asyncio

import pytest

from ems_pipeline.api.together import Together

KNOWN = {1: "one", 2: "two", 3: "three"}


class Table:
    """A table that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.fault: Exception | None = None

    async def read(self, keys: list[int]) -> dict[int, str]:
        self.asked.append(sorted(keys))
        await self.may_answer.wait()
        if self.fault:
            raise self.fault
        return {key: KNOWN[key] for key in keys if key in KNOWN}


async def turn() -> None:
    """Whoever can go on has gone on."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_comes_while_a_question_is_under_way_is_in_the_next_one() -> None:
    async def run() -> tuple[list[str | None], list[list[int]]]:
        table = Table()
        rows = Together(table.read)
        first = asyncio.create_task(rows.get(1))
        await turn()
        later = [asyncio.create_task(rows.get(key)) for key in (1, 2, 2, 9)]
        await turn()
        assert table.asked == [[1]], "a row read before it was asked for may be an old one"
        table.may_answer.set()
        return list(await asyncio.gather(first, *later)), table.asked

    assert asyncio.run(run()) == (["one", "one", "two", "two", None], [[1], [1, 2, 9]])


def test_a_fault_is_everybodys_and_the_next_question_is_a_new_one() -> None:
    async def run() -> None:
        table = Table()
        rows, table.fault = Together(table.read), OSError("away")
        table.may_answer.set()
        for found in await asyncio.gather(rows.get(1), rows.get(2), return_exceptions=True):
            assert isinstance(found, OSError)
        table.fault = None
        assert await rows.get(3) == "three"

    asyncio.run(run())


def test_who_goes_away_takes_nobody_elses_answer_along() -> None:
    async def run() -> str | None:
        table = Table()
        rows = Together(table.read)
        gone, stays = asyncio.create_task(rows.get(1)), asyncio.create_task(rows.get(2))
        await turn()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        table.may_answer.set()
        return await stays

    assert asyncio.run(run()) == "two"
