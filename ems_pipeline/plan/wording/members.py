"""Rows of a fleet as rows of its batteries: shared out slot by slot, by the charge each has come to by then. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from ems_pipeline.sites import Fleet, Site
from ems_pipeline.sites.fleet import FULL_PCT, after_slot, by_charge, shares, stop_pct
from ems_pipeline.sites.modes import BatteryMode

ONE_WAY = frozenset({BatteryMode.CHARGE, BatteryMode.DISCHARGE})
Row = dict[str, Any]


def of_members(rows: pl.DataFrame, site: Site, soc_pct: Mapping[str, float]) -> pl.DataFrame:
    """Device rows of a plan with those of each fleet as those of its members.

    Args:
        site: with its batteries as they are, not as they were planned.
        soc_pct: of each battery when the plan begins.
    """
    fleets = {f.key: f for f in site.fleets}
    if not fleets or rows.is_empty():
        return rows
    stays = rows.filter(~pl.col("asset_key").is_in(list(fleets)))
    made = [
        row
        for key, fleet in fleets.items()
        for row in _members(fleet, site, rows.filter(pl.col("asset_key") == key).sort("starts_at"), soc_pct)
    ]
    return pl.concat([stays, pl.DataFrame(made, schema=rows.schema)]) if made else stays


def _members(fleet: Fleet, site: Site, rows: pl.DataFrame, soc_pct: Mapping[str, float]) -> Iterator[Row]:
    members = fleet.members(site.batteries)
    charge = {b.key: soc_pct[b.key] for b in members}
    for row in rows.iter_rows(named=True):
        limits = json.loads(row["limits"])
        take = by_charge(members, charge, charging=True, to_pct=FULL_PCT)
        give = by_charge(members, charge, charging=False, to_pct=0.0)
        is_charging = row["power_w"] < 0
        most_w = [b.charge_limit_w if is_charging else b.discharge_limit_w for b in members]
        powers_w = shares(abs(row["power_w"]), take if is_charging else give, most_w)
        parts = {
            "charge_limit_w": _shared(limits, "charge_limit_w", take, [b.charge_limit_w for b in members]),
            "discharge_limit_w": _shared(limits, "discharge_limit_w", give, [b.discharge_limit_w for b in members]),
        }
        for i, battery in enumerate(members):
            power_w = -powers_w[i] if is_charging else powers_w[i]
            own = limits | {name: round(part[i], 1) for name, part in parts.items() if part is not None}
            if row["mode"] in ONE_WAY:
                own["target_soc_pct"] = stop_pct(battery, charge[battery.key], power_w)
            charge[battery.key] = after_slot(battery, charge[battery.key], power_w)
            told = {"asset_key": battery.key, "power_w": power_w, "state": charge[battery.key]}
            yield row | told | {"limits": json.dumps(own, sort_keys=True)}


def _shared(limits: Mapping[str, float], name: str, weights: list[float], most_w: list[float]) -> list[float] | None:
    return shares(limits[name], weights, most_w) if name in limits else None
