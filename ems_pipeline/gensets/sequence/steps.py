"""What each step waits for and does then, and how long it may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from ems_pipeline.gensets.sequence import acting
from ems_pipeline.gensets.sequence.beginnings import check
from ems_pipeline.gensets.sequence.interlocks import UNKNOWN_STATE, Asked, breaches, start_breaches
from ems_pipeline.gensets.sequence.keys import Key
from ems_pipeline.gensets.sequence.order import Kind
from ems_pipeline.gensets.sequence.progress import Done, Move, Progress, Step, Wait, ended
from ems_pipeline.gensets.sequence.retreat import back_out
from ems_pipeline.gensets.sequence.rules import Rules
from ems_pipeline.gensets.sequence.view import COMING_DOWN, COMING_UP, STOPPABLE, Mode
from ems_pipeline.gensets.states import BreakerState, EngineState
from ems_pipeline.sentence import gensets as say

WAIT = Wait()
READY = frozenset({EngineState.WAIT_LOAD, EngineState.RUNNING})


def taking(progress: Progress, asked: Asked) -> Move:
    """MANUAL is seen: look at every interlock once more, then press start."""
    if asked.view.mode is not Mode.MANUAL:
        return progress, WAIT
    progress = replace(progress, mode=Mode.MANUAL)
    if found := start_breaches(asked.order, asked.rules, asked.view):
        return back_out(progress, asked, "; ".join(found.values()))
    return acting.press(progress, asked, Key.START, Step.STARTING)


def starting(progress: Progress, asked: Asked) -> Move:
    """The engine has left standstill, by our key or by its master's request."""
    if asked.view.engine in COMING_UP or asked.view.engine is EngineState.RUNNING:
        return progress.at(Step.COMING_UP, asked.view.now_at), None
    return (progress, WAIT) if asked.view.engine is EngineState.STANDBY else _fell(progress, asked)


def coming_up(progress: Progress, asked: Asked) -> Move:
    """The controller's own attempts; how they end is its word, and nothing is tried again."""
    if asked.view.engine in READY:
        return progress.at(Step.CLOSING, asked.view.now_at), None
    return (progress, WAIT) if asked.view.engine in COMING_UP else _fell(progress, asked)


def closing(progress: Progress, asked: Asked) -> Move:
    """The controller synchronises and closes."""
    view, order = asked.view, asked.order
    if view.engine is EngineState.RUNNING and view.breaker is BreakerState.CLOSED:
        if order.power_w is None:
            return ended(progress)
        return acting.write(progress, asked, asked.rules.pct(order.power_w), Step.LOADING)
    return (progress, WAIT) if view.engine in READY else _fell(progress, asked)


def _fell(progress: Progress, asked: Asked) -> Move:
    """The controller ended it; a target of ours is taken back."""
    alarms = ", ".join(asked.view.standing()) or say.NO_ALARM_READ()
    why = say.FELL(engine=asked.view.engine or UNKNOWN_STATE, alarms=alarms)
    progress = replace(progress, trouble=progress.trouble or why)
    return ended(progress) if progress.wish_pct is None else acting.restore(progress, asked)


def loading(progress: Progress, asked: Asked) -> Move:
    """The target took: done, or held until its end. A clamp is told and held."""
    if not asked.rules.is_switchboard and asked.view.engine is not EngineState.RUNNING:
        return _fell(progress, asked)
    is_late = asked.view.now_at - progress.entered_at >= asked.rules.verify
    is_held = is_late and acting.is_answered(progress, asked) and acting.is_clamped(progress, asked)
    if not (is_held or acting.has_taken(progress, asked)):
        return progress, WAIT
    if is_held:
        progress = acting.noted(replace(progress, note=""), acting.not_taken(progress, asked))
    if asked.order.kind is Kind.RUN:
        return progress.at(Step.HOLDING, asked.view.now_at), None
    return ended(progress)


def holding(progress: Progress, asked: Asked) -> Move:
    """On load until the end; another wish is written, and at the end the target goes back and nobody is stopped."""
    view, order, rules = asked.view, asked.order, asked.rules
    if order.until_at is None or view.now_at >= order.until_at:
        return acting.restore(progress, asked)
    if view.engine is not EngineState.RUNNING:
        return _fell(progress, asked)
    if view.breaker is not BreakerState.CLOSED or order.power_w is None or progress.wish_pct is None:
        return progress, WAIT
    wanted = rules.pct(order.power_w)
    is_other = abs(wanted - progress.wish_pct) > acting.SAME_PCT
    if is_other and rules.min_power_pct <= wanted <= 100:
        return acting.write(replace(progress, note=""), asked, wanted, Step.LOADING)
    return progress, WAIT


def unloading_told(progress: Progress, asked: Asked) -> Move:
    """The controller holds the target 0."""
    if acting.has_taken(progress, asked):
        return progress.at(Step.UNLOADING, asked.view.now_at), None
    return progress, WAIT


def unloading(progress: Progress, asked: Asked) -> Move:
    """Less than 5 % of rated: stop. Where the controller stopped by itself meanwhile, see it to rest."""
    if asked.view.engine in COMING_DOWN or asked.view.engine is EngineState.STANDBY:
        return progress.at(Step.COOLING, asked.view.now_at), None
    if asked.view.engine is not EngineState.RUNNING:
        return _fell(progress, asked)
    return acting.press_stop(progress, asked) if acting.is_unloaded(asked) else (progress, WAIT)


def backing(progress: Progress, asked: Asked) -> Move:
    """Stop as soon as stop means just that."""
    engine, breaker = asked.view.engine, asked.view.breaker
    if engine is EngineState.STANDBY:
        return acting.give_back(progress, asked)
    if engine in COMING_DOWN:
        return progress.at(Step.COOLING, asked.view.now_at), None
    if engine is EngineState.STOP_FAILURE:
        return ended(progress)
    if engine is EngineState.RUNNING and breaker is BreakerState.CLOSED:
        return acting.write(progress, asked, 0.0, Step.UNLOADING_TOLD, hands_back=True)
    is_free = breaker is BreakerState.OPEN or (breaker is not BreakerState.CLOSED and acting.is_unloaded(asked))
    return acting.press_stop(progress, asked) if engine in STOPPABLE and is_free else (progress, WAIT)


def stopping(progress: Progress, asked: Asked) -> Move:
    """The engine has left the running state."""
    if asked.view.engine in COMING_DOWN or asked.view.engine in (EngineState.STANDBY, EngineState.STOP_FAILURE):
        return progress.at(Step.COOLING, asked.view.now_at), None
    return progress, WAIT


def cooling(progress: Progress, asked: Asked) -> Move:
    """At rest: the target goes back to the site's default, and the set to its controller."""
    engine = asked.view.engine
    if engine in COMING_DOWN:
        return progress, WAIT
    if engine is not EngineState.STANDBY:
        why = say.NO_REST(engine=engine or UNKNOWN_STATE)
        progress = replace(progress, trouble="; ".join(filter(None, (progress.trouble, why))))
    if progress.wish_pct is not None:
        return acting.restore(progress, asked)
    return acting.give_back(progress, asked) if engine is EngineState.STANDBY else ended(progress)


def restoring(progress: Progress, asked: Asked) -> Move:
    """The target took, or did not; either way it is the last thing that is written."""
    if not acting.has_taken(progress, asked):
        if asked.view.now_at - progress.entered_at < asked.rules.verify or not acting.is_answered(progress, asked):
            return progress, WAIT
        progress = acting.noted(progress, acting.not_taken(progress, asked))
    if Key.STOP in progress.has_pressed and asked.view.engine is EngineState.STANDBY:
        return acting.give_back(progress, asked)
    return ended(progress)


def giving_back(progress: Progress, asked: Asked) -> Move:
    """AUTO is seen."""
    return ended(progress) if asked.view.mode is Mode.AUTO else (progress, WAIT)


def switching(progress: Progress, asked: Asked) -> Move:
    """The mode is seen."""
    return ended(progress) if asked.view.mode is acting.MODES[Key(asked.order.kind)] else (progress, WAIT)


def muting(progress: Progress, asked: Asked) -> Move:
    """The controller answers again: no bit tells whether the horn is silent. A reset goes on."""
    if not acting.is_answered(progress, asked):
        return progress, WAIT
    if asked.order.kind is Kind.RESET:
        view, found = asked.view, breaches(asked.order, asked.rules, asked.view)
        if why := view.cancelled or view.withdrawn or "; ".join(found.values()):
            return ended(replace(progress, trouble=say.NOT_RESET(why=why)))
        return acting.press(progress, asked, Key.RESET, Step.RESETTING)
    return progress, Done(say.HORN_UNKNOWN())


def resetting(progress: Progress, asked: Asked) -> Move:
    """Nothing stands any more."""
    is_clear = asked.view.is_wrong is False or (asked.view.snapshot.alarms is not None and not asked.view.standing())
    return ended(progress) if is_clear and acting.is_answered(progress, asked) else (progress, WAIT)


STEPS: Mapping[Step, Callable[[Progress, Asked], Move]] = {
    Step.CHECK: check, Step.TAKING: taking, Step.SWITCHING: switching, Step.REQUESTED: starting,
    Step.STARTING: starting, Step.COMING_UP: coming_up, Step.CLOSING: closing, Step.LOADING: loading,
    Step.HOLDING: holding, Step.UNLOADING_TOLD: unloading_told, Step.UNLOADING: unloading, Step.BACKING: backing,
    Step.STOPPING: stopping, Step.COOLING: cooling, Step.RESTORING: restoring, Step.GIVING_BACK: giving_back,
    Step.MUTING: muting, Step.RESETTING: resetting,
}  # fmt: skip


def limit(step: Step, rules: Rules) -> timedelta:
    """How long a step may take; a run is held as long as it is wanted, which is never longer than a day."""
    named = {
        Step.REQUESTED: rules.request_wait, Step.COMING_UP: rules.come_up, Step.CLOSING: rules.close,
        Step.HOLDING: rules.longest_run, Step.UNLOADING: rules.unload, Step.BACKING: rules.come_up + rules.close,
        Step.COOLING: rules.cool, Step.LOADING: 2 * rules.verify, Step.UNLOADING_TOLD: 2 * rules.verify,
        Step.RESTORING: 2 * rules.verify,
    }  # fmt: skip
    return named.get(step, rules.stalled)
