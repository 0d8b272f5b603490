"""What is known of one charger that calls in: connection, state, meter, and what it was told.

No socket: `stations` hands over what was said, `document` says it by the paths of the point map. What is not known is
missing with its reason; only a charger that says itself that it does not charge draws 0 W unmeasured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline.devices.ocpp.meter import ASKED_FROM, Meter
from ems_pipeline.devices.ocpp.profile import Order
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.time_grid import Clock

HEARTBEAT_S = 60
"""How often a charger is to say that it lives."""
SILENT_AFTER = timedelta(seconds=150)
"""Without a word for so long, what a charger said last says nothing of now: two heartbeats and some slack."""
AT_REST = frozenset({EvStatus.NOT_CONNECTED, EvStatus.CONNECTED})
CLOCK_OFF = timedelta(seconds=30)
"""A clock that is farther off is worth saying."""
UNTOLD = "it has not been told since it started, or since this server did"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the site file says about a charger."""

    phases: int = 3
    id_tags: frozenset[str] | None = None
    """Cards and apps that may charge, in lower case; None: everybody's."""
    connector: int = 1
    tx_profile: bool = True
    """Whether a running transaction is told by a profile of its own."""
    composite_schedule: bool = True
    """Whether it is asked what it really offers."""

    def admits(self, id_tag: str) -> bool:
        """Whether a card or app may charge; OCPP compares them without case."""
        return self.id_tags is None or id_tag.lower() in self.id_tags


@dataclass(slots=True)
class Charger:
    """The last that was heard of a charger, and what it was told since it started."""

    name: str
    clock: Clock
    terms: Terms = field(default_factory=Terms)
    meter: Meter = field(default_factory=Meter)
    version: str = ""
    about: str = ""
    """Vendor, model, firmware."""
    is_here: bool = False
    since_at: datetime | None = None
    """When it called in, or when it was gone; None: it never called."""
    gone: str = "it has not called in since this server started"
    heard_at: datetime | None = None
    status: EvStatus | None = None
    said: str = ""
    """The status in its own word."""
    said_at: datetime | None = None
    is_resting: bool = False
    """Whether that word says that nothing is charged."""
    error: int | None = None
    order: Order | None = None
    is_told: bool = False
    """Whether ``order`` (None: nothing of ours) is what it holds, by its own word since it started."""
    safe_a: float | None = None
    offered_a: float | None = None
    """What it says itself that it offers, as asked a moment ago."""
    lacks: set[str] = field(default_factory=set)
    """Requests that it does not know."""

    def came(self, version: str) -> None:
        """It called in; what it said before stands until it says otherwise, or that it was started anew."""
        now = self.clock.now()
        self.version, self.is_here, self.since_at, self.heard_at = version, True, now, now

    def left(self, why: str) -> None:
        """Its connection is gone."""
        self.is_here, self.gone, self.since_at, self.offered_a = False, why, self.clock.now(), None

    def booted(self, about: str) -> None:
        """It started: whether a profile outlived that, nobody knows until it is asked or told anew."""
        self.about = about
        self.status, self.error, self.safe_a, self.is_resting = None, None, None, False
        self.unsure()
        self.meter.started_anew()

    def shows(self, status: EvStatus | None, said: str, error: int | None, *, is_plain: bool = True) -> None:
        """Its state has changed.

        Args:
            is_plain: a state in which a car does not charge means that it does not; one word may mean both.
        """
        self.status, self.said, self.error, self.said_at = status, said, error, self.clock.now()
        self.is_resting = is_plain and status in AT_REST

    def told(self, order: Order | None) -> None:
        """It took an order of ours, or took ours away."""
        self.order, self.is_told, self.offered_a = order, True, None

    def unsure(self) -> None:
        """It did not answer what it was told, or was started anew: what stands there is not known."""
        self.order, self.is_told, self.offered_a = None, False, None

    def is_quiet(self) -> bool:
        """Whether its state is not known, or so old that it should be asked before it is read."""
        return self.status is None or self.heard_at is None or self.clock.now() - self.heard_at > ASKED_FROM

    def is_unmetered(self) -> bool:
        """The same of its meter, which matters while it charges."""
        at = self.meter.metered_at
        return not self.is_resting and (at is None or self.clock.now() - at > ASKED_FROM)

    def fault(self) -> str:
        """Why nothing of it is known now; empty when it is there and speaks."""
        if not self.is_here:
            since = f"since {self.since_at:%Y-%m-%d %H:%M:%S} UTC" if self.since_at else "yet"
            return f"{self.name} is not connected {since}: {self.gone}"
        if self.heard_at is None or self.clock.now() - self.heard_at > SILENT_AFTER:
            return f"{self.name} is connected and has said nothing since {self.heard_at:%H:%M:%S} UTC"
        return ""

    def document(self) -> dict[str, Any]:
        """By path of the map: ``values``, those that are 0 because it ``rests``, and why others are ``missing``."""
        now = self.clock.now()
        measured, unmeasured = self.meter.said(now)
        values, missing, rests = dict(measured), dict(unmeasured), dict[str, str]()
        if self.is_resting and ("power" not in values or self._rests_since(self.meter.metered_at)):
            values.pop("power", None)
            missing.pop("power", None)
            rests["power"] = f"it says that it does not charge ({self.said})"
        self._say_state(values, missing)
        self._say_orders(values, missing)
        return {"values": values, "rests": rests, "missing": missing}

    def _rests_since(self, metered_at: datetime | None) -> bool:
        """Whether it has said since a meter value that it does not charge any more."""
        return metered_at is not None and self.said_at is not None and self.said_at > metered_at

    def _say_state(self, values: dict[str, float], missing: dict[str, str]) -> None:
        running, meter = self.meter.transaction, self.meter
        found = {"status": self.status, "error": self.error, "session_energy": meter.session_wh}
        if running is not None and running.began_at is not None:
            found["session_duration"] = (self.clock.now() - running.began_at).total_seconds()
        why = {"session_energy": meter.session_why, "session_duration": "no transaction runs that was heard to begin"}
        for name in ("status", "error", "session_energy", "session_duration"):
            value = found.get(name)
            if value is None:
                missing[name] = why.get(name, "it has not said its state since it started")
            else:
                values[name] = float(value)
        values["clock_ahead"] = meter.ahead.total_seconds()

    def _say_orders(self, values: dict[str, float], missing: dict[str, str]) -> None:
        """What it holds of ours, and what it offers: by its own word where it says so."""
        held, order = self.safe_a, self.order
        values["phases"] = float(order.phases if order else self.terms.phases)
        if self.is_told:
            values["limit_until"] = order.until_at.timestamp() if order else 0.0
            held = order.limit_a if order and self.clock.now() < order.until_at else held
        limit = held if self.is_told and self.offered_a is None else self.offered_a
        known = (("safe_limit", self.safe_a), ("current_limit", limit))
        values |= {name: value for name, value in known if value is not None}
        names = ("safe_limit", "current_limit", "limit_until")
        missing |= {name: UNTOLD for name in names if name not in values}

    def glance(self) -> dict[str, Any]:
        """How it stands, for people."""
        return {
            "name": self.name,
            "fault": self.fault(),
            "since": f"{self.since_at:%Y-%m-%d %H:%M:%S} UTC" if self.since_at else "",
            "version": self.version,
            "about": self.about,
            "clock": f"{self.meter.ahead.total_seconds():+.0f} s" if abs(self.meter.ahead) > CLOCK_OFF else "",
        }
