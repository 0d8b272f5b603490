"""`ems` with a virtual plant that notes every value a device is told: `python noted_up.py FILE up --port ...`.

A line of JSON per value in FILE, a `Written`. With it what the journal says was written is compared with what arrived.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ems_pipeline.cli.app import app
from ems_pipeline.plant.twin import Twin


@dataclass
class Written:
    """A value that a register was told; ``at`` is seconds since 1970."""

    at: float
    device: str
    point: str
    value: float


def written(notes: Path) -> list[Written]:
    """Everything that was noted, heartbeats included."""
    return [Written(**json.loads(line)) for line in notes.read_text(encoding="utf-8").splitlines()]


def note_writes(file: str) -> None:
    """From now on, in this process."""
    taken = Twin.put
    notes = open(file, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 - as long as the process lives

    def put(twin: Twin, values: Mapping[str, float]) -> None:
        at = time.time()
        for point, value in values.items():
            notes.write(json.dumps(asdict(Written(at, twin.device, point, value))) + "\n")
        taken(twin, values)

    Twin.put = put  # type: ignore[method-assign]


if __name__ == "__main__":
    note_writes(sys.argv.pop(1))
    app()
