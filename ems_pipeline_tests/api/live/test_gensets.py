"""Live values: what is new is told, merged by field, and nothing of it is lost to one that is slow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.api.live.feed import Feed
from ems_pipeline.api.live.gensets import KIND, TOPIC, merged, newer
from ems_pipeline.api.live.hub import Hub
from ems_pipeline.api.live.told import Told
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.api.conftest import NOON

VALUES = st.dictionaries(st.sampled_from(["power_w", "rpm", "fuel_pct"]), st.none() | st.integers(0, 3))


def whole(values: dict[str, Any], alarms: list[Any] | None = None) -> dict[str, Any]:
    return {"model": "HGM9520N", "quality": "good", "taken_at": "t", "values": values, "bits": {}, "alarms": alarms}


def laid(known: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    """What a client knows after a message."""
    return merged({"site": "s", "devices": {"d": known}}, {"site": "s", "devices": {"d": news}})["devices"]["d"]  # type: ignore[no-any-return]


def known_values(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body["values"].items() if value is not None}


@given(seen=st.lists(VALUES, min_size=1, max_size=6))
def test_a_client_that_lays_over_knows_what_stands(seen: list[dict[str, Any]]) -> None:
    client = before = whole(seen[0])
    for values in seen[1:]:
        now = whole(values)
        client = laid(client, newer(before, now))
        before = now
        assert known_values(client) == known_values(now)


def test_only_what_changed_is_told() -> None:
    before, now = whole({"power_w": 5, "rpm": 1500}, []), whole({"power_w": 6, "rpm": 1500}, [])
    assert newer(before, now) == {"quality": "good", "taken_at": "t", "values": {"power_w": 6}}
    assert newer(before, before) == {"quality": "good", "taken_at": "t"}


def test_messages_that_wait_become_one_without_a_gap() -> None:
    async def run() -> list[dict[str, Any]]:
        hub = Hub(SimulatedClock(NOON))
        seat = hub.join(None)
        seat.topics.add(TOPIC)
        for values in ({"power_w": 5, "rpm": 1500}, {"power_w": 6}, {"fuel_pct": None}):
            body = {"site": "hall", "devices": {"set-1": {"quality": "good", "values": values}}}
            hub.publish([Told(TOPIC, "hall", KIND, body, "hall", merged)])
        return [json.loads(text) for text in seat.take()]

    (said,) = asyncio.run(run())
    assert said["devices"]["set-1"]["values"] == {"power_w": 6, "rpm": 1500, "fuel_pct": None}


class Standing:
    """A database with one controller, whose alarms stand as they were set last."""

    def __init__(self) -> None:
        self.alarms: list[list[str]] = []
        self.at = NOON

    @asynccontextmanager
    async def reading(self, _: object) -> AsyncIterator[Standing]:
        yield self

    async def execute(self, _: str, given: dict[str, Any]) -> Standing:
        self.is_new = given["since"] is None or self.at > given["since"]
        return self

    async def fetchall(self) -> list[dict[str, Any]]:
        row = {"site_key": "s", "device_key": "d", "model": "HGM9520N", "link": "good", "taken_at": self.at}
        return [row | {"seen_at": self.at, "readings": {}, "bits": {}, "alarms": self.alarms}] if self.is_new else []


def test_who_begins_while_nobody_follows_is_told_an_alarm_that_is_as_it_was_told_last() -> None:
    """Told: set. Nobody follows, it ends, somebody reads that; then it is set again, and that is news to them."""

    async def run() -> list[dict[str, Any]]:
        database, hub = Standing(), Hub(SimulatedClock(NOON))
        feed, heard = Feed(cast(Any, database), hub), ['{"topic": "gensets", "key": "live"}']
        first = hub.join(None)
        first.topics.add(TOPIC)
        database.alarms = [["warning", "low_fuel"]]
        await feed.tell(heard)
        hub.leave(first)
        database.alarms, database.at = [], NOON + timedelta(seconds=2)
        await feed.tell(heard)
        second = hub.join(None)
        second.topics.add(TOPIC)
        database.alarms, database.at = [["warning", "low_fuel"]], NOON + timedelta(seconds=4)
        await feed.tell(heard)
        return [json.loads(text) for text in second.take()]

    (said,) = asyncio.run(run())
    assert said["devices"]["d"]["alarms"] == [{"group": "warning", "name": "low_fuel"}]
