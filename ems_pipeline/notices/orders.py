"""The words of a wish: what somebody writes to the bot, and how the bot repeats it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain
from ems_pipeline.sites.wish import in_words
from ems_pipeline.warehouse.chats import Wish

SPAN = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,5})(?:min|m))?", re.ASCII)
POWER = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(kw|w)?", re.ASCII | re.IGNORECASE)
LIMIT = re.compile(r"([a-z_]{1,32})=(\d{1,9}(?:\.\d{1,3})?)", re.ASCII)
HELP = """/status - how your sites stand; /status SITE - one of them
/alarms - what is open
/charge SITE [BATTERY] 2h [2000] - charge, with at most so many watts
/hold SITE [BATTERY] 1h30m - hold the charge
/override SITE ASSET MODE 2h [limit=value ...] - any other mode of any asset
/release SITE - hand the devices back to themselves, now
A wish counts once its button is pressed, and ends by itself."""


class NotUnderstood(EmsError, ValueError):
    """No wish can be read from these words."""

    usual = "/help says how it is written"


@dataclass(frozen=True)
class Order:
    """What was written. ``asset`` None: the only battery of the site; ``mode`` None: the whole site is released."""

    site: str
    asset: str | None = None
    mode: str | None = None
    span: timedelta = timedelta()
    limits: Mapping[str, float] = field(default_factory=dict)


def read(command: str, words: list[str]) -> Order:
    """The order of a command and what follows it.

    Raises:
        NotUnderstood: see there.
    """
    if not words:
        raise NotUnderstood(f"/{command} of which site?")
    site, rest = words[0], words[1:]
    if command == "release":
        if rest:
            raise NotUnderstood(f"/release takes a site and nothing else, not {plain(' '.join(rest), 60)!r}")
        return Order(site)
    if command == "override":
        if len(rest) < 3:
            raise NotUnderstood("/override takes a site, an asset, a mode and how long")
        return Order(site, rest[0], rest[1], _span(rest[2]), dict(map(_limit, rest[3:])))
    asset = rest.pop(0) if rest and SPAN.fullmatch(rest[0]) is None else None
    if not rest:
        raise NotUnderstood(f"/{command} for how long?")
    span, rest = _span(rest[0]), rest[1:]
    limits = {"charge_limit_w": _power_w(rest.pop(0))} if command == "charge" and rest else {}
    if rest:
        raise NotUnderstood(f"what is {plain(' '.join(rest), 60)!r}?")
    return Order(site, asset, command, span, limits)


def wish(order: Order, asset: str | None, now: datetime) -> Wish:
    """The wish of an order whose asset is known by now."""
    if order.mode is None:
        return Wish(order.site)
    return Wish(order.site, asset, order.mode, now + order.span, order.limits)


def repeated(asked: Wish, wall: ZoneInfo) -> str:
    """A wish in words, with the site's own time of its end."""
    if asked.mode is None or asked.until_at is None:
        return (
            f"Release {asked.site_key}: its devices are handed back to their own logic. An armed site is steered again."
        )
    what = in_words(asked.mode, dict(asked.limits))
    until = asked.until_at.astimezone(wall)
    return f"{asked.asset_key} of {asked.site_key}: {what}, until {until:%a %d %b %H:%M} there."


def _span(text: str) -> timedelta:
    found = SPAN.fullmatch(text)
    hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0)
    if not hours and not minutes:
        raise NotUnderstood(f"{plain(text, 30)!r} is no time such as 2h, 45m or 1h30m")
    return timedelta(hours=hours, minutes=minutes)


def _power_w(text: str) -> float:
    found = POWER.fullmatch(text)
    if found is None:
        raise NotUnderstood(f"{plain(text, 30)!r} is no power such as 2000 or 2kW")
    return float(found[1]) * (1000.0 if (found[2] or "w").lower() == "kw" else 1.0)


def _limit(text: str) -> tuple[str, float]:
    found = LIMIT.fullmatch(text)
    if found is None:
        raise NotUnderstood(f"{plain(text, 60)!r} is no limit such as charge_limit_w=2000")
    return found[1], float(found[2])
