"""What a SunSpec map may say: which points exist, which may be written, and what reaches the wire of those."""

from __future__ import annotations

from pathlib import Path

import pytest

from ems_pipeline.devices.driver.contract import Acknowledgement, Echo, PointWrite
from ems_pipeline.devices.points.map_file import MapFileError, read_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.sunspec.driver import SunSpecDriver
from ems_pipeline_tests.devices.bench import Slave
from ems_pipeline_tests.devices.sunspec_bench import (
    COMMON,
    DER,
    HYBRID,
    INVERTER,
    M103,
    M124,
    METER,
    S16_NOTHING,
    STORAGE,
    device,
    model,
    session,
)

WRITABLE = (
    "map: mine\nextends: sunspec-hybrid\npoints:\n"
    "  battery_discharge_limit: {access: rw}\n"
    "  battery_limit_revert: {access: rw}\n"
    "  battery_grid_charge: {access: rw}\n"
)


def own(folder: Path, said: str = WRITABLE) -> PointMap:
    file = folder / "mine.yaml"
    file.write_text(said)
    return read_map(file)


def write(slave: Slave, point_map: PointMap, *writes: PointWrite) -> tuple[Acknowledgement, list[Echo]]:
    async def work(driver: SunSpecDriver) -> tuple[Acknowledgement, list[Echo]]:
        return await driver.write(writes), await driver.read_back(writes)

    return session(slave, point_map, work)  # type: ignore[return-value]


def test_no_shipped_sunspec_map_can_be_written() -> None:
    for point_map in (INVERTER, HYBRID, METER, DER, STORAGE):
        assert not [p.name for p in point_map.points if p.writable]


def test_a_map_of_ones_own_writes_at_the_scale_of_the_device(tmp_path: Path) -> None:
    models = [COMMON, M124]
    slave = device(models)
    writes = [PointWrite("battery_discharge_limit", -35.5), PointWrite("battery_limit_revert", 120)]
    answer, echoes = write(slave, own(tmp_path), *writes)
    assert answer.accepted, answer.reason
    assert all(echo.matches for echo in echoes)
    at = 40002 + 68
    assert (slave.words[at + 12], slave.words[at + 15]) == (0x10000 - 3550, 120)


def test_a_value_between_the_steps_of_the_device_is_refused_before_the_wire(tmp_path: Path) -> None:
    slave = device([COMMON, model(124, 24, {12: 100, 25: 0})])
    answer, _ = write(slave, own(tmp_path), PointWrite("battery_discharge_limit", 35.5))
    assert not answer.accepted
    assert "between the device's steps of 1; give a multiple" in answer.reason
    assert slave.writes == []


@pytest.mark.parametrize("words", [{12: S16_NOTHING, 25: -2}, {12: 100, 25: S16_NOTHING}], ids=["value", "scale"])
def test_what_a_device_does_not_implement_is_never_written(tmp_path: Path, words: dict[int, int]) -> None:
    slave = device([COMMON, model(124, 24, words)])
    answer, _ = write(slave, own(tmp_path), PointWrite("battery_discharge_limit", 35))
    assert not answer.accepted
    assert "does not implement it" in answer.reason
    assert slave.writes == []


def test_a_model_the_device_lacks_is_never_written(tmp_path: Path) -> None:
    slave = device([COMMON, M103])
    answer, echoes = write(slave, own(tmp_path), PointWrite("battery_discharge_limit", 35))
    assert (answer.accepted, [echo.found for echo in echoes], slave.writes) == (False, [None], [])


WRONG = {
    "{model: 103, point: Watt}": "model 103 has no point 'Watt'; it has",
    "{model: 103, point: PhVpA}": "did you mean 'PhVphA'?",
    "{model: 999, point: W}": "model 999 is not in the table; known: 1, 101",
    "{model: [103, 203], point: PPV}": "model 103 has no point 'PPV'",
    "{model: 103}": "a SunSpec point needs `model` (a number, or a list of them) and `point`",
    "{point: W}": "a SunSpec point needs `model`",
    "{model: many, point: W}": "a SunSpec point needs `model`",
    "{model: 103, point: W, type: s16}": "type is decided by the SunSpec model; remove it",
    "{model: 103, point: W, invalid: [1]}": "invalid is decided by the SunSpec model",
    "{model: 103, point: W, address: 7}": "give one of `address`",
    "{model: 103, point: W, index: 0}": "greater than or equal to 1",
    "{model: 103, point: W, access: rw, range: [0, 1]}": "must not be written: it is read-only, wears or touches",
    "{model: 704, point: AntiIslEna, access: rw, range: [0, 1]}": "must not be written",
    "{model: 160, point: module.W}": "model 160 has no point 'module.W'",
    "{address: 7}": "needs `model`, as protocol sunspec asks",
}


@pytest.mark.parametrize("point", WRONG)
def test_a_wrong_point_is_refused_with_line_and_remedy(tmp_path: Path, point: str) -> None:
    head = "map: mine\ntitle: T\ndriver: meter\nprotocol: sunspec\nsilence: s\nsources: [s]\npoints:\n"
    with pytest.raises(MapFileError) as refused:
        own(tmp_path, f"{head}  p: {point}\n")
    assert "mine.yaml:8: points.p" in str(refused.value)
    assert WRONG[point] in str(refused.value)


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("{address: 1, exponent_address: 2, type: f32}", "exponent_address scales a register of u16"),
        ("{address: 1, exponent_address: 70000}", "less than or equal to 65535"),
    ],
)
def test_a_wrong_exponent_is_refused_with_line_and_remedy(tmp_path: Path, point: str, said: str) -> None:
    head = "map: mine\ntitle: T\ndriver: meter\nprotocol: modbus\nsilence: s\nsources: [s]\npoints:\n"
    with pytest.raises(MapFileError) as refused:
        own(tmp_path, f"{head}  p: {point}\n")
    assert "mine.yaml:8: points.p" in str(refused.value)
    assert said in str(refused.value)
