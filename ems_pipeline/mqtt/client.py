"""One conversation with a broker, on the thread of whoever holds it: nothing is said or heard behind their back.

MQTT 5, as brokers speak it since 2019, for what its forerunner lacks: the broker sends us no packet beyond our bound,
and says of a message whether it was retained even when it comes at once. The session is clean and ends with the
connection, so nothing that was said while we were away comes later. Whoever stops calling `work` stops answering the
broker's pings, and the broker says the last will.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain

KEEPALIVE_S = 30
CONNECT_S = 5.0
"""For the connection, and again for the broker's consent."""
LARGEST_PACKET = 64 * 1024
MOST_HEARD = 1000
"""Messages that wait to be looked at; what comes beyond is not kept."""
Refusal = tuple[str, str]
REFUSALS: dict[str, Refusal] = {
    "Not authorized": ("it does not let us in", "check user and password, and what the user may do there"),
    "Bad user name or password": ("user and password are refused", "check both"),
    "Unsupported protocol version": ("it does not speak MQTT 5", "a broker of 2019 or later does, e.g. Mosquitto 1.6"),
}
"""What the broker says, and what that means."""


class BrokerLost(EmsError):
    """The broker cannot be reached, does not let us in, or has gone."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, and how it is talked to."""

    host: str
    port: int
    is_tls: bool = True
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"broker {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Message:
    """What was said on a topic; ``is_retained``: it may be old. ``is_again``: whoever said it had said it before."""

    topic: str
    payload: bytes
    is_retained: bool = False
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says of us, retained, when we are gone without a word."""

    topic: str
    payload: str


class Conversation:
    """Connected from `begin` until `end` or `BrokerLost`."""

    def __init__(self, broker: Broker, will: Will | None = None, keepalive_s: int = KEEPALIVE_S) -> None:
        self.broker, self.dropped = broker, 0
        """``dropped``: messages that came while too many waited."""
        self._keepalive_s = keepalive_s
        self._heard: list[Message] = []
        self._answer: ReasonCode | None = None
        self._is_listening = False
        self._client = client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.connect_timeout = CONNECT_S
        client.on_connect = lambda _c, _u, _f, reason, _p: setattr(self, "_answer", reason)
        client.on_subscribe = lambda _c, _u, _m, _r, _p: setattr(self, "_is_listening", True)
        client.on_message = lambda _c, _u, message: self._hear(message)
        if broker.is_tls:
            client.tls_set_context(ssl.create_default_context())
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)

    def begin(self) -> None:
        """Connect, and wait until the broker consents. BrokerLost: it does not."""
        bounds = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        bounds.MaximumPacketSize = LARGEST_PACKET
        self._answer = None
        try:
            self._client.connect(
                self.broker.host, self.broker.port, self._keepalive_s, clean_start=True, properties=bounds
            )
        except ssl.SSLError as error:
            text = getattr(error, "verify_message", "") or error.reason or "no TLS"
            raise self._lost(f"its certificate does not verify: {text}", "see docs/homeassistant.md, TLS") from None
        except (OSError, ValueError) as error:
            raise self._lost(f"no connection ({_why(error)})", "see whether it runs, and its address") from None
        self._until(lambda: self._answer is not None)
        if self._answer is not None and self._answer.is_failure:
            said = str(self._answer)
            raise self._lost(*REFUSALS.get(said, (f"it refuses us: {said}", "see its log")))

    def work(self, seconds: float) -> list[Message]:
        """Listen for so long, or until something is said; what was said since the last time. BrokerLost: it is gone."""
        until_s = time.monotonic() + seconds
        while not self._heard and (left_s := until_s - time.monotonic()) > 0:
            self._loop(left_s)
        before = -1
        while before < len(self._heard) < MOST_HEARD:  # what has come already, as far as it is whole
            before = len(self._heard)
            self._loop(0.0)
        heard, self._heard = self._heard, []
        return heard

    def say(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Publish, in order; what cannot be sent at once goes with the next `work`.

        Without acknowledgement: TCP delivers it or the conversation is lost, and paho lets what wants no
        acknowledgement overtake what does.
        """
        self._client.publish(topic, payload, qos=0, retain=retain)

    def listen(self, topics: Iterable[str]) -> None:
        """Hear what others say there from now on, once at most; what is retained there comes first. BrokerLost."""
        options = SubscribeOptions(qos=0, noLocal=True, retainAsPublished=True)
        self._is_listening = False
        self._client.subscribe([(topic, options) for topic in topics])
        self._until(lambda: self._is_listening)

    def end(self) -> None:
        """Say goodbye, so that the last will stays unsaid; what is still to be said is said before."""
        until_s = time.monotonic() + 1.0
        while self._client.want_write() and time.monotonic() < until_s and self._client.is_connected():
            self._client.loop(0.05)
        self._client.disconnect()
        self._client.loop(0.05)

    def _until(self, holds: Callable[[], bool]) -> None:
        until_s = time.monotonic() + CONNECT_S
        while not holds():
            if time.monotonic() > until_s:
                raise self._lost("it does not answer", "see whether an MQTT broker listens there")
            self._loop(0.1)

    def _loop(self, seconds: float) -> None:
        code = self._client.loop(seconds)
        is_refused = self._answer is not None and self._answer.is_failure  # it says why, and then closes
        if code != paho.MQTT_ERR_SUCCESS and not is_refused:
            raise self._lost(f"the connection is lost ({paho.error_string(code)})", "see whether it runs")

    def _hear(self, message: paho.MQTTMessage) -> None:
        if len(self._heard) >= MOST_HEARD:
            self.dropped += 1
            return
        self._heard.append(Message(message.topic, bytes(message.payload), bool(message.retain), bool(message.dup)))

    def _lost(self, what: str, remedy: str) -> BrokerLost:
        return BrokerLost(f"{self.broker}: {plain(what)}", remedy)


def _why(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
