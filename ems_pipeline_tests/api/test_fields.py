"""An instant is one instant, or it is refused; what may be asked how often is counted to the second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from ems_pipeline.api.fields import Body, Instant, Text, instant
from ems_pipeline.api.limits import MOST, Budget
from ems_pipeline.api.problems import Problem
from ems_pipeline_tests.api.conftest import Seconds

SPRING = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "said",
    [
        "2026-03-29T01:30:00Z",
        "2026-03-29T03:30:00+02:00",
        "2026-03-29 01:30+00:00",
        1774747800,
        "1774747800",
        1774747800.0,
    ],
)
def test_an_instant_has_an_offset_or_is_epoch_seconds(said: Any) -> None:
    """1774747800 = 20541 days * 86400 s + 5400 s."""
    assert instant(said) == SPRING


@pytest.mark.parametrize(
    "said",
    [
        "2026-03-29T01:30:00", "2026-03-29", 1774747800000, "1774747800000", -1, "soon", "", None, True, [], {},
        float("nan"), float("inf"), "nan", "Infinity", "9" * 400, "0001-01-01T00:00:00+14:00",
    ],
)  # fmt: skip
def test_what_may_be_several_instants_is_refused(said: Any) -> None:
    with pytest.raises(Problem) as told:
        instant(said)
    assert (told.value.status, told.value.code) == (400, "time_ambiguous")


class Wish(Body):
    power_kw: float
    until: Instant
    reason: Text = "none"


def wish(**changes: Any) -> Wish:
    return Wish.model_validate({"power_kw": 2, "until": "2026-03-29T03:30:00+02:00", **changes})


def test_a_body_takes_what_it_names_and_instants_of_any_offset() -> None:
    assert (wish().power_kw, wish().until, wish(until=1774747800).until) == (2.0, SPRING, SPRING)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"power_kw": "2"}, "valid number"),
        ({"power_kw": True}, "valid number"),
        ({"power_kw": float("nan")}, "finite"),
        ({"power_kw": float("inf")}, "finite"),
        ({"power_kW": 2}, 'did you mean "power_kw"?'),
        ({"anything": 2}, "anything is not known here"),
        ({"reason": ""}, "at least 1 character"),
        ({"reason": "x" * 201}, "at most 200 characters"),
        ({"reason": "a\nb"}, "cannot be printed"),
        ({"reason": "\x1b[31m"}, "cannot be printed"),
        ({"reason": 5}, "valid string"),
    ],
)
def test_a_body_refuses_text_for_numbers_and_names_it_does_not_know(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as error:
        wish(**changes)
    assert told in error.value.errors()[0]["msg"]


def test_an_ambiguous_time_in_a_body_is_a_problem_of_its_own() -> None:
    with pytest.raises(Problem) as told:
        wish(until="2026-03-29T02:30:00")
    assert told.value.code == "time_ambiguous"


def test_a_bucket_gives_what_it_holds_and_then_what_flows_in() -> None:
    """40 at once, 20 a second: empty after 40, one more after 1/20 s, 40 again after 2 s and never more."""
    now = Seconds()
    budget = Budget("reads", 40, 20, now)
    assert [budget.wait_s("a") for _ in range(40)] == [0.0] * 40
    assert budget.wait_s("a") == pytest.approx(0.05)
    assert budget.wait_s("b") == 0.0, "another's is another's"
    now.at = 0.05
    assert budget.wait_s("a") == 0.0
    assert budget.wait_s("a") > 0
    now.at = 1000.0
    assert [budget.wait_s("a") for _ in range(41)][39:] == [0.0, pytest.approx(0.05)]


def test_who_asks_again_too_early_waits_no_longer_for_it() -> None:
    now = Seconds()
    budget = Budget("writes", 1, 0.5, now)
    budget.take("a")
    for _ in range(10):
        with pytest.raises(Problem) as told:
            budget.take("a")
        assert told.value.headers == {"Retry-After": "2"}
    now.at = 2.0
    budget.take("a")


def test_a_flood_of_names_does_not_fill_the_memory_nor_free_who_is_out() -> None:
    budget = Budget("reads", 1, 1, Seconds())
    for number in range(3 * MOST):
        budget.wait_s(str(number))
    assert len(budget._left) <= MOST
    assert budget.wait_s(str(3 * MOST - 1)) > 0
