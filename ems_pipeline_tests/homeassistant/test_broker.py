"""Between the real API and a real broker, which is killed and started again: all comes back, nothing is done twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from ems_pipeline.homeassistant import standing
from ems_pipeline.homeassistant.serve import Publisher
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.homeassistant.conftest import publisher
from ems_pipeline_tests.mosquitto import SOON_S, Listener, Mosquitto

STATE, STATUS = "ems/home01/state", "ems/status"
GRID = "homeassistant/sensor/ems/home01_grid_w/config"


class Running:
    """A publisher on a thread of its own."""

    def __init__(self, of: Publisher) -> None:
        self.of, self._stop = of, threading.Event()
        self._thread = threading.Thread(target=of.run, args=(self._stop,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(SOON_S)
        assert not self._thread.is_alive()


@pytest.fixture
def running(house: House, address: str, at: Mosquitto, now_is_now: None) -> Iterator[Running]:
    house.rows("WITH gone AS (DELETE FROM ems.control_override RETURNING 1) SELECT count(*) FROM gone")
    found = Running(publisher(house, address, at))
    yield found
    found.stop()


def until(holds: Callable[[], object]) -> None:
    ends_s = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < ends_s
        time.sleep(0.02)


def wishes(house: House) -> list[str]:
    return [row[0] for row in house.rows("SELECT mode FROM ems.control_override ORDER BY control_override_id")]


def test_a_broker_that_dies_comes_back_with_everything_and_nothing_is_done_twice(
    running: Running, house: House, at: Mosquitto
) -> None:
    other = Listener(at)
    other.until(lambda: other.last(STATE) and other.last(GRID) and other.last(STATUS) == "online")
    other.say("ems/home01/pack/mode/set", "charge", qos=1)
    other.until(lambda: "pack: charge until" in (other.last("ems/home01/last-wish") or ""))
    at.kill()
    until(lambda: "broker 127.0.0.1" in _fault())
    assert running.of._houses, "what it knows stays known"
    at.start()
    again = Listener(at)
    again.until(lambda: again.last(STATE) and again.last(GRID) and again.last(STATUS) == "online")
    until(lambda: "broker" not in _fault())
    again.say("ems/home01/pack/mode/set", "hold", qos=1)
    again.until(lambda: "pack: hold until" in (again.last("ems/home01/last-wish") or ""))
    assert wishes(house) == ["charge", "hold"]


def test_what_was_said_while_we_were_away_is_not_done(
    house: House, address: str, at: Mosquitto, now_is_now: None
) -> None:
    house.rows("WITH gone AS (DELETE FROM ems.control_override RETURNING 1) SELECT count(*) FROM gone")
    first = Running(publisher(house, address, at))
    other = Listener(at)
    other.until(lambda: other.last(STATE))
    first.stop()
    other.until(lambda: other.last(STATUS) == "offline")
    other.say("ems/home01/pack/mode/set", "charge", qos=1)
    other.say("ems/home01/pack/mode/set", "discharge", qos=1, retain=True)
    second = Running(publisher(house, address, at))
    other.until(lambda: "it was retained" in (other.last("ems/home01/last-wish") or ""))
    second.stop()
    assert wishes(house) == []


def test_the_broker_has_our_last_will_and_no_state_is_retained(running: Running, at: Mosquitto) -> None:
    other = Listener(at)
    other.until(lambda: other.last(STATE))
    late = Listener(at)
    wanted = {STATUS, "ems/home01/status", GRID}
    late.until(lambda: wanted <= {m.topic for m in late.heard if m.is_retained})
    late.drain()
    assert STATE not in {m.topic for m in late.heard if m.is_retained}
    running.stop()
    other.until(lambda: other.last(STATUS) == "offline")


def test_an_entity_that_is_gone_is_taken_from_the_broker(house: House, address: str, at: Mosquitto) -> None:
    other = Listener(at)
    of_before = "homeassistant/sensor/ems/home01_sold_w/config"
    foreign = "homeassistant/sensor/other/home01_sold_w/config"
    other.say(of_before, json.dumps({"name": "of before"}), retain=True)
    other.say(foreign, json.dumps({"name": "somebody else's"}), retain=True)
    running = Running(publisher(house, address, at))
    other.until(lambda: other.last(of_before) == "")
    running.stop()
    assert other.last(foreign) != ""


def test_a_loss_that_lasts_is_trouble_and_a_blink_is_none(house: House) -> None:
    keeper, now = standing.Keeper(), house.clock.now()
    keeper.keep("", now)
    keeper.keep("broker x: the connection is lost", now + timedelta(seconds=30))
    keeper.keep("broker x: no connection", now + timedelta(seconds=60))
    said = standing.found()
    assert said is not None
    assert said.trouble(now + timedelta(seconds=149)) == ""
    assert said.trouble(now + timedelta(seconds=150)) == "broker x: no connection"
    keeper.keep("", now + timedelta(seconds=160))
    well = standing.found()
    assert well is not None
    assert well.trouble(now + timedelta(seconds=170)) == ""
    assert "it has said nothing since" in well.trouble(now + timedelta(seconds=300))


def _fault() -> str:
    said = standing.found()
    return "" if said is None else said.fault
