"""The twin of a SunSpec device: a chain of models at a base address of its own, filled with what the plant measures.

Like real ones it renews its scale factors as its values change, and shows what it does not know as "not implemented".
What is written to it stands and moves nothing, unless its map has a recipe (`recipe_twin`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.sunspec_models import models
from ems_pipeline.devices.sunspec.discovery import BASES, END, MARKER, FoundModel, placed
from ems_pipeline.plant.meter_twin import VOLTAGE_V, MeterTwin
from ems_pipeline.plant.world import World

COMMON = 1
STRINGS = (1, 2)
"""As many as the shipped maps name; they share what the roof gives."""
EXPONENTS = range(-2, 11)
"""Scale factors it may choose, the finest first."""


class SunSpecTwin(MeterTwin):
    """Shows the first model of each point's list, in the order of their ids, unless ``order`` says otherwise."""

    has_holes = False

    def __init__(
        self, world: World, device: str, point_map: PointMap, base: int = BASES[0], order: Sequence[int] = ()
    ) -> None:
        self.base = base
        self.models = tuple(
            _layout(base, point_map, order or sorted({COMMON, *(p.model[0] for p in point_map.points)}))
        )
        places = [placed(p, self.models) for p in point_map.points]
        there = tuple(p for p in places if isinstance(p, Point))
        super().__init__(world, device, point_map.with_points(there))
        self._frame = _frame(base, self.models)

    @property
    def last_address(self) -> int:
        return max(self._frame)

    def live(self) -> dict[str, float]:
        found = super().live()
        pv_w, battery_w = found.get("pv_power_w", 0.0), found.get("battery_power_w", 0.0)
        counted = [found.get(f"{name}_wh", 0.0) for name in ("pv_energy", "battery_discharge", "battery_charge")]
        own = {
            **{f"voltage_l{n}": VOLTAGE_V for n in (1, 2, 3)},
            **{f"{part}{n}_power": pv_w / len(STRINGS) for part in ("string", "port") for n in STRINGS},
            "ac_power": pv_w + battery_w,
            "ac_energy": counted[0] + counted[1] - counted[2],
            "dc_power": pv_w + battery_w,
            "battery_charge_power": min(battery_w, 0.0),
            "battery_discharge_power": max(battery_w, 0.0),
            "battery_rated_charge_power": self._rated_w,
            "frequency": found["grid_frequency_hz"],
            "state": 4.0,
        }
        points = self.point_map.by_name
        return {n: v for n, v in own.items() if n in points and points[n].quantity is None} | found

    @property
    def _rated_w(self) -> float:
        """What rates of charging and discharging are percent of; no battery: nothing."""
        hybrid = self.world.hybrids.get(self.device)
        return 0.0 if hybrid is None or hybrid.cells is None else hybrid.cells.charge_limit_w

    def factory_settings(self) -> dict[str, float]:
        return dict.fromkeys(("power_limit", "battery_charge_limit", "battery_discharge_limit"), 100.0)

    def _encode(self) -> dict[int, int]:
        live, words = self.live(), dict(self._frame)
        known = [p for p in self.point_map.points if p.writable or not live.keys().isdisjoint((p.name, p.quantity))]
        for point in known:
            if point.exponent_address is None:
                words |= codec.encode(point, self.value(point, live))
        for address, points in _by_exponent(known).items():
            power, encoded = _scaled(points, {p.name: self.value(p, live) for p in points})
            words |= encoded | {address: power & 0xFFFF}
        for point in self.point_map.points:
            if point.type == "ascii":
                words |= codec.encode_text(point, "PLANT")
        return words


def _layout(base: int, point_map: PointMap, order: Iterable[int]) -> Iterable[FoundModel]:
    """The chain, with as many of a repeating group as the map asks for."""
    at = base + len(MARKER)
    for number in order:
        model = models()[number]
        length = model.length
        if model.group is not None:
            named = (p.point.split(".") for p in point_map.points if p.point and number in p.model)
            counts = [int(part[1]) for part in named if part[0] == model.group.name]
            length += max(counts, default=0) * model.group.size
        yield FoundModel(number, at, length)
        at += 2 + length


def _frame(base: int, found: Sequence[FoundModel]) -> dict[int, int]:
    """Marker, headers, end, and "nothing" in every register of the models."""
    words = dict(enumerate(MARKER, base))
    for model in found:
        words |= {model.at: model.id, model.at + 1: model.length}
        words |= dict.fromkeys(range(model.at + 2, model.at + 2 + model.length), 0x8000)
        table = models()[model.id]
        group = table.group
        count = (model.length - table.length) // group.size if group else 0
        repeated = [f"{group.name}.{n}.{name}" for n in range(1, count + 1) for name in group.points] if group else []
        for point in (p for name in chain(table.points, repeated) if (p := table.point(name))):
            words |= _words(model.at + point.offset, point.format.nothing or 0, point.format.words)
        if group is not None and (counter := table.point(group.count)):
            words |= _words(model.at + counter.offset, count, counter.format.words)
    end = max(words) + 1
    return words | {end: END, end + 1: 0}


def _words(at: int, number: int, size: int) -> dict[int, int]:
    return {at + i: number >> 16 * (size - 1 - i) & 0xFFFF for i in range(size)}


def _by_exponent(points: Iterable[Point]) -> dict[int, list[Point]]:
    """Points that share a scale factor, by its register."""
    groups: dict[int, list[Point]] = {}
    for point in points:
        if point.exponent_address is not None:
            groups.setdefault(point.exponent_address, []).append(point)
    return groups


def _scaled(points: Sequence[Point], values: dict[str, float]) -> tuple[int, dict[int, int]]:
    """The finest scale that holds all values, and the words at it.

    Raises:
        CodecError: none does.
    """
    for power in EXPONENTS:
        try:
            return power, {a: w for p in points for a, w in codec.encode(p, values[p.name], power).items()}
        except codec.CodecError as error:
            refused = error
    raise refused
