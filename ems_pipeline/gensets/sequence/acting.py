"""What a step does to go on: press a key once, write a target, see whether the target took, give the set back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ems_pipeline.gensets.sequence.interlocks import NOT_KNOWN, SAFE_TO_START, UNKNOWN_STATE, Asked
from ems_pipeline.gensets.sequence.keys import Key, Press, Write
from ems_pipeline.gensets.sequence.progress import Act, Failed, Move, Progress, Step, ended
from ems_pipeline.gensets.sequence.rules import StartBy
from ems_pipeline.gensets.sequence.view import STOPPABLE, Mode
from ems_pipeline.gensets.states import BreakerState
from ems_pipeline.sentence import gensets as say

SETTLES = timedelta(seconds=1)
"""A target is looked at no earlier after it was written."""
SAME_PCT = 0.5
"""Targets nearer than this are one: the controller keeps tenths of a percent."""
UNLOADED_PCT = 5.0
MODES = {Key.AUTO: Mode.AUTO, Key.MANUAL: Mode.MANUAL, Key.STOP: Mode.STOP}
"""The mode that a key leaves the controller in."""


def press(progress: Progress, asked: Asked, key: Key, step: Step, *, hands_back: bool = False) -> Move:
    """Press a key and wait in ``step`` for what comes of it. No key is pressed twice by one sequence."""
    if key in progress.has_pressed:
        return ended(replace(progress, trouble=progress.trouble or say.PRESSED_ALREADY(key=key)))
    pressed = (*progress.has_pressed, str(key))
    return progress.at(step, asked.view.now_at, has_pressed=pressed), Act(Press(key), hands_back)


def write(progress: Progress, asked: Asked, pct: float, step: Step, *, hands_back: bool = False) -> Move:
    """Write a target; what stood before is remembered to tell a clamp from no effect."""
    before = asked.view.number("power_target_pct")
    return progress.at(step, asked.view.now_at, wish_pct=pct, before_pct=before), Act(Write(pct), hands_back)


def press_stop(progress: Progress, asked: Asked) -> Move:
    """Stop an unloaded set, or one whose breaker is open.

    The stop key in the mode STOP is a reset of alarms, and in the controller's own start or stop it is a second say.
    """
    view = asked.view
    is_free = view.breaker is BreakerState.OPEN or is_unloaded(asked)
    if view.engine not in STOPPABLE or view.mode is Mode.STOP or not is_free:
        why = say.STOP_MEANS_ELSE(
            engine=view.engine or UNKNOWN_STATE, mode=view.mode or NOT_KNOWN, breaker=view.breaker or NOT_KNOWN
        )
        return ended(replace(progress, trouble=why))
    return press(progress, asked, Key.STOP, Step.STOPPING, hands_back=bool(progress.trouble))


def is_unloaded(asked: Asked) -> bool:
    """Whether the set carries less than 5 % of its rated power; unknown is not unloaded."""
    power_w = asked.view.number("power_w")
    return power_w is not None and abs(asked.rules.pct(power_w)) < UNLOADED_PCT


def is_answered(progress: Progress, asked: Asked) -> bool:
    """Whether the snapshot is of after the last action."""
    taken_at = asked.view.snapshot.taken_at
    return taken_at is not None and taken_at >= progress.entered_at + SETTLES


def has_taken(progress: Progress, asked: Asked) -> bool:
    """Whether the controller's own target is what was written."""
    target, wish = asked.view.number("power_target_pct"), progress.wish_pct
    return is_answered(progress, asked) and target is not None and wish is not None and abs(target - wish) <= SAME_PCT


def not_taken(progress: Progress, asked: Asked) -> str:
    """What became of a target that was echoed: no effect, or a clamp, with both numbers."""
    target, wish, before = asked.view.number("power_target_pct"), progress.wish_pct, progress.before_pct
    if target is None:
        return say.NO_TARGET(wish=f"{wish:g} %")
    is_as_before = before is not None and abs(target - before) <= SAME_PCT
    return (say.NO_EFFECT if is_as_before else say.CLAMPED)(wish=f"{wish:g} %", target=f"{target:g} %")


def is_clamped(progress: Progress, asked: Asked) -> bool:
    """Whether the target moved, and not to where it was wanted."""
    target, before = asked.view.number("power_target_pct"), progress.before_pct
    return target is not None and before is not None and abs(target - before) > SAME_PCT


def restore(progress: Progress, asked: Asked, pct: float | None = None) -> Move:
    """Write the target that stood before, or the site's default. No opt-in is needed to let go."""
    wanted = asked.rules.default_power_pct if pct is None else pct
    return write(progress, asked, wanted, Step.RESTORING, hands_back=True)


def give_back(progress: Progress, asked: Asked) -> Move:
    """Leave a standing set to its controller: AUTO, where we took it from there and nothing forbids it."""
    view, rules = asked.view, asked.rules
    if view.mode is Mode.AUTO:
        return ended(progress)
    if rules.start_by is StartBy.AUTO:
        return ended(noted(progress, say.STANDS_IN(mode=view.mode or NOT_KNOWN)))
    why = view.withdrawn or next((found for lock in SAFE_TO_START if (found := lock(asked))), "")
    if why or Key.AUTO in progress.has_pressed:
        return ended(noted(progress, say.LEFT_IN(mode=view.mode or NOT_KNOWN, why=why or say.AUTO_NO_EFFECT())))
    return press(progress, asked, Key.AUTO, Step.GIVING_BACK, hands_back=True)


def noted(progress: Progress, note: str) -> Progress:
    """The same, with something more to tell."""
    return replace(progress, note="; ".join(filter(None, (progress.note, note))))


def refused(progress: Progress, found: dict[str, str]) -> Move:
    """The end of what never began."""
    return progress, Failed(say.REFUSED(why="; ".join(found.values())))
