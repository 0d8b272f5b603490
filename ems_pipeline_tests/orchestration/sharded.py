"""The real code location at an instant that a test names; Celery workers load it."""

import os
from datetime import datetime

from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import open_warehouse

clock = SimulatedClock(datetime.fromisoformat(os.environ["EMS_TEST_NOW"]))
defs = build_defs({"ems": Platform(open_warehouse(), clock, list)})
