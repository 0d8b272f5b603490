"""Goals: what the car's and the heat card want of the plan; the pipeline says what that costs, then it is confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from ems_pipeline import time_grid
from ems_pipeline.api.fields import Reason
from ems_pipeline.api.holding import STALE, USABLE
from ems_pipeline.api.reading import Row, absent, first
from ems_pipeline.api.routes import goals, requests
from ems_pipeline.api.routes.goals import GoalWish
from ems_pipeline.api.routes.requests import RequestId
from ems_pipeline.api.values import KEY, SiteKey
from ems_pipeline.api.windows import out_of_range
from ems_pipeline.sites import Charger
from ems_pipeline.units import from_kilo
from ems_pipeline.web import site as sites
from ems_pipeline.web.forms import EMPTY_IS_NONE, Form, Wanted, understood
from ems_pipeline.web.pages.override import Wish, confirming, document_part, file_wish, next_time
from ems_pipeline.web.reader import Page, Reader, away, reads
from ems_pipeline.web.site import Head

router = APIRouter(route_class=Page)
WRITE = reads("overrides:write")
DIRECT = {"off": "off", "fast": "charge"}
"""What is an override of the charger at once; the rest is for the plan to find its time."""


class CarWish(Form):
    """What the card of a car says; the same fields price it and, where it is an override, file it."""

    asset: str = Field(pattern=KEY, max_length=64)
    mode: Literal["off", "fast", "any", "solar", "min-solar"]
    minutes: int = Field(60, ge=1, le=goals.LONGEST_MIN)
    until: Annotated[time | None, EMPTY_IS_NONE] = None
    """By the clock on the site's wall, the next time it shows this; instead of ``minutes``. So is ``ready``."""
    ready: Annotated[time | None, EMPTY_IS_NONE] = None
    more_kwh: Wanted = Field(None, gt=0, le=1000)
    """At the wall, from now on."""
    from_pct: Wanted = Field(None, ge=0, le=100)
    to_pct: Wanted = Field(None, ge=0, le=100)
    current_a: Wanted = Field(None, ge=0, le=80)
    reason: Reason = ""

    def override(self) -> Wish:
        """The wish for the charger itself."""
        return understood(Wish, {
            "asset": self.asset, "mode": DIRECT[self.mode], "minutes": self.minutes, "until": self.until,
            "current_a": self.current_a if self.mode == "fast" else None, "reason": self.reason,
        })  # fmt: skip

    def goal(self, charger: Charger, had_wh: float, head: Head) -> GoalWish | None:
        """The goal for the plan; None where the card asks nothing of it.

        Args:
            had_wh: what the car has had in this stay.
        """
        ready_at = None if self.ready is None else next_time(self.ready, head.said.now, head.said.zone)
        energy_wh = self._energy_wh(charger, had_wh)
        if self.mode == "off" or (self.mode in ("fast", "any") and energy_wh is None and ready_at is None):
            return None
        until = None if self.until is None else next_time(self.until, head.said.now, head.said.zone)
        ends_at = until or ready_at or head.said.now + timedelta(minutes=self.minutes)
        if ready_at is not None:
            ends_at = max(ends_at, ready_at)
        source = "any" if self.mode == "fast" else self.mode
        return understood(GoalWish, {
            "asset": self.asset, "source": source, "energy_wh": energy_wh, "ready_at": ready_at, "ends_at": ends_at,
            "reason": self.reason,
        })  # fmt: skip

    def _energy_wh(self, charger: Charger, had_wh: float) -> float | None:
        """Of this stay, by kWh or from one charge of the car to another."""
        if self.from_pct is None and self.to_pct is None:
            return None if self.more_kwh is None else had_wh + from_kilo(self.more_kwh)
        if self.from_pct is None or self.to_pct is None or self.to_pct <= self.from_pct:
            raise out_of_range("to_pct", "a target takes the car's charge now and a higher one", "fill in both")
        if self.more_kwh is not None:
            raise out_of_range("more_kwh", "it is given beside a target in per cent", "keep one of the two")
        missing = (self.to_pct - self.from_pct) / 100 * charger.car_capacity_wh / charger.charge_efficiency
        return had_wh + missing


class HeatWish(Form):
    """What the card of a house says: a band, or away."""

    asset: str = Field(pattern=KEY, max_length=64)
    comfort_min_c: Wanted = Field(None, ge=5, le=30)
    comfort_max_c: Wanted = Field(None, ge=6, le=35)
    until_on: datetime
    """Day and clock on the site's wall."""
    reason: Reason = ""

    def goal(self, head: Head) -> GoalWish:
        """As it would be filed."""
        wall = self.until_on.replace(tzinfo=head.said.zone)
        ends_at = time_grid.utc(wall)
        named = {"comfort_min_c": self.comfort_min_c, "comfort_max_c": self.comfort_max_c}
        return understood(GoalWish, {"asset": self.asset, "ends_at": ends_at, "reason": self.reason} | named)


@router.post("/ui/{site}/car/check")
async def check_car(site: SiteKey, wish: CarWish, reader: Annotated[Reader, WRITE]) -> Response:
    """What it would do and cost: an override at once by the plan in force, a goal by the plan solved with it."""
    head, goal = await _wanted(reader, site, wish)
    if wish.mode in DIRECT:
        fields = {name: said for name, said in wish.model_dump(mode="json").items() if said not in (None, "")}
        return await confirming(reader, head, wish.override(), f"/ui/{head.key}/car", fields, goal=goal)
    if goal is None:
        detail = "the plan charges as usual where nothing is named"
        raise out_of_range("mode", detail, "name energy, a target or when it is to be ready")
    return await _asked(reader, head.key, goal)


@router.post("/ui/{site}/car")
async def add_car(site: SiteKey, wish: CarWish, reader: Annotated[Reader, WRITE]) -> Response:
    """File what the charger is told at once, and beside it what the plan is to reach."""
    head, goal = await _wanted(reader, site, wish)
    if wish.mode not in DIRECT:
        raise out_of_range("mode", f"{wish.mode} is for the plan", "ask what it would cost first")
    await file_wish(reader, head, wish.override())
    if goal is not None:
        await goals.filed(reader.web, reader.known, head.key, goal)
    return away(f"/ui/{head.key}/override?done=filed")


@router.post("/ui/{site}/heat/check")
async def check_heat(site: SiteKey, wish: HeatWish, reader: Annotated[Reader, WRITE]) -> Response:
    """Ask what it would cost."""
    head = await sites.head(reader, site)
    return await _asked(reader, head.key, wish.goal(head))


@router.get("/ui/{site}/goal/{request_id}")
async def priced(site: SiteKey, request_id: RequestId, reader: Annotated[Reader, WRITE]) -> Response:
    """Where the reckoning stands, and its sum with a button that files the goal."""
    head = await sites.head(reader, site)
    found = await _price(reader, head.key, request_id)
    is_open = found["state"] in ("queued", "running")
    goal, result = _of(found["parameters"]), found["result"]
    ends_at = None if result is None else datetime.fromisoformat(result["ends_at"])
    shown = {"request": found, "is_open": is_open, "goal": goal, "result": result, "ends_at": ends_at}
    return reader.show("goal", head=head, **shown)


@router.post("/ui/{site}/goal/{request_id}")
async def add(site: SiteKey, request_id: RequestId, reader: Annotated[Reader, WRITE]) -> Response:
    """File the goal whose price was asked for."""
    head = await sites.head(reader, site)
    found = await _price(reader, head.key, request_id)
    await goals.filed(reader.web, reader.known, head.key, _of(found["parameters"]))
    return away(f"/ui/{head.key}/override?done=wanted")


@router.post("/ui/{site}/goals/{goal_id}/end")
async def end(site: SiteKey, goal_id: int, reader: Annotated[Reader, WRITE]) -> Response:
    """Take one back."""
    await goals.cancel(site, goal_id, reader.known, reader.web)
    return away(f"/ui/{site}/override?done=unwanted")


async def _wanted(reader: Reader, site: str, wish: CarWish) -> tuple[Head, GoalWish | None]:
    """The page's head, and what the card wants of the plan."""
    head = await sites.head(reader, site)
    kind, part = await document_part(reader, head.key, wish.asset)
    if kind != "chargers":
        raise absent(f"{wish.asset} is no charger", f"GET /api/v1/sites/{head.key} lists them")
    had_wh = await _had_wh(reader, head.key, part.get("device") or "")
    return head, wish.goal(Charger.model_validate(part), had_wh, head)


async def _had_wh(reader: Reader, site: str, device: str) -> float:
    """What the car has had in its stay, as the planner takes it off: 0 where its charger tells nothing of it."""
    async with reader.web.database.reading(reader.known) as connection:
        found = await first(
            connection,
            f"""SELECT max(v.value) AS had_wh FROM ems.vw_latest_telemetry v
                WHERE v.site_key = %(site)s AND v.device_key = %(device)s AND v.quantity = 'session_energy_wh'
                  AND {USABLE}""",
            site=site, device=device, now=reader.web.clock.now(), stale=STALE,
        )  # fmt: skip
    return float((found or {}).get("had_wh") or 0.0)


async def _asked(reader: Reader, site: str, goal: GoalWish) -> Response:
    filed = await goals.price(site, goal, reader.known, reader.web)
    return away(f"/ui/{site}/goal/{filed.request_id}")


async def _price(reader: Reader, site: str, request_id: RequestId) -> Row:
    """The request for a price of a goal of this site, as whoever may look at it sees it."""
    found = await requests.request(request_id, reader.known, reader.web)
    if found["kind"] != "goal-price" or found["site"] != site:
        raise absent(f"{request_id} is no price of a goal of {site}", "GET /api/v1/requests lists them")
    return found


def _of(parameters: Mapping[str, Any]) -> GoalWish:
    """A goal as its price was asked for."""
    renamed = {"from_at": "starts_at", "until_at": "ends_at"}
    return understood(GoalWish, {renamed.get(name, name): value for name, value in parameters.items()})
