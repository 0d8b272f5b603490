"""Which tasks a service consists of: those of its level and of all below, as far as they are due, less what is moot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ems_pipeline.maintenance.limits import DAYS_PER_MONTH, tolerance_days, tolerance_h
from ems_pipeline.maintenance.template import Level, Task, Template


class Since(NamedTuple):
    """How long ago a task was done last; None: nobody knows."""

    hours: float | None
    days: float | None


NEVER = Since(None, None)


def checklist(template: Template, level: str, since: Mapping[str, Since]) -> tuple[Task, ...]:
    """The tasks of a service of ``level``, in the template's order.

    A task with its level's interval is done at every service that includes its level. One with an interval of its own
    (4000 h in a level of 1000 h) joins where it is due within its tolerance, and where nobody knows when it was done.

    Args:
        since: by code, for tasks that were done; what is not named was never done.

    Raises:
        KeyError: the template has no such level.
    """
    ranks, levels = template.ranks, {one.level: one for one in template.levels}
    top = ranks[level]
    wanted = [
        task
        for task in template.tasks
        if ranks[task.level] <= top
        and (is_regular(task, levels[task.level]) or _is_due(task, since.get(task.code, NEVER)))
    ]
    moot = {other for task in wanted for other in task.supersedes}
    return tuple(task for task in wanted if task.code not in moot)


def man_hours(tasks: Iterable[Task]) -> float:
    """What they take one person, h."""
    return sum(task.minutes for task in tasks) / 60


def is_regular(task: Task, level: Level) -> bool:
    """Whether it is done at each service of its level."""
    return (task.hours, task.months) in ((level.hours, level.months), (None, None))


def _is_due(task: Task, since: Since) -> bool:
    """By hours or calendar, whichever comes first; what is not known is due."""
    span_days = None if task.months is None else task.months * DAYS_PER_MONTH
    by_hours = task.hours is not None and (since.hours is None or since.hours >= task.hours - tolerance_h(task.hours))
    by_days = span_days is not None and (since.days is None or since.days >= span_days - tolerance_days(span_days))
    return by_hours or by_days
