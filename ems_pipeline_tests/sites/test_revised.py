"""A file is changed where two documents differ and nowhere else; what comes out means the second."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.sites.revised import revised

FILE = """# our house
key: home
name: Home   # as the children call it
pv:
  - {key: roof, tilt_deg: 35}  # south
  # the shed leaks
  - {key: shed, tilt_deg: 10}
tariff:
  low: ["22:00"]
"""


def test_comments_and_layout_stay() -> None:
    before = yaml.safe_load(FILE)
    after = json.loads(json.dumps(before))
    after["pv"][1]["tilt_deg"] = 12
    after["tariff"]["low"] = ["21:30"]
    assert revised(FILE, before, after) == FILE.replace("tilt_deg: 10", "tilt_deg: 12").replace("22:00", "21:30")


def test_a_list_below_its_key_stays_there() -> None:
    text = "key: home\npv:\n- key: roof\n  tilt_deg: 35\n"
    before = yaml.safe_load(text)
    after = {"key": "home", "pv": [{"key": "roof", "tilt_deg": 30}]}
    assert revised(text, before, after) == text.replace("35", "30")


def test_a_default_that_is_not_written_stays_unwritten() -> None:
    before = {"key": "home", "name": "Home", "usual_load_w": 400}
    assert revised("key: home\nname: Home\n", before, before | {"name": "House"}) == "key: home\nname: House\n"


@pytest.mark.parametrize("text", ["- a list\n", "key: [\n", "key: *nothing\n"])
def test_a_text_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"mapping|cannot be read"):
        revised(text, {}, {"key": "home"})


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["22:00", "yes", "2024-01-01", "a: b", "", "#", "x y"])
)
PARTS = st.lists(
    st.fixed_dictionaries({"key": st.sampled_from("abcd")}, optional={"v": LEAVES, "w": LEAVES}),
    unique_by=lambda part: part["key"],
    max_size=4,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["p", "q", "r", "s"]), LEAVES | PARTS | st.dictionaries(st.sampled_from("xyz"), LEAVES), min_size=1
)


@given(DOCUMENTS, DOCUMENTS)
def test_what_comes_out_means_what_was_wanted(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Read as every site file is (YAML 1.1), but for the order of parts that have keys."""
    text = yaml.safe_dump(before, sort_keys=False)
    assert _unordered(yaml.safe_load(revised(text, before, after))) == _unordered(after)


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unordered(one) for name, one in value.items()}
    return sorted(value, key=json.dumps) if isinstance(value, list) else value
