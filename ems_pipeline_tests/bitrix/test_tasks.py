"""A task is added once whatever breaks, its checklist whole, and what people did is read back as they did it."""

from __future__ import annotations

import pytest

from ems_pipeline.bitrix import tasks
from ems_pipeline.bitrix.order import Order
from ems_pipeline.bitrix.refusal import Refused, Unanswered
from ems_pipeline.plant.bitrix_twin import BitrixTwin
from ems_pipeline_tests.bitrix.conftest import NOON, PLACE, order, portal


def lines(twin: BitrixTwin, task_id: int) -> list[str]:
    return [line.title for line in twin.tasks[task_id].lines if line.parent]


def test_a_task_holds_every_line_once_under_one_head_in_its_order(twin: BitrixTwin) -> None:
    task_id, numbers = tasks.put(portal(twin), order(), PLACE)
    task = twin.tasks[task_id]
    assert lines(twin, task_id) == [item.line for item in order().items]
    assert [line.is_important for line in task.lines if line.parent] == [item.critical for item in order().items]
    assert [line.title for line in task.lines if not line.parent] == ["TO-4 genset-1"]
    assert numbers == {line.title.split(" ")[0]: line.number for line in task.lines if line.parent}
    assert (task.tags, task.title) == (["ems-1a2b3c4d-17", "ems"], "TO-4 genset-1 [ems-1a2b3c4d-17]")


def test_to_4_by_the_old_version_is_51_calls_in_two_batches_after_the_search(old: BitrixTwin) -> None:
    tasks.put(portal(old), order(), PLACE)
    assert [call for call in old.calls if not call.startswith("batch:")] == ["batch"] * 3  # the search is the first
    added = [call for call in old.calls if call.endswith(".add")]
    assert (len(added), added.count("batch:tasks.task.add")) == (51, 1)


@pytest.mark.parametrize("fault", ["lost-add", "lost-lines"])
def test_what_was_added_before_the_line_broke_is_found_and_completed(twin: BitrixTwin, fault: str) -> None:
    twin.faults.add(fault)
    with pytest.raises(Unanswered):
        tasks.put(portal(twin), order(), PLACE)
    assert len(twin.tasks) == 1
    task_id, numbers = tasks.put(portal(twin), order(), PLACE)
    assert (list(twin.tasks), len(numbers)) == ([task_id], 49)
    assert lines(twin, task_id) == [item.line for item in order().items]


def test_said_again_nothing_is_added(twin: BitrixTwin) -> None:
    first = tasks.put(portal(twin), order(), PLACE)
    calls = len([call for call in twin.calls if call.endswith(".add")])
    assert tasks.put(portal(twin), order(), PLACE) == first
    assert len([call for call in twin.calls if call.endswith(".add")]) == calls


def test_of_a_task_that_somebody_copied_the_first_is_ours(twin: BitrixTwin) -> None:
    task_id, _ = tasks.put(portal(twin), order(3), PLACE)
    twin.tasks[task_id + 900] = twin.tasks[task_id]
    assert tasks.find(portal(twin), order().key) == task_id


def test_an_order_whose_key_begins_with_anothers_is_another(twin: BitrixTwin) -> None:
    first, _ = tasks.put(portal(twin), order(1, "ems-1a2b3c4d-17"), PLACE)
    second, _ = tasks.put(portal(twin), order(1, "ems-1a2b3c4d-1"), PLACE)
    assert first != second


def test_without_scope_for_rest_3_the_old_version_does_it() -> None:
    from ems_pipeline.plant.bitrix_twin import serving_bitrix
    from ems_pipeline.time_grid import SimulatedClock

    with serving_bitrix(SimulatedClock(NOON)) as twin:
        twin.faults.add("no-new-scope")
        task_id, _ = tasks.put(portal(twin), order(2), PLACE)
        tasks.say(portal(twin), task_id, "still open: T1-00", "k")
    assert twin.tasks[task_id].chat == ["still open: T1-00"]


def test_a_field_that_the_portal_wants_is_told_without_html(old: BitrixTwin) -> None:
    old.faults.add("own-field")
    with pytest.raises(Refused, match=r"ERROR_CORE Field UF_OWN is required;"):
        tasks.put(portal(old), order(1), PLACE)
    assert old.tasks == {}


def test_what_people_did_is_read_as_they_did_it(twin: BitrixTwin) -> None:
    task_id, _ = tasks.put(portal(twin), order(4), PLACE)
    twin.tick(task_id, "T1-01", by=12)
    (gone,) = [line for line in twin.tasks[task_id].lines if line.title.startswith("T1-03")]
    twin.tasks[task_id].lines.remove(gone)
    twin.close(task_id, by=12, status=4)
    (seen,) = tasks.look(portal(twin), [task_id, 99999]).values()
    assert (seen.is_closed, seen.by, seen.closed_at) == (True, "12", NOON)
    found = tasks.ticks(portal(twin), task_id, order(4))
    assert {code: tick.is_done for code, tick in found.items()} == {"T1-00": False, "T1-01": True, "T1-02": False}
    assert (found["T1-01"].by, found["T1-01"].at, found["T1-00"].by) == ("12", NOON, "")


def test_more_tasks_than_a_page_holds_are_all_seen(old: BitrixTwin) -> None:
    ids = {tasks.put(portal(old), order(1, f"ems-1a2b3c4d-{i}"), PLACE)[0] for i in range(53)}
    assert tasks.look(portal(old), ids).keys() == ids


def done(twin: BitrixTwin, task_id: int) -> set[str]:
    return {line.title.split(" ")[0] for line in twin.tasks[task_id].lines if line.is_done}


def test_completing_ticks_what_was_done_and_leaves_what_people_ticked(twin: BitrixTwin) -> None:
    wanted: Order = order(49)
    task_id, _ = tasks.put(portal(twin), wanted, PLACE)
    twin.tick(task_id, "T1-01")
    codes = {item.code for item in wanted.items} - {"T1-02"}
    tasks.complete(portal(twin), task_id, wanted, codes)
    assert (twin.tasks[task_id].status, done(twin, task_id)) == (5, codes)
    calls = len(twin.calls)
    tasks.complete(portal(twin), task_id, wanted, codes)  # said again: it is looked at, and nothing is done
    assert twin.calls[calls:] == ["tasks.task.list"]
