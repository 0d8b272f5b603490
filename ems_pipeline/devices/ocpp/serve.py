"""The process that chargers call, a child of `ems up`: it follows the site files and serves until it is told to end.

python -m ems_pipeline.devices.ocpp.serve
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress

import uvloop

from ems_pipeline import settings
from ems_pipeline.devices.ocpp.admission import expected
from ems_pipeline.devices.ocpp.central import Central, tls
from ems_pipeline.sites.files import Files
from ems_pipeline.time_grid import SystemClock

EVERY_S = 5.0
"""How often the site files are looked at."""
OTHERS = 0o077
logger = logging.getLogger("ocpp")


def main() -> int:
    """Serve until stopped; 1: the certificate cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.umask(OTHERS)
    try:
        context = tls(settings.OCPP_CERTIFICATE.read(), settings.OCPP_KEY.read())
    except OSError as error:  # ssl's own errors are among them
        named = f"{settings.OCPP_CERTIFICATE.name} and {settings.OCPP_KEY.name}"
        logger.error("%s cannot be used: %s", named, error)
        return 1
    uvloop.run(_serve(Central(SystemClock(), context)))
    return 0


async def _serve(central: Central) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    files, seen, told = Files(settings.SITES.read()), None, list[str]()
    while not stop.is_set():
        if (marks := files.marks()) != seen or told:
            faults = await central.follow(expected(files.sites(), lan=settings.OCPP_LAN.read()))
            for fault in faults:
                if fault not in told:
                    logger.error("%s", fault)
            seen, told = marks, faults
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY_S)
    await central.close()


if __name__ == "__main__":
    sys.exit(main())
