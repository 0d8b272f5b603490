"""What the API says of a site, gathered in one record: `look` often, the rest when it may have changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from ems_pipeline import units
from ems_pipeline.homeassistant.api import Api, ApiRefused, Row
from ems_pipeline.time_grid import floor_slot

SLOW = timedelta(minutes=5)
"""How often prices, money and counters are asked for within a quarter-hour."""
COUNTERS = {
    "grid_import_wh": "Grid import", "grid_export_wh": "Grid export", "pv_energy_wh": "PV energy",
    "battery_charge_wh": "Battery charged", "battery_discharge_wh": "Battery discharged",
}  # fmt: skip
"""Counters of devices that only ever grow, by quantity, and their names."""
COUNTED_WITHIN = timedelta(hours=1)
"""Counters are read every quarter-hour: what is older than some of these is not known."""
SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True)
class Asset:
    """A planned part of a site; ``kind`` as the API says it."""

    key: str
    kind: str
    has_device: bool


@dataclass(frozen=True)
class House:
    """A site as it is known now; None and empty: not known."""

    key: str
    name: str
    currency: str
    timezone: str
    assets: tuple[Asset, ...] = ()
    now: Row | None = None
    alarms: Sequence[Row] = ()
    overrides: Sequence[Row] = ()
    plan: Row | None = None
    prices: Sequence[Row] = ()
    money: Row | None = None
    counters: dict[tuple[str, str], float | None] = field(default_factory=dict)
    """kWh by device and quantity; None: it was known before, and is not now."""
    looked_slowly_at: datetime | None = None

    def has(self, *kinds: str) -> bool:
        return any(asset.kind in kinds for asset in self.assets)

    @property
    def gravest(self) -> Row | None:
        """The alarm that should be looked at first."""
        return min(self.alarms, key=lambda alarm: SEVERITIES.index(alarm["severity"]), default=None)


def houses(api: Api) -> list[House]:
    """The sites in service that the token may see, not yet looked at. ApiRefused, ApiAway."""
    found = [site for site in api.items("sites", limit="1000") if site["is_active"]]
    return [
        House(
            site["site"], site["name"], site["currency"], site["timezone"],
            tuple(map(_asset, api.get(f"sites/{site['site']}")["assets"])),
        )
        for site in found
    ]  # fmt: skip


def _asset(said: Row) -> Asset:
    return Asset(said["asset"], said["kind"], said["device"] is not None)


def looked(house: House, api: Api, at: datetime) -> House:
    """The same site as it stands now. ApiRefused, ApiAway: nothing is known of it."""
    of = f"sites/{house.key}"
    now = api.get(f"{of}/now")
    seen = replace(
        house,
        now=now,
        alarms=api.items(f"{of}/alarms") if now["open_alarms"] else (),
        overrides=api.items(f"{of}/overrides") if now["overrides"] else (),
    )
    if not _is_slow_due(house, now, at):
        return seen
    return replace(
        seen,
        plan=_plan(api, of) if now["plan"] else None,
        prices=_may_be_denied(lambda: api.items(f"{of}/prices")),
        money=next(iter(_may_be_denied(lambda: [api.get(f"{of}/money")["today"]])), None),
        counters={**dict.fromkeys(house.counters), **_counters(api, house.key, at)},
        looked_slowly_at=at,
    )


def _is_slow_due(house: House, now: Row, at: datetime) -> bool:
    """At a new quarter-hour, at a new plan, and every few minutes."""
    if house.looked_slowly_at is None or at - house.looked_slowly_at >= SLOW:
        return True
    decided = now["plan"] and now["plan"]["decided_at"]
    return floor_slot(at) != floor_slot(house.looked_slowly_at) or decided != (house.plan and house.plan["decided_at"])


def _plan(api: Api, of: str) -> Row | None:
    try:
        found: Row = api.get(f"{of}/plan")
    except ApiRefused:  # it ended this moment, or the token may not see plans
        return None
    return found


def _may_be_denied(ask: Callable[[], list[Row]]) -> list[Row]:
    """A token need not have every right: what it may not see is not known."""
    try:
        return ask()
    except ApiRefused:
        return []


def _counters(api: Api, site: str, at: datetime) -> dict[tuple[str, str], float]:
    """The newest good reading of each counter, kWh."""
    since = (at - COUNTED_WITHIN).isoformat()
    found: dict[tuple[str, str], float] = {}
    for quantity in COUNTERS:
        ask = {"site": site, "quantity": quantity, "start": since}
        for said in _may_be_denied(partial(api.items, "measurements", **ask)):
            if said["value"] is not None and said["quality"] == 0:
                found[said["device"], quantity] = units.kilo(float(said["value"]))
    return found
