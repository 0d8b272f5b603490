"""The server of chargers as a process of its own, by a clock that its parent moves: run as a program by the night test.

python -m ems_pipeline_tests.control.ocpp_server SITE_FILE CLOCK_FILE
"""

from __future__ import annotations

import asyncio
import struct
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path

from ems_pipeline.devices.ocpp.admission import expected
from ems_pipeline.devices.ocpp.central import Central
from ems_pipeline.sites import load_site


@dataclass
class TheirClock:
    """The seconds that stand in a file."""

    seconds: mmap

    def now(self) -> datetime:
        return datetime.fromtimestamp(struct.unpack_from("d", self.seconds)[0], UTC)


async def serve(site_file: Path, clock: TheirClock) -> None:
    central = Central(clock)
    faults = await central.follow(expected([load_site(site_file, environ={})], lan=False))
    print("listening", *faults, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with Path(sys.argv[2]).open("rb") as file:
        asyncio.run(serve(Path(sys.argv[1]), TheirClock(mmap(file.fileno(), 8, access=ACCESS_READ))))
