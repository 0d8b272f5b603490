"""Work that a signal ends at once: done in a thread beside the main one, which does nothing but wait."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import FrameType
from typing import NoReturn, TypeVar

T = TypeVar("T")


class Interrupted(BaseException):
    """Somebody wants the work to end; ``signal`` is by what."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.signal = number


def aside(work: Callable[[], T]) -> T:
    """What the work comes to; its errors are raised here.

    In the main thread Dagster catches SIGINT and SIGTERM, lets the run under way fail, and whoever asked for it goes on
    with the next one.

    Raises:
        Interrupted: SIGINT or SIGTERM; the work goes on meanwhile and ends with the process (see `leave`).
    """
    outcome: Future[T] = Future()

    def do() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    for number in (signal.SIGINT, signal.SIGTERM):  # what a shell starts in the background ignores SIGINT
        signal.signal(number, _interrupt)
    threading.Thread(target=do, name="work", daemon=True).start()
    return outcome.result()


def silence() -> None:
    """What the abandoned work says from now on is of no use to anybody."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def leave(number: int) -> NoReturn:
    """End the process as the signal would, without waiting for threads that wait for one another."""
    os._exit(128 + number)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    for again in (signal.SIGINT, signal.SIGTERM):  # once is enough: the end is under way
        signal.signal(again, signal.SIG_IGN)
    raise Interrupted(number)
