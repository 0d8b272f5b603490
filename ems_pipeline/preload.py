"""Imported once by the fork server of run workers: what a run needs beside its code location; nothing starts a thread.

Without Dagster's storage stack in this list every worker paid another second.
"""

import importlib

import alembic.command  # noqa: F401
import highspy  # noqa: F401
import polars  # noqa: F401
import pymodbus.client  # noqa: F401

import ems_pipeline.orchestration.machinery.storage  # noqa: F401
from ems_pipeline.orchestration.machinery import dagster_private

for module in dagster_private.RUN_STACK:
    importlib.import_module(module)
