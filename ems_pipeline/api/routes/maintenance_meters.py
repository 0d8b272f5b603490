"""Hour meters of gensets: what is counted, what is doubted, and what a person says of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline import time_grid
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Instant, Items, Reason
from ems_pipeline.api.reading import rows
from ems_pipeline.api.service_rows import VISIBLE
from ems_pipeline.api.values import KEY, Answer, OneSite, instant, said
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.api.windows import within

router = APIRouter(prefix="/maintenance/meters", tags=["maintenance"])
READ, WRITE = Depends(needs("maintenance:read")), Depends(needs("maintenance:write"))


class Meter(Answer):
    """Hours of running of a set."""

    site: str = said("Site.", "yard")
    asset: str = said("Genset.", "gen-1")
    hours: float | None = said("The sum that counts; null: nothing was read yet.", 16908.0, "h", 0)
    register_h: float | None = said("What the register said when it was believed last.", 1372.0, "h", 0)
    read_at: datetime | None = instant("When.")
    doubted_h: float | None = said("A reading that no running explains; null: none. It adds nothing.", 3.0, "h", 0)
    doubt: str | None = said("Why it is doubted.", "16908 h to 3 h within 24.0 h: it went back")
    typed_h: float | None = said("Newest reading that a person typed.", 16909.0, "h", 0)
    typed_at: datetime | None = instant("When it was read.")
    planned_day_h: float | None = said("Planned turning in the next 24 h; null: it has no plan.", 3.5, "h", 0)
    planned_h: float | None = said("The same to the end of the plan, with lead and cool-down.", 6.25, "h", 0)
    planned_until: datetime | None = instant("Where the plan ends.")


class MeterEntry(Body):
    """What a person says of a meter."""

    site: str = Field(pattern=KEY, max_length=64, description="Site.", examples=["yard"])
    asset: str = Field(pattern=KEY, max_length=64, description="Genset.", examples=["gen-1"])
    kind: Literal["read", "replaced", "accepted", "corrected"] = Field(
        description="`read` now, `replaced` by another, `accepted` as it reads, or the sum `corrected`.",
        examples=["read"],
    )
    hours: float = Field(
        ge=0,
        lt=1e6,
        description="What it shows; of `accepted` what was run since; of `corrected` the sum.",
        examples=[16909],
        json_schema_extra={"unit": "h"},
    )
    old_h: float | None = Field(
        None, ge=0, lt=1e6, description="Where the old register ended, of a meter that was replaced.", examples=[16908],
        json_schema_extra={"unit": "h"},
    )  # fmt: skip
    at: Instant | None = Field(None, description="When; now.", examples=["2026-03-01T12:00:00Z"])
    reason: Reason = ""


METERS = f"""
    WITH planned AS MATERIALIZED (
        SELECT p.* FROM ems.fn_genset_planned_hours(%(slot)s, %(now)s, %(site)s) p WHERE {VISIBLE.format("p", "p")})
    SELECT s.site_key AS site, s.asset_key AS asset, m.hours, m.register_h, m.read_at, m.doubted_h, m.doubt,
           r.run_hours AS typed_h, r.taken_at AS typed_at, p.day_hours AS planned_day_h, p.hours AS planned_h,
           p.until_at AS planned_until
    FROM (SELECT site_key, asset_key FROM ems.genset_meter UNION SELECT site_key, asset_key FROM ems.genset_reading
          UNION SELECT site_key, asset_key FROM ems.maintenance_plan WHERE until_at IS NULL
          UNION SELECT site_key, asset_key FROM planned) s
    LEFT JOIN ems.genset_meter m USING (site_key, asset_key) LEFT JOIN ems.genset_reading r USING (site_key, asset_key)
    LEFT JOIN planned p USING (site_key, asset_key)
    WHERE {VISIBLE.format("s", "s")} AND (%(asset)s::text IS NULL OR s.asset_key = %(asset)s)
    ORDER BY s.site_key, s.asset_key"""


@router.get("", response_model=Items[Meter], summary="Hours of running of every set")
async def meters(caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None) -> dict[str, Any]:
    """The sum is ours: meters wrap, are replaced and are read wrongly."""
    return await _listed(web, caller, None if site is None else caller.site(site))


@router.post("", status_code=201, response_model=Items[Meter], summary="Say what an hour meter shows, or was")
async def enter(said: MeterEntry, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """Always noted with whoever said so. A reading is judged by the next check, within half a minute."""
    site = caller.site(said.site)
    at = None if said.at is None else within(said.at, "at")
    async with web.database.writing(caller) as connection:
        await connection.execute(
            "SELECT ems.fn_genset_meter_enter(%s, %s, %s, %s, %s, coalesce(%s, now()), %s)",
            [site, said.asset, said.kind, said.hours, said.old_h, at, said.reason],
        )
    return await _listed(web, caller, site, said.asset)


async def _listed(web: Web, caller: Caller, site: str | None, asset: str | None = None) -> dict[str, Any]:
    now = web.clock.now()
    async with web.database.reading(caller) as connection:
        wanted = {"sites": caller.listed_sites, "site": site, "asset": asset}
        found = await rows(connection, METERS, **wanted, now=now, slot=time_grid.floor_slot(now))
    return {"items": found, "next_cursor": None}
