"""One look of a sequence at its set: at most one action, or that it waits, is done, or failed.

The caller commits the progress before it tells the action, so that a crash at any moment leaves a step that waits for
an effect: it is seen, and the sequence goes on, or it is not, and the sequence backs out. No key is pressed twice.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ems_pipeline.gensets.sequence import acting, retreat
from ems_pipeline.gensets.sequence.interlocks import Asked, gas_alarm, locked
from ems_pipeline.gensets.sequence.keys import Key
from ems_pipeline.gensets.sequence.order import Kind, Order
from ems_pipeline.gensets.sequence.progress import Answer, Failed, Move, Progress, Step, Wait
from ems_pipeline.gensets.sequence.rules import Rules
from ems_pipeline.gensets.sequence.steps import STEPS, limit
from ems_pipeline.gensets.sequence.view import Mode, View
from ems_pipeline.sentence import gensets as say

WHOLE = {Kind.START: timedelta(minutes=20), Kind.STOP: timedelta(minutes=20), Kind.RUN: timedelta(minutes=30)}
"""How long a sequence may take in all, a run besides its own length; others the `SHORT` time."""
SHORT = timedelta(minutes=2)
RETREAT = timedelta(minutes=30)
"""How long it may take to back out."""
UP = frozenset({Step.TAKING, Step.STARTING, Step.COMING_UP, Step.CLOSING, Step.LOADING})


def opened(now_at: datetime) -> Progress:
    """A sequence at its beginning."""
    return Progress(opened_at=now_at, entered_at=now_at)


def advance(order: Order, rules: Rules, progress: Progress, view: View) -> tuple[Progress, Answer]:
    """What the sequence does now. The progress is to be committed before the answer's action is told."""
    asked = Asked(order, rules, view)
    if progress.step is not Step.CHECK and not view.is_fresh(rules):
        return progress, Failed(say.BLIND()) if view.now_at >= ends_at(order, rules, progress) else Wait()
    for _ in Step:
        progress, answer = _look(progress, asked)
        if answer is not None:
            return progress, answer
    raise AssertionError(f"{order.kind} goes round in {progress.step}")


def _look(progress: Progress, asked: Asked) -> Move:
    step, view = progress.step, asked.view
    led = _led(progress)
    if led is not None and view.mode is led:
        progress = replace(progress, mode=led)
    if progress.mode not in (None, view.mode) and step is not Step.RESTORING and (led is None or view.mode is not led):
        return retreat.hands_off(progress, asked)
    if step in retreat.GOES_AHEAD and not progress.trouble and (why := _stop_cause(progress, asked)):
        return retreat.back_out(progress, asked, why)
    moved, answer = STEPS[step](progress, asked)
    if not isinstance(answer, Wait):
        return moved, answer
    if view.now_at - moved.entered_at >= limit(step, asked.rules):
        return retreat.expired(moved, asked)
    if view.now_at < ends_at(asked.order, asked.rules, moved):
        return moved, answer
    if moved.trouble or step not in retreat.GOES_AHEAD:
        return moved, Failed(f"{moved.trouble or say.TOO_LONG()}; {say.LOOK_AT_IT()}")
    return retreat.back_out(moved, asked, say.TOO_LONG_IN_ALL())


def ends_at(order: Order, rules: Rules, progress: Progress) -> datetime:
    """When the sequence is over, whatever is seen until then."""
    if progress.retreated_at is not None:
        return progress.retreated_at + RETREAT
    whole = WHOLE.get(order.kind, SHORT)
    if order.kind is Kind.RUN and order.until_at is not None:
        return min(order.until_at, progress.opened_at + rules.longest_run) + whole
    return progress.opened_at + whole


def _led(progress: Progress) -> Mode | None:
    """The mode that our last key leads to."""
    keys = [Key(key) for key in progress.has_pressed]
    return next((acting.MODES[key] for key in reversed(keys) if key in acting.MODES), None)


def _stop_cause(progress: Progress, asked: Asked) -> str:
    """Why the sequence may not go ahead, though it has begun."""
    view = asked.view
    if view.cancelled:
        return say.TAKEN_BACK(name=view.cancelled)
    if view.withdrawn:
        return say.WITHDRAWN(why=view.withdrawn)
    is_start = (progress.step in UP and Key.START in progress.has_pressed) or progress.step is Step.TAKING
    return (gas_alarm(asked) or locked(asked)) if is_start else ""
