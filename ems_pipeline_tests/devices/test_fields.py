"""All points of a document at once are what each says by itself: nothing is believed that is not believed closely."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.devices.driver.document import Dialect, sample_of
from ems_pipeline.devices.driver.fields import Fields
from ems_pipeline.devices.points.link import Link
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality, Samples
from ems_pipeline.devices.points.samples import Gathering, Sample, columns

PATH = "status"
POINTS = (
    Point(name="power", path=PATH, field="meters.0.power", scale=0.1, offset=-5.0, sign=-1, range=(-300.0, 300.0)),
    Point(name="named", path=PATH, field="meters.total", scale=1000.0),
    Point(name="list", path=PATH, field="list.1"),
    Point(name="flat", path=PATH, field="flat", range=(0.0, 100.0)),
    Point(name="usual", path=PATH),
    Point(name="gated", path=PATH, field="flat", true_field="is_valid"),
    Point(name="state", path=PATH, field="state", type="enum", codes={0: 10, 1: 11}, words={0: "off", 1: "on&t=3"}),
    Point(name="word", path=PATH, field="word", words={0: "OFF", 1: "ON", 2: "ON"}, range=(0.0, 1.0)),
    Point(name="code", path=PATH, field="state", type="enum", codes={0: 0, 7: 70}, range=(0.0, 50.0)),
)
MAP = PointMap(
    map="documents", title="Documents", driver="meter", protocol="http", silence="goes on", sources=("a list",),
    link=Link(field="value"), points=POINTS,
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**400), 10**400), st.integers(-9, 9), st.floats(),
    st.sampled_from(["off", "on", "ON", "OFF", "on&t=3", "12", "", "0"]), st.just([]), st.just({}),
)  # fmt: skip
DOCUMENTS = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            "meters": st.one_of(
                SCALARS,
                st.lists(st.fixed_dictionaries({}, optional={"power": SCALARS}), max_size=2),
                st.fixed_dictionaries({}, optional={"total": SCALARS, "0": SCALARS}),
            ),
            "meters.0.power": SCALARS,
            "list": st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.fixed_dictionaries({"1": SCALARS})),
            **dict.fromkeys(("flat", "value", "is_valid", "state", "word"), SCALARS),
        },
    ),
)


def closely(document: Any, point: Point) -> Sample:
    return sample_of(document, point, MAP, Dialect())


def at_once(document: Any, apart: frozenset[str] = frozenset()) -> Samples:
    gathered = Gathering(len(POINTS))
    Fields(enumerate(POINTS), MAP, Dialect(), apart).fill(gathered, document, closely)
    return gathered.samples()


@given(DOCUMENTS)
def test_all_at_once_is_what_each_says_by_itself(document: Any) -> None:
    said, single = at_once(document), columns(closely(document, point) for point in POINTS)
    assert said.values.tolist() == pytest.approx(single.values.tolist(), rel=0, abs=0, nan_ok=True)
    assert said.faults == single.faults


def test_by_hand() -> None:
    document = {
        "meters": [{"power": 100}], "list": [0, 7], "flat": 101, "value": True, "is_valid": True, "state": "on",
        "word": "ON",
    }  # fmt: skip
    said = at_once(document)
    assert said.of(0) == (-(100 * 0.1 - 5.0), Quality.GOOD, "")
    assert said.of(1)[1] is Quality.GARBAGE
    assert [said.of(i)[0] for i in (2, 3, 4, 6, 7)] == [7.0, 101.0, 1.0, 11.0, 1.0]
    assert [said.of(i)[1] for i in (3, 5, 8)] == [Quality.OUT_OF_RANGE, Quality.GOOD, Quality.GARBAGE]


def test_a_name_with_dots_in_it_counts_before_the_path_it_could_be() -> None:
    document = {"meters.0.power": 50, "meters": [{"power": 100}]}
    assert at_once(document).of(0)[0] == closely(document, POINTS[0]).value == -(50 * 0.1 - 5.0)


def test_a_word_nobody_listed_is_a_code_the_map_does_not_know_and_no_number_of_a_point_without_codes() -> None:
    said = at_once({"state": "boost", "word": "boost"})
    assert said.of(6)[:2] == (None, Quality.OUT_OF_RANGE)
    assert said.of(7)[:2] == (None, Quality.GARBAGE)


def test_what_stands_apart_is_looked_at_closely_whatever_is_there() -> None:
    gathered = Gathering(len(POINTS))
    doubtful = Sample(None, Quality.NOT_READY, "its scale is not known")
    Fields(enumerate(POINTS), MAP, Dialect(), {"flat"}).fill(gathered, {"flat": 50}, lambda *_: doubtful)
    assert math.isnan(gathered.values[3])
    assert gathered.faults[3] == (Quality.NOT_READY, "its scale is not known")
