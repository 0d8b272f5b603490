"""A Victron GX of the plant at its broker: what it says on topics, when, and what it takes (dbus-flashmq).

A value is said when it changes, for a minute after the last keep-alive, and when somebody asks for it; only the serial
number is retained. What does not exist is not answered, what is refused neither. Twins decide what stands where.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.mqtt.client import BrokerLost, Conversation, Message
from ems_pipeline.plant.faults import SLOW_S
from ems_pipeline.plant.mqtt_broker import Mosquitto, running
from ems_pipeline.plant.refusals import Refused, Silent
from ems_pipeline.plant.twin import Twin
from ems_pipeline.sites import Gateway

ALIVE = timedelta(seconds=60)
HEARTBEAT = timedelta(seconds=3)
INSTANCE = 276
"""Of the VE.Bus device at the port it hangs at."""
LOOK_S, RETRY_S = 0.02, 0.05
SUPPRESS, ECHO = "suppress-republish", "full-publish-completed-echo"
OTHER_PORTAL = "0000deadbeef"


@dataclass
class Gx:
    """One GX at its broker. ``twins`` are the devices that the site file has behind it."""

    gateway: Gateway
    twins: Sequence[Twin]
    broker: Mosquitto
    now: Callable[[], datetime]
    faults: set[str] = field(default_factory=set)
    """Line faults at work now, see `faults.FAULTS`; read at every message."""
    gone: set[str] = field(default_factory=set)
    """Paths that nothing measures now: null."""
    heard: list[Message] = field(default_factory=list)
    """Everything that was said to it."""
    alive_until: datetime | None = None
    _said: dict[str, Any] = field(default_factory=dict)
    _beat_at: datetime | None = None
    _late: list[tuple[float, str, str]] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self.points: dict[str, tuple[Twin, Point]] = {
            point.path.format(**dict.fromkeys(twin.point_map.link.instances, INSTANCE)): (twin, point)
            for twin in self.twins
            for point in twin.point_map.points
            if point.path is not None
        }
        self.fixed: dict[str, Any] = {
            "system/0/Serial": self.gateway.portal,
            "system/0/VebusInstance": INSTANCE,
            f"vebus/{INSTANCE}/DeviceInstance": INSTANCE,
            f"vebus/{INSTANCE}/ProductName": "MultiPlus-II 48/5000/70-50",
            f"vebus/{INSTANCE}/Ac/NumberOfPhases": sum("AcPowerSetpoint" in path for path in self.points),
        }

    def serve(self, over: threading.Event) -> None:
        """Be there until it is over; a broker that has gone is looked for again."""
        while not over.is_set():
            talk = Conversation(self.broker.broker)
            try:
                talk.begin()
                self._begun(talk)
                while not over.is_set():
                    for message in talk.work(LOOK_S):
                        self._take(talk, message)
                    self._tell(talk)
                talk.end()
            except BrokerLost:
                over.wait(RETRY_S)

    def _begun(self, talk: Conversation) -> None:
        talk.listen([f"R/{self.gateway.portal}/#", f"W/{self.gateway.portal}/#"])
        talk.say(self._topic("system/0/Serial"), json.dumps({"value": self.gateway.portal}), retain=True)
        talk.say(self._topic("keepalive"), "1")

    def _topic(self, path: str) -> str:
        return f"N/{self.gateway.portal}/{path}"

    def _take(self, talk: Conversation, message: Message) -> None:
        self.heard.append(message)
        if message.is_retained:  # an order that somebody has left behind is none
            return
        action, _, rest = message.topic.partition("/")
        path = rest.partition("/")[2]
        if action == "W":
            self._write(path, message.payload)
        elif path == "keepalive":
            self._kept_alive(talk, message.payload.decode())
        else:
            for below in self._paths():
                if below == path or below.startswith(f"{path}/"):
                    self._publish(talk, below)

    def _write(self, path: str, payload: bytes) -> None:
        """Take a value, or say nothing, as a GX does of what it does not take."""
        twin, point = self.points.get(path, (None, None))
        if twin is None or point is None or not point.writable:
            return
        try:
            twin.check_alive()
            value, quality, _ = codec.judge(point, codec.to_site(point, json.loads(payload)["value"]))
            if value is not None and not quality:
                twin.put({point.name: value})
        except (Refused, Silent, ValueError, KeyError, TypeError):
            return

    def _kept_alive(self, talk: Conversation, payload: str) -> None:
        self.alive_until = self.now() + ALIVE
        if SUPPRESS in payload:
            return
        for path in self._paths():
            self._publish(talk, path)
        done: dict[str, Any] = {"value": int(self.now().timestamp())}
        for option in json.loads(payload or "{}").get("keepalive-options", []):
            done |= {ECHO: option[ECHO]} if isinstance(option, dict) and ECHO in option else {}
        talk.say(self._topic("full_publish_completed"), json.dumps(done))

    @property
    def is_alive(self) -> bool:
        """Whether somebody has kept it alive."""
        return self.alive_until is not None and self.now() < self.alive_until

    def _tell(self, talk: Conversation) -> None:
        """What has changed, while somebody listens, and what is late."""
        due = [item for item in self._late if item[0] <= time.monotonic()]
        self._late = [item for item in self._late if item not in due]
        for _, topic, payload in due:
            talk.say(topic, payload)
        if not self.is_alive:
            return
        if self._beat_at is None or self.now() - self._beat_at >= HEARTBEAT:
            self._beat_at = self.now()
            talk.say(self._topic("heartbeat"), json.dumps({"value": int(self.now().timestamp())}))
        for path in self._paths():
            if path in self._said and not path.endswith("AcPowerSetpoint"):  # of which it says no change
                self._publish(talk, path, only_new=True)

    def _paths(self) -> list[str]:
        return [*self.fixed, *self.points]

    def _value(self, path: str) -> Any:
        """What stands there. Refused, Silent: a fault is at work."""
        if path in self.gone:
            return None
        if path in self.fixed:
            return self.fixed[path]
        twin, point = self.points[path]
        twin.check_alive()
        with twin.world.lock:
            twin.world.advance()
            raw = codec.to_raw(point, twin.value(point, twin.live()))
        return int(raw) if float(raw).is_integer() else round(raw, 3)

    def _publish(self, talk: Conversation, path: str, *, only_new: bool = False) -> None:
        try:
            value = self._value(path)
        except (Refused, Silent):
            return
        if only_new and self._said.get(path) == value:
            return
        self._said[path] = value
        for topic, payload in self._as_the_line_has_it(self._topic(path), json.dumps({"value": value})):
            talk.say(topic, payload)

    def _as_the_line_has_it(self, topic: str, payload: str) -> Iterator[tuple[str, str]]:
        self._count += 1
        is_odd = self._count % 2 == 1
        if "half-open" in self.faults or ("lost" in self.faults and is_odd):
            return
        if "foreign" in self.faults:
            foreign = topic.replace(str(self.gateway.portal), OTHER_PORTAL)
            yield from ((foreign, '{"value": 31000}'), (f"{topic}/Below", '{"value": 31000}'))
        if "garbage" in self.faults or ("truncated" in self.faults and is_odd):
            payload = payload[: len(payload) // 2]
        if "slow" in self.faults:
            self._late.append((time.monotonic() + SLOW_S, topic, payload))
            return
        yield topic, payload
        if "duplicate" in self.faults:
            yield topic, payload


@contextmanager
def serving_gx(gateway: Gateway, port: int, password: str | None, twins: Sequence[Twin]) -> Iterator[Gx]:
    """A broker at the gateway's address and the GX at it, until the block ends.

    Raises:
        NoBroker: Mosquitto is not on this machine, or does not start.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ems-gx-")))
        broker = stack.enter_context(running(Mosquitto(folder, gateway.host, port, gateway.user, password)))
        gx = Gx(gateway, twins, broker, twins[0].world.clock.now)
        over = threading.Event()
        thread = threading.Thread(target=gx.serve, args=(over,), name="plant-gx", daemon=True)
        thread.start()
        try:
            yield gx
        finally:
            over.set()
            thread.join(timeout=10)
