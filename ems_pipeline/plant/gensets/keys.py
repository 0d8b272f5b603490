"""The keys of a controller as coils: a press is a rising edge, and what is not honoured is echoed all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ems_pipeline.gensets.states import EngineState
from ems_pipeline.plant.gensets.board import Board
from ems_pipeline.plant.gensets.genset import Genset, Mode
from ems_pipeline.plant.gensets.set_alarms import EMERGENCY_STOP

START, STOP, AUTO, MANUAL, MAINS, CLOSE, OPEN, MUTE, FAST_STOP, RESET = 0, 1, 3, 4, 5, 6, 7, 12, 15, 17
BUSBAR, CONTACT = 6, 0x13
"""Of the switchboard: the busbar switch; its remote output 1, which the site has wired to its start request."""
Controlled = Genset | Board


def _is_taken(of: Controlled) -> bool:
    """Whether somebody at the panel has taken the choice of mode away."""
    return "local-manual" in of.faults or "loto" in of.faults


def _start(of: Controlled) -> None:
    if of.mode is Mode.MANUAL:
        of.is_started = True


def _stop(of: Controlled) -> None:
    """STOP mode; in STOP mode already it is a reset."""
    if of.mode is Mode.STOP:
        of.panel.reset()
    elif not _is_taken(of):
        of.mode, of.is_started = Mode.STOP, False


def _auto(of: Controlled) -> None:
    if not _is_taken(of):
        of.mode, of.is_started = Mode.AUTO, False
        _release(of)


def _manual(of: Controlled) -> None:
    """What runs goes on running."""
    if not _is_taken(of) and of.mode is not Mode.MANUAL:
        runs = of.state is not EngineState.STANDBY if isinstance(of, Genset) else of.is_requesting
        of.is_started = runs and of.mode is Mode.AUTO
        of.mode = Mode.MANUAL


def _release(of: Controlled) -> None:
    """In AUTO the controller alone moves its switches."""
    if isinstance(of, Genset):
        of.is_held_open = False
    else:
        of.is_mains_held_open = of.is_busbar_held_open = False


def _mute(of: Controlled) -> None:
    of.panel.is_muted = True


def _reset(of: Controlled) -> None:
    of.panel.reset()


def _hold(is_open: bool) -> Callable[[Genset], None]:
    def press(of: Genset) -> None:
        if of.mode is Mode.MANUAL:
            of.is_held_open = is_open

    return press


def _fast_stop(of: Genset) -> None:
    of.panel.happened(EMERGENCY_STOP)


def _toggle_mains(of: Board) -> None:
    if of.mode is Mode.MANUAL:
        of.is_mains_held_open = of.mains.is_made


def _toggle_busbar(of: Board) -> None:
    if of.mode is Mode.MANUAL:
        of.is_busbar_held_open = of.busbar.is_made


COMMON: Mapping[int, Callable[[Controlled], None]] = {
    START: _start, STOP: _stop, AUTO: _auto, MANUAL: _manual, MUTE: _mute, RESET: _reset,
}  # fmt: skip
OF_SET: Mapping[int, Callable[[Genset], None]] = {
    CLOSE: _hold(False), OPEN: _hold(True), FAST_STOP: _fast_stop,
}  # fmt: skip
OF_BOARD: Mapping[int, Callable[[Board], None]] = {MAINS: _toggle_mains, BUSBAR: _toggle_busbar}


def press(of: Controlled, coil: int) -> None:
    """A key goes down; one that means nothing does nothing."""
    if coil in COMMON:
        COMMON[coil](of)
    elif isinstance(of, Genset):
        OF_SET.get(coil, _nothing)(of)
    else:
        OF_BOARD.get(coil, _nothing)(of)


def _nothing(of: object) -> None:
    """A key without a meaning."""
