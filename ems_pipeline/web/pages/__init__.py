"""A module a page; `ROUTERS` are asked in this order.

login          who one is, and in which language
start          where somebody begins, and the list of sites
setup_place    set-up: name, place, connection, contract
setup_devices  set-up: devices found, read and described
setup_review   set-up: the file that is written, and its first day in shadow
now            how a site stands: what, why, until when, what next
plan           two days ahead, and older plans
slot           why: known, decided, told, obeyed, worth
override       wishes for a while, with their price, and the hand back
goal           what the plan is to reach for a car or a house, with its price
alarms         what a person should know, and that somebody knows it
maintenance    services of gensets: what is due, hour meters; maintenance_task: a checklist, its end, the log
gensets        controllers as they stand, and commands to them; genset: the hours and the journal of one
genset_alarms  alarms of generating sets: what stands, who knows, what comes too often
maintenance_draft  a regulation as it was read, and a person's word for it
devices        how each device behaves, what it said and was told
money          what days and months cost and saved; money_day: the quarter-hours of one
telemetry      what was measured between two days, drawn, in a table and as CSV
notices        how the reader is told of what happens
settings       what a site is and was, whether it is steered, disarming
more           links that the bar of a phone has no room for
fleet          all sites, one row each
what_if        another battery, roof or contract over the site's own year
studies        homes lived through again, and what each variant saved
requests       where what was asked for stands, and how it ended
people         who may log in, and tokens of programs
"""

from __future__ import annotations

from fastapi import APIRouter

from ems_pipeline.web import assets
from ems_pipeline.web.pages import (
    alarms,
    devices,
    fleet,
    genset,
    genset_alarms,
    gensets,
    goal,
    login,
    maintenance,
    maintenance_draft,
    maintenance_task,
    money,
    money_day,
    more,
    notices,
    now,
    override,
    people,
    plan,
    requests,
    settings,
    setup_devices,
    setup_place,
    setup_review,
    slot,
    start,
    studies,
    telemetry,
    what_if,
)

SITE = (
    now,
    plan,
    slot,
    override,
    goal,
    alarms,
    gensets,
    genset,
    genset_alarms,
    devices,
    money,
    money_day,
    telemetry,
    settings,
    more,
    maintenance,
    maintenance_draft,
    maintenance_task,
    what_if,
)
SET_UP = (setup_place, setup_devices, setup_review)
PAGES = (login, start, studies, *SET_UP, *SITE, fleet, requests, people, notices)
ROUTERS: tuple[APIRouter, ...] = (assets.router, *(page.router for page in PAGES))
