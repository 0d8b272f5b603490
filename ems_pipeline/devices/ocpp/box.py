"""One station that calls in, and its connectors, each of which is a charger of its own.

The connection, the name it calls by, its clock and what it cannot do are the station's; state, meter and set-points are
each connector's. Connector 0, which is the station as a whole, is nobody's: nothing is told to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ems_pipeline.devices.ocpp.charger import Charger, Line
from ems_pipeline.time_grid import Clock


@dataclass(slots=True)
class Box:
    """A station by the name it calls, with chargers by connector (1.6) or EVSE (2.0.1)."""

    name: str
    clock: Clock
    line: Line = field(default_factory=Line)
    places: dict[int, Charger] = field(default_factory=dict)

    def put(self, charger: Charger) -> None:
        """A charger is a connector of this station; of two that claim the same the first is."""
        if self.places.setdefault(charger.terms.connector, charger) is charger:
            charger.line = self.line

    def at(self, connector: Any) -> Charger | None:
        """The charger of a connector as a message names it; None where it is nobody's."""
        return self.places.get(connector) if isinstance(connector, int) else None

    def running(self, transaction: Any) -> Charger | None:
        """The charger whose running transaction has this number."""
        return next((c for c in self.chargers() if c.meter.runs(transaction)), None)

    def chargers(self) -> Iterator[Charger]:
        yield from self.places.values()

    def admits(self, id_tag: str) -> bool:
        """Whether a card or app may charge at some connector; which one is said when it begins."""
        return any(charger.terms.admits(id_tag) for charger in self.chargers())

    def came(self, version: str) -> None:
        """It called in; what it said before stands until it says otherwise, or that it was started anew."""
        now, line = self.clock.now(), self.line
        line.version, line.is_here, line.since_at, line.heard_at = version, True, now, now

    def left(self, why: str) -> None:
        """Its connection is gone."""
        self.line.is_here, self.line.gone, self.line.since_at = False, why, self.clock.now()
        for charger in self.chargers():
            charger.offered = None

    def booted(self, about: str) -> None:
        """It started, all of it."""
        self.line.about = about
        for charger in self.chargers():
            charger.booted()
