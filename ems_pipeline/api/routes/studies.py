"""Studies: homes lived through again, what each variant saved, and what an owner asked of one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Items
from ems_pipeline.api.filing import Filed, file
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.reading import rows
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import Answer, SiteKey, instant, said
from ems_pipeline.api.web import ThisWeb

router = APIRouter(tags=["studies"])
READ = Depends(needs("studies:read"))
Size = Annotated[float, Field(ge=0, le=1000)]
Peak = Annotated[float, Field(gt=0, le=1000)]
MOST = 8


class OtherContract(Body):
    """Another price of energy; network, levies and what is paid for export stay those of the site's contract."""

    kind: Literal["fixed", "spot"] = Field(description="A fixed price, or the market's.", examples=["fixed"])
    per_kwh: float = Field(
        ge=-20, le=50, description="The price, or what is taken on top of the market's; before VAT.",
        examples=[3.2], json_schema_extra={"unit": "currency/kWh"},
    )  # fmt: skip
    low_per_kwh: float | None = Field(
        None, ge=-20, le=50, description="A fixed price in the network's low register; before VAT.", examples=[2.4],
        json_schema_extra={"unit": "currency/kWh"},
    )  # fmt: skip
    monthly: float | None = Field(
        None, ge=0, le=1_000_000, description="All fees of a month before VAT; null: as today.", examples=[150.0],
        json_schema_extra={"unit": "currency"},
    )  # fmt: skip


class WhatIfWish(Body):
    """What is asked; where no size and no contract is named, a ladder of sizes is tried."""

    battery_kwh: list[Size] = Field([], max_length=MOST, description="Sizes, kWh; 0: none.", examples=[[10.0, 20.0]])
    pv_kwp: list[Peak] = Field([], max_length=MOST, description="Peak powers of all PV, kWp.", examples=[[8.0]])
    contracts: list[OtherContract] = Field([], max_length=MOST, description="Other prices of energy.")
    battery_price_per_kwh: float | None = Field(
        None, ge=0, le=10_000_000, description="What a kWh of battery costs; null: nobody said.", examples=[9000.0],
        json_schema_extra={"unit": "currency/kWh"},
    )  # fmt: skip
    pv_price_per_kwp: float | None = Field(
        None, ge=0, le=10_000_000, description="What a kWp of PV costs; null: nobody said.", examples=[25000.0],
        json_schema_extra={"unit": "currency/kWp"},
    )  # fmt: skip


class WhatIfVariant(Answer):
    """A variant over a year; the first is the site as it is. Money in the currency of the question."""

    variant: str = said("Name.", "battery-20")
    tariff: str = said("Tariff under it.", "spot D57d")
    battery_kwh: float = said("Battery.", 20.0, "kWh")
    pv_kwp: float = said("PV.", 9.6, "kWp")
    days: int = said("Days that were lived.", 365, "days")
    bill: float = said("Bill of a year less what stayed stored.", 21000.0, "currency")
    saved: float = said("Saved a year against the site as it is.", 1400.0, "currency")
    saved_low: float = said("Lower end of its 95 % interval.", 1200.0, "currency")
    saved_high: float = said("Upper end of its 95 % interval.", 1600.0, "currency")
    invested: float | None = said("What is bought; null: its price was not said.", 45000.0, "currency")
    payback_years: float | None = said(
        "Years until it is back; null: nothing is invested, no price was said, or it may never be.", 32.1, "years"
    )
    payback_low: float | None = said("The same where most is saved.", 28.1, "years")
    payback_high: float | None = said("The same where least is saved.", 37.5, "years")
    cycles: float = said("Full cycles of the battery in a year.", 210.0, "number")
    wear: float = said("What they cost in a year by the site's price of wear; not in the bill.", 2940.0, "currency")


class WhatIf(Answer):
    """A question that was answered."""

    what_if: str = said("Key of the question.", "5d1c0a7b9e3f")
    study: str = said("Study that answers it.", "what-if-0a1b2c3d4e5f")
    site: str = said("Site.", "home01")
    is_own: bool = said("Lived on what was measured at the site; otherwise on files.", True)
    currency: str = said("Of all amounts.", "CZK")
    first_day: date = said("First day that was asked for.", "2025-03-01")
    last_day: date = said("Last day that was asked for.", "2026-02-28")
    lived_days: int = said("Days that were lived; fewer than a year stand for one.", 365, "days")
    left_out: list[str] = said("What of the site is simplified.", ["courses"])
    answered_at: datetime = instant("When.")
    variants: list[WhatIfVariant]


class Saving(Answer):
    """What a variant saved against the first one, of some of the days."""

    variant: str = said("Variant.", "double")
    base: str = said("What it is compared with.", "as-is")
    tariff: str = said("Tariff under it; `all`: all.", "all")
    season: str = said("Season; `all`: all days.", "all")
    homes: int = said("Homes.", 1, "number")
    days: int = said("Days under both.", 365, "days")
    currency: str = said("Of the amounts.", "CZK")
    net_cost: float = said("Bill less what stayed stored.", 19000.0, "currency")
    base_net_cost: float = said("The same of what it is compared with.", 20400.0, "currency")
    saved: float = said("The difference.", 1400.0, "currency")
    saved_low: float = said("Lower end of its 95 % interval.", 1200.0, "currency")
    saved_high: float = said("Upper end of its 95 % interval.", 1600.0, "currency")


class StudyRow(Answer):
    """A study, and what it came to so far."""

    study: str = said("Name.", "battery-size")
    asked_at: datetime = instant("When it was asked for last.")
    lived_days: int = said("Days lived, of all homes and variants.", 730, "days")
    asked_days: int = said("Of so many in the months that are done.", 730, "days")
    savings: list[Saving]


VARIANT = ", ".join(f"'{name}', v.{name}" for name in WhatIfVariant.model_fields)
SAVING = ", ".join(f"'{name}', v.{name}" for name in Saving.model_fields)
ANSWERED = f"""
    SELECT w.what_if_key AS what_if, w.study_key AS study, w.site_key AS site, w.is_own, w.currency, w.first_day,
           w.last_day, w.lived_days, w.left_out, w.answered_at,
           (SELECT json_agg(json_build_object({VARIANT}) ORDER BY v.place)
            FROM study.what_if_variant v WHERE v.what_if_key = w.what_if_key) AS variants
    FROM study.what_if w
    WHERE w.site_key = %(site)s AND (%(key)s::text IS NULL OR w.what_if_key = %(key)s)
      AND (%(at)s::timestamptz IS NULL OR (w.answered_at, w.what_if_key) < (%(at)s::timestamptz, %(last)s::text))
    ORDER BY w.answered_at DESC, w.what_if_key DESC LIMIT %(limit)s + 1"""
STUDIES = f"""
    SELECT d.study_key AS study, d.asked_at, coalesce(p.lived, 0) AS lived_days, coalesce(p.asked, 0) AS asked_days,
           coalesce((SELECT json_agg(json_build_object({SAVING}) ORDER BY v.variant, v.tariff <> 'all', v.tariff,
                                                                          v.season <> 'all', v.season)
                     FROM study.saving v WHERE v.study_key = d.study_key), '[]') AS savings
    FROM study.definition d
    LEFT JOIN LATERAL (SELECT sum(lived_days)::integer AS lived, sum(asked_days)::integer AS asked
                       FROM study.part WHERE study_key = d.study_key) p ON true
    WHERE (%(sites)s::text[] IS NULL OR EXISTS (
              SELECT FROM study.what_if w WHERE w.study_key = d.study_key AND w.site_key = ANY (%(sites)s)))
      AND (%(at)s::timestamptz IS NULL OR (d.asked_at, d.study_key) < (%(at)s::timestamptz, %(last)s::text))
    ORDER BY d.asked_at DESC, d.study_key DESC LIMIT %(limit)s + 1"""


@router.post("/sites/{site}/what-if", status_code=202, summary="Ask what another battery, roof or contract would save",
             dependencies=REHEARSED)  # fmt: skip
async def ask(
    site: SiteKey, wish: WhatIfWish, caller: Annotated[Caller, Depends(needs("studies:write"))], web: ThisWeb
) -> Filed:
    """A study of the site's own measured year is lived, which takes minutes; the same again goes on where it was."""
    parameters = wish.model_dump(exclude_defaults=True)
    return await file(web.database, caller, "what-if", caller.site(site), parameters)


@router.get("/sites/{site}/what-if", response_model=Items[WhatIf], summary="Questions that were answered, newest first")
async def answered(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, limit: Limit = 20, cursor: Cursor = None
) -> dict[str, Any]:
    """Each with its variants; what rests on less than a year says so by its days."""
    last = after(cursor, datetime.fromisoformat, str) or [None, None]
    async with web.database.reading(caller) as connection:
        found = await rows(
            connection, ANSWERED, site=caller.site(site), key=None, at=last[0], last=last[1], limit=limit
        )
    return page(found, limit, "answered_at", "what_if")


@router.get("/studies", response_model=Items[StudyRow], summary="Studies and what they came to, newest first")
async def studies(
    caller: Annotated[Caller, READ], web: ThisWeb, limit: Limit = 20, cursor: Cursor = None
) -> dict[str, Any]:
    """Those about one's sites; who sees all sites sees all studies."""
    last = after(cursor, datetime.fromisoformat, str) or [None, None]
    async with web.database.reading(caller) as connection:
        found = await rows(connection, STUDIES, sites=caller.listed_sites, at=last[0], last=last[1], limit=limit)
    return page(found, limit, "asked_at", "study")
