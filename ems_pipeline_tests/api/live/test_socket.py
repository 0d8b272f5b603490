"""The protocol of ``/ws`` over a real socket, with the real database telling what is new."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ems_pipeline.api.address import as_web
from ems_pipeline.api.app import layered
from ems_pipeline.api.limits import Budgets
from ems_pipeline.api.live import socket as sockets
from ems_pipeline.api.live.parley import Pace, Parley
from ems_pipeline.api.web import Settings, Web
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, gensets, telemetry
from ems_pipeline_tests.api.conftest import NOON, SECRET, House, Seconds
from ems_pipeline_tests.api.loopback import on_loopback
from ems_pipeline_tests.readings import answers

SOON_S = 20.0
"""Longest a test waits for what has to come."""
ALARM = """INSERT INTO ems.alarm (site_key, kind, severity, text, raised_at, last_at)
           VALUES (:site, :kind, 'warning', 'told', :at, :at)"""


class Served:
    """A web process on a port, and tokens for it."""

    def __init__(self, house: House, port: int) -> None:
        self.house, self.port = house, port

    @asynccontextmanager
    async def talk(self, token: str | None, path: str = "/ws", **headers: str) -> AsyncIterator[Talk]:
        async with connect(f"ws://localhost:{self.port}{path}", additional_headers=headers) as opened:
            talk = Talk(opened)
            assert (await talk.next())["type"] == "hello"
            if token is not None:
                await talk.say("auth", token=token)
            yield talk


class Talk:
    """A client's side of it."""

    def __init__(self, opened: ClientConnection) -> None:
        self.opened = opened

    async def say(self, kind: str, **body: Any) -> None:
        await self.opened.send(json.dumps({"type": kind, **body}))

    async def next(self, kind: str | None = None) -> dict[str, Any]:
        """The next message (of a kind)."""
        async with asyncio.timeout(SOON_S):
            while True:
                said: dict[str, Any] = json.loads(await self.opened.recv())
                if kind is None or said["type"] == kind:
                    return said

    async def closed(self) -> int:
        """The code it is closed with."""
        async with asyncio.timeout(SOON_S):
            with contextlib.suppress(ConnectionClosed):
                async for _ in self.opened:
                    pass
            await self.opened.wait_closed()
        return self.opened.close_code or 0


@pytest.fixture(scope="module")
def served(stocked: Warehouse) -> Iterator[Served]:
    clock = SimulatedClock(NOON)
    web = Web(Settings(as_web(stocked.url), SECRET), clock, Budgets(itertools.count(step=60).__next__))
    with TestClient(layered(web), base_url="http://localhost", raise_server_exceptions=False) as client:
        assert client.portal is not None
        client.portal.call(asyncio.wait_for, web.feed.is_listening.wait(), SOON_S)
        with on_loopback(client) as port:
            yield Served(House(web, client, stocked, clock, Seconds()), port)


@pytest.fixture
def pace(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let what takes minutes take moments."""
    return lambda **changed: monkeypatch.setattr(sockets, "PACE", replace(Pace(), **changed))


def alarm(warehouse: Warehouse, site: str | None, kind: str) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text(ALARM), {"site": site, "kind": kind, "at": NOON})


def run(talk: Awaitable[None]) -> None:
    asyncio.run(asyncio.wait_for(talk, 2 * SOON_S))  # type: ignore[arg-type]


def test_who_follows_is_told_what_the_database_was_told(served: Served) -> None:
    token, warehouse = served.house.token("live:read", "alarms:read", "telemetry:read"), served.house.warehouse

    async def follow() -> None:
        async with served.talk(token) as talk:
            known = await talk.next("authenticated")
            assert (known["name"], known["sites"]) == ("program", None)
            assert known["expires_at"] == "2026-03-02T12:00:00.000Z"
            await talk.say("subscribe", topics=["events", "site:home01", "plans", "gossip"])
            refused = [await talk.next("refused") for _ in range(2)]
            assert {(one["refused"], one["code"]) for one in refused} == {
                ("plans", "permission_missing"), ("gossip", "topic_unknown"),
            }  # fmt: skip
            assert (await talk.next("subscribed"))["topics"] == ["events", "site:home01"]
            assert [(await talk.next("snapshot"))["about"] for _ in range(2)] == ["events", "site:home01"]
            await asyncio.to_thread(alarm, warehouse, "home01", "first")
            event = await talk.next("event")
            assert (event["event"]["kind"], event["event"]["site"]) == ("first", "home01")
            said = [Reading("meter", "grid_power_w", "W", 850.0, NOON, NOON),
                    Reading("roof", "pv_power_w", "W", None, NOON, NOON, Quality.NO_ANSWER, "timeout")]  # fmt: skip
            with warehouse.begin() as connection:
                telemetry.store(connection, answers([("home01", one) for one in said]))
            readings = (await talk.next("readings"))["readings"]
            assert readings[0] == {
                "sensor_id": "meter/grid_power_w", "value": 850.0, "unit": "W", "quality": 0, "reason": None,
                "measured_at": "2026-03-01T12:00:00.000Z",
            }  # fmt: skip
            assert (readings[1]["value"], readings[1]["quality"]) == (None, int(Quality.NO_ANSWER))

    run(follow())


def test_nobody_is_told_of_a_foreign_site(served: Served) -> None:
    token, warehouse = (
        served.house.token("live:read", "alarms:read", "telemetry:read", sites=["home02"]),
        served.house.warehouse,
    )

    async def follow() -> None:
        async with served.talk(token) as talk:
            await talk.say("subscribe", topics=["events", "site:home01"])
            assert (await talk.next("refused"))["code"] == "topic_unknown"
            assert (await talk.next("snapshot"))["values"] == []
            for site, kind in (("home01", "foreign"), (None, "of-the-machine"), ("home02", "own")):
                await asyncio.to_thread(alarm, warehouse, site, kind)
            assert (await talk.next("event"))["event"]["kind"] == "own"

    run(follow())


def test_who_comes_back_gets_what_happened_meanwhile(served: Served) -> None:
    token, warehouse = served.house.token("live:read", "alarms:read"), served.house.warehouse

    async def follow() -> None:
        async with served.talk(token) as talk:
            await talk.say("subscribe", topics=["events"])
            since = (await talk.next("snapshot"))["seq"]
            await asyncio.to_thread(alarm, warehouse, "home01", "seen-by-one")
            await talk.next("event")
        async with served.talk(token) as talk:
            await talk.say("subscribe", topics=["events"], since_seq=since)
            assert (await talk.next("event"))["event"]["kind"] == "seen-by-one"

    run(follow())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([{"type": "subscribe", "topics": ["events"]}], 4401),
        ([{"type": "auth", "token": "nonsense"}], 4401),
        ([{"type": "auth"}], 4401),
        (["no json"], 4400),
        ([[1]], 4400),
        ([{"type": "auth", "token": None, "pad": "x" * 70_000}], 4400),
        (["OK", {"type": "subscribe", "topics": "events"}], 4400),
        (["OK", {"type": "subscribe", "topics": ["events"], "since_seq": "1"}], 4400),
        (["OK", {"type": "subscribe", "topics": ["events"], "max_rate_hz": 0}], 4400),
        (["OK", *[{"type": "ping"}] * 60], 4429),
    ],
)
def test_what_ends_a_conversation(served: Served, words: list[Any], code: int) -> None:
    token = served.house.token("live:read")

    async def follow() -> None:
        async with served.talk(None) as talk:
            for word in words:
                text = json.dumps({"type": "auth", "token": token} if word == "OK" else word)
                await talk.opened.send("{" if word == "no json" else text)
            assert await talk.closed() == code

    run(follow())


def test_who_says_nothing_is_not_waited_for(served: Served, pace: Callable[..., None]) -> None:
    pace(auth_s=0.05)

    async def follow() -> None:
        async with served.talk(None) as talk:
            assert await talk.closed() == 4408

    run(follow())


def test_without_the_right_there_is_nothing_to_follow(served: Served) -> None:
    token = served.house.token("alarms:read")

    async def follow() -> None:
        async with served.talk(token) as talk:
            assert await talk.closed() == 4403

    run(follow())


def test_a_token_that_is_taken_back_ends_the_conversation(served: Served, pace: Callable[..., None]) -> None:
    pace(recheck_s=0.05)
    house = served.house
    token = house.token("live:read")

    async def follow() -> None:
        async with served.talk(token) as talk:
            await talk.next("authenticated")
            said = await asyncio.to_thread(house.login("anna").post, "/api/v1/tokens/revoke", json={"token": token})
            assert said.status_code == 200
            assert await talk.closed() == 4401

    run(follow())


def test_who_is_silent_is_let_go_and_ping_is_a_word(served: Served, pace: Callable[..., None]) -> None:
    pace(heartbeat_s=0.2)
    token = served.house.token("live:read")

    async def follow() -> None:
        async with served.talk(token) as talk:
            await talk.say("ping")
            await talk.next("pong")
            assert await talk.closed() == 1001

    run(follow())


class TakesNothing:
    """A client's socket that greets, follows, and then takes nothing more, not even the end."""

    def __init__(self, token: str) -> None:
        words = [{"type": "auth", "token": token}, {"type": "subscribe", "topics": ["events"]}]
        self._said = iter([{"type": "websocket.receive", "text": json.dumps(word)} for word in words])
        self._takes = {"hello", "authenticated", "subscribed"}

    async def accept(self) -> None:
        pass

    async def receive(self) -> dict[str, Any]:
        return next(self._said, None) or await asyncio.Future()

    async def send_text(self, text: str) -> None:
        if json.loads(text)["type"] not in self._takes:
            await asyncio.Future()


def test_who_takes_nothing_of_what_it_is_told_is_let_go(served: Served) -> None:
    web, portal = served.house.web, served.house.client.portal
    socket: Any = TakesNothing(served.house.token("live:read", "events:read", "alarms:read"))
    assert portal is not None
    before = web.hub.clients
    portal.call(asyncio.wait_for, Parley(socket, web, replace(Pace(), send_s=0.1), ("live:read",)).run(), SOON_S)
    assert web.hub.clients == before


def test_who_leaves_during_his_snapshot_is_no_error(served: Served) -> None:
    web, portal = served.house.web, served.house.client.portal
    token = served.house.token("live:read", "events:read", "alarms:read")
    words = [{"type": "auth", "token": token}, {"type": "subscribe", "topics": ["events"]}]
    heard: list[dict[str, Any]] = [{"type": "websocket.connect"}]
    heard += [{"type": "websocket.receive", "text": json.dumps(word)} for word in words]
    said: list[str] = []

    async def receive() -> Any:
        return heard.pop(0) if heard else await asyncio.Future()

    async def send(message: Any) -> None:
        said.append(json.loads(message["text"])["type"] if "text" in message else message["type"])
        if said[-1] == "snapshot":
            raise OSError("the line is cut")

    assert portal is not None
    before = web.hub.clients
    socket = WebSocket({"type": "websocket", "headers": []}, receive, send)
    portal.call(asyncio.wait_for, Parley(socket, web, Pace(), ("live:read",)).run(), SOON_S)
    assert said[-1] == "snapshot"
    assert web.hub.clients == before


def test_another_sites_page_gets_no_socket(served: Served) -> None:
    async def follow() -> None:
        with pytest.raises((InvalidStatus, ConnectionClosed)):
            async with served.talk(None, Origin="https://evil.example"):
                pass

    run(follow())


def test_a_browser_that_logged_in_needs_no_token(served: Served) -> None:
    browser = served.house.login("otto")
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    async def follow() -> None:
        async with served.talk(None, Cookie=cookie, Origin=f"http://localhost:{served.port}") as talk:
            await talk.say("auth")
            known = await talk.next("authenticated")
            assert (known["name"], known["sites"]) == ("otto", ["home01"])

    run(follow())


def test_the_figures_of_the_process(served: Served) -> None:
    token = served.house.token("stats:read")

    async def follow() -> None:
        async with served.talk(token, "/ws/metrics") as talk:
            figures = await talk.next("metrics")
            assert figures["ws_clients"] == 1
            assert figures["requests_total"] > 0

    run(follow())


def test_when_the_ear_at_the_database_is_cut_everybody_is_told_and_it_hears_again(served: Served) -> None:
    token, warehouse = served.house.token("live:read", "alarms:read"), served.house.warehouse

    async def follow() -> None:
        async with served.talk(token) as talk:
            await talk.say("subscribe", topics=["events"])
            await talk.next("snapshot")
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ems web, listening'"
            assert await asyncio.to_thread(served.house.rows, cut) == [(True,)]
            await talk.next("gap")
            await talk.next("gap")  # the first says that it was cut, the second that it hears again
            await asyncio.to_thread(alarm, warehouse, "home01", "heard-again")
            assert (await talk.next("event"))["event"]["kind"] == "heard-again"

    run(follow())


def test_a_clock_that_goes_on_tells_of_a_token_that_ends(served: Served, pace: Callable[..., None]) -> None:
    pace(recheck_s=0.05)
    token, clock = served.house.token("live:read"), served.house.clock

    async def follow() -> None:
        async with served.talk(token) as talk:
            await talk.next("authenticated")
            clock.wait_until(clock.now() + timedelta(days=1, seconds=-0.04))
            assert (await talk.next("token_expiring"))["seconds_left"] == 0
            clock.wait_until(clock.now() + timedelta(minutes=1))
            assert await talk.closed() == 4401

    run(follow())


def polled(warehouse: Warehouse, power_w: float, second: int) -> None:
    """A round of the poller: a set of a site that is seen, and one of another's."""
    at = NOON + timedelta(seconds=second)
    snapshots = [
        Snapshot(
            site=site, device="set-1", model="HGM9520N", taken_at=at, link=Link.GOOD,
            values={"power_w": power_w, "rpm": 1500.0}, bits={"mode_auto": True}, alarms=frozenset(),
        )
        for site in ("home01", "foreign")
    ]  # fmt: skip
    with warehouse.begin() as connection:
        gensets.tell_live(connection, snapshots, at)


def test_live_values_of_controllers_come_first_whole_and_then_as_they_change(served: Served) -> None:
    polled(served.house.warehouse, 100_000.0, 0)
    token = served.house.token("telemetry:read", sites=["home01"])

    async def follow() -> None:
        async with served.talk(token, "/ws/metrics") as talk:
            snapshot = await talk.next("snapshot")
            (site,) = snapshot["values"]
            assert site["site"] == "home01"
            assert site["devices"]["set-1"]["values"] == {"power_w": 100_000, "rpm": 1500}
            await asyncio.to_thread(polled, served.house.warehouse, 101_000.0, 2)
            seen = None
            while seen != {"power_w": 102_000}:
                said = await talk.next("gensets")
                seen = said["devices"]["set-1"].get("values")
                if seen and seen.get("power_w") == 101_000:
                    await asyncio.to_thread(polled, served.house.warehouse, 102_000.0, 4)
            assert said["seq"] > snapshot["seq"]
            assert said["devices"]["set-1"]["quality"] == "good"

    run(follow())
