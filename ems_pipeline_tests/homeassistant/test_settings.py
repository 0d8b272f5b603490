"""What is set is what the process does, and `ems doctor` and `forget` say what they find."""

from __future__ import annotations

import json

import pytest

from ems_pipeline.cli.checkup import home_assistant
from ems_pipeline.homeassistant import serve, standing
from ems_pipeline.mqtt.client import Broker
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.homeassistant.conftest import READS
from ems_pipeline_tests.mosquitto import PASSWORD, USER, Listener, Mosquitto


@pytest.fixture
def named(at: Mosquitto, house: House, address: str, monkeypatch: pytest.MonkeyPatch) -> Mosquitto:
    """A broker and a token in the environment."""
    said = {"HOST": "127.0.0.1", "PORT": str(at.port), "SECURITY": "plain", "USER": USER, "PASSWORD": PASSWORD}
    said |= {"API": address, "TOKEN": house.token(*(f"{noun}:read" for noun in READS), sites=["home01"])}
    for name, value in said.items():
        monkeypatch.setenv(f"EMS_MQTT_{name}", value)
    return at


def test_without_a_broker_nobody_is_told_and_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMS_MQTT_HOST", raising=False)
    assert serve.broker() is None
    assert list(home_assistant()) == []
    with pytest.raises(serve.Unset, match="EMS_MQTT_HOST names no broker"):
        serve.forget()


def test_tls_is_the_rule_and_each_has_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_MQTT_HOST", "ha.example")
    assert serve.broker() == Broker("ha.example", 8883, is_tls=True)
    monkeypatch.setenv("EMS_MQTT_SECURITY", "plain")
    assert serve.broker() == Broker("ha.example", 1883, is_tls=False)
    with pytest.raises(serve.Unset, match="EMS_MQTT_TOKEN no token"):
        serve.api()


def test_the_doctor_finds_a_broker_that_lets_us_in_and_the_sites_of_the_token(named: Mosquitto, house: House) -> None:
    standing.Keeper().keep("", house.clock.now())
    found = [(f.level, f.text) for f in home_assistant()]
    assert found[0] == ("good", f"broker 127.0.0.1:{named.port} lets us in")
    assert found[1] == ("good", "the token's sites: home01")
    assert found[2][0] == "warning"
    assert "it has said nothing since" in found[2][1]


def test_the_doctor_names_what_is_wrong_and_shows_no_secret(named: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    named.kill()
    monkeypatch.setenv("EMS_MQTT_TOKEN", "not-a-token")
    found = [(f.level, f.text) for f in home_assistant()]
    assert [level for level, _ in found] == ["wrong", "wrong", "warning"]
    assert "Connection refused" in found[0][1]
    assert "the token is worth nothing" in found[1][1]
    assert not any(PASSWORD in text or "not-a-token" in text for _, text in found)


def test_forgetting_takes_our_entities_away_and_nobody_elses(named: Mosquitto) -> None:
    other = Listener(named)
    ours, theirs = (f"homeassistant/sensor/{who}/home01_grid_w/config" for who in ("ems", "other"))
    for topic in (ours, theirs):
        other.say(topic, json.dumps({"name": "x"}), retain=True)
    assert serve.forget() == 1
    other.until(lambda: other.last(ours) == "")
    assert other.last(theirs) != ""
