"""What the physics do by the recipe of a device's map: held values read backwards, forgotten when their life is over.

The mode whose constants all stand is the one at work; what the command brought is found again in the other points. A
device of which no mode stands, or whose orders nobody renews, is on its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf

from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.quantities import SgReadyState
from ems_pipeline.devices.points.recipe import MODES, Recipe, Step
from ems_pipeline.devices.vendors.loxone import SG_READY
from ems_pipeline.errors import EmsError
from ems_pipeline.plant.heating import CONTACT_SHIFT_K
from ems_pipeline.plant.hybrid import Hybrid, Order
from ems_pipeline.plant.twin import Twin, part_of
from ems_pipeline.sites.modes import BatteryMode, HeatPumpMode, MachineMode

FORCED = (BatteryMode.CHARGE, BatteryMode.DISCHARGE)


class Following(ABC):
    """What a twin steers by the recipe of its map."""

    def __init__(self, twin: Twin) -> None:
        self.twin, self.recipe = twin, recipe_of(twin.point_map)
        self._written_at: dict[str, datetime] = {}

    @abstractmethod
    def obey(self) -> None:
        """Pass on what stands to the physics."""

    def written(self, names: Iterable[str]) -> None:
        """Somebody wrote these points: what has a life of its own begins it anew."""
        world = self.twin.world
        for name in names:
            if self.twin.point_map.by_name[name].expires_s is not None:
                self._written_at[name] = world.at
                world.schedule(world.at + self._life(name), self._watch)

    @property
    def mode(self) -> str | None:
        """The first mode whose constants stand; None: none does."""
        return next((m for m in MODES[self.recipe.asset] if self._stands(self.recipe.modes[m])), None)

    def _stands(self, steps: Sequence[Step]) -> bool:
        told = [(s.point, s.to * s.times) for s in steps if isinstance(s.to, float)]
        return bool(told) and all(self.twin.held[point] == value for point, value in told)

    def _life(self, name: str) -> timedelta:
        """What the device was told about its watchdog, or what it has by itself."""
        told = next((self.twin.held[s.point] for s in self.recipe.steps if s.to == "watchdog_s"), 0.0)
        return timedelta(seconds=told or self.twin.point_map.by_name[name].expires_s or 0.0)

    def _watch(self) -> None:
        """Give up what nobody has renewed: it is as after a release, or nothing."""
        now, left = self.twin.world.at, on_its_own(self.twin.point_map)
        over = [name for name, at in self._written_at.items() if now - at >= self._life(name)]
        if over:
            self._written_at = {name: at for name, at in self._written_at.items() if name not in over}
            self.twin.hold({name: left.get(name, 0.0) for name in over})


class BatteryFollowing(Following):
    """A battery by powers and limits."""

    def __init__(self, twin: Twin) -> None:
        self.hybrid: Hybrid = part_of(twin.world.hybrids.values(), lambda h: h.key, twin.device, "battery")
        super().__init__(twin)

    def obey(self) -> None:
        mode = self.mode
        steps = () if mode is None else self.recipe.modes[mode]
        charge_w, discharge_w = self._brought("charge_w", steps), self._brought("discharge_w", steps)
        power_w = self._brought("power_w", steps)
        if power_w is None and mode in FORCED:
            power_w = -(charge_w or 0.0) if mode == BatteryMode.CHARGE else discharge_w
        if mode == BatteryMode.HOLD and power_w is None:
            power_w, discharge_w = (0.0 if charge_w is None else None), 0.0
        if mode == BatteryMode.SELF_USE:
            power_w = _forced_w(charge_w, discharge_w)
        limits_w = [inf if w is None or w < 0 else w for w in (charge_w, discharge_w)]
        self.hybrid.order = Order(power_w, *limits_w)

    def _brought(self, name: str, steps: Iterable[Step]) -> float | None:
        """What the command brought by this name, W; None: nothing."""
        for step in steps:
            if step.to == name:
                found = self.twin.held[step.point] / step.times
                return found if step.percent_of is None else found * self._shown(step.percent_of) / 100
        return None

    def _shown(self, name: str) -> float:
        return self.twin.value(self.twin.point_map.by_name[name], self.twin.live())


class ContactFollowing(Following):
    """A heat pump by its SG Ready contacts."""

    def __init__(self, twin: Twin) -> None:
        self.unit = part_of(twin.world.heatings.values(), lambda h: h.pump.device, twin.device, "heat pump")
        super().__init__(twin)

    def obey(self) -> None:
        state = SG_READY[HeatPumpMode(self.mode)] if self.mode else SgReadyState.NORMAL
        self.unit.contact_shift_k = CONTACT_SHIFT_K[state]


class SwitchFollowing(Following):
    """A machine by its plug."""

    def __init__(self, twin: Twin) -> None:
        self.machine = part_of(twin.world.site.deferrables, lambda m: m.device, twin.device, "deferrable load")
        super().__init__(twin)

    def obey(self) -> None:
        self.twin.world.switched_w[self.twin.device] = self.machine.power_w if self.mode == MachineMode.RUN else 0.0


FOLLOWING: Mapping[str, type[Following]] = {
    "battery": BatteryFollowing, "heat-pump": ContactFollowing, "machine": SwitchFollowing,
}  # fmt: skip
"""By `asset` of a recipe."""


def _forced_w(charge_w: float | None, discharge_w: float | None) -> float | None:
    """A limit below 0 forces the other direction (as Fronius reads model 124)."""
    if charge_w is not None and charge_w < 0:
        return -charge_w
    return discharge_w if discharge_w is not None and discharge_w < 0 else None


def recipe_of(point_map: PointMap) -> Recipe:
    """How a device with this map obeys.

    Raises:
        EmsError: the map does not say.
    """
    if point_map.recipe is None:
        raise EmsError(f"map {point_map.map} has no recipe to follow", "write one, or name another driver")
    return point_map.recipe


def on_its_own(point_map: PointMap) -> dict[str, float]:
    """What stands when a device is handed back."""
    return {s.point: s.to * s.times for s in recipe_of(point_map).release if isinstance(s.to, float)}
