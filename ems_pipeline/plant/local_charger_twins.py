"""Chargers with a web service of their own: their keys over the box of the world, and what they answer a write with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.vendors.local_chargers import FORCED_OFF, FORCED_ON
from ems_pipeline.plant.twin import Twin, part_of
from ems_pipeline.plant.world import World


class WifiChargerTwin(Twin):
    """A SimpleEVSE-WiFi in remote mode: one current, 0 to pause."""

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        self.box = part_of(world.chargings.values(), lambda b: b.charger.device, device, "charger")
        super().__init__(world, device, point_map)

    def factory_settings(self) -> dict[str, float]:
        return {"current_limit": self.box.charger.max_current_a, "remote_mode": 1.0}

    def obey(self) -> None:
        self.box.limit_a = self.held["current_limit"]

    def live(self) -> dict[str, float]:
        wired = range(1, self.box.charger.phases + 1)
        found = {f"current_l{n}": self.box.current_a if n in wired else 0.0 for n in (1, 2, 3)}
        found |= {f"power_l{n}": found[f"current_l{n}"] * self.box.charger.voltage_v for n in (1, 2, 3)}
        found |= {f"voltage_l{n}": self.box.charger.voltage_v for n in (1, 2, 3)}
        return super().live() | found | {"energy_total": 40_000.0 + self.box.delivered_wh}

    def answers(self, _: Point, *, is_taken: bool) -> bytes:
        """What it says to a write."""
        return b"S0_set current to given value" if is_taken else b"E1_could not set current"


class GoETwin(WifiChargerTwin):
    """A go-e Charger: a requested current, and forced on or off above its own logic, which charges."""

    def factory_settings(self) -> dict[str, float]:
        return {"requested_current": self.box.charger.max_current_a, "phase_mode": 0.0}

    def obey(self) -> None:
        self.box.limit_a = self.held["requested_current"]
        self.box.started = self.held["force_state"] != FORCED_OFF

    def keys_asked(self, document: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        """The keys of a filter, with what it is."""
        known = {"var": 11, **document}
        return {key: known[key] for key in query.get("filter", "").split(",") if key in known}

    def answers(self, point: Point, *, is_taken: bool) -> bytes:
        said = True if is_taken else f"value out of range, e.g. {FORCED_ON} is allowed"
        return json.dumps({point.written_as: said}).encode()
