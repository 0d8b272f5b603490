"""What a device forgets by itself: how a map says it, and what is told again."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.devices.driver.translation import beat, renewed
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.point import Point

LOXONE = load_map("loxone-miniserver", {})


def point(**fields: object) -> Point:
    return Point.model_validate({"name": "p", "address": 1, "range": [0, 3], "access": "rw", **fields})


def test_a_heartbeat_goes_on_from_what_stands_and_begins_again_at_its_end() -> None:
    counter = point(heartbeat=True, expires_s=60)
    assert [beat(counter, {"p": float(n)}) for n in range(4)] == [1, 2, 3, 0]
    assert beat(counter, {}) == 0, "nobody knows what stands"
    assert beat(counter, {"p": 77.0}) == 0, "what stands is none of its values"
    assert beat(LOXONE.point("ems_heartbeat"), {"ems_heartbeat": 1.0}) == 0
    assert beat(LOXONE.point("ems_heartbeat"), {"ems_heartbeat": 0.0}) == 1


def test_only_what_expires_is_told_again_and_a_set_point_keeps_its_value() -> None:
    power = point(name="power", address=2, range=[-3000, 3000], type="s16", expires_s=60)
    standing = (*(w for w in [PointWrite("ems_permission", 1.0), PointWrite("ems_heartbeat", 1.0)]),)
    assert renewed(LOXONE, standing, {"ems_heartbeat": 1.0}) == [PointWrite("ems_heartbeat", 0.0)]
    own = LOXONE.with_points([*LOXONE.points, power])
    assert renewed(own, (PointWrite("power", -1200.0),), {"power": 0.0}) == [PointWrite("power", -1200.0)]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"heartbeat": True}, "needs `expires_s`"),
        ({"heartbeat": True, "expires_s": 60, "range": [0, 0.5]}, "whole numbers"),
        ({"expires_s": 60, "access": "r"}, "expires_s is for what is written"),
        ({"expires_s": 60, "writes_per_day": 200}, "remove `writes_per_day`"),
        ({"expires_s": 30}, "greater than or equal to 45"),
    ],
)
def test_a_life_that_nobody_could_renew_is_refused(fields: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        point(**fields)
