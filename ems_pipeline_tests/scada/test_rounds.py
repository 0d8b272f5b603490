"""The cycle over real sockets: who is asked, who is shown what, and what a dead controller costs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import cast

import pytest

from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.scada.alarms import Alarms
from ems_pipeline.scada.desk import Desk
from ems_pipeline.scada.rounds import Rounds
from ems_pipeline.scada.sequences import Sequences
from ems_pipeline.scada.serve import followers
from ems_pipeline.scada.shown import Shown
from ems_pipeline.scada.yard import Yard
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse
from ems_pipeline_tests.gensets.server import Server
from ems_pipeline_tests.gensets.words import NOON, Hands, running
from ems_pipeline_tests.scada.conftest import Hall


class Kept:
    """A follower that keeps what it is shown, and fails so many times first."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.rounds: list[Sequence[Snapshot]] = []

    async def seen(self, _: datetime, snapshots: Sequence[Snapshot]) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.rounds.append(snapshots)


async def at_once(_: float) -> None:
    """No pause."""


def snapshot(device: str = "set-1") -> Snapshot:
    return Snapshot(
        site="hall", device=device, model="HGM9520N", taken_at=NOON, link=Link.GOOD, values={}, bits={}, alarms=None
    )


def test_a_set_is_polled_shown_and_read_by_drivers(hall: Hall) -> None:
    async def run() -> None:
        async with Server(running()).listening() as server:
            clock, kept = Hands(), Kept()
            yard, shown = Yard(clock), Shown("kept", kept)
            assert await yard.follow([hall(server.port)]) == []
            rounds = Rounds(yard, [shown], clock)
            await rounds.cycle(asyncio.get_running_loop().time())
            await shown.once()
            (seen,) = kept.rounds[0]
            assert (seen.site, seen.device, seen.values["power_w"]) == ("hall", "set-1", 123_200.0)
            desk = Desk(yard, clock, lambda: rounds.shown_at)
            clock.after(3)
            said = await desk.answer({"do": "read", "at": f"127.0.0.1:{server.port} unit 1"})
            assert (said["values"]["power_w"], said["age_s"]) == (123_200.0, 3.0)
            assert "no site file names" in (await desk.answer({"do": "read", "at": "127.0.0.1:1 unit 1"}))["fault"]
            await yard.close()

    asyncio.run(run())


def test_a_file_that_changes_elsewhere_leaves_the_connection_open(hall: Hall) -> None:
    async def run() -> None:
        async with Server(running()).listening() as server:
            yard = Yard(Hands())
            site = hall(server.port)
            await yard.follow([site])
            standing = yard.standing["hall", "set-1"]
            await standing.polled.poll()
            await yard.follow([site.model_copy(update={"name": "Another name"})])
            assert yard.standing["hall", "set-1"] is standing
            await yard.standing["hall", "set-1"].polled.poll()
            assert server.clients == 1
            await yard.follow([hall(server.port, mains_sign=-1)])
            assert yard.standing["hall", "set-1"] is not standing
            await yard.follow([])
            assert yard.lines() == {}

    asyncio.run(run())


def test_a_controller_without_a_map_costs_only_itself(hall: Hall) -> None:
    async def run() -> None:
        yard = Yard(Hands())
        good, bad = hall(1), hall(2, options={"controller_map": "hgm9999"}).model_copy(update={"key": "other"})
        (fault,) = await yard.follow([bad, good])
        assert fault.startswith("other/set-1 is not polled: there is no controller map 'hgm9999'")
        assert list(yard.standing) == [("hall", "set-1")]

    asyncio.run(run())


def test_a_set_that_does_not_answer_is_lost_after_three_polls_and_found_again(hall: Hall) -> None:
    async def run() -> None:
        async with Server(running()).listening() as server:
            yard = Yard(Hands())
            await yard.follow([hall(server.port)])
            polled = yard.standing["hall", "set-1"].polled
            assert (await polled.poll()).link is Link.GOOD
            server.hangs = True
            assert [(await polled.poll()).link for _ in range(3)] == [Link.STALE, Link.STALE, Link.DOWN]
            server.hangs = False
            assert (await polled.poll()).link is Link.GOOD
            await yard.close()

    asyncio.run(run())


def test_whoever_minds_what_is_polled_no_more_is_shown_a_round_without_anything(hall: Hall) -> None:
    """The last controller goes: no poll says so."""

    async def run() -> None:
        async with Server(running()).listening() as server:
            yard, kept = Yard(Hands()), Kept()
            shown = Shown("kept", kept)
            rounds = Rounds(yard, [shown], Hands())
            await yard.follow([hall(server.port)])
            await rounds.cycle(asyncio.get_running_loop().time())
            await yard.follow([])
            for _ in range(2):
                await rounds.cycle(asyncio.get_running_loop().time())
            while shown._waiting:
                await shown.once()
            assert [len(one) for one in kept.rounds][-1] == 0
            assert [len(one) for one in kept.rounds].count(0) == 1

    asyncio.run(run())


def test_a_follower_that_fails_is_shown_the_next_round() -> None:
    async def run() -> None:
        kept = Kept(KeyError("x"))
        shown = Shown("kept", kept, sleep=at_once)
        for device in ("a", "b"):
            shown.show(NOON, [snapshot(device)])
        await shown.once()
        await shown.once()
        assert [[seen.device for seen in one] for one in kept.rounds] == [["b"]]

    asyncio.run(run())


def test_what_the_database_did_not_take_is_shown_again() -> None:
    async def run() -> None:
        kept = Kept(DatabaseUnavailable("away"), DatabaseUnavailable("away"))
        shown = Shown("kept", kept, sleep=at_once)
        for device in ("a", "b"):
            shown.show(NOON, [snapshot(device)])
        for _ in range(4):
            await shown.once()
        assert [[seen.device for seen in one] for one in kept.rounds] == [["a"], ["b"]]

    asyncio.run(run())


def test_what_comes_while_a_follower_is_busy_reaches_each_of_them() -> None:
    """A cycle is shown in parts: a part that waits is no older state of what the next one has."""

    async def run() -> None:
        yard, nowhere = Yard(Hands()), cast(Warehouse, None)
        for shown in followers(nowhere, yard, Alarms(nowhere, {}), Sequences(nowhere, yard.controller)):
            shown._follower = kept = Kept()
            for device in ("a", "b", "a", "c"):
                shown.show(NOON, [snapshot(device)])
            while shown._waiting:
                await shown.once()
            assert {seen.device for one in kept.rounds for seen in one} == {"a", "b", "c"}, shown.name
            if shown.name == "alarms":
                assert len(kept.rounds) == 4, "an alarm that comes and goes is in one of them only"

    asyncio.run(run())


def test_of_what_waits_for_a_database_the_newest_of_each_counts() -> None:
    async def run() -> None:
        kept = Kept(DatabaseUnavailable("away"))
        shown = Shown("kept", kept, sleep=at_once, is_newest_enough=True)
        old, new = snapshot("a"), snapshot("a")
        shown.show(NOON, [old, snapshot("b")])
        await shown.once()
        shown.show(NOON, [new])
        await shown.once()
        assert [seen.device for seen in kept.rounds[0]] == ["a", "b"]
        assert kept.rounds[0][0] is new

    asyncio.run(run())


@pytest.mark.parametrize(("keeps", "left", "lost"), [(1, ["c"], 2), (2, ["b", "c"], 1)])
def test_the_oldest_rounds_go_first(keeps: int, left: list[str], lost: int) -> None:
    async def run() -> None:
        kept = Kept()
        shown = Shown("kept", kept, keeps)
        for device in ("a", "b", "c"):
            shown.show(NOON, [snapshot(device)])
        for _ in left:
            await shown.once()
        assert [one[0].device for one in kept.rounds] == left
        assert shown.lost == lost

    asyncio.run(run())
