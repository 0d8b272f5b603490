"""A module a page; `ROUTERS` are asked in this order.

login          who one is, and in which language
start          where somebody begins, and the list of sites
now            how a site stands: what, why, until when, what next
plan           two days ahead, and older plans
slot           why: known, decided, told, obeyed, worth
override       wishes for a while, with their price, and the hand back
"""

from __future__ import annotations

from fastapi import APIRouter

from ems_pipeline.web import assets
from ems_pipeline.web.pages import login, now, override, plan, slot, start

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    *(page.router for page in (login, start, now, plan, slot, override)),
)
