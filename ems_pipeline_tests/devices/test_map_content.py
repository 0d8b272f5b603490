"""A point map can be kept as text: what is read back is the same map, and its hash names what it says to machines."""

from __future__ import annotations

import json

import pytest

from ems_pipeline.devices.points.map_content import content, content_hash, from_content
from ems_pipeline.devices.points.map_file import MapFileError, known_maps, load_map
from ems_pipeline.devices.points.point_map import PointMap


@pytest.mark.parametrize("name", known_maps({}))
def test_a_map_that_was_kept_is_the_map_that_was_read(name: str) -> None:
    point_map = load_map(name, {})
    kept = from_content(json.dumps(json.loads(content(point_map))))
    assert kept == point_map
    assert content_hash(kept) == content_hash(point_map)


def samsung(**change: object) -> PointMap:
    """The Samsung map with its flow set-point changed."""
    point_map = load_map("samsung-ehs-mim-b19n", {})
    return point_map.with_points(
        p.model_copy(update=change) if p.name == "flow_setpoint" else p for p in point_map.points
    )


@pytest.mark.parametrize(
    "change", [{"address": 4999}, {"scale": 1.0}, {"range": (15.0, 80.0)}, {"writes_per_day": 1}, {"settle_s": 99.0}]
)
def test_another_register_scale_range_or_budget_is_another_map(change: dict[str, object]) -> None:
    assert content_hash(samsung(**change)) != content_hash(samsung())


@pytest.mark.parametrize("change", [{"note": "said better"}, {"verified": False}, {"silence": "goes on"}])
def test_other_words_are_the_same_map(change: dict[str, object]) -> None:
    assert content_hash(samsung(**change)) == content_hash(samsung())


@pytest.mark.parametrize("text", ["{}", "null", "[1]", '{"map": "x", "of_a_later_release": 1}'])
def test_a_kept_map_that_this_release_cannot_read_is_refused(text: str) -> None:
    with pytest.raises(MapFileError, match="cannot be read any more"):
        from_content(text)
