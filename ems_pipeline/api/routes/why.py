"""Why: of one quarter-hour what was known, decided, told, obeyed, and what it was worth (`fn_why`)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.edge import at_the_edge
from ems_pipeline.api.fields import Instant
from ems_pipeline.api.reading import first
from ems_pipeline.api.rights import unknown_site
from ems_pipeline.api.routes.plans import PlannedSlot
from ems_pipeline.api.values import Answer, SiteKey, instant, money, power_kw, said, share_pct
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import within

router = APIRouter(tags=["plans"])


class Decision(Answer):
    """The head of the plan behind a quarter-hour."""

    plan_id: UUID = said("Number of the plan.", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
    kind: str = said("`daily` or `rolling`.", "rolling")
    decided_at: datetime = instant("Nothing known later was used.")
    recorded_at: datetime = instant("Since when it may be followed.")
    status: str = said("Of the solver.", "optimal")
    is_verified: bool = said("The independent verifier found nothing.", True)
    gap_frac: float | None = said("Proven distance to the best plan there is.", 0.0004, "share", 0)
    config_hash: str = said("Version of the site's document.", "9a3f5c0d1e2b4a67")
    code_version: str = said("Version of this program.", "0.1.0+1a2b3c4d5e6f")
    made_with: dict[str, Any] | None = said("Options and libraries of the solve; null: not recorded.", None)


class KnownPrice(Answer):
    """What a kWh was to cost, as known at the decision."""

    buy_per_kwh: str | None = money("Buying.", "4.1253")
    sell_per_kwh: str | None = money("Selling.", "1.9021")
    spot_per_kwh: str | None = money("Of the market, without tariff.", "1.9521")
    is_provisional: bool = said("The exchange rate was not final.", False)
    known_at: datetime = instant("Since when.")


class KnownPower(Answer):
    """What was expected of a power, as known at the decision."""

    p10_kw: float | None = power_kw("It is below this once in ten.", 0.6)
    p90_kw: float | None = power_kw("It is above this once in ten.", 2.1)
    power_kw: float | None = power_kw("Expected.", 1.2)
    model: str = said("Who said so.", "gbm")
    known_at: datetime = instant("Since when.")


class KnownArray(KnownPower):
    """What was expected of an array."""

    asset: str = said("The array.", "roof")


class Known(Answer):
    """What was known."""

    inputs: dict[str, Any] | None = said("Since when each kind of input was known.", None)
    document: dict[str, Any] | None = said("Which version of the site's document, and since when it was known.", None)
    price: KnownPrice | None = said("Null: none was known.", None)
    load: KnownPower | None = said("Of the house; null: nothing was expected.", None)
    pv: list[KnownArray] | None = said("Of each array.", None)
    heat: list[dict[str, Any]] | None = said("Of each heat pump: outdoor temperature, heat needed, COP.", None)


class Step(Answer):
    """A step in the life of a set-point."""

    at: datetime = instant("When.")
    state: str = said("What it became.", "effective")
    reason: str = said("Why.", "the battery charges with 3.0 kW")
    measured: dict[str, Any] = said("What was measured then.", {"battery_power_w": -3010.0})


class Told(Answer):
    """What a device was told, by which registers, and whether it obeyed. A power of `command` and `writes` is in W."""

    setpoint_id: int = said("Number.", 4711, "number", 1)
    device_key: str = said("Device.", "inverter")
    source: str = said("Who decided: plan, schedule, override, grid, envelope, release.", "plan")
    is_shadow: bool = said("It was not sent: an opt-in is missing.", False)
    state: str = said("What became of it.", "effective")
    state_reason: str = said("Why.", "")
    reason: str = said("Why it was told.", "charges at 1.90: 2.10 cheaper than the evening")
    command: dict[str, Any] = said("What it was told.", {"mode": "charge", "charge_limit_w": 3000})
    writes: list[tuple[str, float]] = said("Its registers with their values, also those that stood already.", [])
    changes: list[str] = said("Registers that had to be written.", ["grid_charge"])
    slot: datetime = instant("The quarter-hour it was decided for.")
    valid_until: datetime = instant("When it ends by itself.")
    intended_at: datetime = instant("When it was journalled.")
    sent_at: datetime | None = instant("When it was sent; null: it was not.")
    echoed_at: datetime | None = instant("When it was read back.")
    effective_at: datetime | None = instant("When its effect was measured.")
    ended_at: datetime | None = instant("When it ended.")
    steps: list[Step] = said("Its life.", [])


class Worth(Answer):
    """What the quarter-hour was worth, measured beside planned. Null: not measured."""

    cost: str | None = money("What it cost.", "1.2893")
    planned_cost: str | None = money("What was planned.", "1.2500")
    no_battery_cost: str | None = money("Without a battery.", "2.1000")
    self_use_cost: str | None = money("By the device's own logic.", "1.4000")
    grid_kw: float | None = power_kw("Grid; > 0 imports.", 1.25)
    pv_kw: float | None = power_kw("PV.", 3.1)
    battery_kw: float | None = power_kw("Batteries; > 0 discharge.", -2.0)
    genset_kw: float | None = power_kw("Generating sets.", 0.0)
    load_kw: float | None = power_kw("House.", 0.6)
    ev_kw: float | None = power_kw("Chargers.", 0.0)
    heat_pump_kw: float | None = power_kw("Heat pumps.", 1.75)
    soc_pct: float | None = share_pct("Charge at the end.", 62.5)
    planned_grid_kw: float | None = power_kw("Grid as planned.", 1.2)
    planned_pv_kw: float | None = power_kw("PV as planned.", 3.0)
    planned_battery_kw: float | None = power_kw("Batteries as planned.", -2.0)
    planned_genset_kw: float | None = power_kw("Generating sets as planned.", 0.0)
    planned_load_kw: float | None = power_kw("House as planned.", 0.6)
    planned_ev_kw: float | None = power_kw("Chargers as planned.", 0.0)
    planned_heat_pump_kw: float | None = power_kw("Heat pumps as planned.", 1.75)
    planned_soc_pct: float | None = share_pct("Charge as planned.", 62.5)
    buy_per_kwh: str | None = money("Buying, as settled.", "4.1253")
    sell_per_kwh: str | None = money("Selling, as settled.", "1.9021")
    is_price_provisional: bool | None = said("A price of it is not final.", False)
    coverage_pct: float = share_pct("Share of it that was measured.", 100.0)
    revision: int = said("Above 1: corrected after it had been settled.", 1, "number", 1)
    known_at: datetime = instant("When it was settled.")


class Why(Answer):
    """All that stands behind a quarter-hour of a site."""

    site: str = said("Site.", "home01")
    currency: str = said("Currency of its money.", "CZK")
    starts_at: datetime = instant("Begin of the quarter-hour.")
    ends_at: datetime = instant("Its end.")
    plan: Decision | None = said("The plan behind it; null: none held.", None)
    known: Known = said("What was known.", None)
    decided: PlannedSlot | None = said("What was decided, and why.", None)
    told: list[Told] | None = said("What devices were told; null: not for whoever asks.", [])
    worth: Worth | None = said("What it was worth; null: not settled.", None)


At = Annotated[Instant | None, Query(description="An instant of the quarter-hour; this one.")]


@router.get("/sites/{site}/why", response_model=Why, summary="What stands behind a quarter-hour")
async def why(
    site: SiteKey, caller: Annotated[Caller, Depends(needs("plans:read"))], web: ThisWeb, at: At = None
) -> dict[str, Any]:
    """What was known, decided, told, obeyed, and what it was worth. ``told`` is for whoever may read control."""
    now, key = web.clock.now(), caller.site(site)
    then = now if at is None else within(at, "at")
    async with web.database.reading(caller) as connection:
        row = await first(connection, "SELECT ems.fn_why(%(site)s, %(at)s, %(now)s) AS why", site=key, at=then, now=now)
    found = None if row is None else row["why"]
    if found is None:
        raise unknown_site(key)
    told = found.pop("told")  # as it went over the wire: W
    return {**at_the_edge(found), "told": told if caller.may("control:read") else None}
