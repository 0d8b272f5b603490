"""The Dagster code location: `workspace.yaml` points here."""

from ems_pipeline.orchestration.build import build_defs

defs = build_defs()
