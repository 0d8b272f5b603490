"""A publisher between the real API and a real broker; time passes when a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from ems_pipeline import settings
from ems_pipeline.homeassistant.api import Api
from ems_pipeline.homeassistant.entities import Topics
from ems_pipeline.homeassistant.serve import Publisher
from ems_pipeline.homeassistant.telling import Teller
from ems_pipeline.mqtt.client import Broker, Message
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.api.conftest import house as house
from ems_pipeline_tests.api.conftest import lived as lived
from ems_pipeline_tests.api.conftest import now_is_now as now_is_now
from ems_pipeline_tests.api.conftest import passwords_that_cost_nothing as passwords_that_cost_nothing
from ems_pipeline_tests.api.conftest import stocked as stocked
from ems_pipeline_tests.api.loopback import on_loopback
from ems_pipeline_tests.mosquitto import PASSWORD, USER, Mosquitto, mosquitto

READS = ("sites", "telemetry", "plans", "prices", "analytics", "alarms", "overrides")
TOPICS = Topics("ems", "homeassistant")


@dataclass
class Told:
    """A publisher without a broker: what it says is kept, by topic."""

    publisher: Publisher
    house: House
    said: list[Message] = field(default_factory=list)
    teller: Teller = field(init=False)

    def __post_init__(self) -> None:
        self.teller = Teller(self._say, TOPICS)

    def _say(self, topic: str, payload: str, *, retain: bool = False) -> None:
        self.said.append(Message(topic, payload.encode(), retain))

    def step(self, *heard: Message, is_late: bool = False) -> None:
        self.publisher.step(list(heard), self.teller, is_late=is_late)

    def last(self, topic: str) -> str | None:
        return next((m.payload.decode() for m in reversed(self.said) if m.topic == topic), None)

    def count(self, topic: str) -> int:
        return sum(m.topic == topic for m in self.said)

    def wait(self, **span: float) -> None:
        self.house.clock.advance_to(self.house.clock.at + timedelta(**span))
        self.house.seconds.at += timedelta(**span).total_seconds()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the process says how it does."""
    monkeypatch.setenv(settings.HOME.name, str(tmp_path))
    return tmp_path


@pytest.fixture
def address(house: House, lived: object) -> Iterator[str]:
    with on_loopback(house.client) as port:
        yield f"http://127.0.0.1:{port}"


def publisher(house: House, address: str, at: Mosquitto | None = None, *, writes: bool = True) -> Publisher:
    """One with a token of home01, that takes wishes where its token may."""
    rights = [f"{noun}:read" for noun in READS] + (["overrides:write"] if writes else [])
    api = Api(address, house.token(*rights, sites=["home01"]))
    broker = at.broker if at is not None else Broker("127.0.0.1", 1, False, USER, PASSWORD)
    return Publisher(broker, api, TOPICS, house.clock, takes_wishes=writes)


@pytest.fixture
def told(house: House, address: str) -> Told:
    return Told(publisher(house, address), house)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as found:
        yield found
