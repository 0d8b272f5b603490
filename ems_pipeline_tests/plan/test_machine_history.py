"""What machines did until now: since when they run, how often they were started, whether their turn is over."""

from __future__ import annotations

import pytest

from ems_pipeline.plan import MachineState
from ems_pipeline.plan.assembly.history import slots_into_run, state

YES, NO, DARK = True, False, None


def nothing(slots: int) -> list[bool | None]:
    return [None] * slots


@pytest.mark.parametrize(
    ("loaded", "slots", "ago"),
    [
        ([NO, NO, YES, YES, YES], 3, (3,)),
        ([NO, YES, NO, YES, NO], 1, (2, 4)),
        ([YES, YES, YES], None, ()),
        ([NO, DARK, YES, YES], 2, ()),
    ],
    ids=["on for three", "off for one after two starts", "longer than we look back", "a gap is no start"],
)
def test_the_stretch_at_hand_is_counted_back_to_its_begin(
    loaded: list[bool | None], slots: int | None, ago: tuple[int, ...]
) -> None:
    found = state(loaded, nothing(len(loaded)), 0, len(loaded))
    assert found == MachineState(bool(loaded[-1]), slots, len(ago), ago)


def test_starts_are_told_for_two_hours() -> None:
    """Nine slots of standstill after a run of one: it began ten slots ago, eight of them are looked at."""
    assert state([NO, YES, *[NO] * 9], nothing(11), 0, 11) == MachineState(False, 9, 1)
    assert state([NO, YES, *[NO] * 7], nothing(9), 0, 9) == MachineState(False, 7, 1, (8,))


def test_starts_count_on_the_local_day_of_the_horizon_only() -> None:
    loaded = [NO, YES, NO, YES, YES]
    assert [state(loaded, nothing(5), 0, today).starts_today for today in (5, 3, 2, 1, 0)] == [2, 1, 1, 0, 0]  # type: ignore[union-attr]


def test_where_nothing_was_measured_the_plan_is_believed_and_where_nothing_is_known_nothing_is_said() -> None:
    assert state(nothing(3), [NO, YES, YES], 0, 3) == MachineState(True, 2, 1, (2,))
    assert state([NO, NO, NO], [NO, YES, YES], 0, 3) == MachineState(False, None, 0)
    assert state(nothing(3), nothing(3), 0, 3) is None


def test_a_set_without_load_still_warms_up_as_long_as_its_warm_up_lasts() -> None:
    planned = [NO, YES, YES, YES]
    assert state([NO, NO, YES, YES], planned, 1, 4) == MachineState(True, 3, 1, (3,))
    assert state([NO, NO, NO, NO], planned, 2, 4) == MachineState(False, 1, 1, (3,))
    assert state([NO, NO, NO, NO], planned, 3, 4) == MachineState(True, 3, 1, (3,))


def test_a_run_counts_from_its_first_load_and_may_rest() -> None:
    assert slots_into_run([NO, NO, YES, NO, YES], nothing(5)) == 3
    assert slots_into_run([NO, NO], [YES, YES]) is None
    assert slots_into_run(nothing(3), [NO, YES, YES]) == 2
    assert slots_into_run([], []) is None
