"""Which tasks a service has: the shipped template's sizes are those that were counted when its tasks were written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.maintenance.checklist import Since, checklist, is_regular, man_hours
from ems_pipeline.maintenance.template import Template, shipped

(TEMPLATE,) = shipped()
JUST_DONE = {task.code: Since(0.0, 0.0) for task in TEMPLATE.tasks}
LEVELS = tuple(TEMPLATE.ranks)
SINCES = st.dictionaries(
    st.sampled_from([task.code for task in TEMPLATE.tasks]),
    st.builds(Since, st.none() | st.floats(0, 1e5), st.none() | st.floats(0, 1e4)),
)


def codes(level: str, since: dict[str, Since], template: Template = TEMPLATE) -> set[str]:
    return {task.code for task in checklist(template, level, since)}


@pytest.mark.parametrize(
    ("level", "items", "hours"),
    [("TO-1", 10, 3.0), ("TO-2", 27, 13.5), ("TO-3", 41, 26 + 1 / 3), ("TO-4", 49, 45 + 5 / 12)],
)
def test_a_service_has_at_most_as_many_items_and_man_hours(level: str, items: int, hours: float) -> None:
    found = checklist(TEMPLATE, level, {})
    assert (len(found), man_hours(found)) == (items, pytest.approx(hours))


def test_a_larger_service_includes_the_smaller_but_what_it_supersedes() -> None:
    """T2-03 is a new air filter: nobody cleans the pre-filter for it (T1-05); T3-01 new plugs for T2-01's."""
    assert codes("TO-1", {}) - codes("TO-2", {}) == {"T1-05"}
    assert codes("TO-2", {}) - codes("TO-3", {}) == {"T2-01"}
    assert codes("TO-3", {}) - codes("TO-4", {}) == {"T1-08", "T1-04", "T2-10", "T1-06", "T3-05"}


@pytest.mark.parametrize(
    ("hours", "days", "joins"),
    [(3000.0, 100.0, False), (3899.0, 100.0, False), (3900.0, 100.0, True), (10.0, 701.0, True), (None, 10.0, True)],
)
def test_a_task_of_4000_h_joins_a_service_of_1000_h_only_when_it_is_due(
    hours: float | None, days: float, joins: bool
) -> None:
    """Its tolerance is 100 h, and 30 days of its 24 months (730.5 days); what nobody knows is due."""
    assert ("T3-13" in codes("TO-3", JUST_DONE | {"T3-13": Since(hours, days)})) is joins


def test_a_task_without_hours_joins_by_the_calendar_alone() -> None:
    """T4-08: new gas hoses each 60 months, 1826 days."""
    assert "T4-08" not in codes("TO-4", JUST_DONE | {"T4-08": Since(90_000.0, 1796.0)})
    assert "T4-08" in codes("TO-4", JUST_DONE | {"T4-08": Since(1.0, 1797.0)})


def test_a_task_that_is_not_due_makes_nothing_moot() -> None:
    """New coolant (T4-02, 8000 h) supersedes looking at it (T1-04) only where it is done."""
    assert {"T1-04", "T2-10"} <= codes("TO-4", JUST_DONE)
    assert not {"T1-04", "T2-10"} & codes("TO-4", JUST_DONE | {"T4-02": Since(8000.0, 0.0)})


@given(level=st.sampled_from(LEVELS), since=SINCES)
def test_no_service_has_a_task_of_a_larger_one_one_twice_or_one_beside_what_supersedes_it(
    level: str, since: dict[str, Since]
) -> None:
    found = checklist(TEMPLATE, level, since)
    ranks = TEMPLATE.ranks
    assert all(ranks[task.level] <= ranks[level] for task in found)
    assert len({task.code for task in found}) == len(found)
    assert not {other for task in found for other in task.supersedes} & {task.code for task in found}


@given(level=st.sampled_from(LEVELS), since=SINCES)
def test_what_its_level_does_every_time_is_done_every_time_or_superseded(level: str, since: dict[str, Since]) -> None:
    levels = {one.level: one for one in TEMPLATE.levels}
    regular = {
        task.code
        for task in TEMPLATE.tasks
        if TEMPLATE.ranks[task.level] <= TEMPLATE.ranks[level] and is_regular(task, levels[task.level])
    }
    found = checklist(TEMPLATE, level, since)
    assert regular <= {task.code for task in found} | {other for task in found for other in task.supersedes}
