"""How a sequence backs out from where it is, and what it says when a step takes too long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ems_pipeline.gensets.sequence import acting
from ems_pipeline.gensets.sequence.interlocks import NOT_KNOWN, Asked
from ems_pipeline.gensets.sequence.keys import Key
from ems_pipeline.gensets.sequence.order import Kind
from ems_pipeline.gensets.sequence.progress import Move, Progress, Step, ended
from ems_pipeline.gensets.states import EngineState
from ems_pipeline.sentence import gensets as say

GOES_AHEAD = frozenset(
    {Step.TAKING, Step.REQUESTED, Step.STARTING, Step.COMING_UP, Step.CLOSING, Step.LOADING, Step.HOLDING,
     Step.UNLOADING_TOLD, Step.UNLOADING}
)  # fmt: skip
"""Steps from which there is a way back; what comes after the stop key, or is one key, goes to its end."""
TARGETED = frozenset({Step.LOADING, Step.HOLDING, Step.UNLOADING_TOLD, Step.UNLOADING})
"""Steps in which a target of ours stands."""
WHY: Mapping[Step, str] = {
    Step.TAKING: say.NO_MANUAL(),
    Step.SWITCHING: say.NO_MODE(),
    Step.REQUESTED: say.NO_REQUEST(),
    Step.STARTING: say.NO_START(),
    Step.COMING_UP: say.NOT_READY(),
    Step.CLOSING: say.NOT_CLOSED(),
    Step.UNLOADING: say.NOT_UNLOADED(),
    Step.BACKING: say.NOT_BACKED(),
    Step.STOPPING: say.NO_STOP(),
    Step.COOLING: say.NOT_COOLED(),
    Step.GIVING_BACK: say.NO_AUTO(),
    Step.MUTING: say.NO_ANSWER(),
    Step.RESETTING: say.STANDS_STILL(),
}


def back_out(progress: Progress, asked: Asked, why: str) -> Move:
    """Turn round, for a reason: to rest where the start was ours, to the target of before where only that is."""
    progress = replace(progress, trouble=why, retreated_at=asked.view.now_at)
    step, is_ours = progress.step, Key.START in progress.has_pressed
    if step in (Step.UNLOADING_TOLD, Step.UNLOADING):
        return acting.restore(progress, asked, _before(progress, asked))
    if asked.order.kind in (Kind.RUN, Kind.POWER) and step in TARGETED:
        return acting.restore(progress, asked)
    if step is Step.TAKING or (step is Step.STARTING and asked.view.engine is EngineState.STANDBY):
        return acting.give_back(progress, asked)
    return (progress.at(Step.BACKING, asked.view.now_at), None) if is_ours else ended(progress)


def _before(progress: Progress, asked: Asked) -> float | None:
    """The target that stood before the unloading, as far as it is one that a set may run at."""
    before = progress.before_pct
    return before if before is not None and asked.rules.min_power_pct <= before <= 100 else None


def expired(progress: Progress, asked: Asked) -> Move:
    """The step took too long."""
    targets = (Step.LOADING, Step.UNLOADING_TOLD, Step.RESTORING)
    why = acting.not_taken(progress, asked) if progress.step in targets else WHY[progress.step]
    if progress.trouble:
        return _given_up(acting.noted(progress, why), asked)
    if progress.step is Step.LOADING and asked.order.kind is not Kind.RUN:
        return ended(replace(progress, trouble=why))
    if progress.step in GOES_AHEAD:
        return back_out(progress, asked, why)
    return _given_up(replace(progress, trouble=why, retreated_at=asked.view.now_at), asked)


def _given_up(progress: Progress, asked: Asked) -> Move:
    """There is no way on: only a target of ours is taken back."""
    unloaded = (Step.UNLOADING_TOLD, Step.UNLOADING, Step.STOPPING, Step.COOLING)
    if progress.step in unloaded and progress.wish_pct is not None:
        return acting.restore(progress, asked)
    return ended(progress)


def hands_off(progress: Progress, asked: Asked) -> Move:
    """Somebody chose another mode at the set: no key is pressed any more, only a target of ours is taken back."""
    why = say.SOMEBODY_CHOSE(mode=asked.view.mode or NOT_KNOWN, left=progress.mode or NOT_KNOWN)
    said = "; ".join(filter(None, (progress.trouble, why)))
    progress = replace(progress, trouble=said, retreated_at=asked.view.now_at)
    return _given_up(progress, asked) if progress.step not in TARGETED else acting.restore(progress, asked)
