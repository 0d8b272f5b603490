"""What is kept is bounded, and what was asked for last stays longest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.api.kept import Kept


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6)), max_size=60))
def test_never_more_is_kept_than_there_is_room_for(asked: list[tuple[int, int]]) -> None:
    kept, sizes = Kept[str](10), dict[int, int]()
    for key, size in asked:
        sizes[key] = size
        assert kept.put(key, str(key), size) == kept.get(key) == str(key)
        assert sum(sizes[int(str(one))] for one in kept) <= 10


def test_the_one_that_nobody_asked_for_makes_room() -> None:
    kept = Kept[str](2)
    kept.put("a", "A")
    kept.put("b", "B")
    assert kept.get("a") == "A"
    kept.put("c", "C")
    assert list(kept) == ["a", "c"]


def test_what_has_no_room_at_all_is_made_each_time() -> None:
    kept = Kept[str](2)
    assert kept.put("a", "A", 3) == "A"
    assert kept.get("a") is None
