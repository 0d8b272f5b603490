"""What a crowd at the web process costs control: a run over some sites, alone and while 500 clients ask what they can.

A third read with good tokens, a third log in with a wrong password, a third come with tokens of nobody.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

import control as control_benchmark
from web_load import Ask, get, hammer, post
from web_sockets import figure

from ems_pipeline import control, time_grid
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import Warehouse, arming
from ems_pipeline.warehouse import sites as registry

SITES, ROUNDS, CLIENTS = 20, 7, 500
LONGEST_S = 600.0
NICE = 10
"""Of the clients, who are elsewhere in life: they may not take the processor that they are said to take."""


def control_delay(warehouse: Warehouse, port: int, path: str, tokens: list[str]) -> list[dict[str, Any]]:
    """How much later the last set-point of a run is confirmed while the crowd asks; medians of the rounds."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    devices = spawn.Process(target=control_benchmark.serve, args=(theirs, SITES), daemon=True)
    devices.start()
    sites = [control_benchmark.site_at(i, at, with_gaps=False) for i, at in enumerate(ours.recv())]
    now = SystemClock().now()
    with warehouse.begin() as connection:
        registry.register(connection, sites, now)
        for site in sites:
            arming.arm(connection, site.key, now, "benchmark")
    numbers = itertools.count()
    alone = [_run_s(warehouse, sites, next(numbers)) for _ in range(ROUNDS)]
    begun, over, (counted, told) = spawn.Event(), spawn.Event(), spawn.Pipe(duplex=False)
    crowd = spawn.Process(target=_crowd, args=(port, path, tokens, begun, over, told), daemon=True)
    crowd.start()
    begun.wait()
    beside = [_run_s(warehouse, sites, next(numbers)) for _ in range(ROUNDS)]
    over.set()
    answers: dict[int, int] = counted.recv()
    crowd.join()
    devices.terminate()
    delay_s = statistics.median(beside) - statistics.median(alone)
    return [
        figure("control_delay_s", delay_s, f"s later than {statistics.median(alone):.2f}", 1.0),
        figure("control_delay_answers", float(sum(answers.values())), f"answers meanwhile, by status {answers}"),
    ]


def _run_s(warehouse: Warehouse, sites: list[Any], number: int) -> float:
    clock = SystemClock()
    control_benchmark.store_plans(warehouse, sites, clock.now(), number)
    began = clock.now()
    at = (warehouse, sites, time_grid.floor_slot(began), began, clock)
    return control_benchmark.timed("echoed", control.run_control, *at)


def _crowd(port: int, path: str, tokens: list[str], begun: Event, over: Event, told: Connection) -> None:
    os.nice(NICE)
    wrong = f'{{"name": "anna", "password": "{"x" * 20}"}}'.encode()
    kinds: list[Ask] = [get(path, tokens), post("/api/v1/login", wrong), get(path, ["of.no.body"])]
    told.send(dict(asyncio.run(_asking(port, kinds, begun, over))))


async def _asking(port: int, kinds: list[Ask], begun: Event, over: Event) -> dict[int, int]:
    turns = itertools.cycle(kinds)

    def is_over() -> bool:
        begun.set()  # `hammer` looks once all are connected
        return over.is_set()

    return await hammer(port, lambda: next(turns)(), CLIENTS, LONGEST_S, is_over)
