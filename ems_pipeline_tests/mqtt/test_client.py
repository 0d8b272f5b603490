"""A conversation with a real broker: what is heard, what is refused, and what of us remains when we are gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ems_pipeline.mqtt.client import LARGEST_PACKET, Broker, BrokerLost, Conversation, Message, Will
from ems_pipeline_tests.mosquitto import PASSWORD, Listener, Mosquitto, mosquitto
from ems_pipeline_tests.servers import free_ports


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as found:
        yield found


def begun(broker: Broker, will: Will | None = None, *topics: str) -> Conversation:
    conversation = Conversation(broker, will)
    conversation.begin()
    if topics:
        conversation.listen(topics)
    return conversation


def heard(conversation: Conversation, count: int = 1) -> list[Message]:
    found: list[Message] = []
    for _ in range(400):
        found += conversation.work(0.05)
        if len(found) >= count:
            return found
    raise AssertionError(found)


def test_what_is_said_is_heard_once_and_not_by_who_says_it(at: Mosquitto) -> None:
    conversation = begun(at.broker, None, "ems/#")
    other = Listener(at)
    conversation.say("ems/state", "1")
    other.until(lambda: other.last("ems/state") == "1")
    for i in range(20):
        other.say("ems/set", str(i))
    assert [m.payload for m in heard(conversation, 20)] == [str(i).encode() for i in range(20)]


def test_retained_is_told_also_of_what_comes_at_once(at: Mosquitto) -> None:
    other = Listener(at)
    other.say("ems/set", "old", retain=True)
    conversation = begun(at.broker, None, "ems/#")
    assert [(m.payload, m.is_retained) for m in heard(conversation)] == [(b"old", True)]
    other.say("ems/set", "new", retain=True)
    other.say("ems/set", "plain")
    assert [(m.payload, m.is_retained) for m in heard(conversation, 2)] == [(b"new", True), (b"plain", False)]


def test_nothing_that_was_said_while_we_were_away_comes_later(at: Mosquitto) -> None:
    conversation = begun(at.broker, None, "ems/#")
    conversation.end()
    other = Listener(at)
    other.say("ems/set", "missed", qos=1)
    again = begun(at.broker, None, "ems/#")
    other.say("ems/set", "heard")
    assert [m.payload for m in heard(again)] == [b"heard"]


def test_a_packet_beyond_the_bound_is_kept_from_us(at: Mosquitto) -> None:
    conversation = begun(at.broker, None, "ems/#")
    other = Listener(at, "none")
    other.say("ems/set", b"x" * (LARGEST_PACKET + 1))
    other.say("ems/set", "after")
    assert [m.payload for m in heard(conversation)] == [b"after"]


def test_who_is_gone_without_a_word_has_a_last_will_and_who_says_goodbye_has_none(at: Mosquitto) -> None:
    other, will = Listener(at), Will("ems/status", "offline")
    gone = begun(at.broker, will)
    gone.say("ems/status", "online", retain=True)
    other.until(lambda: other.last("ems/status") == "online")
    wire = gone._client.socket()
    assert wire is not None
    wire.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
    other.until(lambda: other.last("ems/status") == "offline")
    polite = begun(at.broker, will)
    polite.say("ems/status", "online", retain=True)
    other.until(lambda: other.last("ems/status") == "online")
    polite.end()
    other.drain()
    assert other.last("ems/status") == "online"


def test_a_broker_that_dies_is_lost_and_comes_back(at: Mosquitto) -> None:
    conversation = begun(at.broker, None, "ems/#")
    at.kill()
    with pytest.raises(BrokerLost, match="the connection is lost"):
        heard(conversation)
    with pytest.raises(BrokerLost, match=r"no connection \(Connection refused\)"):
        conversation.begin()
    at.start()
    again = begun(at.broker, None, "ems/#")
    Listener(at).say("ems/set", "1")
    assert [m.payload for m in heard(again)] == [b"1"]


def test_a_wrong_password_is_named_and_not_shown(at: Mosquitto) -> None:
    with pytest.raises(BrokerLost, match=r"does not let us in|are refused") as lost:
        Conversation(replace(at.broker, password="wrong-secret")).begin()
    assert "wrong-secret" not in str(lost.value)
    assert PASSWORD not in repr(at.broker)


def test_what_is_no_broker_is_lost_within_bounds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(BrokerLost, match="it does not answer"):
        Conversation(Broker("127.0.0.1", silent.getsockname()[1], is_tls=False)).begin()
    (port,) = free_ports(1)
    with pytest.raises(BrokerLost, match="Connection refused"):
        Conversation(Broker("127.0.0.1", port, is_tls=False)).begin()


def test_a_certificate_that_does_not_verify_ends_it_before_anything_is_told(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mosquitto(tmp_path, certificate.parent) as found:
        by_name = replace(found.broker, host="localhost")
        with pytest.raises(BrokerLost, match="its certificate does not verify: self-signed certificate"):
            Conversation(by_name).begin()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("cert.pem")))
        with pytest.raises(BrokerLost, match="its certificate does not verify: IP address mismatch"):
            Conversation(found.broker).begin()
        conversation = begun(by_name, None, "ems/#")
        for i in range(5):
            conversation.say("other/x", str(i))
        assert conversation.work(0.2) == []
        conversation.end()
