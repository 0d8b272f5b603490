"""What each command does first, once nothing is in its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ems_pipeline.gensets.sequence import acting
from ems_pipeline.gensets.sequence.interlocks import NOT_KNOWN, UNKNOWN_STATE, Asked, breaches, locked, start_breaches
from ems_pipeline.gensets.sequence.keys import Key
from ems_pipeline.gensets.sequence.order import Kind
from ems_pipeline.gensets.sequence.progress import Done, Failed, Move, Progress, Step
from ems_pipeline.gensets.sequence.rules import StartBy
from ems_pipeline.gensets.sequence.view import COMING_UP, Mode
from ems_pipeline.gensets.states import BreakerState, EngineState
from ems_pipeline.sentence import gensets as say


def check(progress: Progress, asked: Asked) -> Move:
    """Refuse, or begin; from now on another mode than this one is somebody at the set."""
    if asked.view.cancelled:
        return progress, Failed(say.TAKEN_BACK_FIRST(name=asked.view.cancelled))
    if asked.view.withdrawn and asked.order.kind is not Kind.RELEASE:
        return progress, Failed(say.REFUSED(why=asked.view.withdrawn))
    if found := breaches(asked.order, asked.rules, asked.view):
        return acting.refused(progress, found)
    return BEGIN[asked.order.kind](replace(progress, mode=asked.view.mode), asked)


def start(progress: Progress, asked: Asked) -> Move:
    """Take the set from AUTO to MANUAL, or press start where it is ours already."""
    if found := start_breaches(asked.order, asked.rules, asked.view):
        return acting.refused(progress, found)
    if asked.view.mode is Mode.MANUAL:
        return acting.press(progress, asked, Key.START, Step.STARTING)
    return acting.press(progress, asked, Key.MANUAL, Step.TAKING)


def stop(progress: Progress, asked: Asked) -> Move:
    """Unload what is on load; what is not is stopped at once."""
    breaker = asked.view.breaker
    if breaker is BreakerState.CLOSED:
        return acting.write(progress, asked, 0.0, Step.UNLOADING_TOLD)
    if breaker is BreakerState.OPEN:
        return acting.press_stop(progress, asked)
    return acting.refused(progress, {"between": say.BREAKER_BETWEEN(breaker=breaker or NOT_KNOWN)})


def run(progress: Progress, asked: Asked) -> Move:
    """Load a set that runs; start one that rests, or wait for its master to."""
    engine = asked.view.engine
    if engine is EngineState.RUNNING:
        return progress.at(Step.CLOSING, asked.view.now_at), None
    if engine in COMING_UP:
        return progress.at(Step.COMING_UP, asked.view.now_at), None
    if engine is not EngineState.STANDBY:
        return acting.refused(progress, {"not_resting": say.RESTS_NOT(engine=engine or UNKNOWN_STATE)})
    if asked.rules.start_by is StartBy.MANUAL:
        return start(progress, asked)
    if why := locked(asked):
        return acting.refused(progress, {"locked": why})
    return progress.at(Step.REQUESTED, asked.view.now_at), None


def power(progress: Progress, asked: Asked) -> Move:
    """Write the target that was asked for."""
    return acting.write(progress, asked, asked.rules.pct(asked.order.power_w or 0.0), Step.LOADING)


def switch(progress: Progress, asked: Asked) -> Move:
    """Choose a mode, unless it stands already."""
    key = Key(asked.order.kind)
    if asked.view.mode is acting.MODES[key]:
        return progress, Done(say.STANDS_ALREADY(mode=key))
    return acting.press(progress, asked, key, Step.SWITCHING)


def mute(progress: Progress, asked: Asked) -> Move:
    """Silence the horn; of a reset it is the first key, too."""
    return acting.press(progress, asked, Key.MUTE, Step.MUTING)


BEGIN: Mapping[Kind, Callable[[Progress, Asked], Move]] = {
    Kind.START: start,
    Kind.STOP: stop,
    Kind.AUTO: switch,
    Kind.MANUAL: switch,
    Kind.POWER: power,
    Kind.MUTE: mute,
    Kind.RESET: mute,
    Kind.RUN: run,
    Kind.RELEASE: acting.restore,
}
