"""A virtual plant in a process of its own: `python trust_plant.py SITE_FILE NOTES READY [--past]`.

NOTES gets a line of JSON for every value a register is told (`noted_up.py`); READY, once the plant is served, what its
registers hold and the variables that send every price and weather source here. With ``--past`` the site begins with the
plant's own past in the database of EMS_HOME, and with what a plan needs.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from noted_up import note_writes

from ems_pipeline.orchestration.installation import history
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.orchestration.machinery.instance import open_instance, prepare
from ems_pipeline.plant import serving
from ems_pipeline.plant.plant import Plant
from ems_pipeline.sites import load_site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.registration import follow_files
from ems_pipeline.steps.site_folder import read_sites
from ems_pipeline.time_grid import SystemClock


def main(site_file: Path, notes: str, ready: Path, *, past: bool) -> None:
    """Serve until killed."""
    note_writes(notes)
    days = history.LOGGED_BEFORE if past else 1
    with serving(load_site(site_file, environ={}), SystemClock(), history_days=days) as plant:
        if past:
            os.environ.update(plant.environ)
            give_past(plant)
        held = {key: {name: float(value) for name, value in twin.held.items()} for key, twin in plant.twins.items()}
        written = ready.with_suffix(".part")
        written.write_text(json.dumps({"held": held, "environ": plant.environ}), encoding="utf-8")
        written.rename(ready)
        threading.Event().wait()


def give_past(plant: Plant) -> None:
    """What the plant's logger measured before now, and prices and forecasts of today."""
    platform = Platform(prepare(), SystemClock(), read_sites)
    follow_files(platform)
    with open_instance() as instance:
        runs = InProcess(platform, instance)
        runs.register([plant.site.key])
        history.begin(runs, plant.site, plant.history(), 0, lambda *_: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), past="--past" in sys.argv)
