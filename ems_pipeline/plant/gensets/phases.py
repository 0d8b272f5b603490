"""The states of a set between standstill and load: what each waits for, and where it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ems_pipeline.gensets.states import AlarmGroup, BreakerState, EngineState
from ems_pipeline.plant.gensets.genset import UNLOADED_PART, Around, Genset
from ems_pipeline.plant.gensets.set_alarms import CRANK_FAILURE, OPENING, STOP_FAILURE, SYNC_FAILURE

SYNC_LIMIT_S = 60.0


def step(genset: Genset, around: Around) -> None:
    """Move a set on, with what is around it now."""
    genset.around = around
    genset.for_s += around.dt_s
    genset.panel.at_s = around.now_s
    genset.protect(around.dt_s)
    if genset.breaker.is_made and (genset.state is not EngineState.RUNNING or genset.panel.has(OPENING)):
        genset.failed(genset.breaker.trip())
    PHASES[genset.state](genset)


def _standby(genset: Genset) -> None:
    if genset.is_called and not genset.panel.has((AlarmGroup.BLOCK,)):
        genset.attempts = 0
        genset.to(EngineState.PREHEAT)


def _preheat(genset: Genset) -> None:
    _on_after(genset, genset.times.preheat, EngineState.FUEL_ON)


def _fuel_on(genset: Genset) -> None:
    _on_after(genset, genset.times.fuel_on, EngineState.CRANKING)


def _cranking(genset: Genset) -> None:
    if not genset.is_called:
        genset.to(EngineState.ENERGISED_TO_STOP)
    elif genset.for_s >= genset.times.fires and not _misfires(genset):
        genset.running.starts += 1
        genset.to(EngineState.SAFETY_RUN)
    elif genset.for_s >= genset.times.crank:
        genset.attempts += 1
        genset.to(EngineState.CRANK_REST)
        if genset.attempts >= genset.times.attempts:
            genset.to(EngineState.STANDBY)
            genset.panel.happened(CRANK_FAILURE)


def _misfires(genset: Genset) -> bool:
    """With a number: only so many attempts in a row fail."""
    failing = genset.faults.get("crank-fail", 0.0)
    return failing is None or genset.attempts < failing


def _crank_rest(genset: Genset) -> None:
    _on_after(genset, genset.times.crank_rest, EngineState.CRANKING)


def _safety_run(genset: Genset) -> None:
    _on_after(genset, genset.times.safety, EngineState.START_IDLE)


def _start_idle(genset: Genset) -> None:
    _on_after(genset, genset.times.idle, EngineState.WARMING_UP)


def _warming_up(genset: Genset) -> None:
    genset.trying_s = 0.0
    _on_after(genset, genset.times.warm_up, EngineState.WAIT_LOAD)


def _on_after(genset: Genset, seconds: float, following: EngineState) -> None:
    """Go on when it is time, or stop: an engine that has not been loaded needs no cooling."""
    if not genset.is_called:
        genset.to(EngineState.ENERGISED_TO_STOP)
    elif genset.for_s >= seconds:
        genset.to(following)


def _wait_load(genset: Genset) -> None:
    if not genset.is_called:
        genset.failed(genset.breaker.trip())
        genset.to(EngineState.COOLING)
    elif genset.is_held_open or genset.panel.has(OPENING):
        genset.trying_s = 0.0
        genset.failed(genset.breaker.open(genset.around.dt_s, True))
    else:
        genset.trying_s = genset.trying_s + genset.around.dt_s if genset.around.has_voltage else 0.0
        genset.breaker.never_syncs = "sync-never" in genset.faults
        _close(genset)
        if genset.breaker.state is BreakerState.CLOSED:
            genset.is_ramping = not genset.breaker.is_on_dead
            genset.to(EngineState.RUNNING)
        elif genset.trying_s >= SYNC_LIMIT_S:
            genset.panel.happened(SYNC_FAILURE)


def _running(genset: Genset) -> None:
    genset.trying_s = 0.0
    if genset.stays:
        _close(genset)
    else:
        genset.failed(genset.breaker.open(genset.around.dt_s, genset.load < UNLOADED_PART))
    if not genset.breaker.is_made:
        genset.to(EngineState.WAIT_LOAD if genset.is_called else EngineState.COOLING)


def _close(genset: Genset) -> None:
    here, around = genset.makes_voltage, genset.around
    genset.failed(genset.breaker.close(around.dt_s, around.now_s, here, around.has_voltage, around.may_on_dead))


def _cooling(genset: Genset) -> None:
    if genset.is_called:
        genset.to(EngineState.WAIT_LOAD)
    elif genset.for_s >= genset.times.cooling:
        genset.to(EngineState.STOP_IDLE)


def _stop_idle(genset: Genset) -> None:
    if genset.for_s >= genset.times.stop_idle:
        genset.to(EngineState.ENERGISED_TO_STOP)


def _energised_to_stop(genset: Genset) -> None:
    if genset.for_s >= genset.times.energised_to_stop:
        genset.to(EngineState.WAIT_STOP)


def _wait_stop(genset: Genset) -> None:
    if genset.running.rpm == 0:
        genset.to(EngineState.POST_STOP)
    elif genset.for_s >= genset.times.wait_stop:
        genset.panel.cause(STOP_FAILURE, True)
        genset.to(EngineState.STOP_FAILURE)


def _post_stop(genset: Genset) -> None:
    if genset.for_s >= genset.times.post_stop:
        genset.to(EngineState.STANDBY)


def _stop_failure(genset: Genset) -> None:
    if genset.running.rpm == 0:
        genset.panel.cause(STOP_FAILURE, False)
        genset.to(EngineState.STANDBY)


PHASES: Mapping[EngineState, Callable[[Genset], None]] = {
    EngineState.STANDBY: _standby,
    EngineState.PREHEAT: _preheat,
    EngineState.FUEL_ON: _fuel_on,
    EngineState.CRANKING: _cranking,
    EngineState.CRANK_REST: _crank_rest,
    EngineState.SAFETY_RUN: _safety_run,
    EngineState.START_IDLE: _start_idle,
    EngineState.WARMING_UP: _warming_up,
    EngineState.WAIT_LOAD: _wait_load,
    EngineState.RUNNING: _running,
    EngineState.COOLING: _cooling,
    EngineState.STOP_IDLE: _stop_idle,
    EngineState.ENERGISED_TO_STOP: _energised_to_stop,
    EngineState.WAIT_STOP: _wait_stop,
    EngineState.POST_STOP: _post_stop,
    EngineState.STOP_FAILURE: _stop_failure,
}
