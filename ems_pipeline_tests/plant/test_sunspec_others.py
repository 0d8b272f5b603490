"""The SunSpec Alliance's own client against the twins of SunSpec devices. It is in no lock of ours:

python -m pip install --no-deps --target /tmp/others pysunspec2==1.3.7 pyserial==3.5
PYTHONPATH=/tmp/others python -m pytest ems_pipeline_tests/plant/test_sunspec_others.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.sunspec_models import models
from ems_pipeline.plant import World
from ems_pipeline.plant.modbus_server import Bus, serving_modbus
from ems_pipeline.plant.sunspec_twin import SunSpecTwin
from ems_pipeline.sites import Gateway, Site
from ems_pipeline.time_grid import SimulatedClock

device = pytest.importorskip("sunspec2.device", reason="pysunspec2 is not installed; see the docstring")
client = pytest.importorskip("sunspec2.modbus.client", reason="pysunspec2 is not installed; see the docstring")
NOON = datetime(2026, 6, 21, 10, 0, tzinfo=UTC)
GATEWAY = Gateway(key="pv", transport="modbus-tcp", host="127.0.0.1", port=1)
SERVED = {
    "sunspec-inverter": ((1, 101), (1, 102), (1, 103), (1, 111), (1, 112), (1, 113), (1, 103, 120, 123)),
    "sunspec-hybrid": ((1, 103, 124, 160),),
    "sunspec-meter": tuple((1, n) for n in (201, 202, 203, 204, 211, 212, 213, 214)),
    "sunspec-der-pv": ((1, 701, 702, 703, 704),),
    "sunspec-der-storage": ((1, 701, 704, 713, 714),),
}
"""Chains of models by map."""
CASES = [(name, order) for name, orders in SERVED.items() for order in orders]


@pytest.fixture(scope="module")
def world(home01: Site) -> World:
    return World(home01, SimulatedClock(NOON), seed=1, start=NOON - timedelta(hours=5))


@contextmanager
def scanned(twin: SunSpecTwin) -> Iterator[Any]:
    """The device as their client finds it."""
    with serving_modbus([Bus(GATEWAY.model_copy(update={"port": 0}), {1: twin})]) as (port,):
        found = client.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port, timeout=2)
        try:
            found.scan()
            yield found
        finally:
            found.close()


@pytest.mark.parametrize("number", sorted(models()))
def test_our_table_of_models_is_that_of_the_alliance(number: int) -> None:
    """Where each point of a model stands, how long it is, and by which scale factor it is read."""
    ours = models()[number]
    definition = device.get_model_info(number)[0]["group"]
    fixed, repeated = dict(_points(definition)), {}
    for group in definition.get("groups", ()):
        if ours.group is not None and group["name"] == ours.group.name:
            repeated = dict(_points(group))
    at = {name: (p.offset, p.format.words) for name, p in ours.points.items()}
    assert {name: fixed.get(name, (None, None, None))[:2] for name in at} == at
    by_offset = {p.offset: name for name, p in ours.points.items()}
    scales = {n: by_offset[p.exponent_offset] for n, p in ours.points.items() if p.exponent_offset is not None}
    assert {name: fixed[name][2] for name in scales} == scales
    if ours.group is not None:
        own = {name: (p.offset, p.format.words) for name, p in ours.group.points.items()}
        assert {name: repeated.get(name, (None, None, None))[:2] for name in own} == own
        assert sum(words for _, words, _ in repeated.values()) == ours.group.size


def _points(group: Any, at: int = 0, prefix: str = "") -> Iterator[tuple[str, tuple[int, int, Any]]]:
    """Points by name, those of a group that stands once as ``group.point``: offset, words, scale factor."""
    for point in group.get("points", ()):
        yield prefix + point["name"], (at, point["size"], point.get("sf"))
        at += point["size"]
    for inner in group.get("groups", ()):
        if inner.get("count", 1) == 1:
            found = list(_points(inner, at, f"{inner['name']}."))
            yield from found
            at += sum(words for _, (_, words, _) in found)


def theirs(found_by: Any, point: Point) -> Any:
    """Their value of a point of ours, in its unit and sign."""
    (number,) = [n for n in point.model if n in found_by.models]
    assert point.point is not None
    parts, group = point.point.split("."), found_by.models[number][0]
    if len(parts) == 3:
        named = models()[number].group
        assert named is not None
        group = getattr(group, _group_name(group))[int(parts[1]) - 1]
    found = group.points[parts[-1]]
    value = found.cvalue if found.cvalue is not None else None
    return value if value is None or isinstance(value, str) else point.sign * point.scale * value


def _group_name(group: Any) -> str:
    (name,) = [name for name, found in group.groups.items() if isinstance(found, list)]
    return str(name)


@pytest.mark.parametrize(("name", "order"), CASES)
def test_their_client_reads_of_every_model_what_ours_writes(world: World, name: str, order: Sequence[int]) -> None:
    of_map = load_map(name, {})
    twin = SunSpecTwin(world, "inverter", of_map, order=order)
    placed = twin.point_map.by_name
    with scanned(twin) as seen:
        assert sorted(n for n in seen.models if isinstance(n, int)) == sorted(order)
        live = twin.live()
        for point in of_map.points:
            if point.name not in placed:
                continue
            found = theirs(seen, point)
            if point.type == "ascii":
                assert found == "PLANT", point.name
            elif found is None and 0 in placed[point.name].nothing and twin.value(placed[point.name], live) == 0:
                continue  # a counter of 0 has not counted yet, by the specification
            elif point.writable or not live.keys().isdisjoint((point.name, point.quantity)):
                assert found == pytest.approx(twin.value(placed[point.name], live), rel=1e-3, abs=1), point.name
            else:
                assert found in (None, 0), (point.name, found)
