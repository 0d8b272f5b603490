"""The Dagster side: assets, checks, sensors, schedules, jobs, resources, run launcher. Only here is dagster imported.

Asset bodies read a window, call one domain function, write the window and return figures with a small plot. What
computes belongs to a domain package; what is SQL belongs to the warehouse.
"""

import warnings

import dagster as dg

# We pin Dagster's version and use single-run backfills on purpose: a warning per asset and process says nothing new.
for said in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=said)
