"""Random faults, frames and writes: no good reading that the plant did not have, no write outside a point's range."""

from __future__ import annotations

import asyncio
import json
import math
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.driver.document import Dialect, sample_of
from ems_pipeline.devices.points.decoding import interpret
from ems_pipeline.devices.points.map_file import known_maps, load_map
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.points.samples import Sample
from ems_pipeline.devices.vendors.loxone import DIALECT
from ems_pipeline.plant import FAULTS, Fault, Plant, World, running_plant
from ems_pipeline.plant.refusals import Refused, Silent
from ems_pipeline.plant.twin import Twin
from ems_pipeline.plant.twins import build_twin
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.control.bench import without_gaps

NOON = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
LINE_FAULTS = [k for k, kind in FAULTS.items() if kind.where == "line" and k != "slow"]
MAPS = [m for m in (load_map(name) for name in known_maps({})) if m.protocol == "modbus"]


@pytest.fixture(scope="module")
def plant(home01: Site) -> Iterator[Plant]:
    with running_plant(home01, SimulatedClock(NOON), seed=3, history_days=0) as plant:
        yield plant


def shown(twin: Twin) -> dict[str, float]:
    """What the plant's registers say, decoded without any wire."""
    words = twin.registers()
    values = {}
    for point in twin.point_map.points:
        if point.type != "ascii" and point.readable:
            value, quality, _ = interpret(point, words)
            if quality is Quality.GOOD and value is not None:
                values[point.key] = value
    return values


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(st.tuples(st.sampled_from(LINE_FAULTS), st.booleans()), min_size=1, max_size=4))
def test_no_line_fault_makes_a_good_reading_that_the_plant_did_not_have(
    plant: Plant, faults: list[tuple[str, bool]]
) -> None:
    gateways = tuple(g.model_copy(update={"timeout_s": 0.05}) for g in plant.site.gateways)

    async def sweep() -> None:
        site = without_gaps(plant.site).model_copy(update={"gateways": gateways})
        opened = fleet.open_site(site, plant.world.clock)
        driver = opened.drivers["inverter"]
        for kind, stays in faults:
            plant.inject(Fault(kind, "rs485"))
            truth = shown(plant.twins["inverter"])
            for reading in await driver.read(["battery_soc_pct", "grid_frequency_hz", "grid_power_w", "run_state"]):
                assert not reading.is_good or reading.value == truth[reading.quantity], reading
            if not stays:
                plant.clear()
        plant.clear()
        await opened.close()

    asyncio.run(sweep())


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_words_decode_to_a_value_in_range_or_to_a_reason(data: st.DataObject) -> None:
    point_map = data.draw(st.sampled_from(MAPS))
    point = data.draw(st.sampled_from([p for p in point_map.points if p.type != "ascii"]))
    words = {a: data.draw(st.integers(0, 0xFFFF)) for a in point.addresses}
    value, quality, reason = interpret(point, words, high_words_count=data.draw(st.booleans()))
    if quality is Quality.GOOD:
        assert value is not None
        assert point.range is None or point.range[0] <= value <= point.range[1]
    else:
        assert reason


def envelope(value: str) -> bytes:
    return json.dumps({"LL": {"value": value, "Code": "200"}}).encode()


@settings(max_examples=200, deadline=None)
@given(body=st.one_of(st.binary(max_size=60), st.text(max_size=30).map(envelope)), data=st.data())
def test_any_answer_of_a_miniserver_is_a_number_or_a_fault(body: bytes, data: st.DataObject) -> None:
    point_map = load_map("loxone-miniserver")
    point = data.draw(st.sampled_from(point_map.points))
    try:
        sample = sample_of(DIALECT.document(body), point, point_map, DIALECT)
    except DeviceFault as fault:
        sample = Sample(None, fault.quality, fault.reason)
    assert sample.reason or (sample.value is not None and math.isfinite(sample.value))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["emeters", "power", "is_valid", "a_pf"]), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(document=JSON, data=st.data())
def test_any_json_of_a_meter_is_a_number_or_a_reason(document: object, data: st.DataObject) -> None:
    point_map = load_map(data.draw(st.sampled_from(["shelly-3em", "shelly-pro-3em"])))
    point = data.draw(st.sampled_from(point_map.points))
    sample = sample_of(document, point, point_map, Dialect())
    assert sample.reason or (sample.value is not None and math.isfinite(sample.value))


@pytest.fixture(scope="module")
def world(home01: Site) -> World:
    return World(home01, SimulatedClock(NOON), seed=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_sequence_of_raw_requests_leaves_a_device_within_its_map(world: World, data: st.DataObject) -> None:
    """Settings stay inside their ranges, the bus stays balanced, only the protocol's own refusals come out."""
    device = data.draw(st.sampled_from([d for d in world.site.devices if d.map != "loxone-miniserver"]))
    twin = build_twin(world, device)
    known = sorted(twin._by_address)
    for _ in range(data.draw(st.integers(1, 6))):
        function = data.draw(st.sampled_from([3, 4, 6, 16, 23, 99]))
        address = data.draw(st.one_of(st.sampled_from(known), st.integers(0, 1500)))
        words = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=8))
        try:
            if data.draw(st.booleans()):
                twin.read(function, address, len(words))
            else:
                twin.write(function, address, words)
        except (Refused, Silent):
            pass
        for point in twin.point_map.points:
            if point.range is not None and point.name in twin.held:
                assert point.range[0] <= twin.held[point.name] <= point.range[1], point.name
        flows = world.flows
        assert flows.grid_w + flows.pv_w + flows.battery_w == pytest.approx(
            flows.load_w + flows.ev_w + flows.heat_pump_w, abs=1e-6
        )


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=10), cut=st.integers(1, 12))
def test_a_server_survives_any_bytes(plant: Plant, frames: list[bytes], cut: int) -> None:
    """Noise on one connection; another one still gets the truth."""
    gateway = plant.site.gateways[0]
    header = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 588, 1)

    async def run() -> bytes:
        _, noisy = await asyncio.open_connection(gateway.host, gateway.port)
        for frame in [*frames, header[:cut]]:
            noisy.write(frame)
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        writer.write(header)
        answer = await asyncio.wait_for(reader.readexactly(11), timeout=5)
        noisy.close()
        writer.close()
        return answer

    answer = asyncio.run(run())
    assert int.from_bytes(answer[9:11], "big") == round(shown(plant.twins["inverter"])["battery_soc_pct"])
    plant.world.clock.advance_to(plant.world.clock.now() + timedelta(seconds=1))  # type: ignore[attr-defined]
