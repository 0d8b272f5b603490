"""What is known of one charger that calls in: connection, state, meter, and what it was told.

No socket: `station` hands over what was said, `document` says it by the paths of the point map. What is not known is
missing with its reason; only a charger that says itself that it does not charge draws 0 W unmeasured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline.devices.ocpp.meter import ASKED_FROM, Meter
from ems_pipeline.devices.ocpp.profile import Offer, Order
from ems_pipeline.devices.ocpp.turn import Turn
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.time_grid import Clock

HEARTBEAT_S = 60
"""How often a charger is to say that it lives."""
SILENT_AFTER = timedelta(seconds=150)
"""Without a word for so long, what a charger said last says nothing of now: two heartbeats and some slack."""
AT_REST = frozenset({EvStatus.NOT_CONNECTED, EvStatus.CONNECTED})
CLOCK_OFF = timedelta(seconds=30)
"""A clock that is farther off is worth saying."""
SWITCH_PAUSE_S = 60.0
"""What other systems leave a charger and a car to settle when phases change."""
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
    station: str = ""
    """The name by which it calls, where that is not the key of its device: one station, several connectors."""
    switch_pause_s: float = SWITCH_PAUSE_S
    """How long nothing is offered between charging by one phase and by three; 0: the charger sees to that itself."""
    phase_to_use: int | None = None
    """The phase by which a single one charges, where OCPP 2.0.1 may choose it."""

    def admits(self, id_tag: str) -> bool:
        """Whether a card or app may charge; OCPP compares them without case."""
        return self.id_tags is None or id_tag.lower() in self.id_tags


@dataclass(slots=True)
class Line:
    """What all connectors of a station share: the connection, and what the station cannot do."""

    version: str = ""
    about: str = ""
    """Vendor, model, firmware."""
    is_here: bool = False
    since_at: datetime | None = None
    """When it called in, or when it was gone; None: it never called."""
    gone: str = "it has not called in since this server started"
    heard_at: datetime | None = None
    lacks: set[str] = field(default_factory=set)
    """Requests that it does not know."""


@dataclass(slots=True)
class Charger:
    """The last that was heard of a charger, and what it was told since it started."""

    name: str
    clock: Clock
    terms: Terms = field(default_factory=Terms)
    meter: Meter = field(default_factory=Meter)
    line: Line = field(default_factory=Line)
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
    turn: Turn = field(default_factory=Turn)
    safe_a: float | None = None
    offered: Offer | None = None
    """What it says itself that it offers, as asked a moment ago."""

    def booted(self) -> None:
        """It started: whether a profile outlived that, nobody knows until it is asked or told anew."""
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

    def turned(self, order: Order) -> Turn:
        """The phases it would charge by with an order; one that has ended left it to the safe profile."""
        now, pause = self.clock.now(), timedelta(seconds=self.terms.switch_pause_s)
        before = Turn() if self.order is None or now >= self.order.until_at else self.turn
        return before.to(order, self.terms.phases, pause, now)

    def told(self, order: Order | None, turn: Turn = Turn()) -> None:
        """It took an order of ours, or took ours away."""
        self.order, self.is_told, self.offered, self.turn = order, True, None, turn

    def pauses_s(self) -> float:
        """How long nothing is offered yet because the phases change, s."""
        until = self.turn.pauses_until
        return max(0.0, (until - self.clock.now()).total_seconds()) if until is not None else 0.0

    def unsure(self) -> None:
        """It did not answer what it was told, or was started anew: what stands there is not known."""
        self.order, self.is_told, self.offered, self.turn = None, False, None, Turn()

    def is_quiet(self) -> bool:
        """Whether its state is not known, or so old that it should be asked before it is read."""
        return self.status is None or self._silence() > ASKED_FROM

    def is_unmetered(self) -> bool:
        """The same of its meter, which matters while it charges."""
        at = self.meter.metered_at
        return not self.is_resting and (at is None or self.clock.now() - at > ASKED_FROM)

    def fault(self) -> str:
        """Why nothing of it is known now; empty when it is there and speaks."""
        line = self.line
        if not line.is_here:
            since = f"since {line.since_at:%Y-%m-%d %H:%M:%S} UTC" if line.since_at else "yet"
            return f"{self.name} is not connected {since}: {line.gone}"
        if self._silence() > SILENT_AFTER:
            return f"{self.name} is connected and has said nothing since {line.heard_at:%H:%M:%S} UTC"
        return ""

    def _silence(self) -> timedelta:
        """For how long its station has said nothing."""
        return timedelta.max if self.line.heard_at is None else self.clock.now() - self.line.heard_at

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
        held, order, offered = self.safe_a, self.order, self.offered
        said = None if offered is None else offered.phases
        values["phases"] = float(said or (order.phases if order else self.terms.phases))
        if self.is_told:
            values["limit_until"] = order.until_at.timestamp() if order else 0.0
            held = order.limit_a if order and self.clock.now() < order.until_at else held
        limit = offered.limit_a if offered is not None else held if self.is_told else None
        known = (("safe_limit", self.safe_a), ("current_limit", limit))
        values |= {name: value for name, value in known if value is not None}
        names = ("safe_limit", "current_limit", "limit_until")
        missing |= {name: UNTOLD for name in names if name not in values}

    def glance(self) -> dict[str, Any]:
        """How it stands, for people."""
        line = self.line
        return {
            "name": self.name,
            "fault": self.fault(),
            "since": f"{line.since_at:%Y-%m-%d %H:%M:%S} UTC" if line.since_at else "",
            "version": line.version,
            "about": line.about,
            "clock": f"{self.meter.ahead.total_seconds():+.0f} s" if abs(self.meter.ahead) > CLOCK_OFF else "",
        }
