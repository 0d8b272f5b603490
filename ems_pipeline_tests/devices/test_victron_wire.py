"""What counts at the broker of a GX, message by message: a conversation of a script in place of the socket.

The same over a real broker, as far as its timing lets a test say it: `test_victron_mqtt.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ems_pipeline.devices.driver.contract import DeviceFault, PointWrite, always
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.devices.victron import wire as gx_wire
from ems_pipeline.devices.victron.driver import VictronDriver
from ems_pipeline.devices.victron.wire import Endpoint, Wire
from ems_pipeline.mqtt.client import BrokerLost, Message
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.devices.bench import NOON

PORTAL = "c0619ab1cafe"
SOC, VEBUS = "system/0/Dc/Battery/Soc", "system/0/VebusInstance"
Say = Callable[[str, str], list[Message]]
"""What the GX says to a topic and its payload."""


def said(path: str, value: Any, **more: bool) -> Message:
    return Message(f"N/{PORTAL}/{path}", json.dumps({"value": value}).encode(), **more)


class Script:
    """A conversation with a GX that says what it is told to. ``waiting``: what has come before anybody asked."""

    def __init__(self, say: Say) -> None:
        self.react, self.waiting, self.told, self.begun = say, list[Message](), list[tuple[str, str]](), 0
        self.is_lost = False

    def begin(self) -> None:
        self.begun += 1
        self.is_lost = False

    def listen(self, topics: list[str]) -> None:
        assert all(topic.startswith(f"N/{PORTAL}/") for topic in topics)

    def say(self, topic: str, payload: str) -> None:
        self.told.append((topic, payload))
        self.waiting += self.react(topic, payload)

    def work(self, _seconds: float) -> list[Message]:
        if self.is_lost:
            raise BrokerLost("broker gx:1883: the connection is lost", "see whether it runs")
        came, self.waiting = self.waiting, []
        return came

    def end(self) -> None:
        pass

    @property
    def orders(self) -> list[tuple[str, str]]:
        return [(topic, payload) for topic, payload in self.told if topic.startswith("W/")]


Scripted = Callable[[Say], Script]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    def made(say: Say) -> Script:
        script = Script(say)
        monkeypatch.setattr(gx_wire, "Conversation", lambda _broker: script)
        return script

    return made


def on_wire(work: Callable[[Wire], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        return await work(Wire(Endpoint("gx", 1883, PORTAL, timeout_s=0.02)))

    return asyncio.run(run())


def soc(wire: Wire) -> Awaitable[Any]:
    return wire.read([SOC])


def asked(topic: str, path: str) -> bool:
    return topic == f"R/{PORTAL}/{path}"


def test_what_a_broker_has_kept_is_no_answer_even_right_after_the_question(scripted: Scripted) -> None:
    scripted(lambda topic, _: [said(SOC, 77, is_retained=True)] if asked(topic, SOC) else [])
    assert on_wire(soc) == {}


def test_what_was_said_before_the_question_is_thrown_away(scripted: Scripted) -> None:
    script = scripted(lambda topic, _: [said(SOC, 50)] if asked(topic, SOC) else [])
    script.waiting.append(said(SOC, 77))
    assert on_wire(soc) == {SOC: b'{"value": 50}'}


def test_of_several_answers_the_newest_counts_and_of_others_none(scripted: Scripted) -> None:
    other = Message(f"N/0000deadbeef/{SOC}", b'{"value": 1}')
    scripted(
        lambda topic, _: [other, said(SOC, 77), said(SOC, 50), said(f"{SOC}/Below", 2)] if asked(topic, SOC) else []
    )
    assert on_wire(soc) == {SOC: b'{"value": 50}'}


def test_every_reading_keeps_the_gx_alive_and_asks_for_no_full_dump(scripted: Scripted) -> None:
    script = scripted(lambda topic, _: [said(SOC, 50)] if asked(topic, SOC) else [])

    async def twice(wire: Wire) -> None:
        await wire.read([SOC])
        await wire.read([SOC])

    on_wire(twice)
    alive = (f"R/{PORTAL}/keepalive", '{"keepalive-options": ["suppress-republish"]}')
    assert script.told == [alive, (f"R/{PORTAL}/{SOC}", "")] * 2


def test_an_order_goes_out_once_although_its_broker_is_lost_behind_it(scripted: Scripted) -> None:
    def say(topic: str, _: str) -> list[Message]:
        script.is_lost |= topic.startswith("W/")
        return []

    script = scripted(say)
    with pytest.raises(DeviceFault, match="the connection is lost"):
        on_wire(lambda wire: wire.tell("hub4/0/X", '{"value": 3}', always))
    assert script.orders == [(f"W/{PORTAL}/hub4/0/X", '{"value": 3}')]


def test_a_broker_that_went_between_two_looks_is_dialled_again_before_the_order(scripted: Scripted) -> None:
    script = scripted(lambda topic, _: [said(SOC, 50)] if asked(topic, SOC) else [said("hub4/0/X", 3)])

    async def work(wire: Wire) -> None:
        await wire.read([SOC])
        script.is_lost = True
        await wire.tell("hub4/0/X", '{"value": 3}', always)

    on_wire(work)
    assert script.begun == 2
    assert len(script.orders) == 1


def driven(work: Callable[[VictronDriver], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        described = Described("gx", load_map("victron-ess-mqtt", {}), FAMILIES["recipe"], {}, SimulatedClock(NOON))
        return await work(VictronDriver(described, Wire(Endpoint("gx", 1883, PORTAL, timeout_s=0.02))))

    return asyncio.run(run())


def test_a_service_that_has_gone_says_nothing_and_has_no_value(scripted: Scripted) -> None:
    """The GX says an empty payload of every path of it."""
    scripted(lambda topic, _: [Message(f"N/{PORTAL}/{SOC}", b"")] if asked(topic, SOC) else [])
    (reading,) = driven(lambda driver: driver.read(["battery_soc_pct"]))
    assert (reading.value, reading.quality) == (None, Quality.NOT_READY)
    assert reading.reason == f"{SOC}: its service has gone from the GX"


@pytest.mark.parametrize("number", [288, 0])
def test_an_order_goes_to_the_service_that_the_gx_names_now(scripted: Scripted, number: int) -> None:
    """Plugged elsewhere, it has another number: asked again by the next connection."""
    numbers = {"now": number}

    def say(topic: str, _: str) -> list[Message]:
        path = topic.split("/", 2)[2]
        return [said(path, numbers["now"] if path == VEBUS else 3)] if topic.startswith("R/") else []

    script = scripted(say)

    async def work(driver: VictronDriver) -> None:
        await driver.write([PointWrite("setpoint_l1", 500.0)])
        await driver.close()
        numbers["now"] = 261
        await driver.write([PointWrite("setpoint_l1", 500.0)])

    driven(work)
    paths = [topic.removeprefix(f"W/{PORTAL}/") for topic, _ in script.orders]
    assert paths == [f"vebus/{n}/Hub4/L1/AcPowerSetpoint" for n in (number, 261)]


@pytest.mark.parametrize("number", [None, -1, 70_000, 2.5, True, "276", [276], {"x": 1}])
def test_a_number_that_is_none_leads_nowhere(scripted: Scripted, number: Any) -> None:
    def say(topic: str, _: str) -> list[Message]:
        path = topic.split("/", 2)[2]
        return [said(path, number if path == VEBUS else 3)] if topic.startswith("R/") else []

    script = scripted(say)
    answer = driven(lambda driver: driver.write([PointWrite("setpoint_l1", 500.0)]))
    assert "the GX names no such service now" in answer.reason
    assert script.orders == []
