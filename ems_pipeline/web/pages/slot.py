"""Why: of one quarter-hour what was known, decided, told, obeyed, and what it was worth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from ems_pipeline import time_grid
from ems_pipeline.api.fields import Instant
from ems_pipeline.api.reading import Row
from ems_pipeline.api.routes import why
from ems_pipeline.api.values import SiteKey
from ems_pipeline.api.windows import within
from ems_pipeline.web import site as sites
from ems_pipeline.web.reader import Page, Reader, reads

router = APIRouter(route_class=Page)
At = Annotated[Instant | None, Query(description="An instant of the quarter-hour; this one.")]
BAND = ("power_kw", "p10_kw", "p90_kw")


@router.get("/ui/{site}/slot")
async def page(site: SiteKey, reader: Annotated[Reader, reads("plans:read")], at: At = None) -> Response:
    """The card of a quarter-hour."""
    head = await sites.head(reader, site)
    start = time_grid.floor_slot(reader.web.clock.now() if at is None else within(at, "at"))
    found = why.Why.model_validate(await why.why(head.key, reader.known, reader.web, at=start)).model_dump()
    known = found["known"]
    return reader.show(
        "slot", head=head, start=start, end=start + time_grid.SLOT, before=start - time_grid.SLOT,
        plan=found["plan"], slot=found["decided"], told=found["told"] or [], worth=found["worth"],
        known=_since(known["inputs"] or {}), expected=_expected(known) if reader.may("forecasts:read") else {},
    )  # fmt: skip


def _since(inputs: Mapping[str, Any]) -> dict[str, datetime | None]:
    """Since when each input of the plan was known."""
    since = (inputs.get("known_at") or {}) | {"measured": inputs.get("state_reported_at")}
    return {name: datetime.fromisoformat(at) if at else None for name, at in since.items()}


def _expected(known: Row) -> dict[str, Row]:
    """What was forecast for the quarter-hour, as known at the decision; arrays together, what one lacks unknown."""
    arrays = known["pv"] or []
    told = {name: [one[name] for one in arrays] for name in BAND}
    pv = {name: None if None in powers else sum(powers) for name, powers in told.items()}
    return ({"load": known["load"]} if known["load"] else {}) | ({"pv": pv} if arrays else {})
