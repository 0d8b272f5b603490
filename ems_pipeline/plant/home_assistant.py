"""Home Assistant of the plant: what its devices measure, as states of entities behind the REST interface.

It repeats what it heard last, with the instant at which it heard it. Its owner renames entities (`renamed`) and shows
them in other units (`shown_in`); a device of its own that is silent makes an entity unavailable (`lost`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ems_pipeline.devices.homeassistant.entity import UNITS, ZEROES, terms
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.plant.refusals import BUSY, Refused
from ems_pipeline.plant.twin import Trouble, Twin
from ems_pipeline.plant.web_server import Answer, Ask
from ems_pipeline.plant.world import World

STATES = "/api/states"


class HomeAssistantTwin(Twin):
    """A device of Home Assistant's own: one entity for each that the site file names."""

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        super().__init__(world, device, point_map)
        self.shown_in: dict[str, str] = {}
        """Unit of an entity, where its owner has chosen one."""
        self.renamed: dict[str, str] = {}
        """New names by old ones."""
        self.lost: set[str] = set()
        self._still: tuple[dict[str, float], datetime] | None = None

    def registers(self) -> dict[int, int]:
        """It has none."""
        return {}

    def trouble(self, kind: str, trouble: type[Trouble]) -> None:
        super().trouble(kind, trouble)
        if kind == "freeze":
            self._still = self._measured()

    def clear(self) -> None:
        super().clear()
        self._still = None

    def states(self) -> dict[str, dict[str, Any]]:
        """Its entities now, by name."""
        values, at = self._still or self._measured()
        units = {entity: p.unit for p in self.point_map.points for _, entity in terms(p.path or "")}
        return {self.renamed.get(name, name): self._state(name, v, units[name], at) for name, v in values.items()}

    def _measured(self) -> tuple[dict[str, float], datetime]:
        with self.world.lock:
            self.world.advance()
            live = self.live()
            found: dict[str, float] = {}
            for point in self.point_map.points:
                found |= _shared(point, codec.to_raw(point, self.value(point, live)))
            return found, self.world.at

    def _state(self, name: str, value: float, unit: str, at: datetime) -> dict[str, Any]:
        shown = self.shown_in.get(name, unit)
        factor = UNITS[unit].get(shown, 1.0) if unit else 1.0
        text = "unavailable" if name in self.lost else f"{(value - ZEROES.get(shown, 0.0)) / factor:.9g}"
        said = at.isoformat()
        return {
            "entity_id": self.renamed.get(name, name),
            "state": text,
            "attributes": {"unit_of_measurement": shown} if shown else {},
            **dict.fromkeys(("last_changed", "last_reported", "last_updated"), said),
        }


def _shared(point: Point, value: float) -> dict[str, float]:
    """The entities of a point: the first whose sign fits shows all of it."""
    parts = terms(point.path or "")
    fitting = next((name for sign, name in parts if sign * value >= 0), None)
    if fitting is None:
        return {name: value * sign if i == 0 else 0.0 for i, (sign, name) in enumerate(parts)}
    return {name: abs(value) if name == fitting else 0.0 for _, name in parts}


def home_assistant(twins: Sequence[HomeAssistantTwin]) -> Ask:
    """The REST interface over the twins behind one gateway."""

    def ask(path: str, _query: Mapping[str, str], _body: bytes) -> Answer:
        found: dict[str, dict[str, Any]] = {}
        for twin in twins:
            try:
                twin.check_alive()
            except Refused as refused:
                return (503 if refused.code == BUSY else 500), b"it starts"
            found |= twin.states()
        if path == STATES:
            return 200, json.dumps(list(found.values())).encode()
        state = found.get(path.removeprefix(f"{STATES}/"))
        if state is None:
            return 404, json.dumps({"message": "Entity not found."}).encode()
        return 200, json.dumps(state).encode()

    return ask
