"""The Dagster side: assets, checks, sensors, schedules, jobs, resources. Only here is dagster imported.

An asset's body names its windows, calls a step or a domain function, writes, and tells its ledger. What computes
belongs to a domain package, what reads and computes to `steps`, what is SQL to the warehouse.

    assets                                     the tables that runs fill
    partitions, first_day, lineage, catalogue  days and sites; what is made from what; what the UI tells
    checks, device_tables                      standing questions about the data
    sensors, schedules, beats, requests        what the clock asks for
    web_requests, answers                      what was asked for over HTTP, from row to run to answer
    servicing                                  services of gensets: hours that go on, alerts that change
    jobs, ops, housekeeping                    clock work, and the nightly cleaning
    ledger, figures, per_site, troubles        what a run did, partition by partition, and its alarms
    platform                                   the resource
    build                                      all of it as one code location
    machinery                                  Dagster's insides: launcher, coordinator, storage, code server
    installation                               the living process: supervisor, watch, demo
"""

import warnings

import dagster as dg

# We pin Dagster's version and use single-run backfills on purpose: a warning per asset and process says nothing new.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
