"""The process that chargers call, a child of `ems up`: it follows the site files and serves until it is told to end.

python -m ems_pipeline.devices.ocpp.serve
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import uvloop

from ems_pipeline import settings
from ems_pipeline.devices.ocpp.admission import expected
from ems_pipeline.devices.ocpp.central import Central, tls
from ems_pipeline.sites import Site, SiteFileError, load_sites
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


class Files:
    """The sites of a folder; a file that cannot be used stays what it was."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Site] = {}

    def marks(self) -> frozenset[tuple[str, int, int]]:
        """What changes when a file does."""
        try:
            entries: Iterable[os.DirEntry[str]] = os.scandir(self._folder)
            found = [(e.name, e.stat().st_mtime_ns, e.stat().st_size) for e in entries if e.name.endswith(".yaml")]
        except OSError:
            return frozenset()
        return frozenset(found)

    def sites(self) -> list[Site]:
        """As the files say now."""
        found = load_sites(self._folder)
        faulty = {error.site_key for error in found if isinstance(error, SiteFileError)}
        kept = self._known if None in faulty else {key: self._known[key] for key in faulty & self._known.keys() if key}
        self._known = kept | {site.key: site for site in found if isinstance(site, Site)}
        return list(self._known.values())


if __name__ == "__main__":
    sys.exit(main())
