"""How a site stands, as Home Assistant takes it: one document for all entities of a site. What is not known is null.

Null becomes "None" in a template, which Home Assistant shows as unknown; never 0, and never what it was before.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ems_pipeline import units
from ems_pipeline.homeassistant import dials
from ems_pipeline.homeassistant.api import Row
from ems_pipeline.homeassistant.dials import AUTO, Panel
from ems_pipeline.homeassistant.entities import POWERS
from ems_pipeline.homeassistant.house import House
from ems_pipeline.plain_text import plain
from ems_pipeline.time_grid import SLOT, day_bounds, zone

LONGEST = 250
"""Characters of a text: Home Assistant takes no state beyond 255."""
AHEAD = timedelta(days=1)
"""How far prices are told: its recorder keeps no attributes beyond 16 KiB."""


def state(house: House, panel: Panel) -> str:
    """The document of a site that was looked at."""
    now = house.now or {}
    flow, plan = now.get("flow") or {}, now.get("plan") or {}
    gravest = house.gravest
    said: dict[str, Any] = {f"{name}_w": _w(flow.get(f"{name}_kw")) for name in POWERS}
    said |= {
        "soc_pct": flow.get("soc_pct"),
        "mode": plan.get("mode"),
        "reason": _text(plan.get("reason")),
        "until": plan.get("until"),
        "next_mode": next_mode(house, plan.get("until")),
        "buy_per_kwh": _number(now.get("buy_per_kwh")),
        "sell_per_kwh": _number(now.get("sell_per_kwh")),
        "alarms": now.get("open_alarms"),
        "gravest_alarm": "none" if gravest is None else _text(gravest["text"]),
        "problem": None if "open_alarms" not in now else "ON" if now["open_alarms"] else "OFF",
        "authority": now.get("authority"),
        "wishes": {asset.key: _wish(house, panel, asset.key) for asset in dials.steerable(house)},
    }
    return json.dumps(said | _money(house) | {"counters": _counters(house)}, ensure_ascii=False, sort_keys=True)


def prices(house: House, at: datetime) -> str:
    """Prices of the quarter-hours of a day from now on, as attributes."""
    ahead = [p for p in house.prices if at < _instant(p["starts_at"]) + SLOT <= at + AHEAD]
    items = [[p["starts_at"], _number(p["buy_per_kwh"]), _number(p["sell_per_kwh"])] for p in ahead]
    return json.dumps({"ahead": items, "columns": ["starts_at", "buy_per_kwh", "sell_per_kwh"]})


def next_mode(house: House, until: str | None) -> str | None:
    """What is planned when what is planned now ends."""
    slots = (house.plan or {}).get("slots", [])
    return next((slot["mode"] for slot in slots if until is not None and slot["starts_at"] == until), None)


def held(house: House, asset: str) -> Row | None:
    """The wish that holds for an asset now: of two the later filed one."""
    at = _instant(house.now["at"]) if house.now else None
    holding = [
        o for o in house.overrides
        if o["asset"] == asset and o["cancelled_at"] is None and at is not None
        and _instant(o["starts_at"]) <= at < _instant(o["ends_at"])
    ]  # fmt: skip
    return max(holding, key=lambda o: int(o["override_id"]), default=None)


def _wish(house: House, panel: Panel, asset: str) -> Row:
    of, holding = panel.of(house.key, asset), held(house, asset)
    return {"mode": AUTO if holding is None else holding["mode"], "amount": of.amount, "minutes": of.minutes}


def _money(house: House) -> Row:
    today = house.money or {}
    cost, without = today.get("cost"), today.get("no_battery_cost")
    day_at = None
    if "day" in today:
        day_at = day_bounds(date.fromisoformat(today["day"]), zone(house.timezone))[0].isoformat()
    saved = None if cost is None or without is None else float(Decimal(without) - Decimal(cost))
    return {"cost_today": _number(cost), "saved_today": saved, "day_at": day_at}


def _counters(house: House) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = defaultdict(dict)
    for (device, quantity), kwh in house.counters.items():
        found[device][quantity] = None if kwh is None else round(kwh, 3)
    return found


def _w(power_kw: float | None) -> float | None:
    return None if power_kw is None else round(units.from_kilo(power_kw), 1)


def _text(said: str | None) -> str | None:
    return None if said is None else plain(said, LONGEST)


def _number(money: str | None) -> float | None:
    return None if money is None else float(money)


def _instant(said: str) -> datetime:
    return datetime.fromisoformat(said)
