"""Months lived in processes of their own, in any order, few of them waiting at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context

from ems_pipeline.backtest.month import Month, Result, live

AHEAD = 2
"""Months per process that are handed over before they are begun: a history of the warehouse has some megabytes."""
ONE_THREAD = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""A process is a core; sums that are split among threads come out otherwise in the last bit."""


def each(months: Iterable[Month], jobs: int) -> Iterator[tuple[Month, list[Result] | Exception]]:
    """Every month with its results, or why it cannot be lived, as they are done; 0 jobs: here, one after the other."""
    if not jobs:
        yield from ((month, _lived(month)) for month in months)
        return
    os.environ.update(ONE_THREAD)  # what is spawned inherits it
    waiting = iter(months)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        handed: dict[Future[list[Result] | Exception], Month] = {}
        while True:
            for month in islice(waiting, AHEAD * jobs - len(handed)):
                handed[pool.submit(_lived, month)] = month
            if not handed:
                return
            for done in wait(handed, return_when=FIRST_COMPLETED).done:
                yield handed.pop(done), done.exception() or done.result()  # type: ignore[misc]


def _lived(month: Month) -> list[Result] | Exception:
    """What cannot be lived costs itself."""
    try:
        return live(month)
    except Exception as fault:
        return fault
