"""What is worked out from a map is worked out once for each map, stays apart from other maps', and goes with it."""

from __future__ import annotations

import gc

import pytest
from pydantic import ValidationError

from ems_pipeline.devices.points import map_content, sampling
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.per_map import once_per_map
from ems_pipeline.devices.points.point_map import PointMap

WALLBOX = "teltonika-teltocharge"


def a_copy() -> PointMap:
    """Another map that says the same."""
    return map_content.from_content(map_content.content(load_map(WALLBOX)))


def test_it_is_worked_out_once_for_each_map_and_argument() -> None:
    asked: list[tuple[int, float]] = []

    @once_per_map
    def times(point_map: PointMap, factor: float) -> object:
        asked.append((id(point_map), factor))
        return object()

    one, other = a_copy(), a_copy()
    assert times(one, 2.0) is times(one, 2.0)
    assert len({id(times(m, f)) for m in (one, other) for f in (2.0, 3.0)}) == 4
    assert asked == [(id(one), 2.0), (id(one), 3.0), (id(other), 2.0), (id(other), 3.0)]


def test_nothing_is_kept_of_a_map_that_is_gone() -> None:
    @once_per_map
    def of(point_map: PointMap) -> list[str]:
        return [point_map.map]

    for _ in range(3):
        assert of(a_copy()) == [WALLBOX]
    gc.collect()
    kept = next(cell.cell_contents for cell in of.__closure__ or () if isinstance(cell.cell_contents, dict))
    assert kept == {}


def test_a_map_stays_as_it_was_read() -> None:
    """Whoever works something out leaves no trace in the record, nor can anybody write into it."""
    point_map = a_copy()
    before = set(vars(point_map)) | {"by_name", "by_key"}  # its own index
    sampling.due(point_map, ("live",))
    map_content.content_hash(point_map)
    assert set(vars(point_map)) <= before
    with pytest.raises(ValidationError, match="frozen"):
        point_map.title = "another"
