"""The code location of `ui.backfills`, on the platform of the test that is running."""

import dagster as dg

from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.steps.platform import Platform

PLATFORMS: list[Platform] = []


def location() -> dg.Definitions:
    """Loaded by the workspace, and again by each run."""
    return build_defs({"ems": PLATFORMS[-1]})
