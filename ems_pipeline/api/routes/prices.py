"""Prices: what a site pays per quarter-hour, and the import of a market day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from ems_pipeline import time_grid
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Items
from ems_pipeline.api.filing import Filed, file
from ems_pipeline.api.reading import rows, site_of
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import Answer, SiteKey, decimal, instant, money, said
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import End, Start, civil_day, out_of_range, window

router = APIRouter(tags=["prices"])
MARKET_ZONE = "Europe/Brussels"
ONE_DAY, LONGEST, PAST = timedelta(days=1), timedelta(days=32), timedelta(days=3660)


class Price(Answer):
    """What a quarter-hour costs at a site, tariff and taxes included."""

    starts_at: datetime = instant("Begin of the quarter-hour.")
    buy_per_kwh: str = money("Buying one kWh.", "4.1253")
    sell_per_kwh: str = money("Selling one kWh.", "1.9021")
    spot_per_kwh: str | None = money("The market's part of it; null: the contract has none.", "2.2521")
    currency: str = said("Currency.", "CZK")
    is_provisional: bool = said("The exchange rate was not final.", False)
    known_at: datetime = instant("Since when this is known.")


@router.get("/sites/{site}/prices", response_model=Items[Price], summary="What each quarter-hour costs")
async def prices(
    site: SiteKey, caller: Annotated[Caller, Depends(needs("prices:read"))], web: ThisWeb,
    start: Start = None, end: End = None,
) -> dict[str, Any]:  # fmt: skip
    """Prices of ``[start, end)``, the day from now on unless told; what is not known yet is left out."""
    asked = window(start, end, web.clock.now() + ONE_DAY, ONE_DAY, LONGEST)
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        found = await rows(
            connection,
            f"""SELECT starts_at, {decimal("buy_per_kwh")} AS buy_per_kwh, {decimal("sell_per_kwh")} AS sell_per_kwh,
                       {decimal("spot_per_kwh")} AS spot_per_kwh, currency, is_provisional, known_at
                FROM ems.fn_effective_price(%(site)s, %(start)s, %(end)s)""",
            site=key, start=asked.start, end=asked.end,
        )  # fmt: skip
    return {"items": found, "next_cursor": None}


Day = Annotated[str | None, Query(alias="date", max_length=10, description="Market day; today unless told.")]


@router.post(
    "/sites/{site}/prices/import",
    status_code=202,
    summary="Have a market day's prices imported",
    dependencies=REHEARSED,
)
async def import_prices(
    site: SiteKey, caller: Annotated[Caller, Depends(needs("requests:write"))], web: ThisWeb, date: Day = None
) -> Filed:
    """Prices are those of bidding zones, for all sites: the site says only who may ask."""
    today = time_grid.local_day(web.clock.now(), time_grid.zone(MARKET_ZONE))
    day = today if date is None else civil_day(date, "date")
    if not today - PAST <= day <= today + ONE_DAY:
        told = f"{day} is not from {today - PAST} to {today + ONE_DAY}"
        raise out_of_range("date", told, "tomorrow's prices are published after 13:00 of today")
    return await file(web.database, caller, "prices-import", caller.site(site), {"day": day.isoformat()})
