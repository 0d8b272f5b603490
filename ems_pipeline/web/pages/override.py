"""Override: a card for each asset, what a wish would cost before it is confirmed, and the hand back."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from pydantic import Field

from ems_pipeline import time_grid
from ems_pipeline.api.battery_rows import batteries
from ems_pipeline.api.fields import Reason
from ems_pipeline.api.reading import Row, absent, site_of
from ems_pipeline.api.routes import control, goals, overrides, plans
from ems_pipeline.api.routes.goals import GoalWish
from ems_pipeline.api.values import KEY, LARGEST_W, SiteKey
from ems_pipeline.api.windows import out_of_range
from ems_pipeline.sites import Battery, Charger, Genset, HeatPump
from ems_pipeline.sites.modes import MODES_OF, POWER_OF
from ems_pipeline.units import from_kilo
from ems_pipeline.web import preview, preview_genset
from ems_pipeline.web import site as sites
from ems_pipeline.web.forms import EMPTY_IS_NONE, Form
from ems_pipeline.web.reader import Page, Reader, away, reads
from ems_pipeline.web.site import Head

router = APIRouter(route_class=Page)
Done = Literal["", "filed", "ended", "wanted", "unwanted", "handed-back"]
LONGEST_MIN = 7 * 24 * 60


class Wish(Form):
    """What a card says; the same fields ask for its price and file it."""

    asset: str = Field(pattern=KEY, max_length=64)
    mode: str = Field(pattern=r"^[a-z-]{1,32}$")
    minutes: int = Field(60, ge=1, le=LONGEST_MIN)
    until: Annotated[time | None, EMPTY_IS_NONE] = None
    """By the clock on the site's wall, the next time it shows this; instead of ``minutes``."""
    power_kw: Annotated[float | None, EMPTY_IS_NONE] = Field(None, ge=0, le=LARGEST_W / 1000)
    target_soc_pct: Annotated[float | None, EMPTY_IS_NONE] = Field(None, ge=0, le=100)
    current_a: Annotated[float | None, EMPTY_IS_NONE] = Field(None, ge=0, le=80)
    reason: Reason = ""

    def wanted(self, kind: str, now: datetime, zone: ZoneInfo) -> preview.Wanted:
        """As it would be filed; a limit that the mode does not have is refused, not passed over."""
        limits: dict[str, float] = {}
        if self.power_kw is not None:
            if (name := POWER_OF.get((kind, self.mode))) is None:
                raise out_of_range("power_kw", f"{self.mode} takes no power", "leave the power empty")
            limits[name] = from_kilo(self.power_kw)
        if self.target_soc_pct is not None:
            if kind != "batteries" or self.mode not in ("charge", "discharge"):
                raise out_of_range("target_soc_pct", f"{self.mode} has no target", "leave the target empty")
            limits["target_soc_pct"] = self.target_soc_pct
        if self.current_a is not None:
            if (kind, self.mode) != ("chargers", "charge"):
                raise out_of_range("current_a", f"{self.mode} takes no current", "leave the current empty")
            limits["current_a"] = self.current_a
        end = now + timedelta(minutes=self.minutes) if self.until is None else next_time(self.until, now, zone)
        return preview.Wanted(self.asset, self.mode, limits, now, end)


def next_time(clock: time, now: datetime, zone: ZoneInfo) -> datetime:
    """The next instant at which the site's clock shows this."""
    today = time_grid.local_day(now, zone)
    for day in (today, today + time_grid.ONE_DAY):
        at = datetime.combine(day, clock, zone)
        if time_grid.utc(at) > now:
            return time_grid.utc(at)
    raise AssertionError("tomorrow has every time of the clock, or the one it is put forward to")


@router.get("/ui/{site}/override")
async def page(
    site: SiteKey, reader: Annotated[Reader, reads("overrides:read")], done: Annotated[Done, Query()] = ""
) -> Response:
    """What holds, and what can be wished."""
    head = await sites.head(reader, site)
    held = await overrides.overrides(head.key, reader.known, reader.web)
    wanted = await goals.goals(head.key, reader.known, reader.web)
    past = await overrides.overrides(head.key, reader.known, reader.web, past=True, limit=10)
    document = await _document(reader, head.key)
    assets = [(kind, part) for kind in MODES_OF for part in document.get(kind) or [] if part.get("device")]
    held_ids = {one["override_id"] for one in held["items"]}
    over = [one for one in past["items"] if one["override_id"] not in held_ids]
    ended = await goals.goals(head.key, reader.known, reader.web, past=True, limit=10)
    wanted_ids = {one["goal_id"] for one in wanted["items"]}
    unwanted = [one for one in ended["items"] if one["goal_id"] not in wanted_ids]
    return reader.show(
        "override", head=head, done=done, held_now=held["items"], goals=wanted["items"], over=over, unwanted=unwanted,
        assets=assets, modes=MODES_OF, tomorrow=head.said.local(head.said.now) + time_grid.ONE_DAY,
    )  # fmt: skip


@router.post("/ui/{site}/override/check")
async def check(site: SiteKey, wish: Wish, reader: Annotated[Reader, reads("overrides:write")]) -> Response:
    """What it would do and cost, with a button that files it."""
    head = await sites.head(reader, site)
    fields = {name: value for name, value in wish.model_dump(mode="json").items() if value not in (None, "")}
    return await confirming(reader, head, wish, f"/ui/{head.key}/override", fields)


async def confirming(
    reader: Reader, head: Head, wish: Wish, action: str, fields: Row, goal: GoalWish | None = None
) -> Response:
    """The page that says what a wish would cost; its button sends ``fields`` to ``action``."""
    kind, part = await document_part(reader, head.key, wish.asset)
    wanted = wish.wanted(kind, head.said.now, head.said.zone)
    effect = await _effect(reader, head, kind, part, wanted)
    return reader.show(
        "override_check", head=head, wanted=wanted, kind=kind, effect=effect, action=action, fields=fields, goal=goal
    )


@router.post("/ui/{site}/override")
async def add(site: SiteKey, wish: Wish, reader: Annotated[Reader, reads("overrides:write")]) -> Response:
    """File it."""
    head = await sites.head(reader, site)
    await file_wish(reader, head, wish)
    return away(f"/ui/{head.key}/override?done=filed")


async def file_wish(reader: Reader, head: Head, wish: Wish) -> None:
    """As an override like any other."""
    kind, _ = await document_part(reader, head.key, wish.asset)
    wanted = wish.wanted(kind, head.said.now, head.said.zone)
    filed = overrides.OverrideWish(
        asset=wanted.asset, mode=wanted.mode, limits=wanted.limits, starts_at=None, ends_at=wanted.until_at,
        duration_minutes=None, reason=wish.reason,
    )  # fmt: skip
    await overrides.filed(reader.web, reader.known, head.key, filed)


@router.post("/ui/{site}/override/{override_id}/end")
async def end(site: SiteKey, override_id: int, reader: Annotated[Reader, reads("overrides:write")]) -> Response:
    """Take one back."""
    await overrides.cancel(site, override_id, reader.known, reader.web)
    return away(f"/ui/{site}/override?done=ended")


@router.post("/ui/{site}/hand-back")
async def hand_back(site: SiteKey, reader: Annotated[Reader, reads("control:write")]) -> Response:
    """End every override and every goal, and let the devices go."""
    key = reader.known.site(site)
    if reader.may("overrides:write"):
        held = await overrides.overrides(key, reader.known, reader.web)
        for one in held["items"]:
            await overrides.cancel(key, one["override_id"], reader.known, reader.web)
        wanted = await goals.goals(key, reader.known, reader.web)
        for one in wanted["items"]:
            await goals.cancel(key, one["goal_id"], reader.known, reader.web)
    await control.release(key, reader.known, reader.web)
    return away(f"/ui/{key}/override?done=handed-back")


async def _document(reader: Reader, site: str) -> Row:
    async with reader.web.database.reading(reader.known) as connection:
        return (await site_of(connection, site))["config"] or {}


async def document_part(reader: Reader, site: str, asset: str) -> tuple[str, Row]:
    """An asset's kind and what the site's document says of it."""
    document = await _document(reader, site)
    for kind in MODES_OF:
        for part in document.get(kind) or []:
            if part["key"] == asset:
                return kind, part
    raise absent(f"site {site} has no asset {asset}", f"GET /api/v1/sites/{site} lists them")


async def _effect(reader: Reader, head: Head, kind: str, part: Row, wanted: preview.Wanted) -> preview.Effect | None:
    """Against the plan that holds; None where it cannot be said."""
    plan = await sites.perhaps(plans.plan(head.key, reader.known, reader.web))
    planned = None if plan is None else preview.parts(plan["slots"], wanted)
    if plan is None or not planned:
        return None
    if kind == "batteries":
        async with reader.web.database.reading(reader.known) as connection:
            (now,) = await batteries(connection, [head.key], reader.web.clock.now(), 1, asset=wanted.asset)
        if now["soc_pct"] is None:
            return None  # a charge of an hour ago is not the one that the wish begins with
        return preview.of_battery(Battery.model_validate(part), planned, wanted, now["soc_pct"])
    if kind == "chargers":
        later: list[Any] = [slot for slot in plan["slots"] if slot["starts_at"] >= wanted.until_at]
        return preview.of_charger(Charger.model_validate(part), planned, wanted, later)
    if kind == "heat_pumps":
        return preview.of_heat_pump(HeatPump.model_validate(part), planned, wanted)
    if kind == "gensets":
        day = time_grid.local_day(wanted.from_at, head.said.zone)
        return preview_genset.of_genset(Genset.model_validate(part), plan["slots"], planned, wanted, day)
    return None
