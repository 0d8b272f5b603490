"""docs/devices.md says what the map files say, names every field a map may have, and its examples are maps."""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path

import pytest

from ems_pipeline.control import effect
from ems_pipeline.devices.points.link import Link
from ems_pipeline.devices.points.map_document import described, names
from ems_pipeline.devices.points.map_file import known_maps, load_map, read_map
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline_tests import device_table
from ems_pipeline_tests.conftest import ROOT

DOCUMENT = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.mark.parametrize("name", known_maps({}))
def test_the_section_of_a_map_is_what_its_file_says(name: str) -> None:
    assert described(load_map(name, {})) in DOCUMENT, f"put the output of `ems device map show {name}` there"


def test_no_section_is_of_a_map_that_is_gone() -> None:
    sections = re.findall(r"^### ([a-z0-9-]+)$", DOCUMENT, re.MULTILINE)
    assert sorted(sections) == sorted(known_maps({}))


def test_every_map_is_offered_in_the_table_of_devices() -> None:
    table = DOCUMENT.partition("## Which map")[2].partition("## What drivers obey")[0]
    assert [name for name in known_maps({}) if f"`{name}`" not in table] == []


def test_the_table_of_all_devices_is_what_maps_and_drivers_say() -> None:
    assert f"{device_table.BEGIN}{device_table.table()}{device_table.END}" in DOCUMENT, "run `make devices`"


ELSEWHERE = ("heat_pump_power_w", "genset_power_w")
"""What functions of their own look at."""


def test_the_table_names_as_proof_what_verification_looks_at() -> None:
    judged = inspect.getsource(effect)
    assert [name for name in device_table.PROOF.values() if f'"{name}"' not in judged and name not in ELSEWHERE] == []
    assert "heat_pump_w(" in judged
    assert "genset_effect" in judged


@pytest.mark.parametrize("record", [Point, Link, PointMap])
def test_every_field_of_a_map_is_explained(record: type[Point | Link | PointMap]) -> None:
    reference = DOCUMENT.partition("### Fields of a point")[2].partition("## Maps")[0]
    assert [f for f in record.model_fields if f != "name" and f"`{f}`" not in reference] == []


@pytest.mark.parametrize(
    "text", [textwrap.dedent(e) for e in EXAMPLES if "map:" in e.split("points:")[0] and "points:" in e]
)
def test_the_examples_are_maps(text: str, tmp_path: Path) -> None:
    name = re.search(r"^map: (\S+)", text, re.MULTILINE)
    assert name
    file = tmp_path / f"{name[1]}.yaml"
    file.write_text(text, encoding="utf-8")
    assert read_map(file).map == name[1]


def test_a_turned_meter_before_a_heat_pump_shows_consumption(tmp_path: Path) -> None:
    (text,) = (textwrap.dedent(e) for e in EXAMPLES if "heat-pump-meter" in e and "extends" in e)
    file = tmp_path / "heat-pump-meter.yaml"
    file.write_text(text, encoding="utf-8")
    points = read_map(file).by_key
    assert (points["heat_pump_power_w"].address, points["heat_pump_power_w"].sign) == (52, -1)
    assert points["heat_pump_energy_wh"].address == 74
    assert {"grid_power_w", "grid_import_wh", "grid_export_wh", "grid_frequency_hz"}.isdisjoint(points)


def test_one_unverified_register_may_be_written_and_the_document_says_so() -> None:
    maps = [load_map(name, {}) for name in known_maps({})]
    found = [(m.map, p.name) for m in maps for p in m.points if p.writable and not p.verified]
    assert found == [("teltonika-teltocharge", "start_stop")]
    assert "the one unverified register" in DOCUMENT


def test_runs_of_names_are_shortened() -> None:
    assert names(["a1_w", "a2_w", "a3_w", "b", "c1", "c2"]) == "`a1_w` to `a3_w`, `b`, `c1`, `c2`"
