"""The Dagster side: assets, checks, sensors, schedules, jobs, resources and the run launcher. Only here is dagster imported.

Asset bodies read a window, call one domain function, write the window and return figures with a small plot. Anything that
computes belongs to a domain package; anything that is SQL belongs to the warehouse.
"""
