"""Batteries: how they stand, and wishes for them. A wish is an override: bounded, expiring, below every limit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline.api.battery_rows import batteries as battery_rows
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Items, Reason
from ems_pipeline.api.filing import Filed, file
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.parts_of_sites import PartId, split, unknown
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import KEY, LARGEST_W, Answer, instant, power_kw, said, share_pct
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.api.wishes import file_override

router = APIRouter(tags=["batteries"])
READ, WRITE = Depends(needs("batteries:read")), Depends(needs("batteries:write"))
LONGEST = 1440


class BatteryLimits(Answer):
    """What its site file allows."""

    charge_kw: float = power_kw("Charging at most.", 8.0)
    discharge_kw: float = power_kw("Discharging at most.", 8.0)
    min_soc_pct: float = share_pct("Never emptied below.", 10)
    max_soc_pct: float = share_pct("Never filled above.", 100)


class Battery(Answer):
    """A battery now. A value that is missing or older than five minutes is null."""

    id: str = said("`site.asset`.", "home01.pack")
    site: str = said("Site.", "home01")
    asset: str = said("Asset.", "pack")
    device: str | None = said("The device that obeys for it; null: none.", "inverter")
    soc_pct: float | None = share_pct("Charge.", 62.5)
    power_kw: float | None = power_kw("Power of its device; > 0 discharges.", -2.0)
    temperature_c: float | None = said("Cells.", 24.5, "°C", -40, 100)
    as_of: datetime | None = instant("When it was measured last.")
    capacity_kwh: float = said("Capacity of its file.", 15.0, "kWh", 0, 1e6)
    limits: BatteryLimits = said("What its file allows.", None)
    wanted: str | None = said("Mode that an override wants now; null: none.", "hold")
    told: str | None = said("Mode that its device was told last; null: nothing stands.", "charge")
    authority: str | None = said(
        "Whose word that was: `envelope`, `grid`, `override`, `schedule`, `plan`, `release`.", "plan"
    )
    steered: Literal["shadow", "disarmed", "armed"] = said("Whether wishes reach the device.", "armed")
    status: str = said("Its device: `ok`, `degraded`, `open`, `half-open`, `unknown`.", "ok")


class PowerWish(Body):
    """Charge or discharge for a while."""

    power_kw: float = Field(
        gt=0, le=LARGEST_W / 1000, description="Power.", examples=[3.0], json_schema_extra={"unit": "kW"}
    )
    duration_minutes: int = Field(
        60, ge=1, le=LONGEST, description="How long.", examples=[60], json_schema_extra={"unit": "min"}
    )
    until_soc_pct: float | None = Field(
        None,
        ge=0,
        le=100,
        description="And no further than this charge.",
        examples=[80.0],
        json_schema_extra={"unit": "%"},
    )
    reason: Reason = ""


class Commanded(Answer):
    """A wish was filed. Nothing is said of its effect: that shows in the battery's power."""

    command_id: int | None = said("Number of the override; null: a dry run filed nothing.", 17, "number", 1)
    battery: str = said("Battery.", "home01.pack")
    mode: Literal["charge", "discharge"] = said("What was asked.", "charge")
    power_kw: float = power_kw("Power as filed, after clipping.", 3.0)
    clipped_by: list[str] = said("What lowered it.", ["charge_limit"])
    starts_at: datetime = instant("From when.")
    expires_at: datetime = instant("Until when.")
    steered: Literal["shadow", "disarmed", "armed"] = said(
        "Unless `armed`, the wish is journalled and told to nobody.", "armed"
    )


@router.get("/batteries", response_model=Items[Battery], summary="Batteries and how they stand")
async def batteries(
    caller: Annotated[Caller, READ], web: ThisWeb, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Batteries of all sites of whoever asks."""
    last = after(cursor, str) or [""]
    sites = caller.listed_sites
    async with web.database.reading(caller) as connection:
        found = await battery_rows(connection, sites, web.clock.now(), limit + 1, last[0])
    return page(found, limit, "id")


@router.get("/batteries/{battery}", response_model=Battery, summary="One battery")
async def battery(battery: PartId, caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """How it stands now."""
    return await _found(web, caller, battery)


@router.post("/batteries/{battery}/charge", status_code=202, summary="Charge for a while", dependencies=REHEARSED)
async def charge(battery: PartId, wish: PowerWish, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Commanded:
    """An override with mode `charge`, from the grid if need be."""
    return await _command(web, caller, battery, "charge", wish)


@router.post("/batteries/{battery}/discharge", status_code=202, summary="Discharge for a while", dependencies=REHEARSED)
async def discharge(battery: PartId, wish: PowerWish, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Commanded:
    """An override with mode `discharge`, into the grid if need be and allowed."""
    return await _command(web, caller, battery, "discharge", wish)


class OptimizeWish(Body):
    """What a plan is asked for."""

    objective: Literal["cost"] = Field("cost", description="What is made small.", examples=["cost"])


@router.post(
    "/batteries/{battery}/optimize", status_code=202, summary="Have its site planned anew", dependencies=REHEARSED
)
async def optimize(
    battery: PartId, caller: Annotated[Caller, WRITE], web: ThisWeb, wish: OptimizeWish | None = None
) -> Filed:
    """A rolling plan of its site: batteries are planned with everything beside them."""
    del wish  # there is one objective so far; another is refused by the model
    found = await _found(web, caller, battery)
    return await file(web.database, caller, "plan-rolling", found["site"])


class DiscoverWish(Body):
    """Where to look."""

    site: str = Field(pattern=KEY, max_length=64, description="Site.", examples=["home01"])


@router.post(
    "/batteries/discover", status_code=202, summary="Look who answers behind a site's gateways", dependencies=REHEARSED
)
async def discover(
    wish: DiscoverWish, caller: Annotated[Caller, Depends(needs("devices:write"))], web: ThisWeb
) -> Filed:
    """Every unit id from 1 to 32 behind each Modbus gateway is asked, in turn with everybody else who reads there."""
    return await file(web.database, caller, "devices-discover", caller.site(wish.site))


async def _found(web: Web, caller: Caller, battery: str) -> dict[str, Any]:
    site, asset = split(battery, caller)
    async with web.database.reading(caller) as connection:
        found = await battery_rows(connection, [site], web.clock.now(), 1, asset=asset)
    if not found:
        raise unknown("battery", battery)
    return found[0]


async def _command(
    web: Web, caller: Caller, battery: str, mode: Literal["charge", "discharge"], wish: PowerWish
) -> Commanded:
    found = await _found(web, caller, battery)
    most_kw = found["limits"][f"{mode}_kw"]
    power, start = min(wish.power_kw, most_kw), web.clock.now()
    end = start + timedelta(minutes=wish.duration_minutes)
    limits = {f"{mode}_limit_w": power * 1000}
    if wish.until_soc_pct is not None:
        limits["target_soc_pct"] = wish.until_soc_pct
    filed = await file_override(
        web.database, caller, found["site"], found["asset"], mode, limits, start, end, wish.reason
    )
    return Commanded(
        command_id=filed.override_id, battery=battery, mode=mode, power_kw=power,
        clipped_by=[f"{mode}_limit"] if wish.power_kw > most_kw else [], starts_at=start, expires_at=end,
        steered=found["steered"],
    )  # fmt: skip
