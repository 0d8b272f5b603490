"""Live values: what is new is told, merged by field, and nothing of it is lost to one that is slow."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

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
