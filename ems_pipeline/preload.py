"""Imported once by the fork server of run workers: what a run needs beside its code location; nothing starts a thread.

Without Dagster's storage stack in this list every worker paid another second.
"""

import alembic.command  # noqa: F401
import dagster._cli.api
import dagster._core.storage.event_log
import dagster._core.storage.runs
import dagster._core.storage.schedules  # noqa: F401
import highspy  # noqa: F401
import polars  # noqa: F401
import pymodbus.client  # noqa: F401

import ems_pipeline.orchestration.storage  # noqa: F401
