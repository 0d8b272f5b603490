"""The process that polls controllers, a child of `ems up`: it follows the site files and ends when it is told to.

python -m ems_pipeline.scada.serve
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from ems_pipeline.devices import local_socket
from ems_pipeline.devices.smartgen.channel import socket_path
from ems_pipeline.scada.alarms import Alarms
from ems_pipeline.scada.desk import Desk
from ems_pipeline.scada.live import Live
from ems_pipeline.scada.minutes import Minutes
from ems_pipeline.scada.rounds import Rounds
from ems_pipeline.scada.routes import Routes
from ems_pipeline.scada.sequences import Sequences
from ems_pipeline.scada.shown import Shown
from ems_pipeline.scada.wakes import Wakes
from ems_pipeline.scada.yard import Yard
from ems_pipeline.sites import Site, SiteFileError, load_sites
from ems_pipeline.sites.files import Files
from ems_pipeline.steps.site_folder import read_site, site_folder
from ems_pipeline.time_grid import Clock, SystemClock
from ems_pipeline.warehouse import Warehouse, open_warehouse

FOLLOW_S = 5.0
"""How often the site files are looked at."""
OTHERS = 0o077
logger = logging.getLogger("scada")


def main() -> int:
    """Poll until stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.umask(OTHERS)
    uvloop.run(serve(open_warehouse(), SystemClock()))
    return 0


def followers(warehouse: Warehouse, yard: Yard, alarms: Alarms, sequences: Sequences) -> list[Shown]:
    """Who is shown the rounds, and how many wait for each."""

    def known() -> set[tuple[str, str]]:
        return set(yard.standing)

    def trouble(key: tuple[str, str]) -> str:
        return yard.standing[key].polled.trouble if key in yard.standing else ""

    return [
        Shown("live values", Live(warehouse, known), is_newest_enough=True),
        Shown("routes", Routes(warehouse, known, trouble)),
        Shown("minutes", Minutes(warehouse)),
        Shown("alarms", alarms),
        Shown("sequences", sequences),
    ]


async def serve(warehouse: Warehouse, clock: Clock) -> None:
    """Poll, show and answer until a signal comes."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    yard = Yard(clock)
    alarms, sequences = Alarms(warehouse, {}), Sequences(warehouse, yard.controller, clock=clock)
    shown = followers(warehouse, yard, alarms, sequences)
    rounds = Rounds(yard, shown, clock)
    desk = Desk(yard, clock, lambda: rounds.shown_at, sequences)
    wakes = Wakes(warehouse, sequences, clock)
    following = asyncio.ensure_future(_follow(yard, alarms))
    listening = await local_socket.listen(socket_path(), desk.answer)
    running = [asyncio.ensure_future(one) for one in (rounds.run(), wakes.run(), *(one.run() for one in shown))]
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait([stopped, following, *running], return_when=asyncio.FIRST_COMPLETED)
    for task in (following, *running):
        task.cancel()
    ended = await asyncio.gather(following, *running, return_exceptions=True)
    listening.close()
    await sequences.rest()  # a key that is down comes up again
    await yard.close()
    if fault := next((one for one in ended if isinstance(one, Exception)), None):
        raise fault


async def _follow(yard: Yard, alarms: Alarms) -> None:
    """Poll what the site files say, whenever they or the maps change."""
    files, seen, told = Files(site_folder(), _read), None, list[str]()
    while True:
        if (marks := files.marks()) != seen or told:
            sites = await asyncio.to_thread(files.sites)
            faults = [*files.faults, *await yard.follow(sites)]
            alarms.follow(sites)
            for fault in faults:
                if fault not in told:
                    logger.error("%s", fault)
            if marks != seen:
                logger.info("%d controllers behind %d addresses are polled", len(yard.standing), len(yard.lines()))
            seen, told = marks, faults
        await asyncio.sleep(FOLLOW_S)


def _read(folder: Path) -> Sequence[Site | SiteFileError]:
    return load_sites(folder, read_site)


if __name__ == "__main__":
    sys.exit(main())
