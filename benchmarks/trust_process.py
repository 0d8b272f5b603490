"""A virtual plant in a process of its own (`trust_plant.py`), and what its registers were told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from living import ROOT
from noted_up import Written, written

PATIENCE_S = 240.0
Image = dict[str, dict[str, float]]
"""What registers hold, by device and point."""


@dataclass
class PlantProcess:
    """A plant and what it has noted."""

    process: subprocess.Popen[bytes]
    notes: Path
    begun: Image
    environ: dict[str, str]

    def writes(self, since: float = 0.0) -> list[Written]:
        """Everything its registers were told, heartbeats aside."""
        found = written(self.notes) if self.notes.exists() else []
        return [one for one in found if one.at >= since and one.point != "ems_heartbeat"]

    def image(self) -> Image:
        """What its registers hold now."""
        now = {device: dict(points) for device, points in self.begun.items()}
        for one in self.writes():
            now[one.device][one.point] = one.value
        return now

    def needless(self, since: float) -> list[list[Written]]:
        """Requests of no effect: each value is what the register held. Neighbours in a block go with what changes."""
        now = {device: dict(points) for device, points in self.begun.items()}
        found = []
        for (_, device), values in groupby(self.writes(), lambda one: (one.at, one.device)):
            request = list(values)
            if all(now[device].get(one.point) == one.value for one in request):
                found.append(request)
            now[device] |= {one.point: one.value for one in request}
        return [request for request in found if request[0].at >= since]


@contextmanager
def plant_process(site: Path, name: Path, environ: Mapping[str, str], *, past: bool = False) -> Iterator[PlantProcess]:
    """A plant that is served, at the addresses of a site file."""
    notes, ready = name.with_suffix(".notes"), name.with_suffix(".ready")
    command = [sys.executable, str(Path(__file__).with_name("trust_plant.py")), str(site), str(notes), str(ready)]
    with name.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *(["--past"] if past else [])], cwd=ROOT, env={**os.environ, **environ}, stdout=log, stderr=log
        )
    try:
        end = time.monotonic() + PATIENCE_S
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise TimeoutError(f"the plant was not served: {name.with_suffix('.log').read_text()[-2000:]}")
            time.sleep(0.2)
        told = json.loads(ready.read_text(encoding="utf-8"))
        yield PlantProcess(process, notes, told["held"], told["environ"])
    finally:
        process.kill()
        process.wait()
