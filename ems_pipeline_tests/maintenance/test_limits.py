"""Warned at 50 h or a tenth, critical at 20 h or a fiftieth, a tolerance of a tenth, at most 100 h and 30 days."""

from __future__ import annotations

import pytest

from ems_pipeline.maintenance.limits import Limits, limits
from ems_pipeline.maintenance.template import shipped


@pytest.mark.parametrize(
    ("hours", "months", "days", "told"),
    [
        (250, 6, 7, Limits(50.0, 20.0, 25.0, 7, 2.0, 18.2625)),
        (500, 12, 7, Limits(50.0, 20.0, 50.0, 7, 2.0, 30.0)),
        (1000, 24, 21, Limits(100.0, 20.0, 100.0, 21, 2.0, 30.0)),
        (2000, 48, 21, Limits(200.0, 40.0, 100.0, 21, 2.0, 30.0)),
        (None, 12, 7, Limits(None, None, None, 7, 2.0, 30.0)),
        (250, None, 7, Limits(50.0, 20.0, 25.0, 7, 2.0, None)),
    ],
)
def test_limits_follow_from_the_interval(hours: float | None, months: int | None, days: float, told: Limits) -> None:
    assert limits(hours, months, days) == pytest.approx(told)


def test_the_shipped_levels_are_stored_with_theirs() -> None:
    (template,) = shipped()
    stored = template.levels_with_limits()
    assert [(one["rank"], one["warning_h"], one["warning_days"]) for one in stored] == [
        (1, 50, 7), (2, 50, 7), (3, 100, 21), (4, 200, 21),
    ]  # fmt: skip
