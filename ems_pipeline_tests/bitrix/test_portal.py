"""Limits are kept, refusals are told by what there is to do about them, and the secret address by nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.bitrix import refusal
from ems_pipeline.bitrix.address import Webhook
from ems_pipeline.bitrix.bucket import BURST, LEAK_PER_S, Bucket
from ems_pipeline.bitrix.portal import Command, Portal, Result
from ems_pipeline.bitrix.reading import instant_of, mapping, number
from ems_pipeline.bitrix.refusal import Away, BitrixError, Full, Overloaded, Refused, Shut, Spent, Unanswered
from ems_pipeline.plant.bitrix_said import php
from ems_pipeline.plant.bitrix_twin import BitrixTwin
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.bitrix.conftest import NOON, portal

SECOND = timedelta(seconds=1)


def test_two_requests_a_second_never_fill_the_portals_bucket(old: BitrixTwin) -> None:
    """A hundred at once: ten go, the others as it drains: 90 requests at 2 a second are 45 s."""
    asker = portal(old)
    for _ in range(100):
        asker.call("tasks.task.list", filter={"ID": [1]})
    assert (old.refused_full, old.clock.now() - NOON) == (0, 45 * SECOND)


@given(st.lists(st.floats(0, 5), max_size=80))
def test_no_window_holds_more_requests_than_burst_and_leak(pauses_s: list[float]) -> None:
    clock, sent = SimulatedClock(NOON), list[datetime]()
    bucket = Bucket(clock)
    for pause_s in pauses_s:
        clock.wait_until(clock.now() + timedelta(seconds=pause_s))
        bucket.take()
        sent.append(clock.now())
    for i, first in enumerate(sent):
        for j in range(i, len(sent)):
            assert j - i + 1 <= BURST + LEAK_PER_S * (sent[j] - first).total_seconds() + 1e-3


def test_a_full_bucket_is_waited_for_and_then_served(old: BitrixTwin) -> None:
    """Others behind our address filled it: 52 of 50; after 1 s it holds 51 and one more is refused, after 3 s not."""
    asker = portal(old)
    asker.call("tasks.task.list", filter={"ID": [1]})
    old.level = 52.0
    asker.call("tasks.task.list", filter={"ID": [1]})
    assert (old.refused_full, old.clock.now() - NOON) == (2, 3 * SECOND)


def test_a_bucket_that_stays_full_is_left_to_the_next_run(old: BitrixTwin) -> None:
    old.level = 500.0
    with pytest.raises(Full, match="QUERY_LIMIT_EXCEEDED Too many requests; it is tried again more slowly"):
        portal(old).call("tasks.task.list", filter={"ID": [1]})
    assert old.requests == 4


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("down", Unanswered, "502"),
        ("wrong-code", Shut, "/rest/1/***/tasks.task.complete; check EMS_BITRIX_WEBHOOK"),
        ("no-plan", Shut, "commercial plans"),
        ("overload", Overloaded, "write to the support of Bitrix24"),
        ("time-spent", Spent, "429 OPERATION_TIME_LIMIT"),
    ],
)
def test_a_refusal_is_of_the_kind_of_its_remedy_and_asked_once(
    old: BitrixTwin, fault: str, kind: type[BitrixError], words: str
) -> None:
    old.faults |= {fault, "echo"}
    with pytest.raises(kind) as caught:
        portal(old).call("tasks.task.complete", taskId=1)
    assert words in str(caught.value)
    assert (old.requests, old.code in str(caught.value)) == (1, False)


def test_time_that_is_spent_is_counted_anew_when_the_last_good_answer_said(old: BitrixTwin) -> None:
    asker = portal(old)
    asker.call("tasks.task.list", filter={"ID": [1]})
    old.faults.add("time-spent")
    with pytest.raises(Spent) as caught:
        asker.call("tasks.task.list", filter={"ID": [1]})
    assert caught.value.until_at == NOON + timedelta(minutes=10)


def test_nobody_listening_is_away_and_a_cut_line_is_unsure(old: BitrixTwin) -> None:
    nowhere = replace(Webhook.of(old.webhook), origin="http://127.0.0.1:9")
    with pytest.raises(Away):
        Portal(nowhere, old.clock).call("tasks.task.list")
    old.faults.add("lost-add")
    with pytest.raises(Unanswered):
        portal(old).call("tasks.task.add", fields={"TITLE": "x", "RESPONSIBLE_ID": 7})


def test_the_secret_is_in_no_text_and_no_record(old: BitrixTwin, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    asker = portal(old)
    old.faults |= {"echo", "wrong-code"}
    with pytest.raises(Shut) as caught:
        asker.call("tasks.task.list")
    for text in (str(caught.value), repr(asker), repr(asker.webhook), caplog.text):
        assert old.code not in text


def test_the_first_fault_of_a_batch_ends_it_and_is_told(old: BitrixTwin) -> None:
    commands = [
        Command("a", "tasks.task.add", {"fields": {"TITLE": "x", "RESPONSIBLE_ID": 7}}),
        Command("b", "tasks.task.complete", {"taskId": 99999}),
        Command("c", "tasks.task.add", {"fields": {"TITLE": "y", "RESPONSIBLE_ID": 7}}),
    ]
    with pytest.raises(Refused, match=r"tasks\.task\.complete: 0 Action on task is not allowed;"):
        portal(old).batch(commands)
    assert [task.title for task in old.tasks.values()] == ["x"]
    with pytest.raises(ValueError, match="split it"):
        portal(old).batch(commands * 17)


def test_a_batch_without_faults_has_a_list_where_objects_are_expected(old: BitrixTwin) -> None:
    assert portal(old).batch([Command("a", "tasks.task.list", {"filter": {"ID": [5]}})]) == {"a": {"tasks": []}}


@given(st.text(max_size=60))
def test_any_text_arrives_in_a_batch_as_it_was(text: str) -> None:
    encoded = text.encode("utf-8", "replace").decode()
    _, _, query = Command("a", "m", {"FIELDS": {"TITLE": encoded, "L": [1, 2]}}).text.partition("?")
    if not encoded.startswith("$result["):  # PHP would take it for an answer; ours all begin with a code
        assert php(query, {}) == {"FIELDS": {"TITLE": encoded, "L": {"0": "1", "1": "2"}}}


def test_an_answer_of_before_goes_into_a_later_call() -> None:
    _, _, query = Command("a", "m", {"TASKID": Result("$result[task][task][id]")}).text.partition("?")
    assert php(query, {"task": {"task": {"id": "3711"}}}) == {"TASKID": "3711"}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Task title is not specified<br>", "Task title is not specified"),
        ("8/TE/ACTION_FAILED<br>&nbsp;&quot;x&quot; a < b", '8/TE/ACTION_FAILED "x" a < b'),
        ("<script>alert(1)</script>", "alert(1)"),
    ],
)
def test_html_of_a_refusal_is_not_shown(said: str, shown: str) -> None:
    assert refusal.words(said) == shown


@pytest.mark.parametrize(
    ("value", "found"),
    [("3711", 3711), (3711, 3711), ("0", None), ("", None), (None, None), ("-1", None), ("1e3", None), (True, None)],
)
def test_a_number_of_the_portal(value: Any, found: int | None) -> None:
    assert number(value) == found


def test_instants_of_the_portal_are_utc_or_none() -> None:
    assert instant_of("2025-11-10T16:21:43+02:00") == datetime(2025, 11, 10, 14, 21, 43, tzinfo=UTC)
    assert instant_of(1762781503) == datetime(2025, 11, 10, 13, 31, 43, tzinfo=UTC)
    assert [instant_of(said) for said in ("2025-11-10T16:21:43", "", None, "soon", 1e99)] == [None] * 5
    assert mapping([]) == {}
